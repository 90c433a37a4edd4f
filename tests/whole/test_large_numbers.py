"""No whole number that a tool takes is more than its database can hold: it is refused, or fits."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from deskward.app import Desk
from deskward.features import all_features
from deskward.gate.context import Context
from deskward.gate.tool import Tool
from deskward.security.principals import Kind, Principal
from tests.whole.test_isolation import arguments, marked_records

GROUPS = ("diagnostics", "escalation", "queues", "tickets")
NUMBERS = (2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, -(2**31) - 1, -(2**63))
CHIEF = Context(Principal(Kind.STAFF, "maker", "default", ("support-3",)), "cli")
Path = tuple[str, ...]


def integers(schema: Any, path: Path = ()) -> Iterator[Path]:
    """Where in a call whole numbers stand; `[]` for a part of a list."""
    if schema.get("type") == "integer":
        yield path
    for name, part in schema.get("properties", {}).items():
        yield from integers(part, (*path, name))
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from integers(part, path)
    if "items" in schema:
        yield from integers(schema["items"], (*path, "[]"))


def with_number(values: Any, path: Path, number: int) -> Any:
    """The call with a number in that place."""
    if not path:
        return number
    name, *rest = path
    if name == "[]":
        return [with_number({}, tuple(rest), number)]
    made = copy.deepcopy(values) if isinstance(values, dict) else {}
    made[name] = with_number(made.get(name, {}), tuple(rest), number)
    return made


def tools_with_numbers() -> list[tuple[Tool, Path]]:
    """Every place of a whole number in the tools of these groups."""
    return [
        (tool, path)
        for part in all_features().slices
        if part.tools is not None and part.tools.name in GROUPS
        for tool in part.tools.tools
        for path in dict.fromkeys(integers(tool.schema_for(Kind.STAFF)))
    ]


@pytest.mark.slow
async def test_every_large_number_is_refused_or_fits(desk: Desk) -> None:
    records = await marked_records(desk, "default", "user_001")
    places = tools_with_numbers()
    assert len(places) > 40
    broken, reached = [], 0
    for tool, path in places:
        if tool.name == "take_collected":  # programs alone call it; its tests walk it
            continue
        for number in NUMBERS:
            values = with_number(arguments(tool, records), path, number)
            outcome = await desk.gate.call(tool.name, values, CHIEF)
            code = outcome.value["error"]["code"] if outcome.status == "error" else ""
            reached += code not in ("FORBIDDEN", "INVALID_INPUT")
            if outcome.error is not None and outcome.error.status >= 500:
                broken.append((tool.name, path, number, code))
    assert broken == []
    assert reached > 20  # what the schema lets through gets as far as the database
