"""Values in a text: ids, amounts, percentages, dates and numbers, in any language's formats.

Names of months and currencies come from the Unicode CLDR, by Babel. Where a number can be read in
two ways ("1.500"), both readings count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from deskward.text.spacing import spaced

CURRENCIES = "USD EUR GBP JPY INR CHF CAD AUD BRL MXN CNY PLN SEK NOK DKK SAR AED".split()
_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR"}
_SPACE = "  \u202f"
_NUMBER = (
    rf"\d{{1,3}}(?:[.,{_SPACE}'’]\d{{3}}){{1,4}}(?:[.,]\d{{1,2}})?(?!\d)"
    r"|\d{1,12}(?:[.,]\d{1,3})?"
)
_MAIL = r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"
_ISO = r"(?P<y1>\d{4})-(?P<m1>\d\d)-(?P<d1>\d\d)"
_DAY_OR_MONTH = r"(?:0?[1-9]|[12]\d|3[01])"
_DAY = r"(?<!\d)(?:{day})(?:\.|st|nd|rd|th|er|º|°)?"

KINDS = ("mail", "date", "percent", "money", "weekday", "number")
Date = tuple[int, int, int]
"""Year (0 where none is said), month and day."""


@dataclass(frozen=True)
class Value:
    """A value, and where it stands.

    Attributes:
        kind: `mail`, `money`, `percent`, `date`, `weekday`, `number`, or what an id is of.
        text: As it stands there.
        start: Where it begins.
        end: Where it ends.
        numbers: What an amount or a number can mean.
        currency: The currency of an amount, where one is said.
        dates: What a date can mean.
    """

    kind: str
    text: str
    start: int
    end: int
    numbers: frozenset[Decimal] = frozenset()
    currency: str = ""
    dates: frozenset[Date] = frozenset()

    @property
    def is_id(self) -> bool:
        """Whether it is an id."""
        return self.kind not in KINDS

    def can_be(self, number: Decimal, currency: str) -> bool:
        """Whether it can mean an amount; one without a currency is of any."""
        same = not self.currency or currency in ("", self.currency)
        return number in self.numbers and same

    def can_be_on(self, day: Date) -> bool:
        """Whether it can mean a day; one without a year is of any."""
        return any(
            one[1:] == day[1:] and (0 in (one[0], day[0]) or one == day) for one in self.dates
        )


@cache
def _names(language: str) -> tuple[dict[str, int], dict[str, str], dict[str, int]]:
    """Months, currencies and days of the week by their names in a language."""
    from babel import Locale
    from babel.dates import get_day_names, get_month_names
    from babel.numbers import get_currency_name, get_currency_symbol

    locale = Locale.parse(language)
    months = {
        spaced(name.casefold().rstrip(".")): number
        for width in ("abbreviated", "wide")
        for number, name in get_month_names(width, locale=locale).items()
    }
    money = dict(_SYMBOLS)
    for code in CURRENCIES:
        symbol = get_currency_symbol(code, locale)
        names = {spaced(get_currency_name(code, n, locale).casefold()) for n in (1, 2)}
        money |= dict.fromkeys({code, symbol, *names, *(n.split()[0] for n in names)}, code)
        money |= dict.fromkeys((n.rpartition("-")[2] for n in names), code)
    money |= {"dollar": "USD", "dollars": "USD", "US$": "USD", **_LOOSE.get(language, {})}
    days = {spaced(n.casefold()): i for i, n in get_day_names("wide", locale=locale).items()}
    return months, money, days


_LOOSE = {
    "ar": {"دولار": "USD", "دولارا": "USD"},
    "de": {"dollar": "USD"},
    "es": {"dólares": "USD", "dólar": "USD", "yenes": "JPY"},
    "it": {"dollari": "USD", "dollaro": "USD", "yen": "JPY"},
    "ja": {"ドル": "USD", "ユーロ": "EUR", "円": "JPY"},
    "pt": {"dólares": "USD", "dólar": "USD", "ienes": "JPY"},
}


@cache
def _pattern(language: str) -> re.Pattern[str]:
    months, money, days = _names(language)
    month = "|".join(sorted(map(re.escape, months), key=len, reverse=True))
    unit = "|".join(sorted(map(re.escape, money), key=len, reverse=True))
    day = _DAY.replace("{day}", r"\d{1,2}")
    return re.compile(
        rf"(?P<mail>{_MAIL})|(?P<date>{_ISO}"
        rf"|{day.replace('(?:', '(?P<d2>', 1)}\s(?:of\s|de\s|di\s)?(?P<m2>{month})\b\.?"
        rf"(?:,?\s(?:de\s|del\s)?(?P<y2>\d{{4}}))?"
        rf"|\b(?P<m3>{month})\b\.?\s(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s(?P<y3>\d{{4}}))?"
        rf"|(?<!\d)(?P<a>\d{{1,2}})[./](?P<b>\d{{1,2}})[./](?P<y4>\d{{4}})"
        rf"|(?<![\w./])(?!24/7)(?P<a2>{_DAY_OR_MONTH})/(?P<b2>{_DAY_OR_MONTH})(?![\w/]))"
        rf"|(?P<percent>(?P<p>{_NUMBER})\s?(?:%|percent\b|per cent\b|prozent\b))"
        rf"|(?P<money>(?<![\w.,])(?:(?P<u1>{unit})\s?-?(?P<n1>{_NUMBER})"
        rf"|-?(?P<n2>{_NUMBER})\s?(?P<u2>{unit})(?!\w)))"
        rf"|(?P<weekday>\b(?:{'|'.join(map(re.escape, days))})\b)"
        rf"|(?P<number>(?<![\w.,])(?:{_NUMBER})(?![\w]))",
        re.IGNORECASE,
    )


def values_in(text: str, ids: Mapping[str, re.Pattern[str]], language: str) -> list[Value]:
    """The values in a text, in their order; none lies within another.

    Args:
        ids: Patterns of ids by what they are of.
        language: The language's code, such as `de`.
    """
    found = [
        _value(match, language)
        for match in _pattern(language).finditer(text)
        if match.lastgroup != "number" or match["number"]
    ]
    strong = [v for v in found if v.kind != "number"]
    taken = [(v.start, v.end) for v in strong]
    named = [
        Value(kind, match[0], match.start(), match.end())
        for kind, pattern in ids.items()
        for match in pattern.finditer(text)
        if not any(start < match.end() and match.start() < end for start, end in taken)
    ]
    taken += [(v.start, v.end) for v in named]
    plain = [
        v
        for v in found
        if v.kind == "number" and not any(s < v.end and v.start < e for s, e in taken)
    ]
    return sorted([*strong, *named, *plain], key=lambda value: value.start)


def _value(match: re.Match[str], language: str) -> Value:
    kind = next(name for name in KINDS if match[name] is not None)
    numbers: frozenset[Decimal] = frozenset()
    currency, dates = "", frozenset[Date]()
    if kind == "money":
        numbers = readings(match["n1"] or match["n2"])
        unit = (match["u1"] or match["u2"]).casefold()
        known = _names(language)[1]
        currency = next((code for name, code in known.items() if name.casefold() == unit), "")
    elif kind in ("percent", "number"):
        numbers = readings(match["p"] or match["number"])
    elif kind == "date":
        dates = _dates(match, language)
    return Value(kind, match[0], match.start(), match.end(), numbers, currency, dates)


def _dates(match: re.Match[str], language: str) -> frozenset[Date]:
    if match["y1"]:
        return frozenset({(int(match["y1"]), int(match["m1"]), int(match["d1"]))})
    if match["a2"]:
        a, b = int(match["a2"]), int(match["b2"])
        return frozenset({(0, a, b), (0, b, a)})
    if match["a"]:
        a, b, year = int(match["a"]), int(match["b"]), int(match["y4"])
        return frozenset({(year, a, b), (year, b, a)})
    month = _names(language)[0][(match["m2"] or match["m3"]).casefold().rstrip(".")]
    year = int(match["y2"] or match["y3"] or 0)
    return frozenset({(year, month, int(match["d2"] or match["d3"]))})


def readings(text: str) -> frozenset[Decimal]:
    """What a number can mean: its last mark may begin the decimals, or part thousands."""
    digits = re.sub(rf"[{_SPACE}'’]", "", text)
    *whole, last = re.split(r"[.,]", digits)
    found = set()
    if not whole or len(last) == 3:
        found.add(Decimal("".join([*whole, last])))
    if whole and (len(last) != 3 or len(whole) == 1):
        found.add(Decimal(f"{''.join(whole)}.{last}"))
    return frozenset(found)


def units(language: str) -> Mapping[str, str]:
    """The codes of currencies by their names in a language."""
    return _names(language)[1]


def weekday_of(text: str, language: str) -> int:
    """The day of the week of that name, Monday being 0."""
    return _names(language)[2][text.casefold()]


def weekdays(dates: frozenset[Date]) -> frozenset[int]:
    """The days of the week of dates."""
    found = set()
    for year, month, day in dates:
        if year and 1 <= month <= 12 and 1 <= day <= 28 + (month != 2) * 2:
            found.add(date(year, month, day).weekday())
    return frozenset(found)
