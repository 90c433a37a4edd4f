"""What a person has accepted an outside tool as: that it only reads, and for whom."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json

from deskward.app import Desk
from deskward.core.settings import Settings
from deskward.entrypoints.mcp.results import call_result
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.gate.tool import Risk
from deskward.hub import pins
from deskward.security.principals import Principal
from tests.conftest import CUSTOMER, SERVICE, STAFF
from tests.hub.test_many import desk_of, looking_often, straight, until
from tests.services.many_mcp import PIXEL
from tests.services.mcp_file import Running, running, write

pytestmark = [
    pytest.mark.xdist_group("hub"),
    pytest.mark.timeout(180),
    pytest.mark.slow,
    pytest.mark.usefixtures("looking_often"),
]
__all__ = ["looking_often"]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running("http") as (one,):
        yield one


@asynccontextmanager
async def desk_with(
    settings: Settings, server: Running, offline: Any, folder: Path, seconds: float = 10
) -> AsyncIterator[Desk]:
    entry = {"url": server.url, "deskward": {"timeout": seconds}}
    file = write(folder / "mcp.json", {"s": entry})
    async with desk_of(settings, file, offline) as desk:
        await until(lambda: "s__who" in desk.gate.tools)
        yield desk


async def accept(desk: Desk, tool: str, *, reads: bool = False, audience: str = pins.STAFF) -> None:
    (pin,) = [pin for pin in await pins.pins(desk.database.reader) if pin.name == tool]
    async with desk.database.transaction() as db:
        await pins.accept(db, "s", tool, pin.offered, "anna", reads=reads, audience=audience)
    risk = Risk.READ if reads else Risk.OUTSIDE
    scope = "remote_customers" if audience == pins.CUSTOMERS else "remote"
    name = f"s__{tool}".replace("-", "_").replace(".", "_")
    await until(lambda: (desk.gate.tools[name].risk, desk.gate.tools[name].group) == (risk, scope))


async def call(
    desk: Desk, name: str, principal: Principal = STAFF, door: Any = "rest", **given: Any
) -> Outcome:
    return await desk.gate.call(name, given, Context(principal, door))


def code(outcome: Outcome) -> str:
    assert outcome.error is not None, outcome.text
    return outcome.error.error_code


async def test_reading_is_a_persons_word_and_not_the_servers(
    sqlite_settings: Settings, offline: Any, server: Running, tmp_path: Path
) -> None:
    async with desk_with(sqlite_settings, server, offline, tmp_path) as desk:
        who = desk.gate.tools["s__who"]  # which says `readOnlyHint: true` of itself
        assert not who.risk.annotations["readOnlyHint"]
        assert (await call(desk, "s__who")).status == "pending"
        assert code(await call(desk, "s__who", SERVICE)) == "FORBIDDEN"
        (pin,) = [pin for pin in await pins.pins(desk.database.reader) if pin.name == "who"]
        assert pin.suggests_reading
        await accept(desk, "who", reads=True)
        assert desk.gate.tools["s__who"].risk.annotations["readOnlyHint"]
        assert (await call(desk, "s__who", SERVICE)).value["name"] == "many"


async def test_a_read_that_takes_too_long_is_no_unknown_outcome(
    sqlite_settings: Settings, offline: Any, server: Running, tmp_path: Path
) -> None:
    async with desk_with(sqlite_settings, server, offline, tmp_path, seconds=1) as desk:
        await accept(desk, "slow", reads=True)
        assert code(await call(desk, "s__slow", seconds=15)) == "TIME_LIMIT_EXCEEDED"


async def test_customers_use_what_was_accepted_for_them(
    sqlite_settings: Settings, offline: Any, server: Running, tmp_path: Path
) -> None:
    async with desk_with(sqlite_settings, server, offline, tmp_path) as desk:
        name = "s__get_user_info"
        assert code(await call(desk, name, CUSTOMER)) == "FORBIDDEN"
        await accept(desk, "get-user.info", reads=True, audience=pins.CUSTOMERS)
        await accept(desk, "act", audience=pins.CUSTOMERS)
        # Bound to themselves, as with our own tools.
        assert "user_id" not in desk.gate.tools[name].input_schema(CUSTOMER)["properties"]
        assert (await call(desk, name, CUSTOMER)).value == {"user": "user_001"}
        assert code(await call(desk, name, CUSTOMER, user_id="user_002")) == "FORBIDDEN"
        assert (await call(desk, name, STAFF, user_id="user_002")).value == {"user": "user_002"}
        # They act themselves; a program in their name only with their yes, staff with another's.
        assert (await call(desk, "s__act", CUSTOMER, what="mine")).value["done"] == "mine"
        assert (await call(desk, "s__act", CUSTOMER, "mcp", what="x")).status == "confirm"
        assert (await call(desk, "s__act", STAFF, what="x")).status == "pending"
        await accept(desk, "act")
        assert code(await call(desk, "s__act", CUSTOMER, what="x")) == "FORBIDDEN"


async def test_pictures_and_resources_come_through(
    sqlite_settings: Settings, offline: Any, server: Running, tmp_path: Path
) -> None:
    data = base64.b64encode(PIXEL).decode()
    async with desk_with(sqlite_settings, server, offline, tmp_path) as desk:
        for tool in ("picture", "mixed", "instruct"):
            await accept(desk, tool, reads=True)
        picture = await call(desk, "s__picture")
        assert picture.value["mcp_content"] == [
            {"type": "image", "data": data, "mimeType": "image/png"}
        ]
        assert "text" not in picture.value
        mixed = await call(desk, "s__mixed")
        assert mixed.value["text"] == "See:"
        assert [block["type"] for block in mixed.value["mcp_content"]] == ["image", "resource"]
        # A model is told that there is a picture, and is not shown its bytes as text.
        told = mixed.told["mcp_content"]
        assert told[0] == {"type": "image", "mimeType": "image/png", "bytes": len(data) * 3 // 4}
        assert told[1]["resource"]["text"] == "in it"
        # Our own MCP server passes them on as what they are.
        sent = json.loads(call_result(mixed, stateless=False))
        assert [block["type"] for block in sent["content"]] == ["text", "image", "resource"]
        assert sent["content"][1]["data"] == data
        assert sent["structuredContent"] == {"text": "See:"}
        # Whatever it says is somebody else's text.
        assert (await call(desk, "s__instruct", door="mcp")).sources == {"outside"}


async def test_progress_and_cancellation_reach_the_other_side(
    sqlite_settings: Settings, offline: Any, server: Running, tmp_path: Path
) -> None:
    async with desk_with(sqlite_settings, server, offline, tmp_path) as desk:
        await accept(desk, "seen", reads=True)
        await accept(desk, "slow", audience=pins.CUSTOMERS)
        before = (await call(desk, "s__seen")).value["cancelled"]
        told: list[tuple[float, float | None, str]] = []
        context = Context(CUSTOMER, "rest", report=lambda *step: told.append(step))
        acting = asyncio.create_task(desk.gate.call("s__slow", {"seconds": 20}, context))
        await until(lambda: len(told) > 1)
        assert told[1] == (1, 10, "step 1")
        acting.cancel()
        with pytest.raises(asyncio.CancelledError) as ended:
            await acting
        # It had begun, so nobody knows what it has done; and the server has stopped.
        assert getattr(ended.value.__cause__, "code", "") == "OUTCOME_UNKNOWN"
        assert "cancelled and its server was told so" in str(ended.value.__cause__)
        after: list[str] = []
        async with asyncio.timeout(20):
            while len(after) <= len(before):
                after = (await call(desk, "s__seen")).value["cancelled"]
        # One that only reads is just stopped.
        await accept(desk, "slow", reads=True)
        reading = asyncio.create_task(call(desk, "s__slow", seconds=20))
        await until(lambda: desk.hub and desk.hub.servers["s"].replicas.connections[0].running)
        await asyncio.sleep(0.3)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        async with asyncio.timeout(20):
            while len((await call(desk, "s__seen")).value["cancelled"]) <= len(after):
                await asyncio.sleep(0.05)


async def test_what_is_too_large_is_said_to_be_there(
    sqlite_settings: Settings,
    offline: Any,
    server: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deskward.hub.results.MOST_DATA", 120)
    async with desk_with(sqlite_settings, server, offline, tmp_path) as desk:
        found = await straight(desk, "s__mixed", {})
        (first, second) = found.value["mcp_content"]
        assert first["type"] == "text"
        assert first["text"].startswith("[image of ")
        assert second["type"] == "resource"
        assert len(to_json(found.value)) < 400
