"""Whether a passage says what a sentence says that a model worded.

In one language it is a matter of words: each that says something has to stand in the passage, and
each that says when or on what condition in the sentence that is nearest. From one language to
another it is the meaning that has to be near to one of the passage's sentences. In both cases that
sentence, or what stands above it, has every number, written in digits or in words, and neither
denies what the other says. It does not see a sentence that is put together wrongly from the right
words, nor, across languages, other conditions.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from deskward.knowledge.answering import Source, content_of, denies, sentences_of
from deskward.knowledge.formats.languages import UNKNOWN
from deskward.text.analysis import base_of
from deskward.text.folding import folded
from deskward.text.lists import read_list

if TYPE_CHECKING:
    from deskward.text.vectors import Vectors

FEWEST = 2
"""Words from which on a number is told by words: "one" is an article in many languages."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"[.,](?=\d{3}(?!\d))")
_WORD = re.compile(r"[^\W\d_]+")
_DIGITS = "〇一二三四五六七八九"
_PLACES = {"十": 10, "百": 100, "千": 1000}
_HAN = re.compile(
    f"(?<![{_DIGITS}十百千])[{_DIGITS}十百千]++(?=[日月年週周時时分秒円元回個个枚%％パ])"
)


@dataclass(frozen=True, slots=True)
class Near:
    """How near sentences that were worded are to the sentences of the passages.

    Attributes:
        cosines: One row for each that was worded, one column for each of the passages' sentences.
        least: The cosine from which on two of them say the same.
    """

    cosines: Vectors
    least: float


def supporting(
    said: Sequence[str],
    named: Sequence[Sequence[int]],
    language: str,
    found: Sequence[Source],
    near: Near | None,
) -> list[int | None]:
    """For each sentence the passage that says it too, by its place; None where none does.

    Args:
        said: The sentences that were worded.
        named: For each the places of the passages that it names, which are looked at first.
        language: The language that they are in.
        found: The passages.
        near: Where passages are in other languages: how near the meanings are.
    """
    ends = list(itertools.accumulate((len(sentences_of(one.text)) for one in found), initial=0))
    supported: list[int | None] = []
    for at, (text, places) in enumerate(zip(said, named, strict=True)):
        order = dict.fromkeys([*(one for one in places if one < len(found)), *range(len(found))])
        says = (
            place
            for place in order
            if _says(
                text,
                language,
                found[place],
                near and near.cosines[at][ends[place] : ends[place + 1]],
                near.least if near else 1.0,
            )
        )
        supported.append(next(says, None))
    return supported


def needs_meaning(language: str, found: Sequence[Source]) -> bool:
    """Whether words do not tell, because some passage is in another language."""
    return any(not _is_same(language, one.language) for one in found)


def _says(text: str, language: str, source: Source, cosines: Any, least: float) -> bool:
    above = " ".join([source.title, *source.headings])
    parts = sentences_of(source.text) or (source.text,)
    if _is_same(language, source.language):
        words = content_of(text, source.language)
        if not words or not words <= content_of(f"{above} {source.text}", source.language):
            return False
        shared = [len(words & content_of(part, source.language)) for part in parts]
    elif cosines is not None and max(cosines, default=0.0) >= least:
        shared = [round(1000 * one) for one in cosines]
    else:
        return False
    nearest = parts[max(range(len(parts)), key=shared.__getitem__)]
    if not numbers_of(text, language) <= numbers_of(f"{above} {nearest}", source.language):
        return False
    if _is_same(language, source.language) and not _conditions(
        text, source.language
    ) <= _conditions(nearest, source.language):
        return False
    own = language if language != UNKNOWN else source.language
    return denies(text, own) == denies(nearest, source.language)


def _conditions(text: str, language: str) -> set[str]:
    """The words of a text that say when, or on what condition."""
    said = f" {' '.join(_WORD.findall(folded(text)))} "
    return {one for one in _conditional(base_of(language)) if f" {one} " in said}


@cache
def _conditional(base: str) -> tuple[str, ...]:
    return tuple(map(folded, read_list("conditions").get(base, ())))


def _is_same(one: str, other: str) -> bool:
    return UNKNOWN in (one, other) or base_of(one) == base_of(other)


def numbers_of(text: str, language: str) -> frozenset[str]:
    """The numbers of a text, as their digits: 10,000 and 10.000 and ten thousand's ten alike."""
    plain = (_THOUSANDS.sub("", one).replace(",", ".") for one in _NUMBER.findall(text))
    known = _spelled(base_of(language))
    words = _WORD.findall(folded(text)) if known else ()
    told = (known[word] for word in words if word in known)
    return frozenset([*plain, *told, *map(_of_han, _HAN.findall(text))])


def _of_han(written: str) -> str:
    """A number below ten thousand in Chinese characters, as its digits."""
    total = digit = 0
    for one in written:
        if (place := _PLACES.get(one)) is not None:
            total, digit = total + (digit or 1) * place, 0
        else:
            digit = _DIGITS.index(one)
    return str(total + digit)


@cache
def _spelled(base: str) -> dict[str, str]:
    """How a language says numbers below a hundred in one word → their digits."""
    listed: dict[str, Any] | None = read_list("numbers").get(base)
    if listed is None:
        return {}
    small = {word: n for n, word in enumerate(listed["small"]) if n >= FEWEST}
    tens = {word: 10 * n for n, word in enumerate(listed["tens"], 2) if word != "~"}
    more = {word: n for n, word in listed.get("more", {}).items()}
    told = {**small, **tens, **more}
    return {folded(word): str(n) for word, n in told.items() if _WORD.fullmatch(word)}
