"""Lists of words, as data: `lists/*.yaml`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

LISTS = Path(__file__).with_name("lists")


@cache
def word_lists(name: str) -> dict[str, list[str]]:
    """The lists of a file, by their names."""
    found: dict[str, list[str]] = read_list(name)
    return found


def read_list(name: str) -> Any:
    """What a file of lists holds; words are words there, also "no" and "yes"."""
    text = (LISTS / f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.CBaseLoader)


def any_of(parts: Sequence[str]) -> re.Pattern[str]:
    """What finds any of these parts of regular expressions as whole words, in any case."""
    return re.compile(rf"\b(?:{'|'.join(parts)})\b", re.IGNORECASE)
