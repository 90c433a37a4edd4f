"""Answers out of passages: sentences as their sources have them, each with its source.

Nothing is worded anew here, so that nothing can be said that no source says. Where two sources
say other numbers about one thing, or one denies what the other says, both are shown.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from deskward.knowledge.searching import Found
from deskward.text.analysis import base_of, stop_words, words_asked, words_kept
from deskward.text.lists import word_lists

MOST = 4
"""Sentences of an answer."""
SAME_MATTER = 0.6
"""Share of the words of the shorter of two sentences from which on they are about one thing."""
LONGEST = 600
"""Characters of a sentence; a longer one is no sentence, but a table or code."""

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


def answer_of(question: str, found: Sequence[Found]) -> Answer:
    """The sentences of some passages that answer a question.

    Args:
        found: The passages, the best first.
    """
    rated: list[tuple[float, int, int, Said]] = []
    for source, one in enumerate(found):
        asked = words_asked(question, (one.language,))
        named = set(words_kept(" ".join([one.title, *one.headings]), one.language))
        for place, text in enumerate(_sentences(one.text)):
            words = set(words_kept(text, one.language))
            has = sum(any(form in words for form in forms) for forms in asked)
            # What the title says already need not be said again in each sentence.
            told = sum(any(form in named for form in forms) for forms in asked)
            value = (has + 0.5 * told * (place < 2)) / max(1, len(asked))
            rated.append((value / (1 + 0.3 * source), source, place, Said(source, text)))
    best = sorted(rated, key=lambda one: (-one[0], one[1], one[2]))
    enough = [one for one in best if one[0] >= 0.5 * best[0][0]][:MOST] if best else []
    chosen = tuple(one[3] for one in sorted(enough, key=lambda one: (one[1], one[2])))
    others = [one[3] for one in best[: 5 * MOST]]
    return Answer(chosen, _contradictions(chosen, others, found))


def _sentences(text: str) -> list[str]:
    parts = (part.strip(" \t|*#>-") for part in _SENTENCE.findall(text))
    return [part for part in parts if 3 < len(part) <= LONGEST]


def _contradictions(
    chosen: Sequence[Said], others: Sequence[Said], found: Sequence[Found]
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


def _contradict(one: str, other: str, its: Found, others: Found) -> bool:
    if base_of(its.language) != base_of(others.language):
        return False
    mine, theirs = (_content(text, its.language) for text in (one, other))
    least = min(len(mine), len(theirs))
    if least < 2 or len(mine & theirs) < SAME_MATTER * least:
        return False
    numbers = [set(_NUMBER.findall(text)) for text in (one, other)]
    if all(numbers) and not numbers[0] & numbers[1]:
        return True
    return _denies(one, its.language) != _denies(other, its.language)


def _content(text: str, language: str) -> set[str]:
    small = {form for word in stop_words(base_of(language)) for form in words_kept(word, language)}
    plain = _NUMBER.sub(" ", text)
    return set(words_kept(plain, language)) - small


def _denies(text: str, language: str) -> bool:
    nots = word_lists("negations").get(base_of(language), [])
    words = set(words_kept(text, language))
    return any(form in words for word in nots for form in words_kept(word, language))
