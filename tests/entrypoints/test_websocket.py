"""Chat over WebSocket, with a real client against a real server."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from deskward.core.database import Database
from deskward.customers.service import is_there
from deskward.security.api_keys import ApiKeys
from deskward.security.principals import Kind
from deskward.security.roles import FILE as ROLES
from deskward.security.roles import Roles
from tests.conftest import settings_in
from tests.policies import FILES
from tests.services.server import server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("websocket"), pytest.mark.timeout(120)]

BALANCE = "Your current account balance is $5,420.50."


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a desk for all tests that make no key."""
    async with server(tmp_path_factory.mktemp("desk")) as (url, _):
        yield url.replace("http", "ws")


@pytest.fixture
async def own_address(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a desk that is open until the test makes a key."""
    async with server(tmp_path) as (url, _):
        yield url.replace("http", "ws")


async def key_for(folder: Path, kind: Kind, subject: str) -> str:
    database = Database(settings_in(folder).database_location)
    keys = ApiKeys(database, Roles.parse(FILES[ROLES]), is_there)
    key, _ = await keys.create(tenant_id="default", kind=kind, subject_id=subject, new=True)
    await database.close()
    return key


async def answer(socket: ClientConnection, text: str) -> tuple[str, list[dict[str, Any]]]:
    """Send a text; gives the whole answer and its events."""
    await socket.send(text)
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while not events or events[-1]["type"] not in ("done", "error"):
            events.append(json.loads(await socket.recv()))
    return "".join(event.get("content", "") for event in events), events


async def closed(socket: ClientConnection) -> tuple[int, str]:
    async with asyncio.timeout(20):
        await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


async def test_a_slash_at_the_end_changes_nothing(address: str) -> None:
    async with connect(f"{address}/ws/user_001/") as socket:
        assert (await answer(socket, "What's my account balance?"))[0] == BALANCE


async def test_a_text_in_the_streamed_answer_out(address: str) -> None:
    async with connect(f"{address}/ws/user_001?session_id=mine") as socket:
        text, events = await answer(socket, "What's my account balance?")
        assert text == BALANCE
        assert [event["type"] for event in events[:3]] == ["tool_call", "tool_result", "token"]
        assert {event["session_id"] for event in events} == {"mine"}
        assert all(event["event_id"] for event in events)
        assert events[-1]["message_count"] == 2
        assert "?" in (await answer(socket, "I want to change my password"))[0]
    async with connect(f"{address}/ws/user_001?session_id=mine") as socket:
        text, events = await answer(socket, "sunshine-and-rain-77")
        assert text == "Your password has been changed successfully."
        assert events[-1]["message_count"] == 6


async def test_a_bad_message_is_an_error_and_the_next_one_is_answered(address: str) -> None:
    async with connect(f"{address}/ws/user_001") as socket:
        for bad in ("", "x" * 10_001, "a\0b"):
            _, events = await answer(socket, bad)
            assert (events[-1]["type"], events[-1]["error"]) == ("error", "INVALID_INPUT")
        assert (await answer(socket, "What's my account balance?"))[0] == BALANCE


async def test_frames_that_are_no_text_or_too_long_close(address: str) -> None:
    async with connect(f"{address}/ws/user_001") as socket:
        await socket.send(b"\x00\x01")
        assert (await closed(socket))[0] == 1003
    async with connect(f"{address}/ws/user_001") as socket:
        await socket.send("x" * 70_000)
        assert (await closed(socket))[0] == 1009


async def test_who_may_not_speak_is_told_by_the_close_code(
    own_address: str, tmp_path: Path
) -> None:
    address = own_address
    async with connect(f"{address}/ws/nobody") as socket:
        assert (await closed(socket))[0] == 4401
    key = await key_for(tmp_path, Kind.CUSTOMER, "user_001")
    await asyncio.sleep(1.1)  # a server remembers for a second that there was no key
    async with connect(f"{address}/ws/user_001") as socket:
        assert (await closed(socket))[0] == 4401
    headers = {"Authorization": f"Bearer {key}"}
    async with connect(f"{address}/ws/user_002", additional_headers=headers) as socket:
        assert (await closed(socket))[0] == 4403
    async with connect(f"{address}/ws/user_001", additional_headers=headers) as socket:
        assert (await answer(socket, "What's my account balance?"))[0] == BALANCE
    offered: Any = ["deskward", f"deskward.key.{key}"]
    async with connect(f"{address}/ws/user_001", subprotocols=offered) as socket:
        assert socket.subprotocol == "deskward"
        assert (await answer(socket, "What's my account balance?"))[0] == BALANCE


async def test_a_key_that_is_revoked_ends_the_talk_at_the_next_message(
    own_address: str, tmp_path: Path
) -> None:
    address = own_address
    key = await key_for(tmp_path, Kind.CUSTOMER, "user_001")
    await asyncio.sleep(1.1)  # a server remembers for a second that there was no key
    headers = {"Authorization": f"Bearer {key}"}
    async with connect(f"{address}/ws/user_001", additional_headers=headers) as socket:
        assert (await answer(socket, "What's my account balance?"))[0] == BALANCE
        database = Database(settings_in(tmp_path).database_location)
        await ApiKeys(database, Roles.parse(FILES[ROLES])).revoke(key[3:11])
        await database.close()
        await asyncio.sleep(1.1)  # a server remembers a key for a second
        await socket.send("What's my account balance?")
        assert (await closed(socket))[0] == 4401


async def test_a_page_of_another_host_is_refused(address: str) -> None:
    for origin in ("http://evil.example", "null", "http://["):
        with pytest.raises(InvalidStatus) as error:
            await connect(f"{address}/ws/user_001", additional_headers={"Origin": origin})
        assert error.value.response.status_code == 403
    async with connect(f"{address}/ws/user_001", origin="http://localhost:3000"):  # type: ignore[arg-type]  # an Origin is a str
        pass


async def test_a_client_that_vanishes_leaves_the_server_well(address: str) -> None:
    for _ in range(5):
        socket = await connect(f"{address}/ws/user_001?session_id=v")
        await socket.send("What's my account balance?")
        socket.transport.abort()
    async with connect(f"{address}/ws/user_001?session_id=v") as socket:
        assert (await answer(socket, "What's my account balance?"))[0] == BALANCE


async def test_a_server_that_stops_says_so(tmp_path: Path) -> None:
    async with (
        server(tmp_path) as (url, pid),
        connect(f"{url.replace('http', 'ws')}/ws/user_001") as socket,
    ):
        await answer(socket, "hello")
        os.kill(pid, signal.SIGTERM)
        assert (await closed(socket))[0] == 1012


async def test_what_is_asked_is_answered_by_a_frame_or_a_text(address: str) -> None:
    async with connect(f"{address}/ws/user_001") as socket:
        for card in ("4242", "4444"):
            _, events = await answer(socket, f"deactivate my card {card} for good")
            needed = next(event for event in events if event["type"] == "confirm_needed")
            frame = {"type": "confirm", "confirmation_id": needed["confirmation_id"]}
            said = json.dumps({**frame, "answer": True}) if card == "4242" else "yes"
            text, _ = await answer(socket, said)
            assert f"{card} has been deactivated" in text
        _, events = await answer(socket, json.dumps({**frame, "answer": True}))
        assert (events[-1]["type"], events[-1]["error"]) == ("error", "CONFLICT")
