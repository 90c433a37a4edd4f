"""Whether somebody writes of harming themselves: words of eight languages, as data."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from deskward.text.lists import any_of, word_lists

_DOT = "\u0307"
"""What casefold leaves of the dot of a Turkish capital i."""


def tells_of_self_harm(text: str) -> bool:
    """Whether a text speaks of suicide or of harming oneself, by its words.

    Words cannot tell earnest from a manner of speaking; both are answered.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\u2019", "'").casefold()
    plain = plain.replace(_DOT, "")
    return bool(_words().search(" ".join(plain.split())))


@cache
def _words() -> re.Pattern[str]:
    return any_of([part for parts in word_lists("distress").values() for part in parts])
