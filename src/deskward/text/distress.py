"""Whether somebody writes of harming themselves: words of eight languages, as data."""

from __future__ import annotations

import re
from functools import cache

from deskward.text.folding import folded
from deskward.text.lists import any_of, word_lists


def tells_of_self_harm(text: str) -> bool:
    """Whether a text speaks of suicide or of harming oneself, by its words.

    Words cannot tell earnest from a manner of speaking; both are answered.
    """
    return bool(_words().search(" ".join(folded(text).split())))


@cache
def _words() -> re.Pattern[str]:
    parts = [part for parts in word_lists("distress").values() for part in parts]
    return any_of([part.replace("ı", "i") for part in parts])
