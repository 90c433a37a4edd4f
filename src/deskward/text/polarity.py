"""Whether a text says a phrase, or denies it: "there is no outage" does not say that there is one.

It is found cautiously. A denial counts only of what stands close to it, in the same clause: "We
cannot work because of an outage" and "No answer yet, and an outage" say that there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import islice
from typing import Any

from deskward.text.against import sets_condition
from deskward.text.folding import folded
from deskward.text.language import language_of
from deskward.text.lists import read_list

BETWEEN = 3
"""So many words may stand between a denial and what it denies."""
LETTERS = 8
"""So many letters before it are looked at where words are not parted."""
ENDING = 2
"""So many letters a word may have more than the phrase: "outages"."""
LIGHT = 7
"""So many words before something are looked at for one that rules it out."""
REACH = 120
"""So many letters around it are looked at, at the most."""
MANY = 100
"""What is denied so often in one text is taken for said, so that no text takes long."""
_QUESTION = re.compile(r"[^.!;…。！；\n]{0,60}[?？؟]")
_CLAUSE = re.compile(r"[.,:;!?…。，、：；！？؟،\n–—()]+")
_SENTENCE = re.compile(r"[.!?;…。！？；؟\n]")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_PARTED = "\u0590"
"""From here on are scripts that part no words, or whose words grow in front."""


def said_plainly(text: str, phrases: Iterable[str], *, grave: bool = False) -> list[str]:
    """Those phrases that a text says somewhere without denying them there.

    A phrase is found as whole words, in any case; a word may have an ending of two letters, and one
    of any length where the phrase ends with `*`. In scripts that part no words it may stand in one.

    Args:
        grave: Whether each is said unless it is denied beyond doubt (`is_ruled_out`).
    """
    said = folded(text)
    return [one for one in phrases if _is_said(one, said, grave=grave)]


def _is_said(phrase: str, said: str, *, grave: bool) -> bool:
    found = list(islice(_pattern(phrase).finditer(said), MANY))
    if len(found) == MANY:
        return True
    if grave:
        return not all(is_ruled_out(said, one.start(), one.end()) for one in found)
    return not all(_is_denied(said, one) for one in found)


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    plain = folded(phrase.removesuffix("*"))
    words = r"\s+".join(map(re.escape, plain.split()))
    if any(letter >= _PARTED for letter in plain):
        return re.compile(words)
    ending = r"\w*" if phrase.endswith("*") else rf"\w{{0,{ENDING}}}(?!\w)"
    return re.compile(rf"(?<!\w){words}{ending}")


def is_ruled_out(text: str, start: int, end: int) -> bool:
    """Whether what stands in a text is denied beyond doubt: "I do not need a lawyer".

    Stricter than elsewhere, for what is worse to miss than to look at in vain: between the denial
    and what it denies stand words of no weight alone, and the sentence sets no condition ("I will
    not sue if you pay"), asks nothing, and says no "yet".
    """
    said = folded(text[max(0, start - REACH) : start])
    found, behind = folded(text[start:end]), folded(text[end : end + REACH])
    after = _SENTENCE.split(behind)[0]
    sentence = f"{_SENTENCE.split(said)[-1]}{found}{after}"
    asks = behind[len(after) : len(after) + 1] in tuple("?？؟")
    if asks or sets_condition(sentence) or _has_yet(sentence):
        return False
    before = _CLAUSE.split(said)[-1]
    if found[-1:] >= _PARTED and _denies_near(before):
        return True
    if _behind().match(behind) is not None:
        return True
    return any(_rules_out(_WORD.findall(before), language) for language in _lists()["light"])


def _rules_out(near: list[str], language: str) -> bool:
    """Whether the words before something end with a denial of it and nothing that weighs."""
    light = _words("light", language)
    heavy = next((word for word in reversed(near[-LIGHT:]) if word not in light), "")
    return heavy in _words("before", language)


def _has_yet(sentence: str) -> bool:
    yet = {folded(word) for words in _lists()["yet"].values() for word in words}
    return not yet.isdisjoint(_WORD.findall(sentence))


def _is_denied(said: str, found: re.Match[str]) -> bool:
    before = _CLAUSE.split(said[max(0, found.start() - REACH) : found.start()])[-1]
    if _QUESTION.match(said, found.end()) is not None:  # "Is it not an outage?" may mean that it is
        return False
    if found[0][-1:] >= _PARTED and _denies_near(before):
        return True
    if _behind().match(said, found.end()) is not None:
        return True
    language = language_of([f"{before}{said[found.start() : found.end() + REACH]}"], otherwise="")
    lists = _lists()["before"]
    near = _WORD.findall(before)[-BETWEEN - 1 :]
    return any(_denies(near, one) for one in ([language] if language in lists else lists))


def _denies(near: list[str], language: str) -> bool:
    """Whether words of a language, right before something, deny it."""
    negators, ends = _words("before", language), _words("until", language)
    last = next((word for word in reversed(near) if word in negators or word in ends), "")
    return last in negators and last not in ends


def _denies_near(before: str) -> bool:
    """Whether a denial stands close before something in a script that parts no words."""
    near = before[-LETTERS:]
    last = max((near.rfind(one) for one in _unparted("before")), default=-1)
    return last >= 0 and not any(one in near[last:] for one in _unparted("until"))


@cache
def _lists() -> Any:
    return read_list("polarity")


@cache
def _words(name: str, language: str) -> frozenset[str]:
    return frozenset(folded(word) for word in _lists()[name].get(language, ()))


@cache
def _unparted(name: str) -> frozenset[str]:
    words = (word for some in _lists()[name].values() for word in some)
    return frozenset(word for word in map(folded, words) if word[0] >= _PARTED)


@cache
def _behind() -> re.Pattern[str]:
    return re.compile("|".join(one for some in _lists()["behind"].values() for one in some))
