"""Lengths of time as people write them into files: `30m`, `4h`, `1h30m`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_LENGTH = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?")


def length_of(value: object) -> timedelta:
    """The length that a text tells.

    Raises:
        ValueError: It tells none, or none that is longer than nothing.
    """
    if not isinstance(value, str):
        raise ValueError("write a time as 30m, 4h or 1h30m")
    found = _LENGTH.fullmatch(value)
    told = timedelta(hours=int(found[1] or 0), minutes=int(found[2] or 0)) if found else None
    if not told:
        raise ValueError(f"write a time as 30m, 4h or 1h30m, longer than none, not as {value!r}")
    return told


def _read(value: object) -> object:
    return value if isinstance(value, timedelta) else length_of(value)


Length = Annotated[timedelta, BeforeValidator(_read)]
"""A length of time, written so."""
