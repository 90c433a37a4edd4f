"""Pins: the first contact is trusted, nothing after it is."""

import pytest

from deskward.app import Desk
from deskward.core.errors import NotFound
from deskward.hub import pins
from deskward.hub.pins import shape_of


def tool(name: str, **more: object) -> dict:
    return {"name": name, "description": "d", "inputSchema": {"type": "object"}, **more}


async def compare(desk: Desk, *tools: dict) -> dict[str, bool]:
    async with desk.database.transaction() as transaction:
        shapes = {t["name"]: shape_of(t) for t in tools}
        found = await pins.compare(transaction, "s", shapes)
    return {name: pin.quarantined for name, pin in found.items()}


async def test_each_part_of_a_tool_is_pinned(desk: Desk) -> None:
    assert await compare(desk, tool("a"), tool("b")) == {"a": False, "b": False}
    for change in (
        {"description": "another"},
        {"inputSchema": {"type": "object", "properties": {"x": {"description": "hidden"}}}},
        {"outputSchema": {"type": "object"}},
        {"annotations": {"readOnlyHint": True}},
        {"title": "t"},
    ):
        assert await compare(desk, tool("a", **change), tool("b")) == {"a": True, "b": False}
        assert await compare(desk, tool("a"), tool("b")) == {"a": False, "b": False}


async def test_a_new_tool_of_a_known_server_is_quarantined(desk: Desk) -> None:
    await compare(desk, tool("a"))
    assert await compare(desk, tool("a"), tool("new")) == {"a": False, "new": True}


async def test_a_person_accepts_only_what_they_looked_at(sqlite_desk: Desk) -> None:
    await compare(sqlite_desk, tool("a"))
    assert await compare(sqlite_desk, tool("a", title="looked at")) == {"a": True}
    (looked_at,) = await pins.pins(sqlite_desk.database.reader)
    assert await compare(sqlite_desk, tool("a", title="another since")) == {"a": True}
    (offered,) = await pins.pins(sqlite_desk.database.reader)
    async with sqlite_desk.database.transaction() as db:
        for seen in (looked_at.offered, looked_at.offered[:8], offered.offered[:7], ""):
            with pytest.raises(NotFound):
                await pins.accept(db, "s", "a", seen, "staff:anna")
        await pins.accept(db, "s", "a", offered.offered[:8], "staff:anna")
    assert await compare(sqlite_desk, tool("a", title="another since")) == {"a": False}


def test_the_order_of_a_schema_is_no_change() -> None:
    one = tool("a", inputSchema={"type": "object", "properties": {}})
    other = tool("a", inputSchema={"properties": {}, "type": "object"})
    assert shape_of(one) == shape_of(other)
