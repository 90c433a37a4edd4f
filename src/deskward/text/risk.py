"""What in a ticket speaks against answering it without a person, by its words.

Lists of words miss much; that is why these are signals among others, whose weight is learned from
labelled tickets (`confidence.py`). The grave ones are rules: such a ticket is never sure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import partial
from itertools import islice

from deskward.core.aside import aside
from deskward.core.errors import TimeLimitExceeded
from deskward.text.injection import injected
from deskward.text.lists import any_of, word_lists
from deskward.text.polarity import is_ruled_out
from deskward.text.sentences import Sentence, all_texts

_LISTS = word_lists("risk")
_ANGER = re.compile(
    rf"(?i:\b(?:{'|'.join(_LISTS['anger'])})\b)|!{{2,}}|\b[A-Z]{{4,}}\s+[A-Z]{{4,}}\b"
)
_ACTIONS = f"(?:{'|'.join(_LISTS['actions'])})"
_WANTED = re.compile(
    rf"\b(?:please|kindly|pls|i want you to|i need you to|can you|could you|would you|will you"
    rf"|can somebody|can someone|just)\s{{1,9}}"
    rf"(?:(?:please|also|just|immediately|now)\s{{1,9}}){{0,5}}"
    rf"{_ACTIONS}\b"
    rf"|^\W{{0,20}}(?:also\s{{1,9}})?{_ACTIONS}\s{{1,9}}(?:me|my|the|this|it|all|that)\b",
    re.IGNORECASE,
)
_HOW_TO = any_of(_LISTS["how_to"])
_TROUBLE = any_of(_LISTS["trouble"])
_MONEY = (
    r"[$€£¥]\s?\d[\d,]{0,20}(?:\.\d{1,2})?"
    r"|\b\d[\d,]{0,20}(?:\.\d{2})? ?(?:USD|EUR|GBP|JPY|dollars|euros?|yen|pounds)\b"
)
_RECORD = r"\b[OTC]\d{4,18}\b|\b(?:txn|card|user|ord|inv)_\d{1,18}\b"
_DATE = (
    r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}[./]\d{1,2}(?:[./]\d{2,4})?\b"
    r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:january|february|march|april|june|july|august|september|october|november"
    r"|december)\b(?: \d{1,2}\b)?|\b(?:yesterday|today|tomorrow)\b|\bon the \d{1,2}(?:st|nd|rd"
    r"|th)\b"
)
RECORDS = re.compile(rf"{_MONEY}|{_RECORD}")
"""Amounts and ids: of a form that holds nothing but themselves, so they may be repeated."""
DATES = re.compile(_DATE, re.IGNORECASE)
PRODUCTS = any_of(_LISTS["products"])
URGENT = any_of(_LISTS["urgent"])

_GRAVE = {
    "anger": _ANGER,
    **{name: any_of(_LISTS[name]) for name in ("legal", "security", "vulnerable", "person")},
}


_DENIABLE = ("legal", "security")
MANY = 100
"""What is said so often in one text is not looked at further, so that no text takes long."""


def risks_of(subject: str, body: str, *, but_denied: bool = False) -> list[str]:
    """The grave risks of a ticket: those above, and `injection`, orders to the assistant.

    `vulnerable` is somebody in distress, and `person` the wish to speak to one.

    All of the text counts, also what is quoted, stands below a signature, or greets.

    Args:
        but_denied: Leave out what the text rules out beyond doubt: "I do not need a lawyer".
    """
    text = unicodedata.normalize("NFKC", f"{subject}\n{body}")
    risks = [name for name, pattern in _GRAVE.items() if pattern.search(text)]
    if but_denied:
        risks = [name for name in risks if name not in _DENIABLE or _is_meant(name, text)]
    if injected(subject) or any(map(injected, all_texts(body))):
        risks.append("injection")
    return risks


def _is_meant(name: str, text: str) -> bool:
    found = list(islice(_GRAVE[name].finditer(text), MANY))
    return len(found) == MANY or not all(
        is_ruled_out(text, one.start(), one.end()) for one in found
    )


async def risks_in_time(
    subject: str, body: str, *, limit: float | None = None, but_denied: bool = False
) -> list[str]:
    """The same beside the event loop. What cannot be read in time has all risks.

    Args:
        limit: Seconds, where fewer than usual.
        but_denied: See `risks_of`.
    """
    read = partial(risks_of, subject, body, but_denied=but_denied)
    try:
        return await aside(read, len(subject) + len(body), limit=limit)
    except TimeLimitExceeded:
        return [*_GRAVE, "injection"]


def emotions(text: str) -> list[str]:
    """The words of a text that show urgency or anger."""
    found = [match[0] for pattern in (URGENT, _ANGER) for match in pattern.finditer(text)]
    return [word for word in dict.fromkeys(found) if word[0].isalpha()]


def wants_action(said: Sequence[Sentence]) -> bool:
    """Whether somebody is asked to do something, rather than to tell something."""
    return any(_WANTED.search(sentence.text) for sentence in said)


def asks_in_general(said: Sequence[Sentence]) -> bool:
    """Whether there is a question of the kind that an article answers."""
    return any(_HOW_TO.search(sentence.text) for sentence in said)


def trouble(said: Sequence[Sentence]) -> int:
    """How many sentences tell that something went wrong."""
    return sum(bool(_TROUBLE.search(sentence.text)) for sentence in said)


def specifics(text: str) -> int:
    """How many amounts, ids and dates there are: signs of one case, not of a general question."""
    return len({match[0] for pattern in (RECORDS, DATES) for match in pattern.finditer(text)})
