"""Card numbers (ISO/IEC 7812) in texts: any digits, any separators, and what stands beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Any

FEWEST, MOST = 12, 19
"""Digits of a card number."""

_DIGIT = re.compile(r"\d")
_BREAK = re.compile(
    r"(?<![0-9a-f])(?=[0-9]{0,31}[a-f])[0-9a-f]{32}(?![0-9a-f])"
    r"|[^\W\d_]|[$€£¥₹%+]|\n\s*\n"
    r"|(?<!\d)\d{4}-\d\d-\d\d(?!\d)"
    r"|(?<![\d./])\d{1,2}[./]\d{1,2}[./](?:\d\d){1,2}\b(?![./]\d)"
    r"|(?<!\d)(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?!\d)"
)
"""What no number goes over: ids of 32 hexadecimal digits, letters, money, dates and times."""
_IBAN = re.compile(r"\b[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_LISTS = re.compile(r"[,;\n].")
"""What stands between things of a list, rather than within a number."""
_LONGEST_GAP = 4
"""Characters between two digits of a number."""
_BRANDS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[68-9])\d{11,16}"
    r"|35\d{14,17}|(?:5[0678]|6\d|8[12])\d{11,17}|220\d{13,16}"
)
"""How numbers of Visa, Mastercard, American Express, Diners, JCB, Maestro, Discover, UnionPay,
RuPay and Mir begin, and how long they are."""
_BESIDE = re.compile(
    r"[\s,;/|.:()-]{0,6}(?:(?:exp\w{0,7}|valid|thru|until|till|good|cvv2?|cvc2?|cid|code|date|and|on"
    r"|is|with)\b[\s:.,=-]{1,3}){0,4}"
    r"(?P<secret>\d{1,2}\s?[/.-]\s?(?:\d{4}|\d\d)|\d{3,4})"
    r"(?!\d|[.,/-]\d|\s?(?:[$€£¥%]|[A-Z]{3}\b|dollars|euros?|francs|pounds))",
    re.IGNORECASE,
)
_EXPIRY = re.compile(
    r"\b(?:exp\w{0,7}|valid(?: (?:until|thru|till))?|thru)\b\W{0,4}"
    r"(?P<secret>\d{1,2}\s?[/.-]\s?(?:\d{4}|\d\d))(?!\d)",
    re.IGNORECASE,
)


def card_numbers(text: str) -> Iterator[str]:
    """The card numbers in a text as they stand there, and the dates and codes beside them."""
    if len(_DIGIT.findall(text)) < FEWEST:
        return
    spans = [span for places in _runs(text) for span in _Run(text, places).numbers()]
    for start, end in spans:
        yield text[start:end]
        for _ in range(3):
            beside = _BESIDE.match(text, end)
            if beside is None:
                break
            yield beside["secret"]
            end = beside.end()
    if spans:
        for match in _EXPIRY.finditer(text):
            yield match["secret"]


def without_cards(value: Any) -> Any:
    """A value with no card number in any of its texts: of each only the last four digits."""
    if isinstance(value, dict):
        return {name: without_cards(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_cards(item) for item in value]
    if not isinstance(value, str):
        return value
    for found in sorted(set(card_numbers(value)), key=len, reverse=True):
        digits = "".join(_DIGIT.findall(found))
        value = value.replace(found, f"••{digits[-4:]}" if len(digits) >= FEWEST else "••")
    return value


def luhn(digits: str) -> bool:
    """Whether a card number's check digit is right (ISO/IEC 7812-1, annex B)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 else 1)
        total += value - 9 if value > 9 else value
    return FEWEST <= len(digits) <= MOST and total % 10 == 0 and set(digits) != {"0"}


def _runs(text: str) -> Iterator[list[int]]:
    """Where digits stand that could be of one number, each time at least `FEWEST`."""
    broken = {match.start(): match.end() for match in _BREAK.finditer(text)}
    broken |= {m.start(): m.end() for m in _IBAN.finditer(text) if _is_iban(m[0])}
    run: list[int] = []
    skip = 0
    for at, char in enumerate(text):
        if at in broken:
            skip = broken[at]
        is_over = at < skip or (run and at - run[-1] > _LONGEST_GAP)
        if is_over and run:
            if len(run) >= FEWEST:
                yield run
            run = []
        if at >= skip and char.isdecimal():
            run.append(at)
    if len(run) >= FEWEST:
        yield run


def _is_iban(text: str) -> bool:
    """Whether an account's number is right (ISO 13616: the remainder by 97 is 1)."""
    number = text.replace(" ", "")
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


class _Run:
    """Digits that could be of one number, or of several things beside each other."""

    def __init__(self, text: str, places: list[int]) -> None:
        self._places = places
        self._digits = "".join(str(int(text[at])) for at in places)
        values = [int(digit) for digit in self._digits]
        # Sums up to each digit, where those at even, and at odd, places count double.
        self._sums = [
            _summed(_doubled(v) if at % 2 == odd else v for at, v in enumerate(values))
            for odd in (0, 1)
        ]
        gaps = [text[a + 1 : b] for a, b in pairwise(places)]
        self._begins = [True, *map(bool, gaps), True]
        """Whether a group of digits begins there."""
        self._lists = _summed([0, *(_LISTS.match(gap) is not None for gap in gaps)])
        starts = [at for at, begins in enumerate(self._begins) if begins]
        odd_ends = {end for start, end in pairwise(starts) if end - start not in (1, 4)}
        self._odd = _summed(at in odd_ends for at in range(len(values) + 1))
        """How many groups have ended up to there that are of other sizes than one and four."""

    def numbers(self) -> Iterator[tuple[int, int]]:
        """Where the numbers in it begin and end."""
        count = len(self._digits)
        if count <= MOST and not self._lists[-1] and self._checks(0, count):
            yield self._places[0], self._places[-1] + 1
            return
        at = 0
        while at <= count - FEWEST:
            end = self._end(at)
            if end:
                yield self._places[at], self._places[end - 1] + 1
            at = end or at + 1

    def _end(self, start: int) -> int:
        """Where the longest number ends that begins here; 0 where none does."""
        branded = _BRANDS.match(self._digits, start) is not None
        if not branded and not self._begins[start]:
            return 0
        for end in range(min(start + MOST, len(self._digits)), start + FEWEST, -1):
            if self._checks(start, end) and (
                (
                    branded
                    and _BRANDS.fullmatch(self._digits, start, end)
                    and self._holds(start, end)
                )
                or (self._begins[end] and self._is_in_fours(start, end))
            ):
                return end
        return 0

    def _checks(self, start: int, end: int) -> bool:
        sums = self._sums[end % 2]
        return (sums[end] - sums[start]) % 10 == 0 and self._digits[start:end].strip("0") != ""

    def _holds(self, start: int, end: int) -> bool:
        """Whether digits of a brand are one number by how they are grouped."""
        inner = next((at for at in range(start + 1, end) if self._begins[at]), end)
        if inner == end or (self._begins[start] and self._lists[end] == self._lists[start + 1]):
            return True
        return self._odd[end] == self._odd[inner + 1]

    def _is_in_fours(self, start: int, end: int) -> bool:
        listed = self._lists[end] > self._lists[start + 1]
        return self._begins[start] and not listed and self._odd[end + 1] == self._odd[start + 1]


def _doubled(value: int) -> int:
    return value * 2 - 9 * (value > 4)


def _summed(values: Iterable[int]) -> list[int]:
    return list(accumulate(values, initial=0))
