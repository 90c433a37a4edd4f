"""Answers out of passages: sentences as their sources have them, each with its source.

Nothing is worded anew here, so that nothing can be said that no source says. Where two sources
say other numbers about one thing, or one denies what the other says, both are shown.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol

from deskward.text.analysis import base_of, stop_words, words_asked, words_kept
from deskward.text.lists import word_lists

MOST = 4
"""Sentences of an answer."""
SAME_MATTER = 0.6
"""Share of the words of the shorter of two sentences from which on they are about one thing."""
LONGEST = 600
"""Characters of a sentence; a longer one is no sentence, but a table or code."""
REMEMBERED = 4_000
"""Sentences whose words are remembered: the same passages answer many questions."""

_SENTENCE = re.compile(r"[^\n.!?。！？؟।]+(?:[.!?](?!\s|$)[^\n.!?。！？؟।]*)*[.!?。！？؟।]*")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of a source.

    Attributes:
        source: Its place among the passages that were found.
        text: As the source has it.
    """

    source: int
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sources say; no sentence where they say nothing."""

    sentences: tuple[Said, ...]
    contradictions: tuple[tuple[Said, Said], ...]


class Source(Protocol):
    """A passage that an answer is made of."""

    @property
    def document_id(self) -> str:
        """The document that it is of."""

    @property
    def title(self) -> str:
        """The document's title."""

    @property
    def headings(self) -> tuple[str, ...]:
        """Those that it stands under."""

    @property
    def text(self) -> str:
        """Its words."""

    @property
    def language(self) -> str:
        """Its language."""

    @property
    def is_answer(self) -> bool:
        """Whether it was written as an answer, and is told as a whole where it is short."""


def answer_of(question: str, found: Sequence[Source]) -> Answer:
    """The sentences of some passages that answer a question.

    A short article is told as a whole: it was written as an answer.

    Args:
        found: The passages, the best first.
    """
    if not found:
        return Answer((), ())
    rated: list[tuple[float, int, int, Said]] = []
    for source, one in enumerate(found):
        asked = words_asked(question, (one.language,))
        named = _words(" ".join([one.title, *one.headings]), one.language)
        for place, text in enumerate(sentences_of(one.text)):
            words = _words(text, one.language)
            has = sum(any(form in words for form in forms) for forms in asked)
            # What the title says already need not be said again in each sentence.
            told = sum(any(form in named for form in forms) for forms in asked)
            value = (has + 0.5 * told * (place < 2)) / max(1, len(asked))
            rated.append((value / (1 + 0.3 * source), source, place, Said(source, text)))
    best = sorted(rated, key=lambda one: (-one[0], one[1], one[2]))
    whole = [one for one in best if one[1] == best[0][1] and found[one[1]].is_answer]
    if len(whole) > MOST:
        whole = []
    enough = [one for one in best if one not in whole and one[0] >= 0.5 * best[0][0]]
    some = [*whole, *enough][:MOST]
    chosen = tuple(one[3] for one in sorted(some, key=lambda one: (one[1], one[2])))
    others = [one[3] for one in best[: 5 * MOST]]
    return Answer(chosen, _contradictions(chosen, others, found))


@lru_cache(maxsize=REMEMBERED)
def sentences_of(text: str) -> tuple[str, ...]:
    """The sentences of a passage, without the marks of lists and tables."""
    parts = (part.strip(" \t|*#>-") for part in _SENTENCE.findall(text))
    return tuple(part for part in parts if 3 < len(part) <= LONGEST)


def _contradictions(
    chosen: Sequence[Said], others: Sequence[Said], found: Sequence[Source]
) -> tuple[tuple[Said, Said], ...]:
    pairs = itertools.chain(
        itertools.combinations(chosen, 2),
        ((one, other) for one in chosen for other in others if other not in chosen),
    )
    return tuple(
        (one, other)
        for one, other in pairs
        if found[one.source].document_id != found[other.source].document_id
        and _contradict(one.text, other.text, found[one.source], found[other.source])
    )


def _contradict(one: str, other: str, its: Source, others: Source) -> bool:
    if base_of(its.language) != base_of(others.language):
        return False
    mine, theirs = (content_of(text, its.language) for text in (one, other))
    least = min(len(mine), len(theirs))
    if least < 2 or len(mine & theirs) < SAME_MATTER * least:
        return False
    numbers = [set(_NUMBER.findall(text)) for text in (one, other)]
    if all(numbers) and not numbers[0] & numbers[1]:
        return True
    return denies(one, its.language) != denies(other, its.language)


@lru_cache(maxsize=REMEMBERED)
def _words(text: str, language: str) -> frozenset[str]:
    return frozenset(words_kept(text, language))


@lru_cache(maxsize=REMEMBERED)
def content_of(text: str, language: str) -> frozenset[str]:
    """The words of a text that say something, as they are kept; numbers are none of them."""
    plain = _NUMBER.sub(" ", text)
    return frozenset(words_kept(plain, language)) - _small(base_of(language))


@cache
def _small(base: str) -> frozenset[str]:
    """The words that say nothing, as they are kept."""
    return frozenset(form for word in stop_words(base) for form in words_kept(word, base))


def denies(text: str, language: str) -> bool:
    """Whether a text has a word that denies."""
    return not _words(text, language).isdisjoint(_nots(language))


@cache
def _nots(language: str) -> frozenset[str]:
    nots = word_lists("negations").get(base_of(language), [])
    return frozenset(form for word in nots for form in words_kept(word, language))
