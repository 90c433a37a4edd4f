"""One part of a value corrected: merged into the value that was given before, and read back whole.

Only where nothing else is said, and it is clear what it takes the place of; words are data
(`text/lists/amends.yaml`). What is found so is only proposed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from deskward.agent.offline.lookup import Hit, Lookup, Token, plain, tokens_of
from deskward.text.lists import read_list

LONGEST = 80
"""Characters of such a correction."""
NAME = 3
"""Letters of a word by which a street is known to be the same."""
CODE = 4
"""Digits of a number that is known by its form."""
LONGEST_PART = 6
"""Words and numbers of a part that another takes the place of."""
_CODE = re.compile(r"\d{4,7}(?:-\d{3,4})?")
_JOINED = re.compile(r"(?<!\d)\d{1,6}(?:-\d{1,6}){1,4}")
"""A block and a house in Japan, a postcode."""
_HOUSE = re.compile(r"\d{1,5}[a-z]?")


def amended(value: str, text: str) -> str | None:
    """The value with the part that a text corrects; None where it surely corrects none."""
    if len(text) > LONGEST or "?" in text or "\n" in text:
        return None
    tokens = tokens_of(plain(text))
    hits = _lookup().find(tokens)
    numbers = [token for token in tokens if token.text[:1].isdigit()]
    if "wrong" in hits:
        swapped = _swapped(value, text, tokens) or _renamed(value, text, tokens, hits)
        if swapped is not None:
            return swapped
    if (joined := _joined(value, text, tokens, hits)) is not None:
        return joined
    if "wrong" in hits and not numbers:
        return None
    if len(numbers) == 1 and _says_only(value, tokens, hits, numbers):
        return _placed(value, numbers[0], hits)
    return _street(value, text, tokens, hits)


def _swapped(value: str, text: str, tokens: Sequence[Token]) -> str | None:
    """The value with one part for another: of "3 D, not 3 B" the one that stands in it is wrong.

    Both have the same form, numbers where the other has numbers; the longest such pair counts.
    """
    own = tokens_of(plain(value))
    for length in range(min(LONGEST_PART, len(tokens) // 2), 0, -1):
        parts = [tokens[at : at + length] for at in range(len(tokens) - length + 1)]
        parts = [part for part in parts if any(token.text[:1].isdigit() for token in part)]
        for at, one in enumerate(parts):
            for other in parts[at + 1 :]:
                if other[0].start < one[-1].end or _form(one) != _form(other):
                    continue
                places = [_places(own, one), _places(own, other)]
                if sorted(map(len, places)) == [0, 1]:
                    (place,) = places[0] or places[1]
                    good = other if places[0] else one
                    begin, end = own[place].start, own[place + length - 1].end
                    return value[:begin] + text[good[0].start : good[-1].end] + value[end:]
    return None


def _renamed(
    value: str, text: str, tokens: Sequence[Token], hits: dict[str, list[Hit]]
) -> str | None:
    """The value with one name for another: "Gartenweg, not Lindenweg"."""
    silent = {at for some in hits.values() for hit in some for at in range(hit.start, hit.end)}
    named = [at for at in range(len(tokens)) if at not in silent]
    runs = [[tokens[at]] for at in named[:1]]
    for before, at in pairwise(named):
        if at == before + 1:
            runs[-1].append(tokens[at])
        else:
            runs.append([tokens[at]])
    if len(runs) != 2 or any(len(run) > LONGEST_PART // 2 for run in runs):
        return None
    own = tokens_of(plain(value))
    one, other = (_places(own, run) for run in runs)
    if sorted(map(len, (one, other))) != [0, 1]:
        return None
    good, (place,), length = (runs[1], one, len(runs[0])) if one else (runs[0], other, len(runs[1]))
    begin, end = own[place].start, own[place + length - 1].end
    return value[:begin] + text[good[0].start : good[-1].end] + value[end:]


def _joined(
    value: str, text: str, tokens: Sequence[Token], hits: dict[str, list[Hit]]
) -> str | None:
    """The value with its joined numbers for others: "1-2-5" for "1-2-3"."""
    new = [one.group() for one in _JOINED.finditer(plain(text))]
    own = list(_JOINED.finditer(plain(value)))
    old = [one for one in own if new and one.group().count("-") == new[0].count("-")]
    numbers = [token for token in tokens if token.text[:1].isdigit()]
    if len(new) != 1 or len(old) != 1 or not _says_only(value, tokens, hits, numbers):
        return None
    if len(plain(value)) != len(value) or len(numbers) != new[0].count("-") + 1:
        return None
    return value[: old[0].start()] + new[0] + value[old[0].end() :]


def _form(part: Sequence[Token]) -> list[bool]:
    return [token.text[:1].isdigit() for token in part]


def _places(own: Sequence[Token], part: Sequence[Token]) -> list[int]:
    """Where a part stands in the value."""
    words = [token.text for token in part]
    return [
        at
        for at in range(len(own) - len(words) + 1)
        if [token.text for token in own[at : at + len(words)]] == words
    ]


def _placed(value: str, number: Token, hits: dict[str, list[Hit]]) -> str | None:
    """A number by itself: by what it is said to be, else the only one of its form."""
    own = [t for t in tokens_of(plain(value)) if t.text[:1].isdigit()]
    if "flat" in hits:
        flats = _lookup().find(every := tokens_of(plain(value))).get("flat", ())
        after = [every[hit.end] for hit in flats if hit.end < len(every)]
        own = [token for token in after if token.text[:1].isdigit()]
    elif "postcode" in hits:
        own = [token for token in own if _CODE.fullmatch(token.text)]
    elif (alike := [token for token in own if _is_alike(token.text, number.text)]) and (
        len(number.text) >= CODE
    ):
        own = alike
    elif "house" in hits or _HOUSE.fullmatch(number.text):
        line = re.split("[,،、]", value, maxsplit=1)[0]
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


def _is_alike(one: str, other: str) -> bool:
    return len(one) == len(other) and one.isdigit() and other.isdigit()


def _says_only(
    value: str, tokens: Sequence[Token], hits: dict[str, list[Hit]], numbers: Sequence[Token]
) -> bool:
    """Whether a text says what a number is, and no more."""
    names = ("leads", "house", "flat", "postcode")
    silent = {at for n in names for hit in hits.get(n, ()) for at in range(hit.start, hit.end)}
    own = {token.text for token in tokens_of(plain(value)) if not token.text[:1].isdigit()}
    return all(
        at in silent or token in numbers or token.text in own for at, token in enumerate(tokens)
    )


@cache
def _lookup() -> Lookup:
    return Lookup(read_list("amends").items())
