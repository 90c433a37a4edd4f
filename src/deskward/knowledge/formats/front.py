"""Front matter: what a text file says of itself before its text, in YAML or TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import yaml

from deskward.knowledge.formats.blocks import Broken

MOST = 20_000
"""Characters that may stand in front."""
_OPENS = re.compile(r"(---|\+\+\+)[ \t]*\n")


def parted(text: str) -> tuple[Mapping[str, Any], str]:
    """What stands in front of a text, and the text.

    Raises:
        Broken: It cannot be read.
    """
    opens = _OPENS.match(text)
    if opens is None:
        return {}, text
    fence = opens[1]
    ends = re.compile(rf"^(?:{re.escape(fence)}|\.\.\.)[ \t]*$", re.MULTILINE)
    found = ends.search(text, opens.end(), opens.end() + MOST)
    if found is None:
        return {}, text  # a line across the page
    inside = text[opens.end() : found.start()]
    told = _yaml(inside) if fence == "---" else _toml(inside)
    if not isinstance(told, dict):
        return {}, text
    return {str(name).strip().casefold(): value for name, value in told.items()}, text[
        found.end() :
    ]


def _yaml(text: str) -> Any:
    try:
        # An alias repeats what it names: a few lines could become gigabytes.
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise Broken("its front matter has aliases (`*name`), which are not read")
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 2}" if mark is not None else ""
        raise Broken(f"its front matter is no YAML{where}") from None
    except (ValueError, RecursionError):
        raise Broken("its front matter is no YAML") from None


def _toml(text: str) -> Any:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Broken(f"its front matter is no TOML: {error}"[:200]) from None
