"""Finding the values that a sentence names: what slices say their kinds of value with."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from deskward.text.excluding import without_excluded
from deskward.text.words import words

Found = str | int | list[str] | None
Finder = Callable[[str, bool], Found]
"""Finds a value in a sentence with its secrets masked; told whether the sentence answers the
question for this very value."""


@dataclass(frozen=True)
class Kind:
    """A kind of value that a sentence may name.

    Attributes:
        find: Finds it.
        looks: What it looks like, where it is no word.
        reads_as: The word that is read in its place where sentences are told apart.
        loose: Whether `looks` may take in other kinds of value: it is read after them.
        is_id: Whether it names a record, also in a sentence that says no.
        free: Whether any words may be it, also those of another wish.
        whole: Whether it is the whole message.
        secret: Whether it is a secret, which is only taken where it is clearly given as this value.
        called: What its name looks like where it is one word, and may be that of no other record.
        anywhere: Finds it by its shape wherever it stands, for a question whether it is meant.
        doubtful: What a value looks like that may be something else: whether it is meant is asked.
    """

    find: Finder
    looks: re.Pattern[str] | None = None
    reads_as: str = ""
    loose: bool = False
    is_id: bool = False
    free: bool = False
    whole: bool = False
    secret: bool = False
    called: re.Pattern[str] | None = None
    anywhere: Callable[[str], str | None] | None = None
    doubtful: re.Pattern[str] | None = None


def record(
    letter: str, nouns: str, *, fewest: int = 3, looks: re.Pattern[str], reads_as: str
) -> Kind:
    """The kind of ids such as T1001, also said as "ticket 1001" or "ticket #1001"."""
    whole = re.compile(rf"\b{letter}[-#\s]?([1-9]\d{{{fewest - 1},17}})\b", re.IGNORECASE)
    named = re.compile(
        rf"\b(?:{nouns})\s{{0,3}}(?:number\b|no\b\.?|id\b)?\s{{0,3}}[:#]?\s{{0,3}}([1-9]\d{{2,17}})\b",
        re.IGNORECASE,
    )

    def find_id(text: str, answers: bool) -> str | None:
        text = without_excluded(text)
        match = whole.search(text) or named.search(text)
        if match is None and answers:
            match = re.search(r"\b([1-9]\d{2,17})\b", text)
        return f"{letter}{match.group(1)}" if match else None

    return Kind(find_id, looks=looks, reads_as=reads_as, is_id=True)


NAMED_NUMBER = r"\s?(?:number\b|no\b\.?|id\b)?\s?[:#]?\s?[1-9]\d{2,17}\b"
"""A number behind the noun whose it is."""

_NUMBERS = dict(
    zip(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "fifteen",
            "twenty",
        ],
        [*range(1, 13), 15, 20],
        strict=True,
    )
)
_COUNT = re.compile(
    r"\b(?:last|latest|recent|past|previous|newest|first|top|only|just|show(?: me)?|see|list)\s+"
    rf"(?:my\s+|the\s+)?(?:last\s+|latest\s+|recent\s+)?(\d{{1,3}}|{'|'.join(_NUMBERS)})\b"
    r"(?!\s*(?:day|week|month|year|hour))"
    rf"|\b(\d{{1,3}}|{'|'.join(_NUMBERS)})\s+(?:\w+\s+)?"
    r"(?:transactions?|purchases?|payments?|movements?|entries|charges|debits|deposits|withdrawals|orders|things|items)\b",
    re.IGNORECASE,
)
_SAYS_NO_PROBLEM = frozenset(
    """hi hello hey please i i'd like would want need have to can could may you me we let
    help for a an the my some new this another something is isn't not wrong right with
    of on in it and thanks thank report reporting raise raising open opening file
    filing create submit make register lodge start flag note down support service
    customer issue issues problem problems ticket case bug fault complaint complain
    complaining complaints grievance formal official am having trouble about there's
    there d m s t app website""".split()
)
"""Words that announce a problem without telling it."""


def _number(text: str, answers: bool) -> int | None:
    match = _COUNT.search(text)
    word = (
        (match.group(1) or match.group(2)).lower()
        if match
        else text.strip().lower()
        if answers
        else ""
    )
    number = _NUMBERS.get(word) or (int(word) if re.fullmatch(r"[0-9]{1,6}", word) else None)
    return min(number, 100) if number else None


def _description(text: str, answers: bool) -> str | None:
    if not answers and set(words(text)) <= _SAYS_NO_PROBLEM:
        return None
    return text.strip() or None


KINDS: dict[str, Kind] = {
    "number": Kind(_number),
    "description": Kind(_description, free=True),
    "message": Kind(lambda text, _: text.strip(), whole=True),
}
"""The kinds that every slice may use."""
