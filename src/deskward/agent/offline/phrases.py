"""Finding words and phrases of lists among the words of a text, in one pass."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from deskward.agent.offline.lookup import MARKS, unmarked
from deskward.text.folding import folded
from deskward.text.spacing import ALONE

Range = tuple[int, int]
"""The numbers of a phrase's first word, and of the word behind its last."""
Hits = Mapping[str, Sequence[Range]]

LONGEST_WORD = 64
"""Longer words match no pattern: none of any language needs it, and it would take its time."""

MEMORY = 2_000
"""Words of which it is kept which patterns take them in."""

_BARE = str.maketrans("şçğöü", "scgou")

QUOTED = "\u25a0"
"""Stands for what is quoted."""

_LETTERS = rf"(?:[^\W{ALONE}][{MARKS}]*)+"
_TOKEN = re.compile(
    r"\[\[\w{1,20}:\d{1,9}\]\]|(?<![\w.+-])[\w.+-]{1,64}@\w[\w.-]{0,252}\w"
    rf"|[{ALONE}]|{_LETTERS}(?:['’.-]{_LETTERS})*|[^\w\s]"
)
"""A placeholder, an address of mail, a word or a mark."""
_SUFFIXED = re.compile(r"([^\W\d_]?\d{3,18})'(\w{1,10})")
_PLACEHOLDER = re.compile(r"\[\[")


class Word(NamedTuple):
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
        plain = unmarked(folded(whole)) or whole
        if plain.isalpha() or len(plain) == 1:
            found.append(Word(plain, match.start(), match.end()))
            continue
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
                    patterns[name] += _written(phrase[1:])
                elif words := tuple(word.text for word in words_of(phrase, elides=elides)):
                    self._by_first[words[0]].append((words, name))
        self._patterns = [(re.compile("|".join(parts)), name) for name, parts in patterns.items()]
        self.vocabulary = frozenset(
            word for phrases in self._by_first.values() for words, _ in phrases for word in words
        )
        self._matching = lru_cache(maxsize=MEMORY)(self._lists_with_pattern)

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
            for name in self._matching(text) if self._patterns else ():
                found[name].append((at, at + 1))
        return found

    def matches(self, word: str) -> bool:
        """Whether a pattern takes a word in."""
        return bool(self._patterns) and bool(self._matching(word))

    def _lists_with_pattern(self, word: str) -> tuple[str, ...]:
        if len(word) > LONGEST_WORD:
            return ()
        return tuple(name for pattern, name in self._patterns if pattern.fullmatch(word))


def _written(pattern: str) -> list[str]:
    """A pattern as words are folded, and as they are written without accents."""
    plain = pattern.replace("ı", "i")
    bare = plain.translate(_BARE)
    return [plain] if bare == plain else [plain, bare]


def covered(hits: Hits, *names: str) -> set[int]:
    """The numbers of the words that these lists' phrases cover."""
    return {
        number
        for name in names
        for start, end in hits.get(name, ())
        for number in range(start, end)
    }
