"""JSON that others have written, taken in so that nothing behind it stumbles over it.

It may be nested so deeply that whoever walks through it runs out of stack, hold halves of pairs of
surrogates, which no database takes, or numbers that are none elsewhere. What is too deep or too
much is refused; of the rest what no text or number can be is put right.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

DEEPEST = 64
"""Lists and objects inside each other."""
MOST_PARTS = 100_000
"""Values, those inside others included."""
_LOST = re.compile("[\ud800-\udfff]")


class TooMuchJson(ValueError):
    """It is nested too deeply, or has too many parts."""


def read_json(content: str | bytes, *, most: int = MOST_PARTS) -> Any:
    """The value of a JSON text of somebody else.

    Args:
        most: Parts that it may have.

    Raises:
        TooMuchJson: It is nested too deeply, or has too many parts.
        ValueError: It is no JSON.
    """
    try:
        data = json.loads(content, parse_int=_number, parse_constant=lambda _: None)
    except RecursionError:
        raise TooMuchJson("it is nested too deeply") from None
    return tidied(data, most=most)


def tidied(data: Any, *, most: int = MOST_PARTS) -> Any:
    """A value as JSON gives it, put right in its place.

    Numbers that no machine has become what is nearest, or nothing; halves of pairs of surrogates
    become U+FFFD, and U+0000 is left out.

    Raises:
        TooMuchJson: It is nested too deeply, or has too many parts.
    """
    whole, parts = [data], 0
    waiting: list[tuple[Any, int]] = [(whole, 0)]
    while waiting:
        holder, depth = waiting.pop()
        parts += len(holder)
        if depth > DEEPEST:
            raise TooMuchJson(f"it is nested more than {DEEPEST} times")
        if parts > most + 1:
            raise TooMuchJson(f"it has more than {most:,} parts")
        if isinstance(holder, dict):
            for key in [key for key in holder if _text(key) != key]:
                holder[_text(key)] = holder.pop(key)
        for key, value in list(holder.items() if isinstance(holder, dict) else enumerate(holder)):
            if isinstance(value, dict | list):
                waiting.append((value, depth + 1))
            elif isinstance(value, str):
                holder[key] = _text(value)
            elif isinstance(value, int | float) and not isinstance(value, bool):
                holder[key] = _known(value)
    return whole[0]


def parts_of(value: Any, most: int) -> int:
    """How many values there are in one; beyond the most it is not counted on."""
    count, waiting = 0, [value]
    while waiting and count <= most:
        one = waiting.pop()
        count += 1
        if isinstance(one, dict | list | tuple):
            inner = one.values() if isinstance(one, dict) else one
            count += max(0, len(one) - most)
            waiting += list(inner)[: most + 1]
    return count


def parts_in(content: str) -> int:
    """How many values a JSON text can hold at the most, without reading it."""
    return 1 + sum(map(content.count, (",", "[", "{")))


def steps_of(paths: Iterable[str], parts: int) -> int:
    """About how many steps some JSONPaths need at the worst for a value of so many parts.

    A filter, and a descent, look at each part; one inside another looks at each from each.
    """
    loops = [max(1, path.count("?") + path.count("..")) for path in paths]
    return parts + sum(int(parts**count) for count in loops)


def _text(value: str) -> str:
    if "\0" in value:
        value = value.replace("\0", "")
    return value if value.isascii() else _LOST.sub("\ufffd", value)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float(digits)


def _known(value: int | float) -> int | float | None:
    """A number that 64 bits hold; None where none is near."""
    if isinstance(value, int):
        if -(2**63) <= value < 2**63:
            return value
        value = float(value) if value.bit_length() <= 1_000 else math.inf
    return value if math.isfinite(value) else None
