"""Finding words and phrases of lists among the words of a text, in one pass."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

Range = tuple[int, int]
"""The numbers of a phrase's first word, and of the word behind its last."""
Hits = Mapping[str, Sequence[Range]]

LONGEST_WORD = 64
"""Longer words match no pattern: none of any language needs it, and it would take its time."""

QUOTED = "\u25a0"
"""Stands for what is quoted."""

_TOKEN = re.compile(
    r"\[\[\w{1,20}:\d{1,9}\]\]|(?<![\w.+-])[\w.+-]{1,64}@\w[\w.-]{0,252}\w|\w+(?:['’.-]\w+)*|[^\w\s]"
)
"""A placeholder, an address of mail, a word or a mark."""
_PLAIN = str.maketrans({"\u2019": "'", "\u0307": None})
_SUFFIXED = re.compile(r"([^\W\d_]?\d{3,18})'(\w{1,10})")
_PLACEHOLDER = re.compile(r"\[\[")


@dataclass(frozen=True)
class Word:
    """A word or a mark, as lists have it, and where in the text it stands."""

    text: str
    start: int
    end: int


def words_of(text: str, *, elides: bool = False) -> list[Word]:
    """The words and marks of a text in order, in NFKC and without case.

    Args:
        elides: Whether an apostrophe or a hyphen parts words, as in *l'adresse*.
    """
    found: list[Word] = []
    for match in _TOKEN.finditer(text):
        whole = match.group()
        if _PLACEHOLDER.match(whole):
            found.append(Word(whole, match.start(), match.end()))
            continue
        plain = unicodedata.normalize("NFKC", whole).casefold().translate(_PLAIN)
        if suffixed := _SUFFIXED.fullmatch(plain):
            plain = suffixed[1]  # Turkish: O1003'ü
        elided = elides and "@" not in plain
        parts = plain.replace("-", "'").split("'") if elided else [plain]
        found += [Word(part, match.start(), match.end()) for part in parts if part]
    return found


class Phrases:
    """Named lists of phrases, made ready to be found. A phrase with `~` is one word's pattern."""

    def __init__(self, lists: Iterable[tuple[str, Iterable[str]]], *, elides: bool = False) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        patterns: dict[str, list[str]] = defaultdict(list)
        for name, phrases in lists:
            for phrase in phrases:
                if phrase.startswith("~"):
                    patterns[name].append(phrase[1:])
                elif words := tuple(word.text for word in words_of(phrase, elides=elides)):
                    self._by_first[words[0]].append((words, name))
        self._patterns = [(re.compile("|".join(parts)), name) for name, parts in patterns.items()]

    def lists(self, word: str) -> bool:
        """Whether a phrase begins with this word, not only a pattern."""
        return word in self._by_first

    def find(self, words: Sequence[Word]) -> dict[str, list[Range]]:
        """Where the phrases of each list are; they may overlap."""
        texts = tuple(word.text for word in words)
        found: dict[str, list[Range]] = defaultdict(list)
        for at, text in enumerate(texts):
            for phrase, name in self._by_first.get(text, ()):
                if texts[at : at + len(phrase)] == phrase:
                    found[name].append((at, at + len(phrase)))
            for pattern, name in self._patterns if len(text) <= LONGEST_WORD else ():
                if pattern.fullmatch(text):
                    found[name].append((at, at + 1))
        return found


def covered(hits: Hits, *names: str) -> set[int]:
    """The numbers of the words that these lists' phrases cover."""
    return {
        number
        for name in names
        for start, end in hits.get(name, ())
        for number in range(start, end)
    }
