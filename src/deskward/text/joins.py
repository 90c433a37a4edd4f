"""Where what is said may be parted: at marks, and at words for "and" (`lists/joins.yaml`)."""

from __future__ import annotations

import re
from functools import cache
from itertools import chain

from deskward.text.lists import read_list


@cache
def ands() -> str:
    """The words for "and", as a part of a regular expression that finds one of them."""
    return _any("ands")


@cache
def between() -> re.Pattern[str]:
    """Between what may be two questions or answers: a mark, or a word that joins them."""
    return re.compile(
        rf"(?<=[,;:.!?…،؛؟。！？、])\s{{0,3}}|\s{{1,3}}(?:{_any('words')})\s{{1,3}}"
        rf"|\s{{1,3}}(?=(?:{_any('prefixes')})\w)|(?:{_any('anywhere')})",
        re.IGNORECASE,
    )


@cache
def apart() -> re.Pattern[str]:
    """Between what may be two wishes: the end of a sentence, or a word that joins them.

    A comma parts none of them: addresses have some.
    """
    return re.compile(
        rf"(?<=[.!?؟])\s{{1,3}}|(?<=[…。！？;؛\n])\s{{0,3}}|,?\s{{1,3}}(?:{_any('words')})\s{{1,3}}"
        rf"|\s{{1,3}}(?=(?:{_any('prefixes')})\w)|(?:{_any('anywhere')})",
        re.IGNORECASE,
    )


@cache
def leading_and() -> re.Pattern[str]:
    """A word for "and" at the beginning."""
    return re.compile(rf"^(?:{ands()})\s{{1,3}}", re.IGNORECASE)


def _any(name: str) -> str:
    lists = read_list("joins")[name]
    words = sorted(chain.from_iterable(lists.values()), key=len, reverse=True)
    return "|".join(map(re.escape, words))
