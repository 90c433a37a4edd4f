"""Facts of the record in a sentence: amounts, ids, dates, names, counts. Do the tools show them?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import get_currency_precision

from deskward.agent.promise_evidence import Shown, without_marks
from deskward.agent.promise_words import Deed
from deskward.core.words import STOP_WORDS, stem

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
_MONEY = re.compile(
    rf"(?P<symbol>[$€£¥₹]|\b(?:USD|EUR|GBP|JPY|INR|CHF)\b)\s?-?(?P<a>{_NUMBER})"
    rf"|(?<![\w.,])(?P<b>{_NUMBER})\s?(?:(?P<code>USD|EUR|GBP|JPY|INR|CHF)\b"
    r"|(?P<word>dollar|buck|euro|pound|yen|rupee)s?\b|(?P<after>[€£¥]))"
    r"|(?<![\w.,:])(?P<bare>\d{1,9}(?:,\d{3}){0,3}\.\d\d)(?![\w.:%])(?!\s?%)",
    re.IGNORECASE,
)
_PERCENT = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s?(?:%|percent\b|per cent\b)", re.IGNORECASE)
_ID = re.compile(r"\b[TOC]\d{3,18}\b|\b(?:user|txn|card)_\d+\b|\b[0-9a-f]{32}\b", re.IGNORECASE)
_CODE = re.compile(r"\b[A-Z]{2,12}\d{2,12}\b")
_EXAMPLE = re.compile(r"\b(?:as in|like|such as|example,?|e\.?g\.?)\s+\S{1,40}", re.IGNORECASE)
_DIGITS = re.compile(
    r"(?:\bending(?: in| with)?|\bends (?:in|with)|\bdigits|\*{2,}|\bcard)\s?[-:]?\s?(\d{4})\b",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_PHONE = re.compile(r"(?<![\w,.])\+?\d(?:[\d\s()-]{5,20})\d(?![\w,.]\d)")
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
_STREET = re.compile(
    r"\b(\d{1,5}(?:-\d{1,5})?[A-Za-z]?)\s((?:[A-Z][a-z]{1,30}\s){1,3}"
    r"(?:Street|Road|Lane|Avenue|Drive|Court|Boulevard|Way|Place|Square|Terrace|Row|Close))\b"
)
_NAMES = re.compile(r"(?<![.!?:\n\"] )(?<!^)\b([A-Z][a-z]{1,20}) ([A-Z][a-z]{1,20})\b")
MANY = {
    "no": 0, "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_COUNT = re.compile(rf"(?<![\w.,$])(\d{{1,4}}|{'|'.join(MANY)})\s([a-z]+(?:\s[a-z]+){{0,2}})", re.I)
LISTS = {"order": "orders", "ticket": "tickets", "complaint": "complaints", "card": "cards",
          "transact": "transactions"}  # fmt: skip
_IRREGULAR = {"mice": "mous", "mouse": "mous"}
_LEVEL = re.compile(
    r"\b(low|normal|high|urgent) priority\b|\bpriority\b[^.]{0,20}?\b(low|normal|high|urgent)\b", re.I
)
_TIER = re.compile(
    r"\b(standard|premium|gold|silver|platinum|vip|basic|business) (?:customer|tier|member)\b"
    r"|\btier is (\w+)\b",
    re.I,
)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN = re.compile(
    rf"\b(\d{{1,4}}|{'|'.join(MANY)})\s(?:business\s|working\s)?(days?|weeks?|months?|years?|hours?)\b"
    r"(?! ago)",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"\b(?:overdrawn|(?:balance|account) is (?:zero|empty|negative)|nothing left)\b", re.IGNORECASE
)
_CAPITAL = re.compile(r"(?<=[a-z0-9,] )([A-Z][a-z]{2,20})\b")
_WHOSE = re.compile(r"(?!The|Your|This|That|Our|My)([A-Z][a-z]{1,20} [A-Z][a-z]{1,20}) (?:has|is|lives|was|holds|owns|ordered)\b")
_PLACES = re.compile(r"\b(?:app|under|website|page|menu|settings|choose)\b", re.IGNORECASE)
_USUAL = frozenset("visa mastercard support english internet mail euro card team".split())
_LATEST = re.compile(
    r"\b(?:last|latest|newest|most recent) (?:transaction|order|movement|booking|ticket|complaint)\b",
    re.IGNORECASE,
)
_GENERAL = re.compile(r"^(?:choose|open|tap|click|press|select|go to|see|under|please)\b", re.I)


def unknown(sentence: str, shown: Shown) -> str:
    """Why a sentence holds a fact that no tool shows, or nothing."""
    plain = _EXAMPLE.sub("", sentence)
    for check in (_ids, _money, _percents, _dates, _mails, _phones, _streets, _counts, _levels, _spans, _empty, _crossed, _numbers):
        if why := check(plain, shown):
            return why
    return _names(plain, shown)


def shows(clause_words: Sequence[str], shown: Shown, deed: Deed) -> bool:
    """Whether an answer of the deed's tools shows something that a clause names."""
    stems = {stem(word) for word in clause_words if word not in STOP_WORDS}
    for item in shown.ok:
        if item.tool not in deed.tools:
            continue
        entries = next((v for v in item.answer.values() if isinstance(v, list)), [item.answer])
        for entry in entries:
            texts = [str(v).lower() for v in entry.values() if isinstance(v, str)]
            texts += [str(v) for k, v in (entry.get("ticket") or {}).items() if k == "assignee"]
            if any(stem(word) in stems for text in texts for word in re.findall("[a-z]+", text)):
                return True
            if day := next(_days(str(entry.get("at", ""))), None):
                if any(day[1:] == spoken[1:] for spoken in _days(" ".join(clause_words))):
                    return True
            formatted = str((entry.get("amount") or {}).get("formatted", "")).lstrip("-$€£¥")
            if formatted and formatted in clause_words:
                return True
    return False


def _ids(sentence: str, shown: Shown) -> str:
    for found in _ID.findall(sentence):
        if found.lower() not in shown.text.lower():
            return f"no tool shows {found}"
    for code in _CODE.findall(sentence):
        if code not in shown.text:
            return f"no tool shows {code}"
    for digits in _DIGITS.findall(sentence):
        if digits not in shown.text:
            return f"no tool shows a card {digits}"
    return ""


Amount = tuple[Decimal, str]


def _amounts(text: str) -> Iterator[tuple[Amount, str]]:
    for match in _MONEY.finditer(text):
        number = (match["a"] or match["b"] or match["bare"]).replace(",", "")
        name = (match["symbol"] or match["code"] or match["after"] or match["word"] or "").strip()
        currency = _SYMBOLS.get(name) or _WORDS.get(name.lower()) or name.upper()
        try:
            yield (Decimal(number), currency), match[0].strip()
        except InvalidOperation:  # pragma: no cover
            continue


def _money(sentence: str, shown: Shown) -> str:
    spoken = list(_amounts(sentence))
    if not spoken:
        return ""
    known = _known_amounts(shown)
    for (value, currency), text in spoken:
        if not any(value == v and (not currency or not c or c == currency) for v, c in known):
            return f"no tool shows the amount {text}"
    return ""


def _known_amounts(shown: Shown) -> set[Amount]:
    known = {amount for amount, _ in _amounts(shown.text)}
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


def _percents(sentence: str, shown: Shown) -> str:
    known = set(_PERCENT.findall(shown.text)) if "%" in sentence or "per" in sentence else set()
    for number in _PERCENT.findall(sentence):
        if number not in known:
            return f"no tool shows {number} %"
    return ""


def _days(text: str) -> Iterator[tuple[int, int, int]]:
    """Year (or 0), month and day of each date."""
    for found in _DATE.finditer(text):
        if found["m1"]:
            yield int(found["y1"]), int(found["m1"]), int(found["d1"])
            continue
        month = _MONTHS[(found["m2"] or found["m3"]).lower()]
        yield int(found["y2"] or found["y3"] or 0), month, int(found["d2"] or found["d3"])


def _dates(sentence: str, shown: Shown) -> str:
    spoken = list(_days(sentence))
    weekdays = [day for day in _WEEKDAYS if re.search(rf"\b(?:on|last) {day}\b", sentence, re.I)]
    if not spoken and not weekdays:
        return ""
    known = set(_days(shown.text))
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


def _mails(sentence: str, shown: Shown) -> str:
    for found in _MAIL.findall(sentence):
        if found.lower().rstrip(".") not in shown.text.lower():
            return f"no tool shows {found}"
    return ""


def _phones(sentence: str, shown: Shown) -> str:
    for found in _PHONE.findall(sentence):
        digits = re.sub(r"\D", "", found)
        if len(digits) >= 9 and digits not in re.sub(r"[\s()+-]", "", shown.text):
            return f"no tool shows the number {found.strip()}"
    return ""


def _streets(sentence: str, shown: Shown) -> str:
    for number, street in _STREET.findall(sentence):
        if without_marks(f"{number} {street}") not in shown.plain:
            return f"no tool shows the address {number} {street}"
    return ""


def _counts(sentence: str, shown: Shown) -> str:
    """How many orders, cards or articles there are, where a tool listed them."""
    for many, after in _COUNT.findall(sentence):
        number = int(many) if many.isdigit() else MANY[many.lower()]
        for noun in after.lower().split():
            kind = LISTS.get(stem(noun))
            known = _totals(kind, shown) if kind else _quantities(noun, shown)
            if known and number not in known:
                return f"no tool shows {many} {noun}"
            if known:
                break
    whole = re.search(r"\b(?:you have|i have|i see|there are|i found) (\w+) (\w+)\b", sentence, re.I)
    if whole and (kind := LISTS.get(stem(whole[2].lower()))):
        number = int(whole[1]) if whole[1].isdigit() else MANY.get(whole[1].lower(), -1)
        totals = {n for n in _totals(kind, shown, parts=False)}
        if number >= 0 and totals and number not in totals:
            return f"no tool shows {whole[1]} {whole[2]}"
    return ""


def _totals(kind: str, shown: Shown, *, parts: bool = True) -> set[int]:
    known: set[int] = set()
    for found in shown.objects:
        entries = found.get(kind)
        if isinstance(entries, list):
            total = found.get("total")
            known |= {len(entries)} | ({total} if isinstance(total, int) else set())
            if parts:
                known |= set(range(max(known) + 1))
    return known


def _quantities(noun: str, shown: Shown) -> set[int]:
    """How many of an article orders hold; empty where it is no article of any."""
    wanted = _IRREGULAR.get(noun, stem(noun))
    known: set[int] = set()
    for found in shown.objects:
        quantity, text = found.get("quantity"), found.get("description")
        if isinstance(quantity, int) and isinstance(text, str):
            words = re.findall("[a-z]+", text.lower())
            if any(_IRREGULAR.get(word, stem(word)) == wanted for word in words):
                known.add(quantity)
    return known | ({sum(known)} if known else set())


def _spans(sentence: str, shown: Shown) -> str:
    """How long something takes, where an article was asked about it."""
    if not shown.articles:
        return ""
    for many, unit in _SPAN.findall(sentence):
        number = MANY.get(many.lower(), many)
        names = {str(number), many.lower(), *(w for w, n in MANY.items() if n == int(number))}
        if not any(f" {name} " in shown.plain for name in names):
            return f"no tool shows {many} {unit}"
    return ""


def _empty(sentence: str, shown: Shown) -> str:
    """That there is no money, where a tool shows some."""
    if not _EMPTY.search(sentence) or re.search(r"\b(?:not|never|if|once|when)\b|n't", sentence):
        return ""
    balances = [b["amount"] for f in shown.objects if isinstance(b := f.get("balance"), Mapping)]
    return "a tool shows that there is money" if any(b > 0 for b in balances) else ""


def _entries(shown: Shown) -> Iterator[list[Mapping[str, Any]]]:
    """The lists of the answers: orders, their lines, cards, transactions."""
    for found in shown.objects:
        for value in found.values():
            if isinstance(value, list) and len(value) > 1 and isinstance(value[0], Mapping):
                yield value


def _crossed(sentence: str, shown: Shown) -> str:
    """An amount, a date or digits of one entry told of another one, or of the latest."""
    plain = set(re.findall(r"[a-z]?\d+|[a-z]+", sentence.lower()))
    spoken = {str(value) for (value, _), _ in _amounts(sentence)} | set(
        re.findall(r"\b\d{4}\b|\b[TOC]\d{3,}\b", sentence)
    ) | {f"{month}/{day}" for _, month, day in _days(sentence)}
    if not spoken:
        return ""
    for entries in _entries(shown):
        values = [_values(entry) for entry in entries]
        everywhere = set.intersection(*values)
        named = [i for i, entry in enumerate(entries) if _marks(entry) & plain]
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
    return {word for word in re.findall(r"[a-z]\d+|[a-z]{4,}", text.lower()) if word not in STOP_WORDS}


def _values(value: Any) -> set[str]:
    """Amounts, ids, digits and days within an entry."""
    if isinstance(value, Mapping):
        amount = _amount(value)
        found = {str(abs(amount[0]))} if amount else set()
        return found.union(*(_values(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_values(item) for item in value))
    if isinstance(value, str):
        return {value} | {f"{month}/{day}" for _, month, day in _days(value)}
    return set()


def _levels(sentence: str, shown: Shown) -> str:
    """Priorities and tiers: what the record says, or what a write set."""
    for pattern, key in ((_LEVEL, "priority"), (_TIER, "tier")):
        for match in pattern.finditer(sentence):
            level = next(group for group in match.groups() if group).lower()
            ids = {found.lower() for found in _ID.findall(sentence)}
            values = {
                str(found[key]).lower()
                for found in shown.objects
                if found.get(key)
                and (not ids or ids & {str(v).lower() for v in found.values()} or key == "tier")
            }
            if level not in values:
                return f"no tool shows the {key} {level}"
    return ""


def _is_calendar(word: str) -> bool:
    return word in _MONTHS or word in _WEEKDAYS


def _names(sentence: str, shown: Shown) -> str:
    if _GENERAL.match(sentence):
        return ""
    if (whose := _WHOSE.match(sentence)) and without_marks(whose[1]) not in shown.plain:
        return f"no tool shows the name {whose[1]}"
    if shown.ok and not shown.articles and not _PLACES.search(sentence):
        for name in _CAPITAL.findall(sentence):
            word = name.lower()
            known = f" {word} " in shown.plain or f" {word.rstrip('s')} " in shown.plain
            if not known and not _is_calendar(word) and word not in _USUAL:
                return f"no tool shows the name {name}"
    for first, last in _NAMES.findall(sentence):
        for word in (first, last):
            if f" {word.lower()} " not in shown.plain and not _is_calendar(word.lower()):
                return f"no tool shows the name {first} {last}"
    return ""


def _numbers(sentence: str, shown: Shown) -> str:
    """Long numbers, such as of a house or a post code, and times of day."""
    if not shown.ok:
        return ""
    rest = _MONEY.sub(" ", sentence)
    for number in re.findall(r"(?<![\w.,:-])\d{3,12}(?![\w,:-]|\.\d)", rest):
        if number not in shown.text and number not in re.sub(r"[\s()+,-]", "", shown.text):
            return f"no tool shows the number {number}"
    for hour, minute in re.findall(r"(?<![\d:])(\d{1,2}):(\d\d)(?![\d:])", rest):
        if f"{hour}:{minute}" not in shown.text and f"{hour:0>2}:{minute}" not in shown.text:
            return f"no tool shows the time {hour}:{minute}"
    return ""
