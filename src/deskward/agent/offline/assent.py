"""What a sentence says to a question of ours."""

from __future__ import annotations

import re

_CHANGES_MIND = re.compile(
    r"^\W*(?:no\b|never\s?mind|cancel|stop|forget it|don'?t|leave it|nothing|abort|not now)",
    re.IGNORECASE,
)
_IS_NO_WISH = re.compile(
    r"^\W*(?:please\s+)?(?:don'?t|do not|is|are|was|were|has|have|had|do|does|did|why|who|what|when"
    r"|where|which)\b|\bnever\b"
    r"|\b(?:don'?t|do not|not)\s+(?:\w+\s+){0,3}(?:cancel|block|deactivate|freeze|disable|stop)\b",
    re.IGNORECASE,
)


def refuses(text: str) -> bool:
    """Whether a sentence says no, or leave it."""
    return bool(_CHANGES_MIND.match(text))


def only_asks(text: str) -> bool:
    """Whether a sentence may ask about a deed, or forbid it, rather than want it done."""
    return bool(_IS_NO_WISH.search(text.replace("\u2019", "'")))
