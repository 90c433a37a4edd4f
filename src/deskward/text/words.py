"""Words of a text: split, lower-cased and stemmed as English, for search and for matching."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import snowballstemmer

MAX_WORD = 64
"""Longer words are cut: no language needs them, and stemming them takes its time."""

_MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u0900-\u0963\u0970-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff"
)
"""Marks that stand on letters and in syllables, which Python counts to no word."""
_LETTERS = rf"(?:[^\W\d_]|[{_MARKS}])+"
_WORD = re.compile(rf"{_LETTERS}(?:'{_LETTERS})?|\d+")

STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "after",
        "again",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "done",
        "for",
        "from",
        "get",
        "give",
        "got",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "itself",
        "just",
        "let",
        "like",
        "may",
        "me",
        "might",
        "mine",
        "more",
        "most",
        "much",
        "must",
        "my",
        "myself",
        "no",
        "nor",
        "not",
        "now",
        "of",
        "off",
        "on",
        "once",
        "only",
        "or",
        "other",
        "our",
        "ours",
        "out",
        "over",
        "own",
        "please",
        "quite",
        "rather",
        "really",
        "s",
        "shall",
        "she",
        "should",
        "so",
        "some",
        "such",
        "t",
        "than",
        "that",
        "the",
        "their",
        "theirs",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "us",
        "very",
        "want",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "yours",
        "ll",
        "ve",
        "re",
        "d",
        "m",
        "hi",
        "hello",
        "hey",
        "thanks",
        "thank",
        "kindly",
        "tell",
        "show",
        "know",
        "need",
        "wanna",
        "gonna",
        "id",
        "im",
        "ive",
        "whats",
        "hows",
        "wheres",
        "dont",
        "cant",
        "one",
        "something",
        "anything",
        "way",
        "thing",
        "things",
        "there's",
        "okay",
        "ok",
        "well",
        "right",
        "actually",
        "maybe",
        "perhaps",
        "possible",
        "sure",
        "go",
        "going",
        "take",
        "make",
        "help",
        "see",
        "still",
    ]
)


@cache
def _stemmer() -> snowballstemmer.Stemmer:
    import snowballstemmer  # with all its languages, before anybody has said a word

    return snowballstemmer.stemmer("english")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The stem of one lower-case word (Snowball, English)."""
    stemmed: str = _stemmer().stemWord(word)
    return stemmed


@cache
def stems_of_list(text: str) -> frozenset[str]:
    """The stems of the words of a list that is written as one text."""
    return frozenset(map(stem, text.split()))


def words(text: str) -> list[str]:
    """The words and numbers of a text in order, lower-cased, contractions split off."""
    plain = text if text.isascii() else unicodedata.normalize("NFC", text)
    plain = plain.lower().replace("\u2019", "'")
    return [part[:MAX_WORD] for word in _WORD.findall(plain) for part in word.split("'")]


def stems(text: str) -> list[str]:
    """The stems (Snowball, English) of all words in order."""
    return [stem(word) for word in words(text)]


def content_stems(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]
