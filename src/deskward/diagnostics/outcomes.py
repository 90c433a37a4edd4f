"""What a condition can come to where not all that it reads is known.

The parts that `&&`, `||` and `!` join are judged each: what reads the answers of steps by them,
what reads anything else, or reckons with them, can hold and can fail (Kleene's three values).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from deskward.core.conditions import WrongCondition, condition
from deskward.diagnostics.composing import CONTEXT
from deskward.diagnostics.workflow import Step

Said = Literal[True, False, None]
"""What a part comes to; None where it cannot be asked."""
ANY: frozenset[Said] = frozenset((True, False))

_NUMBER = r"-?\d{1,15}(?:\.\d{1,15})?"
_NAME = r"[a-z][a-z0-9_]{0,63}"
_COMPARES = r"\s{0,9}(?:<=|>=|==|!=|<|>)\s{0,9}"
_LIMIT = re.compile(
    rf"{_NAME}{_COMPARES}{_NUMBER}|{_NUMBER}{_COMPARES}{_NAME}"
    rf"|{_NAME}\s{{1,9}}in\s{{1,9}}\[\s{{0,9}}{_NUMBER}(?:\s{{0,9}},\s{{0,9}}{_NUMBER}){{0,50}}\s{{0,9}}\]"
)
"""A number that is compared with some: those on both sides of each, and at it, stand for all."""
_LITERAL = re.compile(rf"(?<![\w.]){_NUMBER}")
_PRIMARY = re.compile(r"[A-Za-z_][\w.]*(?:\([^()]*\))?")
"""What a `!` before it is said of alone: a name, or a call."""


@dataclass(frozen=True)
class Joined:
    """Parts of a condition, and what joins them."""

    by: Literal["and", "or", "not", "alone"]
    parts: tuple[Joined, ...] = ()
    source: str = ""


_SIGNS: tuple[tuple[str, Literal["alone", "or", "and"]], ...] = (
    ("?", "alone"),
    ("||", "or"),
    ("&&", "and"),
)


@lru_cache(maxsize=4_096)
def joined(source: str) -> Joined:
    """The parts of a condition."""
    text = source.strip()
    while text.startswith("(") and _closed(text) == len(text) - 1:
        text = text[1:-1].strip()
    for sign, by in _SIGNS:
        if len(parts := list(_split(text, sign))) > 1:
            if by == "alone":
                break
            return Joined(by, tuple(map(joined, parts)))
    else:
        rest = text[1:].strip()
        whole = rest.startswith("(") and _closed(rest) == len(rest) - 1
        if text.startswith("!") and (whole or _PRIMARY.fullmatch(rest)):
            return Joined("not", (joined(rest),))
    return Joined("alone", source=text)


def alone(source: str) -> Iterator[str]:
    """The parts of a condition that nothing joins."""
    waiting = [joined(source)]
    while waiting:
        one = waiting.pop()
        waiting += one.parts
        if not one.parts:
            yield one.source


def limits(source: str, name: str) -> set[float]:
    """The numbers that a condition compares a step's answer with."""
    return {
        float(found)
        for part in alone(source)
        if _LIMIT.fullmatch(part) and name in condition(part).names
        for found in _LITERAL.findall(part)
    }


def outcomes(source: str, steps: Mapping[str, Step], values: Mapping[str, Any]) -> frozenset[bool]:
    """What a condition can come to.

    Args:
        steps: All that can be answered, by what they are called.
        values: The answers that are there.
    """
    given = {name: values.get(name) for name in condition(source).names if name in steps}
    if all(_is_decided(part, steps) for part in alone(source)):
        return frozenset((_asked(source, given) is True,))
    return frozenset(said is True for said in _of(joined(source), steps, given))


def _of(part: Joined, steps: Mapping[str, Step], given: Mapping[str, Any]) -> frozenset[Said]:
    if not part.parts:
        known = _is_decided(part.source, steps)
        return frozenset((_asked(part.source, given),)) if known else ANY
    inner = [_of(one, steps, given) for one in part.parts]
    if part.by == "not":
        return frozenset(None if said is None else not said for said in inner[0])
    decides = part.by == "or"
    found: set[Said] = set()
    for said in itertools.product(*inner):
        if decides in said:
            found.add(decides)
        else:
            found.add(None if None in said else not decides)
    return frozenset(found)


def _asked(source: str, given: Mapping[str, Any]) -> Said:
    try:
        return condition(source).holds(given)
    except WrongCondition:
        return None


def _is_decided(part: str, steps: Mapping[str, Step]) -> bool:
    """Whether the answers that steps can have stand for all that a part can come to."""
    names = condition(part).names
    if names & set(CONTEXT):
        return False
    kinds = {steps[name].answer.type for name in names if name in steps}
    return kinds <= {"yes_no", "choice"} or (
        kinds == {"number"} and _LIMIT.fullmatch(part) is not None
    )


def _outside(text: str) -> Iterator[tuple[int, int]]:
    """The places of a text outside quotes, each with how many brackets are open behind it."""
    depth, quote, at = 0, "", 0
    while at < len(text):
        here = text[at]
        if quote:
            at += here == "\\"
            quote = "" if here == quote else quote
        elif here in "'\"":
            quote = here
        else:
            depth += (here in "([{") - (here in ")]}")
            yield at, depth
        at += 1


def _split(text: str, sign: str) -> Iterator[str]:
    """A text at a sign that stands in no brackets and no quotes."""
    begun = 0
    for at, depth in _outside(text):
        if depth == 0 and at >= begun and text.startswith(sign, at):
            yield text[begun:at]
            begun = at + len(sign)
    yield text[begun:]


def _closed(text: str) -> int:
    """Where the bracket closes with which a text begins; its length where none does."""
    return next((at for at, depth in _outside(text) if depth == 0), len(text))
