"""What of an answer must not be sent, because nothing supports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Unsupported:
    """A sentence that nothing supports, and why."""

    sentence: str
    why: str


class Unsupportable(Exception):
    """A part of an answer claims what nothing supports: it must not be sent."""

    def __init__(self, claims: Sequence[Unsupported]) -> None:
        super().__init__("; ".join(f"{claim.sentence!r}: {claim.why}" for claim in claims))
        self.claims = tuple(claims)

    def note(self, sent: str) -> str:
        """What the model is told, so that it mends its answer."""
        problems = "\n".join(f"- {claim.sentence} ({claim.why})" for claim in self.claims)
        so_far = f"The customer has been sent: {sent!r}. Go on from there.\n" if sent else ""
        return (
            "\nYour last answer was not sent, because no result of a tool in this turn supports "
            f"it:\n{problems}\n{so_far}Say only what results of tools show, each sentence with the "
            "mark of its result, call a tool, or hand over.\n"
        )
