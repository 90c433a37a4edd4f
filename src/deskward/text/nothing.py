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
    """Whether nobody can do anything about a message: "?", an emoji, "ok", "hm", "спасибо"."""
    if not any(map(str.isalnum, unicodedata.normalize("NFKC", text))):
        return True
    if len(text) > LONGEST:
        return False
    said = "".join(c if c.isalnum() or c.isspace() else " " for c in text)
    return answer_of(text) is not None or " ".join(folded(said).split()) in _fillers()


@cache
def _fillers() -> frozenset[str]:
    lists = word_lists("fillers")
    return frozenset(" ".join(folded(one).split()) for said in lists.values() for one in said)
