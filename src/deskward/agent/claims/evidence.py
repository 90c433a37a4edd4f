"""What the tools of a turn showed: acts, records and values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from functools import cached_property
from typing import Any

from deskward.agent.claims.declared import DONE, Act, Declared
from deskward.agent.leaves import (
    Amount,
    Evidence,
    in_state,
    mappings_in,
    money_in,
    sums_of,
    texts_of,
    values_of,
    without_codes,
    words_in,
)
from deskward.text.spacing import spaced
from deskward.text.values import Date, Value

LONGEST_NAME = 200
MESSAGE, TOLD = "message", ("ok", "error")
QUOTED, QUOTED_FROM = 0.75, 4
"""So many of a clause's words, and of how many at least, make it a quotation."""

_NAME = re.compile(r"(?<!\w)[^\W_]*\d+(?:[.,/-]\d+)*(?!\w)|(?<!\w)[^\W\d_]+(?!\w)|txn_\d+")
_TITLE = re.compile(r"(?:(?:[A-Z\d]\S*|of|de|la|und|and)(?:\s|$))+")


class Shown:
    """The evidence of a turn, made ready where it is first needed."""

    def __init__(
        self,
        evidence: Sequence[Evidence],
        said: Sequence[str],
        declared: Declared,
        *,
        marked: bool = False,
    ) -> None:
        self.marked = marked
        self.evidence = evidence
        self.declared = declared
        self._said = [spaced(text) for text in said]
        self.undone = False
        """Whether a sentence says that the calls that show it came to nothing yet."""
        self._strings = [spaced(v) for e in evidence for _, v in e.leaves if isinstance(v, str)]

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
        return [value for text in {*self._strings, *self._said} for value in values_of(text)]

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
            found |= money_in(item)
        return frozenset(found.union(*map(sums_of, self.lists)))

    @cached_property
    def mappings(self) -> list[Mapping[str, Any]]:
        """Every mapping in the answers of calls that came to good."""
        return [item for e in self.evidence if e.status == "ok" for item in mappings_in(e.answer)]

    @cached_property
    def lists(self) -> list[list[Mapping[str, Any]]]:
        """Every list of records in them."""
        found = [v for item in self.mappings for v in item.values() if isinstance(v, list) and v]
        return [items for items in found if all(isinstance(item, Mapping) for item in items)]

    def repeats(self, sentence: str) -> bool:
        """Whether a sentence repeats word for word what may be repeated so."""
        return " ".join(sentence.casefold().split()).strip(" .") in self._repeatable

    @cached_property
    def _repeatable(self) -> str:
        texts = [spaced(one[2]) for one in self._in(self.declared.told | self.declared.quoted)]
        return " ".join(" ".join(texts).casefold().split())

    @cached_property
    def own_words(self) -> list[str]:
        """Texts of the desk's own that show something. A declared call's message does not."""
        known = self.declared.tools
        return [
            text
            for e, name, text in self._in(self.declared.told)
            if name != MESSAGE or e.status == "error" or e.tool not in known
        ]

    def _in(self, fields: Set[str]) -> list[tuple[Evidence, str, str]]:
        """The texts in some fields, of calls that do not wait."""
        found = ((e, *leaf) for e in self.evidence for leaf in e.leaves if e.status in TOLD)
        return [one for one in found if one[1] in fields and isinstance(one[2], str)]

    def quoted(self, words: Sequence[str]) -> bool:
        """Whether words are nearly those of a text that may be repeated."""
        repeated = words_in("\n".join(one[2] for one in self._in(self.declared.quoted)).casefold())
        known = sum(word in repeated for word in words)
        return len(words) >= QUOTED_FROM and known >= QUOTED * len(words)

    @cached_property
    def names(self) -> frozenset[str]:
        """Ids and numbers in these texts, and the ends of longer ones, by which cards go."""
        return frozenset(_NAME.findall(without_codes(self.text)))

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of their texts."""
        return words_in(self.text)

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
            waits = one.status in ("pending", "confirm") and act.waiting
            if (one.status == "ok" and (called or changed)) or refused or waits:
                found.append(one.texts)
        for item in self.mappings if act.states else ():
            if in_state(item, act.states) and (act.of is None or self.is_of(item, act.of)):
                found.append(texts_of(item))
        return found + [texts_of(text) for text in self.own_words if act.name in told(text)]

    def all_are(self, act: Act) -> bool:
        """Whether each record of an act's kind is in its state, as far as they were listed."""
        listed = (item for items in self.lists for item in items)
        return all(in_state(i, act.states) for i in listed if act.of and self.is_of(i, act.of))

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
            fits = any(value.can_be(*amount) for amount in self.money)
        elif value.kind == "date":
            fits = any(map(value.can_be_on, self.dates))
        elif value.kind == "mail":
            fits = value.text.casefold() in self.text
        else:
            fits = value.text.casefold() in self.names or bool(value.numbers & self.numbers)
        return "" if fits else f"no tool shows {value.text}"
