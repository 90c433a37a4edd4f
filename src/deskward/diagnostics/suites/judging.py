"""Whether what was seen is as it is expected: conditions, and the form of a configuration.

What they are asked of was written by others, and may make them cost anything: where that could be
much they are asked in a process of their own (`core/apart.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deskward.core.apart import SMALL, apart
from deskward.core.conditions import WrongCondition, condition
from deskward.core.foreign_json import parts_of
from deskward.diagnostics.suites.inside import Seen, of_configuration
from deskward.diagnostics.suites.report import Expected
from deskward.diagnostics.suites.suite import USUAL, Configuration, Test, seen_by

_WHOLE = re.compile(r"\bseen\b(?!\s*\.\s*[A-Za-z_])")


async def judged(
    test: Test, values: Mapping[str, Any], limit: float | None = None
) -> list[Expected]:
    """What a test expects, and whether it is so.

    Args:
        values: `seen`, `environment` and `configuration`.
        limit: Seconds that it may take.

    Raises:
        TimeLimitExceeded: It takes too long.
    """
    sources = test.expect or USUAL[test.kind]
    read = _read(sources, values)
    parts = parts_of(read, SMALL)
    steps = sum(parts ** max(1, condition(one).loops) for one in sources)
    held = await apart(hold, {"conditions": list(sources), "values": read}, steps, limit=limit)
    return [Expected(that=source, held=found) for source, found in zip(sources, held, strict=True)]


async def of_form(test: Configuration, values: Mapping[str, Any], limit: float) -> Seen:
    """What is wrong with a configuration.

    Raises:
        Unknown: None was told.
        TimeLimitExceeded: It takes too long.
    """
    # What compares each part of a list with each other one takes the square of them.
    steps = parts_of(values["configuration"], SMALL) ** 2 * (1 + len(test.rules))
    if steps <= SMALL or not values["configuration"]:
        return of_configuration(test, values)
    given = {
        "test": test.model_dump(mode="json", by_alias=True),
        "values": {name: values[name] for name in ("environment", "configuration")},
    }
    seen, told = await apart(look, given, steps, limit=limit)
    return seen, told


def look(given: Mapping[str, Any]) -> Seen:
    """What is wrong with the configuration in `values`, by a `test`."""
    return of_configuration(Configuration.model_validate(given["test"]), given["values"])


def hold(given: Mapping[str, Any]) -> list[bool]:
    """Which of some `conditions` hold of some `values`."""
    return [_holds(source, given["values"]) for source in given["conditions"]]


def _holds(source: str, values: Mapping[str, Any]) -> bool:
    try:
        return condition(source).holds(values)
    except WrongCondition:  # it compares what was not seen
        return False


def _read(sources: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without what no condition names: of a large answer mostly the status is asked."""
    named = {name for source in sources for name in condition(source).names}
    found = {name: value for name, value in values.items() if name in named}
    text = "\n".join(sources)
    if "seen" in found and not _WHOLE.search(text):
        parts = seen_by(text)
        found["seen"] = {name: value for name, value in found["seen"].items() if name in parts}
    return found
