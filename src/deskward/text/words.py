"""Words of English text: split, lower-cased and stemmed, for search and for matching."""

from __future__ import annotations

import re
from functools import lru_cache

import snowballstemmer

MAX_WORD = 64
"""Longer words are cut: no language needs them, and stemming them takes its time."""

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|\d+")

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


_stemmer = snowballstemmer.stemmer("english")


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The stem of one lower-case word (Snowball, English)."""
    stemmed: str = _stemmer.stemWord(word)
    return stemmed


def words(text: str) -> list[str]:
    """The words and numbers of a text in order, lower-cased, contractions split off."""
    plain = text.lower().replace("\u2019", "'")
    return [part[:MAX_WORD] for word in _WORD.findall(plain) for part in word.split("'")]


def stems(text: str) -> list[str]:
    """The stems (Snowball, English) of all words in order."""
    return [stem(word) for word in words(text)]


def content_stems(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]
