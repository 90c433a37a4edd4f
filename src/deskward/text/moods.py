"""The mood in which somebody writes, by words of eight languages, as data; or that it is not known.

Words cannot tell earnest from a manner of speaking. So this is for people who read on, and nothing
is decided by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal, get_args

from deskward.text.distress import tells_of_self_harm
from deskward.text.folding import folded
from deskward.text.language import language_of
from deskward.text.lists import any_of, read_list

Mood = Literal["in distress", "angry", "worried", "friendly", "unknown"]
MOODS: tuple[Mood, ...] = get_args(Mood)

LOOKED_AT = 4_000
"""Characters of a text that are looked at."""
_TURNED = "not"
_UNSPACED = ("ja",)
"""Languages that write no spaces between words, and turn a word over behind it."""
_NEAR = 8
"""How many characters behind a word of such a language may turn it over."""
_WORD_BEFORE = re.compile(r"[\w'’-]+")


def mood_of(texts: Sequence[str]) -> Mood:
    """The mood of whoever wrote these texts; of several moods the latest text's, if it has one.

    Args:
        texts: What they wrote, the latest last.
    """
    if any(tells_of_self_harm(text[:LOOKED_AT]) for text in texts):
        return "in distress"
    for text in reversed(texts):
        shown = set(_shown(" ".join(folded(text[:LOOKED_AT]).split())))
        grave = shown - {"friendly"}  # "thanks" and "please" stand in angry letters, too
        if len(grave) == 1:
            return grave.pop()
        if grave:
            return "unknown"
        if shown:
            return "friendly"
    return "unknown"


def _shown(text: str) -> Iterator[Mood]:
    known = language_of([text], otherwise="")
    for language, mood, words, turned in _lists():
        if known and language != known:
            continue  # a word of one language is another one of the next
        for found in words.finditer(text):
            if language in _UNSPACED:
                near = text[found.end() : found.end() + _NEAR]
                if not turned.search(near):
                    yield mood
                continue
            before = " ".join(_WORD_BEFORE.findall(text[: found.start()])[-2:])
            if not turned.search(before):
                yield mood


@cache
def _lists() -> list[tuple[str, Mood, re.Pattern[str], re.Pattern[str]]]:
    """Language, mood, the words that show it, and those that turn them over."""
    found = []
    for language, lists in read_list("moods").items():
        make = _anywhere if language in _UNSPACED else any_of
        turned = make([folded(part) for part in lists[_TURNED]])
        for mood in MOODS:
            if mood in lists:
                words = make([folded(part) for part in lists[mood]])
                found.append((language, mood, words, turned))
    return found


def _anywhere(parts: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(parts))
