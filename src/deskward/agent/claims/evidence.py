"""What the tools of a turn showed: acts, records and values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any

from babel.numbers import get_currency_precision

from deskward.agent.claims.declared import DONE, Act, Conditions, Declared
from deskward.core.answers import CallStatus
from deskward.text.values import Date, Value, values_in

LONGEST = 4_000
"""Characters of a result's text in which values are looked for."""
LONGEST_NAME = 200
MESSAGE = "message"
QUOTED, QUOTED_FROM = 0.75, 4
"""So many of a clause's words, and of how many at least, make it a quotation."""

_TITLE = re.compile(r"(?:(?:[A-Z\d]\S*|of|de|la|und|and)(?:\s|$))+")
Amount = tuple[Decimal, str]


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
        return [*_leaves("", self.answer), *_leaves("", self.arguments)]

    @cached_property
    def texts(self) -> frozenset[str]:
        """All texts in it, in lower case."""
        return _texts(self.leaves)

    def has(self, wanted: Conditions) -> bool:
        """Whether each of these fields has one of its values."""
        return _has(self.leaves, wanted)

    def tells(self, states: Conditions) -> bool:
        """Whether a refusal tells of a record in such a state."""
        error = self.answer.get("error")
        details = error.get("details") if isinstance(error, Mapping) else None
        return _has(list(_leaves("", details or {})), states)


class Shown:
    """The evidence of a turn, made ready where it is first needed."""

    def __init__(
        self, evidence: Sequence[Evidence], said: Sequence[str], declared: Declared
    ) -> None:
        self.evidence = evidence
        self.declared = declared
        self._said = said
        self._strings = [v for e in evidence for _, v in e.leaves if isinstance(v, str)]

    @cached_property
    def alone(self) -> Shown:
        """The same without what the customer said."""
        return Shown(self.evidence, (), self.declared)

    @cached_property
    def text(self) -> str:
        """All texts of the results, and what the customer said, in lower case."""
        return "\n".join([*self._strings, *self._said]).casefold()

    @cached_property
    def values(self) -> list[Value]:
        """The values in these texts."""
        return [value for text in {*self._strings, *self._said} for value in _values(text)]

    @cached_property
    def dates(self) -> frozenset[Date]:
        """The dates among them."""
        return frozenset(date for value in self.values for date in value.dates)

    @cached_property
    def numbers(self) -> frozenset[Decimal]:
        """The numbers among them, and of the results; also how long lists are."""
        found = {number for value in self.values for number in value.numbers}
        found |= {Decimal(v) for e in self.evidence for _, v in e.leaves if type(v) is int}
        return frozenset(found | {Decimal(len(items)) for items in self.lists})

    @cached_property
    def money(self) -> frozenset[Amount]:
        """The amounts among them, and what lists come to; without a currency where none is said."""
        found = {(number, value.currency) for value in self.values for number in value.numbers}
        for item in self.mappings:
            found |= _money(item)
        return frozenset(found.union(*map(_sums, self.lists)))

    @cached_property
    def mappings(self) -> list[Mapping[str, Any]]:
        """Every mapping in the answers of calls that came to good."""
        return [item for e in self.evidence if e.status == "ok" for item in _mappings(e.answer)]

    @cached_property
    def lists(self) -> list[list[Mapping[str, Any]]]:
        """Every list of records in them."""
        found = [v for item in self.mappings for v in item.values() if isinstance(v, list) and v]
        return [items for items in found if all(isinstance(item, Mapping) for item in items)]

    @cached_property
    def own_words(self) -> list[str]:
        """The texts in them that the desk wrote."""
        return self._in(self.declared.told)

    @cached_property
    def quotable(self) -> str:
        """What may be repeated word for word, in lower case."""
        texts = [*self.own_words, *self._in(self.declared.quoted)]
        return " ".join(" ".join(texts).casefold().split())

    @cached_property
    def _telling(self) -> list[str]:
        """Those of them that show something; what a declared call showed, its acts say."""
        own = self.declared.tools
        return [
            value
            for e in self.evidence
            if e.status in ("ok", "error")
            for name, value in e.leaves
            if name in self.declared.told and isinstance(value, str)
            if name != MESSAGE or e.status == "error" or e.tool not in own
        ]

    def _in(self, fields: Set[str]) -> list[str]:
        """The texts in some fields, of calls that do not wait."""
        leaves = [leaf for e in self.evidence if e.status in ("ok", "error") for leaf in e.leaves]
        return [value for name, value in leaves if name in fields and isinstance(value, str)]

    def quoted(self, words: Sequence[str]) -> bool:
        """Whether words are nearly those of a text that may be repeated."""
        known = sum(word in self._quotable for word in words)
        return len(words) >= QUOTED_FROM and known >= QUOTED * len(words)

    @cached_property
    def _quotable(self) -> frozenset[str]:
        return _words(self.quotable)

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of their texts."""
        return _words(self.text)

    @cached_property
    def named(self) -> frozenset[str]:
        """The words of what records are called."""
        return _words("\n".join(text for text in self._strings if " " in text).casefold())

    @cached_property
    def titles(self) -> list[str]:
        """Names, addresses and titles, which claim nothing; the longest first."""
        found = {text for text in self._strings if " " in text and len(text) <= LONGEST_NAME}
        whole = {text for text in found if _TITLE.fullmatch(text)}
        parts = {text[: at.start()] for text in whole for at in re.finditer(",", text)}
        return sorted(whole | parts | {f'"{text}"' for text in found}, key=len, reverse=True)

    def supporters(self, act: Act, told: Callable[[str], frozenset[str]]) -> list[frozenset[str]]:
        """What shows an act: the texts of each call, record or sentence of ours that does.

        Args:
            told: The acts that a text of the desk's own says.
        """
        found = []
        for one in self.evidence:
            called = one.tool in act.calls and one.has(act.calls[one.tool])
            changed = act.name == DONE and one.tool in self.declared.writes
            refused = one.status == "error" and act.states and one.tells(act.states)
            waits = one.status == "pending" and act.waiting
            if (one.status == "ok" and (called or changed)) or refused or waits:
                found.append(one.texts)
        for item in self.mappings if act.states else ():
            if _are(item, act.states) and (act.of is None or self.is_of(item, act.of)):
                found.append(_texts(_leaves("", item)))
        return found + [_texts([("", text)]) for text in self._telling if act.name in told(text)]

    def all_are(self, act: Act) -> bool:
        """Whether each record of an act's kind is in its state, as far as they were listed."""
        listed = [item for items in self.lists for item in items if self.is_of(item, act.of or "")]
        return all(_are(item, act.states) for item in listed)

    def is_of(self, item: Mapping[str, Any], kind: str) -> bool:
        """Whether a mapping is a record of a kind."""
        one = self.declared.kinds[kind]
        if one.fields:
            return bool(one.fields & item.keys())
        named = (item.get("id"), item.get(f"{kind}_id"))
        return any(isinstance(name, str) and one.ids.fullmatch(name) for name in named)

    def problem(self, value: Value) -> str:
        """Why a value is not shown, or nothing."""
        if value.kind == "money":
            codes = ("", value.currency) if value.currency else None
            fits = any(n in value.numbers and (not codes or c in codes) for n, c in self.money)
        elif value.kind == "date":
            days = {day[1:] for day in value.dates}
            years = {day[0] for day in value.dates}
            fits = any(d[1:] in days and (not d[0] or years & {0, d[0]}) for d in self.dates)
        else:
            fits = value.text.casefold() in self.text or bool(value.numbers & self.numbers)
        return "" if fits else f"no tool shows {value.text}"


@lru_cache(maxsize=4096)
def _values(text: str) -> tuple[Value, ...]:
    """The values in a text of a result, which are written in English or by standards."""
    if not any(map(str.isdigit, text)):
        return ()
    return tuple(values_in(text[:LONGEST], {}, "en"))


def _has(leaves: Sequence[tuple[str, Any]], wanted: Conditions) -> bool:
    return all(
        any(key == name and _is(value, values) for key, value in leaves)
        for name, values in wanted.items()
    )


def _are(item: Mapping[str, Any], states: Conditions) -> bool:
    return all(name in item and _is(item[name], wanted) for name, wanted in states.items())


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d_]+", text))


def _is(value: Any, patterns: Set[str]) -> bool:
    text = "" if value is None else str(value)
    return text in patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(str(key), item)
    elif isinstance(value, list | tuple) and value:
        for item in value:
            yield from _leaves(name, item)
    else:
        yield name, value


def _texts(leaves: Sequence[tuple[str, Any]] | Iterator[tuple[str, Any]]) -> frozenset[str]:
    return frozenset(value.casefold() for _, value in leaves if isinstance(value, str))


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
    for item in value.values() if isinstance(value, Mapping) else value:
        if isinstance(item, Mapping | list | tuple):
            yield from _mappings(item)


def _money(item: Mapping[str, Any]) -> set[Amount]:
    amount, currency = item.get("amount"), item.get("currency")
    if type(amount) is not int or not isinstance(currency, str):
        return set()
    return {(abs(Decimal(amount).scaleb(-get_currency_precision(currency))), currency)}


def _sums(items: Sequence[Mapping[str, Any]]) -> set[Amount]:
    """What a list comes to: a reply may add up what it was shown."""
    totals: dict[str, Decimal] = {}
    for item in items:
        part = item.get("amount") or item.get("total")
        for number, code in _money(part) if isinstance(part, Mapping) else ():
            totals[code] = totals.get(code, Decimal(0)) + number
    return {(total, code) for code, total in totals.items()}
