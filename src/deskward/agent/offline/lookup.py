"""Finding phrases of many lists in one pass, without regard to accents, and by beginnings of words.

A phrase's word that ends in `*` is the beginning of one: "annul* l'ordre". A phrase that begins
with `~` is a regular expression of one word.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from deskward.text.spacing import ALONE

LONGEST_WORD = 40
MEMORY = 2_000
"""Words of which it is kept which patterns take them in."""

MARKS = "\u0300-\u036f\u064b-\u065f\u0670"
"""What may stand above or below a letter: no word ends there."""
_TOKEN = re.compile(rf"[{ALONE}]|(?:[^\W_{ALONE}][{MARKS}]*)+")
_ENTRY = re.compile(rf"[{ALONE}]|(?:[^\W_{ALONE}][{MARKS}]*)+\*?")
_UNWRITTEN = re.compile(f"[{MARKS}\u0640]+")
"""These marks, and what stretches an Arabic letter."""


class Token(NamedTuple):
    """A word without case and accents, and where it stands."""

    text: str
    start: int
    end: int


class Hit(NamedTuple):
    """A phrase of a list: where it stands, how long it is, and whether its words are whole ones."""

    start: int
    end: int
    length: int
    whole: bool = True


_SAME = {"ı": "i", "’": "'", "ß": "s", "ى": "ي", "ة": "ه", "ک": "ك", "ی": "ي"}


class _Letters(dict[int, str]):
    """Each letter without case and accents, one for one, so that places stay the same."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        wide = unicodedata.normalize("NFKC", letter)
        letter = wide if len(wide) == 1 else letter
        digit = unicodedata.decimal(letter, None)
        # Of Japanese letters a mark makes others: が is no か.
        kana = "\u3041" <= letter <= "\u30ff"
        bare = letter if kana else unicodedata.normalize("NFD", letter)[:1].lower()[:1]
        self[code] = str(digit) if digit is not None else _SAME.get(bare, bare) or letter
        return self[code]


_LETTERS = _Letters()


def plain(text: str) -> str:
    """The text without case and accents, letter for letter."""
    return text.translate(_LETTERS)


def unmarked(word: str) -> str:
    """The word without marks above and below its letters."""
    return word if word.isascii() else _UNWRITTEN.sub("", word)


def tokens_of(text: str) -> list[Token]:
    """The words of a text as `plain` gives it."""
    found = [Token(m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)]
    if _UNWRITTEN.search(text):
        found = [token._replace(text=unmarked(token.text)) for token in found]
    return [token for token in found if token.text]


class Lookup:
    """Named lists of phrases, made ready to be found."""

    def __init__(self, lists: Iterable[tuple[str, Iterable[str]]]) -> None:
        self._exact: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        self._begun: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        patterns: dict[str, list[str]] = defaultdict(list)
        for name, phrases in lists:
            for phrase in phrases:
                if phrase.startswith("~"):
                    patterns[name].append(plain(phrase[1:]).replace("\\s", " "))
                    continue
                words = tuple(unmarked(word) for word in _ENTRY.findall(plain(phrase)))
                if words and words[0].endswith("*"):
                    self._begun[words[0][:3].rstrip("*")].append((words, name))
                elif words and (words, name) not in self._exact[words[0]]:
                    self._exact[words[0]].append((words, name))
        self._patterns = [(name, re.compile("|".join(some))) for name, some in patterns.items()]
        self._taken = lru_cache(maxsize=MEMORY)(self._taken_in)

    @property
    def words(self) -> frozenset[str]:
        """The first words of the phrases, where they are whole words."""
        return frozenset(self._exact)

    def find(self, tokens: Sequence[Token]) -> dict[str, list[Hit]]:
        """Where the phrases of each list are; they may overlap."""
        found: dict[str, list[Hit]] = defaultdict(list)
        count = len(tokens)
        for at, token in enumerate(tokens):
            text = token.text
            entries = [*self._exact.get(text, ()), *self._begun.get(text[:3], ())]
            if len(text) > 2:
                entries += self._begun.get(text[:2], ())
            for words, name in entries:
                end = at + len(words)
                if end <= count and all(
                    is_word(word, tokens[at + n].text) for n, word in enumerate(words)
                ):
                    whole = not any(word.endswith("*") for word in words)
                    found[name].append(Hit(at, end, sum(map(len, words)), whole))
            for name in self._taken(text) if self._patterns else ():
                found[name].append(Hit(at, at + 1, len(text)))
        return found

    def begins(self, word: str) -> bool:
        """Whether a phrase begins with this word, or with the beginning of it."""
        if word in self._exact:
            return True
        begun = (*self._begun.get(word[:3], ()), *self._begun.get(word[:2], ()))
        return any(is_word(words[0], word) for words, _ in begun)

    def _taken_in(self, word: str) -> tuple[str, ...]:
        if len(word) > LONGEST_WORD:
            return ()
        return tuple(name for name, pattern in self._patterns if pattern.fullmatch(word))


def is_word(entry: str, word: str) -> bool:
    """Whether a word is the one of a phrase, or begins as it says."""
    return word.startswith(entry[:-1]) if entry[-1] == "*" else word == entry
