"""Standard output and error, on which only what this program styles acts on a terminal.

What is printed may have come from anybody: an answer, a ticket, the name of an outside tool. An
escape sequence in it could hide lines, change the title, or write to the clipboard (CWE-150).
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Any, TextIO

from deskward.core.characters import printable


class Printed(TextIOWrapper):
    """A text stream that writes characters which would act as JSON writes them."""

    def write(self, text: str) -> int:
        """Write a text; returns how many characters it had."""
        super().write(printable(text))
        return len(text)

    @property
    def rich_proxied_file(self) -> _Styled:
        """Where rich writes: what it was given was escaped before it styled it (`PipeConsole`)."""
        return _Styled(self)


class _Styled:
    """The same stream, for text that has escape sequences of ours."""

    def __init__(self, stream: Printed) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return TextIOWrapper.write(self._stream, text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def print_any_text() -> None:
    """Have output escape what acts, and replace what the terminal's encoding lacks."""
    sys.stdout = _printed(sys.stdout)
    sys.stderr = _printed(sys.stderr)


def _printed(stream: TextIO) -> TextIO:
    if type(stream) is not TextIOWrapper:  # closed before the program started, or replaced
        return stream
    encoding, lines = stream.encoding, stream.line_buffering
    return Printed(stream.detach(), encoding, "replace", line_buffering=lines)
