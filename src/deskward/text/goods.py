"""Which of several things words name, by what things are called in any language (`goods.yaml`).

"Celle avec le chargeur" names a "USB-C charger 65 W". A word that no list has counts, too, where it
stands in the thing's own text: only its ending may differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from deskward.text.folding import folded
from deskward.text.lists import word_lists
from deskward.text.spacing import ALONE

WORD = 4
"""Letters of a word by which a thing is known that no list has, at least,"""
ENDING = 2
"""and how many more an ending may have."""
_WORD = re.compile(rf"[{ALONE}]+|[^\W_{ALONE}]+")
_ARTICLE = ("\u0627\u0644",)
"""What Arabic writes together with a word."""


def called(words: str, told: Mapping[str, str]) -> dict[str, str]:
    """The things that words name, each with the word; none where all are named alike.

    Args:
        words: What somebody said.
        told: Thing → what it is told to be.
    """
    if not told:
        return {}
    said = _words(words)
    wanted = {name: word for word in said for name in _things(word)}
    by_thing = {
        one: wanted[name]
        for one, text in told.items()
        for word in _words(text)
        for name in _things(word)
        if name in wanted
    }
    by_word = {
        one: word
        for one, text in told.items()
        for other in _words(text)
        for word in said
        if _is_same(word, other)
    }
    for found in (by_thing, by_word):
        if found and (len(found) < len(told) or len(told) == 1):
            return found
    return {}


def _is_same(one: str, other: str) -> bool:
    """Whether two words are the same but for an ending: "cancel" is not "cancelling"."""
    short, long = sorted((one, other), key=len)
    return len(short) >= WORD and long.startswith(short) and len(long) - len(short) <= ENDING


def _words(text: str) -> list[str]:
    return _WORD.findall(folded(text))


@cache
def _lists() -> tuple[dict[str, set[str]], dict[str, set[str]], list[tuple[str, str]]]:
    """Whole words; beginnings of words; and words of scripts that do not part them."""
    whole: dict[str, set[str]] = {}
    begun: dict[str, set[str]] = {}
    inside: list[tuple[str, str]] = []
    makes = {name: [name, *words] for name, words in word_lists("makes").items()}
    for name, words in [*word_lists("goods").items(), *makes.items()]:
        for word in map(folded, words):
            if re.fullmatch(rf"[{ALONE}ー]+", word):
                inside.append((word, name))
            elif word.endswith("*"):
                begun.setdefault(word[:-1], set()).add(name)
            else:
                whole.setdefault(word, set()).add(name)
    return whole, begun, inside


@cache
def _lengths() -> tuple[int, ...]:
    """How long beginnings of words are."""
    return tuple(sorted({len(start) for start in _lists()[1]}))


def _things(word: str) -> set[str]:
    whole, begun, inside = _lists()
    bare = next((word[len(a) :] for a in _ARTICLE if word.startswith(a)), word)
    found: set[str] = set()
    for one in {word, bare}:
        found.update(whole.get(one, ()), *(begun.get(one[:size], ()) for size in _lengths()))
    if not word.isascii():
        found.update(name for part, name in inside if part in word)
    return found
