"""Whether a message asks for nothing: no letter and no digit, or words of a closed set."""

from __future__ import annotations

import unicodedata
from functools import cache

from deskward.text.assent import answer_of
from deskward.text.folding import folded
from deskward.text.lists import word_lists

LONGEST = 40
"""Characters of such a message; a longer one says more."""


def asks_nothing(text: str) -> bool:
    """Whether nobody can do anything about a message: "?", an emoji, "ok", "hm", "привет"."""
    if is_wordless(text):
        return True
    if len(text) > LONGEST:
        return False
    return answer_of(text) is not None or _letters(text) in _fillers()


def is_wordless(text: str) -> bool:
    """Whether a message has neither a letter nor a digit: "?", "...", an emoji in any shade."""
    return not any(map(str.isalnum, unicodedata.normalize("NFKC", text)))


@cache
def _fillers() -> frozenset[str]:
    lists = word_lists("fillers")
    return frozenset(_letters(one) for said in lists.values() for one in said)


def _letters(text: str) -> str:
    """What is compared: without signs, and so without the marks beside letters in Hindi."""
    kept = "".join(c if c.isalnum() or c.isspace() else " " for c in text)
    return " ".join(folded(kept).split())
