"""Amounts of money that are written in words: "five thousand four hundred and twenty dollars"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from deskward.text.lists import read_list
from deskward.text.spacing import spaced

ROUND, THOUSAND, TWELVE = 100, 1000, 12
FOUR, FOUR_SCORE, TEN = 4, 80, 10
LONGEST = 60
"""Longer words are no numbers."""

_WORD = re.compile(r"[^\W\d_]+|[^\w\s]|\s+|\w+")


def in_digits(text: str, language: str, units: Mapping[str, str]) -> str:
    """The text with amounts that are said in words written in digits.

    Of up to twelve thousand and some hundreds only the thousands stay, in words: so one speaks of
    what is near them (`spelled.rounded`).

    Args:
        language: The language's code; others than those of `amounts.yaml` stay as they are.
        units: The names of currencies.
    """
    pieces = _WORD.findall(text)
    told = [piece.casefold() for piece in pieces]
    if language not in _numbers() or units.keys().isdisjoint(told):
        return text
    rules = _rules()[language]
    found: list[str] = []
    at = 0
    while at < len(pieces):
        end, number, thousands = _number(told, at, language)
        unit = _next(told, end, "") if number is not None else len(told)
        if number is None or unit >= len(told) or told[unit] not in units:
            found += pieces[at : max(end, at + 1)]
            at = max(end, at + 1)
            continue
        if THOUSAND <= number <= TWELVE * THOUSAND and number % ROUND == 0:
            found += [*pieces[at:thousands], " ", pieces[unit]]
            at = unit + 1
            continue
        begin = _next(told, unit + 1, language)
        if not rules["half"].isdisjoint(told[begin : begin + 3]):  # "seven dollars and a half"
            found += pieces[at : unit + 1]
            at = unit + 1
            continue
        after, cents, _ = _number(told, begin, language)
        of = _next(told, after, "")
        whole = cents is not None and cents < ROUND and rules["cents"].issuperset(told[of : of + 1])
        found.append(f"{number}.{cents:02} {pieces[unit]}" if whole else f"{number} {pieces[unit]}")
        at = of + 1 if whole else unit + 1
    return "".join(found)


def _next(told: Sequence[str], at: int, language: str) -> int:
    """Where the next word stands that is no space, hyphen or, in a language, "and"."""
    between = _rules()[language]["and"] if language else ()
    while at < len(told) and (told[at].isspace() or told[at] == "-" or told[at] in between):
        at += 1
    return at


def _number(told: Sequence[str], at: int, language: str) -> tuple[int, int | None, int]:
    """Where a number that begins here ends, the number, and where its thousands end."""
    total, part, end, thousands = 0, 0, at, at
    rules, known = _rules()[language], _numbers()[language]
    while at < len(told):
        word = told[at]
        if word in rules["thousand"]:
            total, part, thousands = total + THOUSAND * max(part, 1), 0, at + 1
        elif word in rules["hundred"] and part < TEN:
            part = ROUND * max(part, 1)
        elif language == "fr" and word in ("vingt", "vingts") and part % ROUND == FOUR:
            part += FOUR_SCORE - FOUR  # "quatre-vingts"
        elif (value := _joined(word, language, known)) is not None:
            part += value
            if value >= THOUSAND:
                thousands = at + 1
        else:
            break
        end = at + 1
        at = _next(told, end, language)
    return end, (total + part) or None, thousands


def _joined(word: str, language: str, known: Mapping[str, int]) -> int | None:
    """The number that one word says, however long: "fünftausendvierhundertzwanzig"."""
    if word in known or len(word) > LONGEST:
        return known.get(word)
    rules = _rules()[language]
    for size, names in ((THOUSAND, rules["thousand"]), (ROUND, rules["hundred"])):
        for name in names if language in ("de", "it") else ():
            head, found, tail = word.partition(name)
            if not found:
                continue
            before = _joined(head, language, known) if head else 1
            tail = tail.removeprefix("und")
            after = _joined(tail, language, known) if tail else 0
            if before is not None and after is not None:
                return before * size + after
    return None


@cache
def _rules() -> dict[str, dict[str, Any]]:
    return {
        language: {name: v if name == "hundreds" else frozenset(v) for name, v in rules.items()}
        for language, rules in read_list("amounts").items()
    }


@cache
def _numbers() -> dict[str, dict[str, int]]:
    """By language what is said in one word."""
    found: dict[str, dict[str, int]] = {}
    plain = read_list("numbers")
    for language, rules in _rules().items():
        own = plain[language]
        known = {name: number for number, name in enumerate(own["small"])}
        for number, ten in enumerate(own["tens"], 2):
            known[ten] = 10 * number
            for unit in range(1, 10):
                for form in own["joined"]:
                    known[form.format(ten=ten, unit=own["small"][unit])] = 10 * number + unit
        known |= {name: int(number) for number, name in own.get("more", {}).items()}
        for number, names in rules["hundreds"].items():
            known |= dict.fromkeys(names, int(number))
        found[language] = {spaced(name): number for name, number in known.items() if name != "~"}
    return found


def spoken(text: str, language: str) -> tuple[int, list[str]] | None:
    """The one number that is said in words, and the words beside it; None for none or several.

    What could be digits that are said one by one ("four two nine") is none.
    """
    told = _WORD.findall(text.casefold())
    rules, known, found = _rules()[language], _numbers()[language], list[int]()
    rest: list[str] = []
    at = 0
    while at < len(told):
        end, number, _ = _number(told, at, language)
        if number is None and _joined(told[at], language, known) != 0:
            rest += [told[at]] if told[at].isalnum() else []
            at += 1
            continue
        end = max(end, at + 1)
        values = [_joined(word, language, known) for word in told[at:end]]
        plain = [value for value in values if value is not None]
        ordered = all(a % ROUND == 0 or (a % TEN == 0 and b < TEN) for a, b in pairwise(plain))
        parts = rules["thousand"] | rules["hundred"]
        if not ordered and parts.isdisjoint(told[at:end]):
            return None
        found.append(number or 0)
        at = end
    return (found[0], rest) if len(found) == 1 else None


def languages() -> list[str]:
    """Those whose numbers are known."""
    return list(_numbers())
