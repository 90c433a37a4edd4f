"""Facts of the record in a sentence: ids, names, counts, amounts, dates. Do the tools show them?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from deskward.agent.claims.amounts import MONEY, crossed, dates, days, is_calendar, money, percents
from deskward.agent.claims.evidence import Shown, without_marks
from deskward.agent.claims.lexicon import Deed, lexicon
from deskward.text.words import STOP_WORDS, stem

_ID = re.compile(r"\b[TOC]\d{3,18}\b|\b(?:user|txn|card)_\d+\b|\b[0-9a-f]{32}\b", re.IGNORECASE)
_CODE = re.compile(r"\b[A-Z]{2,12}\d{2,12}\b")
_NUMBER_SIGN = re.compile(r"\d")
_EXAMPLE = re.compile(r"\b(?:as in|like|such as|example,?|e\.?g\.?)\s+\S{1,40}", re.IGNORECASE)
_DIGITS = re.compile(
    r"(?:\bending(?: in| with)?|\bends (?:in|with)|\bdigits|\*{2,20}|\bcard)\s?[-:]?\s?(\d{4})\b",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_PHONE = re.compile(r"(?<![\w,.])\+?\d(?:[\d\s()-]{5,20})\d(?![\w,.]\d)")
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
    r"\b(low|normal|high|urgent) priority\b|\bpriority\b[^.]{0,20}?\b(low|normal|high|urgent)\b",
    re.I,
)
_TIER = re.compile(
    r"\b(standard|premium|gold|silver|platinum|vip|basic|business) (?:customer|tier|member)\b"
    r"|\btier is (\w+)\b",
    re.I,
)
_SPAN = re.compile(
    rf"\b(\d{{1,4}}|{'|'.join(MANY)})\s(?:business\s|working\s)?(days?|weeks?|months?|years?|hours?)\b"
    r"(?! ago)",
    re.IGNORECASE,
)
_EMPTY = re.compile(
    r"\b(?:overdrawn|(?:balance|account) is (?:zero|empty|negative)|nothing left)\b", re.IGNORECASE
)
_CAPITAL = re.compile(r"(?<=[a-z0-9,] )([A-Z][a-z]{2,20})\b")
_WHOSE = re.compile(
    r"(?!The|Your|This|That|Our|My)([A-Z][a-z]{1,20} [A-Z][a-z]{1,20}) "
    r"(?:has|is|lives|was|holds|owns|ordered)\b"
)
_PLACES = re.compile(r"\b(?:app|under|website|page|menu|settings|choose)\b", re.IGNORECASE)
_USUAL = frozenset("visa mastercard support english internet mail euro card team".split())
_GENERAL = re.compile(r"^(?:choose|open|tap|click|press|select|go to|see|under|please)\b", re.I)


def unknown(sentence: str, shown: Shown) -> str:
    """Why a sentence holds a fact that no tool shows, or nothing."""
    plain = _EXAMPLE.sub("", sentence)
    checks = _WITH_NUMBERS if _NUMBER_SIGN.search(plain) else _WITHOUT_NUMBERS
    for check in checks:
        if why := check(plain, shown):
            return why
    return _names(plain, shown)


def shows(clause_words: Sequence[str], shown: Shown, deed: Deed) -> bool:
    """Whether an answer of the deed's tools shows something that a clause names."""
    stems = {stem(word) for word in clause_words if word not in STOP_WORDS}
    if stems <= lexicon().known_verbs | {"onc"}:
        return any(item.tool in deed.tools for item in shown.ok)
    for item in shown.ok:
        if item.tool not in deed.tools:
            continue
        entries = next((v for v in item.answer.values() if isinstance(v, list)), [item.answer])
        for entry in entries:
            texts = [str(v).lower() for v in entry.values() if isinstance(v, str)]
            texts += [str(v) for k, v in (entry.get("ticket") or {}).items() if k == "assignee"]
            if any(stem(word) in stems for text in texts for word in re.findall("[a-z]+", text)):
                return True
            day = next(days(str(entry.get("at", ""))), (0, 0, 0))
            if any(day[1:] == spoken[1:] for spoken in days(" ".join(clause_words))):
                return True
            formatted = str((entry.get("amount") or {}).get("formatted", "")).lstrip("-$€£¥")
            if formatted and formatted in clause_words:
                return True
    return False


def _ids(sentence: str, shown: Shown) -> str:
    for found in _ID.findall(sentence):
        if found.lower() not in shown.lower:
            return f"no tool shows {found}"
    for code in _CODE.findall(sentence):
        if code not in shown.text:
            return f"no tool shows {code}"
    for digits in _DIGITS.findall(sentence):
        if digits not in shown.text:
            return f"no tool shows a card {digits}"
    return ""


def _mails(sentence: str, shown: Shown) -> str:
    for found in _MAIL.findall(sentence):
        if found.lower().rstrip(".") not in shown.lower:
            return f"no tool shows {found}"
    return ""


def _phones(sentence: str, shown: Shown) -> str:
    for found in _PHONE.findall(sentence):
        digits = re.sub(r"\D", "", found)
        if len(digits) >= 9 and digits not in shown.digits:
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
    whole = re.search(
        r"\b(?:you have|i have|i see|there are|i found) (\w+) (\w+)\b", sentence, re.I
    )
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


def _levels(sentence: str, shown: Shown) -> str:
    """Priorities and tiers: what the record says, or what a write set."""
    lower = sentence.lower()
    for pattern, key in ((_LEVEL, "priority"), (_TIER, "tier")):
        if key == "priority" and key not in lower:
            continue
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


def _names(sentence: str, shown: Shown) -> str:
    if _GENERAL.match(sentence):
        return ""
    if (whose := _WHOSE.match(sentence)) and without_marks(whose[1]) not in shown.plain:
        return f"no tool shows the name {whose[1]}"
    if shown.ok and not shown.articles and not _PLACES.search(sentence):
        for name in _CAPITAL.findall(sentence):
            word = name.lower()
            known = f" {word} " in shown.plain or f" {word.rstrip('s')} " in shown.plain
            if not known and not is_calendar(word) and word not in _USUAL:
                return f"no tool shows the name {name}"
    for first, last in _NAMES.findall(sentence):
        for word in (first, last):
            if f" {word.lower()} " not in shown.plain and not is_calendar(word.lower()):
                return f"no tool shows the name {first} {last}"
    return ""


def _numbers(sentence: str, shown: Shown) -> str:
    """Long numbers, such as of a house or a post code, and times of day."""
    if not shown.ok:
        return ""
    rest = MONEY.sub(" ", sentence)
    for number in re.findall(r"(?<![\w.,:-])\d{3,12}(?![\w,:-]|\.\d)", rest):
        if number not in shown.text and number not in shown.digits:
            return f"no tool shows the number {number}"
    for hour, minute in re.findall(r"(?<![\d:])(\d{1,2}):(\d\d)(?![\d:])", rest):
        if f"{hour}:{minute}" not in shown.text and f"{hour:0>2}:{minute}" not in shown.text:
            return f"no tool shows the time {hour}:{minute}"
    return ""


_WITHOUT_NUMBERS: tuple[Callable[[str, Shown], str], ...] = (
    dates,
    _mails,
    _counts,
    _levels,
    _spans,
    _empty,
)
_WITH_NUMBERS = (_ids, money, percents, _phones, _streets, crossed, _numbers, *_WITHOUT_NUMBERS)
