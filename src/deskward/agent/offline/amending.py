"""One part of a value corrected: merged into the value that was given before, and read back whole.

Only where nothing else is said, and it is clear what it takes the place of; words are data
(`text/lists/amends.yaml`). What is found so is only proposed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from deskward.agent.offline.lookup import Hit, Lookup, Token, plain, tokens_of
from deskward.text.lists import read_list

LONGEST = 80
"""Characters of such a correction."""
NAME = 3
"""Letters of a word by which a street is known to be the same."""
_CODE = re.compile(r"\d{4,7}(?:-\d{3,4})?")
_HOUSE = re.compile(r"\d{1,5}[a-z]?")


def amended(value: str, text: str) -> str | None:
    """The value with the part that a text corrects; None where it surely corrects none."""
    if len(text) > LONGEST or "?" in text or "\n" in text:
        return None
    tokens = tokens_of(plain(text))
    hits = _lookup().find(tokens)
    numbers = [token for token in tokens if token.text[:1].isdigit()]
    if "wrong" in hits and len(numbers) == 2:
        return _swapped(value, tokens, numbers, hits["wrong"])
    if "wrong" in hits and not numbers:
        return None
    if len(numbers) == 1 and _says_only(tokens, hits, numbers):
        return _placed(value, numbers[0], hits)
    return _street(value, text, tokens, hits)


def _swapped(
    value: str, tokens: Sequence[Token], numbers: Sequence[Token], wrong: Sequence[Hit]
) -> str | None:
    """The value with one number for another: of "17, not 7" the one behind the word is wrong."""
    behind = max(tokens[hit.end - 1].end for hit in wrong)
    bad = next((number for number in numbers if number.start >= behind), None)
    if bad is None:
        return None
    good = next(number for number in numbers if number is not bad)
    return _replaced(value, bad.text, good.text)


def _placed(value: str, number: Token, hits: dict[str, list[Hit]]) -> str | None:
    """A number by itself: by what it is said to be, else the only one of its form."""
    own = [t for t in tokens_of(plain(value)) if t.text[:1].isdigit()]
    if "flat" in hits:
        flats = _lookup().find(every := tokens_of(plain(value))).get("flat", ())
        after = [every[hit.end] for hit in flats if hit.end < len(every)]
        own = [token for token in after if token.text[:1].isdigit()]
    elif "postcode" in hits:
        own = [token for token in own if _CODE.fullmatch(token.text)]
    elif "house" in hits or _HOUSE.fullmatch(number.text):
        line = value.partition(",")[0]
        own = [t for t in own if t.end <= len(line) and _HOUSE.fullmatch(t.text)]
        own = own if len(number.text) < 5 else []
    else:
        own = []
    if len(own) != 1:
        return None
    return value[: own[0].start] + number.text + value[own[0].end :]


def _street(
    value: str, text: str, tokens: Sequence[Token], hits: dict[str, list[Hit]]
) -> str | None:
    """The first line with its street again: "sorry, 21 Elm St"."""
    led = _led(tokens, hits)
    rest = tokens[led:]
    line, comma, more = value.partition(",")
    own = {token.text for token in tokens_of(plain(line)) if len(token.text) >= NAME}
    numbers = [token for token in rest if token.text[:1].isdigit()]
    if not led or not rest or not comma or len(numbers) != 1 or "wrong" in hits:
        return None
    if "," in text[rest[0].start :] or not own & {token.text for token in rest}:
        return None
    if len(rest) > len(tokens_of(line)) + 1:
        return None
    return f"{text[rest[0].start : rest[-1].end]}{comma}{more}"


def _led(tokens: Sequence[Token], hits: dict[str, list[Hit]]) -> int:
    """How many words in front say nothing."""
    led, ends = (
        0,
        {hit.start: hit.end for hit in sorted(hits.get("leads", ()), key=lambda h: h.end)},
    )
    while led in ends:
        led = ends[led]
    return min(led, len(tokens))


def _says_only(
    tokens: Sequence[Token], hits: dict[str, list[Hit]], numbers: Sequence[Token]
) -> bool:
    """Whether a text says what a number is, and no more."""
    names = ("leads", "house", "flat", "postcode")
    silent = {at for n in names for hit in hits.get(n, ()) for at in range(hit.start, hit.end)}
    return all(at in silent or token in numbers for at, token in enumerate(tokens))


def _replaced(value: str, old: str, new: str) -> str | None:
    same = [token for token in tokens_of(plain(value)) if token.text == old]
    if len(same) != 1:
        return None
    return value[: same[0].start] + new + value[same[0].end :]


@cache
def _lookup() -> Lookup:
    return Lookup(read_list("amends").items())
