"""The values in what tools answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any

from deskward.core.answers import CallStatus
from deskward.core.currencies import places_of
from deskward.text.values import Value, values_in

LONGEST = 4_000
"""Characters of a result's text in which values are looked for."""

_SECONDS = re.compile(r"(\d{4}-\d\d-\d\d)t(\d\d):(\d\d):\S*", re.IGNORECASE)
_CODE = re.compile(r"\b(?=[a-f\d]*[a-f])(?=[a-f]*\d)[a-f\d]{16,64}\b")
Amount = tuple[Decimal, str]
"""A sum of money, and the code of its currency."""
Conditions = Mapping[str, frozenset[str]]
"""Of fields, the patterns of their values (`*`, `?` and `[…]` as in names of files)."""


def leaves_of(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value below another, with the name of its field; of a list, its items' ones.

    Of an amount of money the number alone is left out: without its currency it would show any.
    """
    if isinstance(value, Mapping):
        bare = "value" if money_in(value) else None
        for key, item in value.items():
            if key != bare:
                yield from leaves_of(item, str(key))
    elif isinstance(value, list | tuple) and value:
        for item in value:
            yield from leaves_of(item, name)
    else:
        yield name, value


def mappings_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping in a value."""
    if isinstance(value, Mapping):
        yield value
    for item in value.values() if isinstance(value, Mapping) else value:
        if isinstance(item, Mapping | list | tuple):
            yield from mappings_in(item)


def texts_of(value: Any) -> frozenset[str]:
    """All texts in a value, in lower case."""
    return frozenset(leaf.casefold() for _, leaf in leaves_of(value) if isinstance(leaf, str))


def words_in(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(re.findall(r"[^\W\d_]+", text))


def without_codes(text: str) -> str:
    """A text without long codes and the seconds of moments, in which any number may be found."""
    return _SECONDS.sub(r"\1 \2 \3", _CODE.sub("", text))


@lru_cache(maxsize=4096)
def values_of(text: str) -> tuple[Value, ...]:
    """The values in a text of a result, which are written in English or by standards."""
    if not any(map(str.isdigit, text)):
        return ()
    return tuple(values_in(without_codes(text[:LONGEST]), {}, "en"))


def all_have(leaves: list[tuple[str, Any]], wanted: Conditions) -> bool:
    """Whether each of these fields has one of its values somewhere."""
    return all(
        any(key == name and fits(value, values) for key, value in leaves)
        for name, values in wanted.items()
    )


def in_state(record: Mapping[str, Any], states: Conditions) -> bool:
    """Whether a record has in each of these fields one of its values."""
    return all(name in record and fits(record[name], wanted) for name, wanted in states.items())


def fits(value: Any, patterns: Set[str]) -> bool:
    """Whether a value is one of some patterns; none is as the empty text."""
    text = "" if value is None else str(value)
    return text in patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def money_in(item: Mapping[str, Any]) -> set[Amount]:
    """The amount that a mapping is, if it is one."""
    amount, currency = item.get("amount"), item.get("currency")
    if type(amount) is not int or not isinstance(currency, str):
        return set()
    return {(abs(Decimal(amount).scaleb(-places_of(currency))), currency)}


def sums_of(items: Sequence[Mapping[str, Any]]) -> set[Amount]:
    """What a list comes to: a reply may add up what it was shown."""
    totals: dict[str, Decimal] = {}
    for item in items:
        part = item.get("amount") or item.get("total")
        for number, code in money_in(part) if isinstance(part, Mapping) else ():
            totals[code] = totals.get(code, Decimal(0)) + number
    return {(total, code) for code, total in totals.items()}


@dataclass(frozen=True)
class Evidence:
    """What one call of a tool showed."""

    tool: str
    status: CallStatus
    arguments: Mapping[str, Any]
    answer: Mapping[str, Any]

    @cached_property
    def leaves(self) -> list[tuple[str, Any]]:
        """Every value of the answer and the arguments, with the name of its field."""
        return [*leaves_of(self.answer), *leaves_of(self.arguments)]

    @cached_property
    def texts(self) -> frozenset[str]:
        """All texts in it, in lower case."""
        return texts_of([self.answer, self.arguments])

    def has(self, wanted: Conditions) -> bool:
        """Whether each of these fields has one of its values."""
        return all_have(self.leaves, wanted)

    def tells(self, states: Conditions) -> bool:
        """Whether a refusal tells of a record in such a state."""
        error = self.answer.get("error")
        details = error.get("details") if isinstance(error, Mapping) else None
        return all_have(list(leaves_of(details or {})), states)
