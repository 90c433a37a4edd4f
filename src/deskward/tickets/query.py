"""The language in which tickets are looked for: `status:open assignee:anna -tag:spam "no refund"`.

    query  = { item }
    item   = ["-"] ( field ":" values | text )
    values = value { "," value }           any of them
    value  = word | '"' … '"'              of dates also >DAY, <DAY and DAY..DAY
    text   = word | word"*" | '"' … '"'    in one message; with * the beginning of a word

All items must hold; one after `-` must not. What stands in quotation marks are several words, in
any order. A DAY is one in UTC, as 2026-01-31; one of two may be left out. `assignee:me` is the
caller; `assignee:none` and `team:none` are tickets that have none. Fields, and words of theirs, are
in any case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args

from deskward.core.errors import Unfit
from deskward.text.indexing import words_to_find
from deskward.tickets.models import Priority, Source, Status

MOST_ITEMS = 30
NONE = "none"

_ITEM = re.compile(r'(?P<no>-)?(?:(?P<field>[^\W\d_]+):)?(?P<values>(?:"[^"]*"|[^\s",]|,)+)')
_VALUE = re.compile(r'"(?P<quoted>[^"]*)"|(?P<plain>[^\s",]+)')
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

WORDS: dict[str, tuple[str, ...]] = {
    "status": get_args(Status),
    "priority": get_args(Priority),
    "channel": get_args(Source),
}
"""Fields of which a value is one of some words."""
NAMES = ("assignee", "team", "tag", "customer")
DATES = ("created", "updated")
FIELDS = (*WORDS, *NAMES, *DATES)


@dataclass(frozen=True)
class Item:
    """One condition.

    Attributes:
        field: What it is about; `text` where it is what the messages say.
        values: Any of these; of text, the one.
        since: Of a date, from when on.
        before: Of a date, until when.
        negated: Whether it must not hold.
    """

    field: str
    values: tuple[str, ...] = ()
    since: datetime | None = None
    before: datetime | None = None
    negated: bool = False


@dataclass
class Query:
    """What tickets are looked for."""

    items: list[Item] = field(default_factory=list)


def parse(text: str) -> Query:
    """What a query says.

    Raises:
        Unfit: It is not of the language; says where.
    """
    query, at = Query(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = _ITEM.match(text, at)
        if found is None:
            unclosed = text[at:].lstrip("-").startswith('"')
            what = "a quotation mark is not closed" if unclosed else f"{text[at]!r} begins nothing"
            raise _wrong(at, what)
        at = found.end()
        if at < len(text) and not text[at].isspace():
            raise _wrong(at, "a quotation mark is not closed")
        query.items.append(_item(found))
        if len(query.items) > MOST_ITEMS:
            raise _wrong(found.start(), f"a query has {MOST_ITEMS} conditions at the most")
    return query


def _item(found: re.Match[str]) -> Item:
    name, negated, at = found["field"], bool(found["no"]), found.start("values")
    name = name.casefold() if name is not None and name.casefold() in FIELDS else name
    if name is None:
        before, colon, value = found["values"].partition(":")
        if colon and not value and before.casefold() in FIELDS:
            raise _wrong(at, f"{before} has no value; it stands right behind the colon")
        if not words_to_find(found["values"]):
            raise _wrong(at, "there is no word in it")
        return Item("text", (found["values"].strip('"'),), negated=negated)
    if name not in FIELDS:
        start = found.start("field")
        raise _wrong(start, f"there is no field {name!r}; fields are {', '.join(FIELDS)}")
    values = [
        (at + one.start(), one["quoted"] if one["quoted"] is not None else one["plain"])
        for one in _VALUE.finditer(found["values"])
    ]
    if not values or not all(value for _, value in values):
        raise _wrong(at, f"{name} has no value")
    if name in DATES:
        if len(values) > 1:
            raise _wrong(values[1][0], f"{name} has one value")
        since, before = _days(*values[0])
        return Item(name, since=since, before=before, negated=negated)
    if name in WORDS:
        values = [(place, value.casefold()) for place, value in values]
    for place, value in values:
        if name in WORDS and value not in WORDS[name]:
            raise _wrong(place, f"{name} is one of {', '.join(WORDS[name])}")
    return Item(name, tuple(dict.fromkeys(value for _, value in values)), negated=negated)


def _days(at: int, value: str) -> tuple[datetime | None, datetime | None]:
    """From when, and until when."""
    first, dots, last = value.partition("..")
    if dots and (first or last):
        since = _day(at, first) if first else None
        return since, _day(at, last, timedelta(1)) if last else None
    if value.startswith(">"):
        return _day(at, value[1:], timedelta(1)), None
    if value.startswith("<"):
        return None, _day(at, value[1:])
    return _day(at, value), _day(at, value, timedelta(1))


def _day(at: int, text: str, later: timedelta = timedelta(0)) -> datetime:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return datetime.combine(date.fromisoformat(text), time(), UTC) + later
    except (ValueError, OverflowError):
        raise _wrong(at, f"{text!r} is no day; write 2026-01-31") from None


def _wrong(at: int, problem: str) -> Unfit:
    return Unfit(f"The query is wrong at character {at + 1}: {problem}.", details={"at": at + 1})
