"""Lists of words, as data: `lists/*.yaml`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml

LISTS = Path(__file__).with_name("lists")


@cache
def word_lists(name: str) -> dict[str, list[str]]:
    """The lists of a file, by their names."""
    text = (LISTS / f"{name}.yaml").read_text(encoding="utf-8")
    found: dict[str, list[str]] = yaml.load(text, Loader=yaml.CSafeLoader)
    return found


def any_of(parts: Sequence[str]) -> re.Pattern[str]:
    """What finds any of these parts of regular expressions as whole words, in any case."""
    return re.compile(rf"\b(?:{'|'.join(parts)})\b", re.IGNORECASE)
