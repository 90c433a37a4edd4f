"""Amounts of money and dates in a sentence: do the tools show them, and of what?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision

from deskward.agent.claims.evidence import Shown
from deskward.text.words import STOP_WORDS

_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
_WORDS = {
    "dollar": "USD",
    "buck": "USD",
    "euro": "EUR",
    "pound": "GBP",
    "yen": "JPY",
    "rupee": "INR",
}
_NUMBER = r"\d{1,12}(?:,\d{3}){0,4}(?:\.\d{1,3})?"
MONEY = re.compile(
    rf"(?P<symbol>[$€£¥₹]|\b(?:USD|EUR|GBP|JPY|INR|CHF)\b)\s?-?(?P<a>{_NUMBER})"
    rf"|(?<![\w.,])(?P<b>{_NUMBER})\s?(?:(?P<code>USD|EUR|GBP|JPY|INR|CHF)\b"
    r"|(?P<word>dollar|buck|euro|pound|yen|rupee)s?\b|(?P<after>[€£¥]))"
    r"|(?<![\w.,:])(?P<bare>\d{1,9}(?:,\d{3}){0,3}\.\d\d)(?![\w.:%])(?!\s?%)",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s?(?:%|percent\b|per cent\b)", re.IGNORECASE)
_MONTHS = {
    name: number
    for number, names in enumerate(
        """january jan|february feb|march mar|april apr|may|june jun|july jul|august aug
        |september sep sept|october oct|november nov|december dec""".split("|"),
        1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    rf"\b(?P<y1>\d{{4}})-(?P<m1>\d\d)-(?P<d1>\d\d)"
    rf"|\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?P<m2>{_MONTH})\b\.?(?:,?\s(?P<y2>\d{{4}}))?"
    rf"|\b(?P<m3>{_MONTH})\b\.?\s(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s(?P<y3>\d{{4}}))?",
    re.IGNORECASE,
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(rf"\b(?:on|last) ({'|'.join(_WEEKDAYS)})\b", re.IGNORECASE)
_LATEST = re.compile(
    r"\b(?:last|latest|newest|most recent) "
    r"(?:transaction|order|movement|booking|ticket|complaint)\b",
    re.IGNORECASE,
)
Amount = tuple[Decimal, str]


def amounts(text: str) -> Iterator[tuple[Amount, str]]:
    """The amounts in a text, each with how it is written there."""
    for match in MONEY.finditer(text):
        number = (match["a"] or match["b"] or match["bare"]).replace(",", "")
        name = (match["symbol"] or match["code"] or match["after"] or match["word"] or "").strip()
        currency = _SYMBOLS.get(name) or _WORDS.get(name.lower()) or name.upper()
        yield (Decimal(number), currency), match[0].strip()


def money(sentence: str, shown: Shown) -> str:
    """Why a sentence names an amount that no tool shows, or nothing."""
    spoken = list(amounts(sentence))
    if not spoken:
        return ""
    known: set[Amount] = shown.once("amounts", _known_amounts)
    for (value, currency), text in spoken:
        if not any(value == v and (not currency or not c or c == currency) for v, c in known):
            return f"no tool shows the amount {text}"
    return ""


def _known_amounts(shown: Shown) -> set[Amount]:
    known = {amount for amount, _ in amounts(shown.text)}
    for found in shown.objects:
        amount = _amount(found)
        if amount is not None:
            known.add(amount)
        for value in found.values():
            if isinstance(value, list):
                known |= _sums(value)
    return known


def _amount(found: Mapping[str, Any]) -> Amount | None:
    amount, currency = found.get("amount"), found.get("currency")
    if not isinstance(amount, int) or not isinstance(currency, str):
        return None
    return abs(Decimal(amount).scaleb(-get_currency_precision(currency))), currency


def _sums(entries: Sequence[Any]) -> set[Amount]:
    """What a list comes to: a reply may add up what it was shown."""
    totals: dict[str, Decimal] = {}
    for entry in entries:
        if isinstance(entry, Mapping):
            money = entry.get("amount") or entry.get("total")
            found = _amount(money) if isinstance(money, Mapping) else None
            if found is not None:
                totals[found[1]] = totals.get(found[1], Decimal(0)) + found[0]
    return {(total, currency) for currency, total in totals.items()}


def percents(sentence: str, shown: Shown) -> str:
    """The same of a percentage."""
    known = set(_PERCENT.findall(shown.text)) if "%" in sentence or "per" in sentence else set()
    for number in _PERCENT.findall(sentence):
        if number not in known:
            return f"no tool shows {number} %"
    return ""


def days(text: str) -> Iterator[tuple[int, int, int]]:
    """Year (or 0), month and day of each date."""
    for found in _DATE.finditer(text):
        if found["m1"]:
            yield int(found["y1"]), int(found["m1"]), int(found["d1"])
            continue
        month = _MONTHS[(found["m2"] or found["m3"]).lower()]
        yield int(found["y2"] or found["y3"] or 0), month, int(found["d2"] or found["d3"])


def dates(sentence: str, shown: Shown) -> str:
    """The same of a date or a day of the week."""
    spoken = list(days(sentence))
    weekdays = [found.lower() for found in _WEEKDAY.findall(sentence)]
    if not spoken and not weekdays:
        return ""
    known: set[tuple[int, int, int]] = shown.once("days", lambda s: set(days(s.text)))
    for year, month, day in spoken:
        if not any((month, day) == k[1:] and (not year or k[0] in (0, year)) for k in known):
            return f"no tool shows the date {day}/{month}"
    if weekdays and shown.evidence:
        names = {_WEEKDAYS[date(*k).weekday()] for k in known if k[0] and _is_date(*k)}
        for weekday in weekdays:
            if weekday not in names and weekday not in shown.text.lower():
                return f"no tool shows a {weekday}"
    return ""


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Entry:
    """An entry of a list: an order, a line of it, a card, a transaction."""

    marks: frozenset[str]
    """Words by which it is called."""
    values: frozenset[str]
    """Its amounts, ids, digits and days."""


def _entries(shown: Shown) -> list[list[Entry]]:
    return [
        [Entry(frozenset(_marks(item)), frozenset(_values(item))) for item in value]
        for found in shown.objects
        for value in found.values()
        if isinstance(value, list) and len(value) > 1 and all(isinstance(v, Mapping) for v in value)
    ]


def crossed(sentence: str, shown: Shown) -> str:
    """An amount, a date or digits of one entry told of another one, or of the latest."""
    plain = set(re.findall(r"[a-z]?\d+|[a-z]+", sentence.lower()))
    spoken = (
        {str(value) for (value, _), _ in amounts(sentence)}
        | set(re.findall(r"\b\d{4}\b|\b[TOC]\d{3,}\b", sentence))
        | {f"{month}/{day}" for _, month, day in days(sentence)}
    )
    if not spoken:
        return ""
    lists: list[list[Entry]] = shown.once("entries", _entries)
    for entries in lists:
        values = [entry.values for entry in entries]
        everywhere = frozenset.intersection(*values)
        named = [i for i, entry in enumerate(entries) if entry.marks & plain]
        if _LATEST.search(sentence):
            named = [0]
        if len(named) != 1:
            continue
        others = set().union(*(v for i, v in enumerate(values) if i != named[0])) - everywhere
        wrong = (spoken & others) - values[named[0]]
        own = values[named[0]] & spoken
        if wrong and not own:
            return f"{min(wrong)} is of another entry"
    return ""


def _marks(entry: Mapping[str, Any]) -> set[str]:
    """Words by which an entry is called."""
    text = f"{entry.get('id', '')} {entry.get('description', '')} {entry.get('brand', '')}"
    return {
        word for word in re.findall(r"[a-z]\d+|[a-z]{4,}", text.lower()) if word not in STOP_WORDS
    }


def _values(value: Any) -> set[str]:
    """Amounts, ids, digits and days within an entry."""
    if isinstance(value, Mapping):
        amount = _amount(value)
        found = {str(abs(amount[0]))} if amount else set()
        return found.union(*(_values(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_values(item) for item in value))
    if isinstance(value, str):
        return {value} | {f"{month}/{day}" for _, month, day in days(value)}
    return set()


def is_calendar(word: str) -> bool:
    """Whether a word is a month or a day of the week."""
    return word in _MONTHS or word in _WEEKDAYS
