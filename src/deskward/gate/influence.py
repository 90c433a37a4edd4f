"""What an agent's principal has said: what of its calls stands in their own words.

Text of customers, articles and tools can hold instructions of an attacker (indirect prompt
injection: Greshake et al., 2023). It cannot be told apart from honest text, so whoever has read any
counts as *tainted* (`readings.py`), and policies judge its calls by where their arguments come
from: those that stand in the principal's own words were not put there by anybody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from deskward.gate.answers import is_answer, is_told
from deskward.text.against import speaks_against
from deskward.text.values import CURRENCIES
from deskward.text.wishes import Wish, says_nothing, sentences_of, withdraws
from deskward.text.words import stem

RECENT = 3
"""How many of the principal's last utterances count as wishes for a deed."""

_PART = re.compile(r"\[\[\w+:\d+\]\]|\w+(?:[.,@+/:&#%-]+\w+)*")
_NUMBER = re.compile(
    r"\d{1,15}(?:\.\d{1,2})?|\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,2})?|\d{1,15},\d{1,2}"
)
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "dollar": "USD"}
_SIGNS |= {"euro": "EUR", "pound": "GBP", "yen": "JPY", "franc": "CHF", "franken": "CHF"}
_SIGNS |= {"rupee": "INR", "real": "BRL", "peso": "MXN", **{c.casefold(): c for c in CURRENCIES}}
_SIGN = "|".join(map(re.escape, _SIGNS))
_MONEY = re.compile(
    rf"(?<![\w.,-])(?:(?P<before>{_SIGN})\s?)?(?P<number>\d+(?:[.,]\d+)*)(?![\w-])"
    rf"(?:\s?(?P<after>{_SIGN})s?(?!\w))?"
)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


@dataclass(frozen=True)
class Deed:
    """A call that was made, or waits for a person.

    Attributes:
        tool: Of what tool.
        arguments: As the caller gave them.
        heard: How many utterances of the principal stood before it.
        left: The id and the revision of the record that it has read or changed, where it has some.
    """

    tool: str
    arguments: Mapping[str, Any]
    heard: int
    left: tuple[str, int] | None = None


@dataclass(frozen=True)
class Influence:
    """What an agent was told by its principal.

    Attributes:
        said: What the principal said in the conversation, secrets as placeholders.
        subjects: The customers that the principal asked about.
        deeds: What was done upon it, in order.
        named: The same as `said`, with the id of the record in place of words that point at it.
    """

    said: tuple[str, ...] = ()
    subjects: frozenset[str] = frozenset()
    deeds: tuple[Deed, ...] = ()
    named: tuple[str, ...] = ()

    def own_words(self, arguments: Mapping[str, Any]) -> bool:
        """Whether every argument stands in what the principal said; False where there is none."""
        values = list(_values(arguments))
        return bool(values) and all(map(self._was_said, values))

    def wished(
        self,
        wish: Wish,
        arguments: Mapping[str, Any],
        *,
        tool: str = "",
        strict: bool = False,
        currency: str = "",
        others: frozenset[str] = frozenset(),
    ) -> bool:
        """Whether one of the last utterances wishes for exactly this deed, and it was not done yet.

        Every value stands in the sentence that names the deed, or in a later utterance that gives
        nothing else, and no other number, id or name of a thing stands there. A deed's words
        elsewhere are no wish for it: "my card 4242 was declined" blocks nothing.

        Args:
            tool: Whose deed it is: what has fulfilled a wish leaves nothing of it.
            strict: Whether it is about the speaker's own (a customer).
            currency: Of its amounts, where that is known: another that was said is not theirs.
            others: What could have been chosen instead of an argument.
        """
        used = self._used(wish, tool, strict)
        wishes = self._places(wish, arguments, strict, currency=currency, others=others)
        if any(place not in used for place in wishes):
            return True
        if not wish.verbs or self.named in ((), self.said):
            return False
        pointing = replace(self, said=self.named, named=())
        return pointing.wished(
            wish, arguments, tool=tool, strict=strict, currency=currency, others=others
        )

    def answered(self, wish: Wish, given: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
        """Whether the last utterance says the argument that is an answer.

        A mere yes or a number answers only what was asked right before: the record as it is now was
        the last that was read or changed until then.
        """
        value, said = given.get(wish.answers), self.said[-1] if self.said else ""
        if is_told(wish, value, said):
            return True
        before = [deed.left for deed in self.deeds if deed.heard < len(self.said)]
        asked = bool(before) and before[-1] == (record.get("id"), record.get("revision"))
        return asked and is_answer(record, value, said)

    def unknown(
        self, wish: Wish, given: Mapping[str, Any], record: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The arguments without those that only name a record as it was read or changed last."""
        now = (record.get("id"), record.get("revision"))
        if not any(deed.left == now for deed in self.deeds):
            return dict(given)
        return {
            name: value
            for name, value in given.items()
            if name not in wish.known or value not in now
        }

    def is_against(self, wish: Wish) -> bool:
        """Whether the last utterance speaks against a deed."""
        if not self.said or not wish.against:
            return False
        return speaks_against(self.said[-1], wish.against, of_trouble=wish.of_trouble)

    def look(self) -> None:
        """Look at all that was said now, and not when it is first asked for."""
        _ = self._text, self._stems

    def _places(
        self,
        wish: Wish,
        arguments: Mapping[str, Any],
        strict: bool,
        *,
        heard: int | None = None,
        currency: str = "",
        others: frozenset[str] = frozenset(),
    ) -> Iterator[tuple[int, str]]:
        """Where exactly this was wished for: the utterance, and its sentence's end."""
        said = self.said[:heard]
        values = list(_values(arguments))
        amounts = [str(arguments[name]) for name in wish.amounts if arguments.get(name)]
        alone = list(_of_names(arguments, wish.alone))
        for place in range(max(0, len(said) - RECENT), len(said)):
            later = said[place + 1 :]
            if any(withdraws(one) for text in later for one in sentences_of(text)):
                continue
            for part in wish.named(said[place], strict=strict, halves=not alone):
                fits = all(_is_amount(wish, one, part, currency) for one in amounts)
                fits = fits and all(
                    wish.says_only(one, part) or any(_only_gives(wish, text, one) for text in later)
                    for one in alone
                )
                if fits and _says_all(wish, part, values, later, others):
                    yield place, _ending(part)

    def _used(self, wish: Wish, tool: str, strict: bool) -> set[tuple[int, str]]:
        """The wishes that were fulfilled."""
        used: set[tuple[int, str]] = set()
        for deed in self.deeds:
            if deed.tool != tool:
                continue
            found = set(self._places(wish, deed.arguments, strict, heard=deed.heard))
            if not found:  # done upon a yes or a button: what was said of it is done with
                for place, text in enumerate(self.said[: deed.heard]):
                    if wish.verbs:
                        found |= {(place, _ending(one)) for one in wish.named(text)}
            used |= found
        return used

    def _was_said(self, value: str) -> bool:
        parts = _parts(value)
        if len(parts) == 1:
            return _form(parts[0]) in self._stems
        return f" {' '.join(parts)} " in self._text

    @cached_property
    def _text(self) -> str:
        # The mark between messages keeps a phrase from being found across two of them.
        return " " + " | ".join(" ".join(_parts(text)) for text in self.said) + " "

    @cached_property
    def _stems(self) -> frozenset[str]:
        return frozenset(_form(part) for text in self.said for part in _parts(text))


def _says_all(
    wish: Wish, part: str, values: Sequence[str], later: Sequence[str], others: frozenset[str]
) -> bool:
    """Whether a wishing sentence, and answers after it, say these values and no others."""
    answers = [text for text in later if wish.verbs]
    if not wish.verbs:
        return all(Influence((part, *later))._was_said(value) for value in values)
    here = Influence((part,))
    covered: set[str] = set()
    for value in values:
        forms = {_form(one) for one in _parts(value)}
        answered = any(_only_gives(wish, text, value) for text in answers)
        if not (answered or here._was_said(value) or wish.says(value, part)):
            return False
        covered |= forms
    if len({_form(value) for value in values if _NUMBER.fullmatch(value)}) > 1:
        return False  # which of them is which, the words do not say
    said = {_form(one) for one in _parts(part)}
    makes = said & {_form(make) for make in wish.makes | others}
    return {one for one in said if _has_digit(one)} | makes <= covered


def _is_amount(wish: Wish, value: str, part: str, currency: str) -> bool:
    """Whether a value does not stand there as another number than an amount of money."""
    for found in _MONEY.finditer(part):
        if _form(found["number"]) == _form(value):
            before = part[: found.start()].split()
            named = bool(before) and before[-1] in wish.verbs
            decimals = "." in found["number"] or "," in found["number"]
            sign = _SIGNS.get(found["before"] or found["after"] or "", "")
            if not (named or decimals or sign) or (sign and currency not in ("", sign)):
                return False
    return True


def _only_gives(wish: Wish, text: str, value: str) -> bool:
    """Whether an utterance gives a value, and says nothing else."""
    parts, wanted = [_form(one) for one in _parts(text)], [_form(one) for one in _parts(value)]
    size = len(wanted)
    for at in range(len(parts) - size + 1):
        if size and parts[at : at + size] == wanted:
            rest = _parts(text)[:at] + _parts(text)[at + size :]
            if "?" not in text and says_nothing(rest, wish.nouns):
                return True
    return False


def _of_names(arguments: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """The arguments of these names, at any depth."""
    for name, value in arguments.items():
        if isinstance(value, Mapping):
            yield from _of_names(value, names)
        elif name in names and isinstance(value, str):
            yield value


def _ending(part: str) -> str:
    """What tells a sentence apart: the same for each of its clauses."""
    return part[-60:]


def _form(part: str) -> str:
    """A word as it is compared: a number by its value, one with digits exactly."""
    if _NUMBER.fullmatch(part):
        plain = part.replace(",", "") if _GROUPED.fullmatch(part) else part.replace(",", ".")
        return format(Decimal(plain).normalize(), "f") if "." in plain else part
    return part if _has_digit(part) else stem(part)


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def _parts(text: str) -> list[str]:
    return _PART.findall(text.casefold())


def _values(value: Any) -> Iterable[str]:
    """The texts and numbers inside, as text."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _values(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _values(item)
    elif value is not None and str(value):
        yield str(value)
