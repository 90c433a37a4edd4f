"""What a server did that its transport cannot say."""

from __future__ import annotations


class Fault:
    """Why a session ended, or an answer never came.

    Attributes:
        words: For whoever called.
        said: What the server itself said last, for whoever operates the desk alone.
    """

    def __init__(self) -> None:
        self.words = ""
        self.said = ""

    def note(self, words: str, said: str = "") -> None:
        """Keep what was seen; what came first is the cause."""
        if not self.words:
            self.words, self.said = words, said

    def forget(self) -> None:
        """What is seen next is another fault."""
        self.words = self.said = ""

    def whole(self) -> str:
        """All of it, for whoever operates the desk."""
        return f"it {self.words}: {self.said}" if self.said else self.words and f"it {self.words}"
