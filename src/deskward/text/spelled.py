"""Numbers that are written in words: up to twelve, and as many thousands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

from deskward.text.clauses import grammar

NEARLY = Decimal("0.05")


def thousands_in(words: Sequence[str], language: str) -> Iterator[int]:
    """The thousands that are spelled out: "five thousand", "fünftausend", "cinco mil"."""
    rules = grammar()[language]
    numbers = {name: number for number, name in enumerate(rules["numbers"], 1)}
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word in numbers and after in rules["thousand"]:
            yield 1000 * numbers[word]
        for end in rules["thousand"]:
            if word.endswith(end) and word.removesuffix(end) in numbers:
                yield 1000 * numbers[word.removesuffix(end)]


def rounded(said: int, real: Collection[Decimal]) -> bool:
    """Whether so many thousands are what one may call one of these numbers."""
    return any(said <= one < said + 1000 or abs(one - said) <= NEARLY * said for one in real)
