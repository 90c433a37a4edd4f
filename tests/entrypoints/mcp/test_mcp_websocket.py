"""MCP over WebSocket: the official SDK's client, our hub's, and whoever does not keep to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from deskward.core.errors import OutcomeUnknown, RemoteFailed
from deskward.hub.config import Way
from deskward.hub.connection import Connection
from tests.entrypoints.mcp.peers import SDK_1, Target, typescript
from tests.entrypoints.mcp.test_calls_under_way import on_record, rows, written_to
from tests.entrypoints.mcp.test_mcp import modern, rpc
from tests.services.server import keyed_server, new_key, server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mcp-websocket"), pytest.mark.timeout(200)]

CALL = {"name": "get_account_balance", "arguments": {}}
WRITES = {"name": "create_ticket", "arguments": {"subject": "A", "body": "B"}}
VIEW = """
articles:
  tools: [search_knowledge_base]
  roles: [customer]
staff-only:
  tools: [list_tickets]
  roles: [support]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of a desk without keys, with two views."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "views.yaml").write_text(VIEW, "utf-8")
    async with server(folder, MCP_VIEWS_FILE=str(folder / "views.yaml")) as (url, _):
        yield f"{url.replace('http', 'ws')}/mcp"


@contextlib.asynccontextmanager
async def opened(url: str, **more: Any) -> AsyncIterator[ClientConnection]:
    more.setdefault("subprotocols", ["mcp"])
    async with connect(f"{url}/ws", max_size=None, **more) as socket:
        yield socket


async def said(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(30):
        found: dict[str, Any] = json.loads(await socket.recv())
    return found


async def asked(socket: ClientConnection, message: Any) -> dict[str, Any]:
    await socket.send(message if isinstance(message, str) else json.dumps(message))
    return await said(socket)


async def closed(socket: ClientConnection) -> int | None:
    async with asyncio.timeout(30):
        await socket.wait_closed()
    return socket.close_code


async def refused(url: str, **more: Any) -> tuple[int, str]:
    """Status and words of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as problem:
        async with opened(url, **more):
            pass
    response = problem.value.response
    return response.status_code, bytes(response.body or b"").decode()


async def test_the_official_sdk_lists_calls_and_sees_errors(tmp_path: Path) -> None:
    async with keyed_server(tmp_path / "desk", "customer", "user_001") as (url, key):
        to = Target(f"{url.replace('http', 'ws')}/mcp/ws", headers={"X-API-Key": key})
        calls = [
            {"name": "get_account_balance", "arguments": {}},
            {"name": "get_order_by_id", "arguments": {"order_id": "O9999"}},
            {"name": "no_such_tool", "arguments": {}},
            {"name": "get_account_balance", "arguments": {"user_id": 5}},
            {"resource": "mcp://nowhere"},
        ]
        balance, lost, unknown, invalid, nothing = await typescript(
            SDK_1, to, tmp_path, calls=calls
        )
        assert "5,420.50" in balance["text"]
        assert balance["structured"]
        assert (lost["isError"], "NOT_FOUND" in lost["text"]) == (True, True)
        assert "There is no tool" in unknown["thrown"]
        assert invalid["isError"]
        assert nothing["thrown"]
        # Without the key, and from a page elsewhere, it is not let in.
        for headers in ({}, {"X-API-Key": key, "Origin": "https://evil.example"}):
            (out,) = await typescript(SDK_1, Target(to.url, headers=headers), tmp_path, calls=calls)
            assert "thrown" in out  # the platform does not say why


async def test_our_own_hub_speaks_with_it(address: str, tmp_path: Path) -> None:
    connection = Connection("desk", Way(("ws",), url=f"{address}/ws"), timeout=30)
    listed: list[str] = []

    async def listing(tools: list[dict[str, Any]]) -> None:
        listed[:] = [tool["name"] for tool in tools]

    connection.start(listing)
    try:
        assert await connection.listed(30), connection.problem
        assert {"get_account_balance", "resources/list"} <= set(listed)
        assert "5,420.50" in json.dumps(await connection.call("get_account_balance", {}))
        with pytest.raises(RemoteFailed, match="O9999"):
            await connection.call("get_order_by_id", {"order_id": "O9999"})
        every = await asyncio.gather(
            *(connection.call("get_account_balance", {}) for _ in range(20))
        )
        assert len({json.dumps(one) for one in every}) == 1
    finally:
        await connection.stop()


async def test_a_server_that_dies_in_the_middle_leaves_an_unknown_outcome(tmp_path: Path) -> None:
    data = tmp_path / "desk"
    async with server(data) as (url, pid):
        way = Way(("ws",), url=f"{url.replace('http', 'ws')}/mcp/ws")
        connection = Connection("desk", way, timeout=30)

        async def listing(_tools: list[dict[str, Any]]) -> None:
            pass

        connection.start(listing)
        try:
            assert await connection.listed(30), connection.problem
            with written_to(data):
                call = asyncio.create_task(
                    connection.call("create_ticket", {"subject": "A", "body": "B"})
                )
                await asyncio.sleep(1)
                os.kill(pid, signal.SIGKILL)
                with pytest.raises(OutcomeUnknown, match="broke the connection"):
                    await call
        finally:
            await connection.stop()


async def test_both_eras_speak_on_one_connection(address: str) -> None:
    about: dict[str, Any] = {"protocolVersion": "2025-11-25", "capabilities": {}}
    about["clientInfo"] = {"name": "c", "version": "1"}
    async with opened(address) as socket:
        assert socket.subprotocol == "mcp"
        first = await asked(socket, rpc("initialize", about))
        assert first["result"]["protocolVersion"] == "2025-11-25"
        await socket.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        old = await asked(socket, rpc("tools/call", CALL, "a"))
        assert (old["id"], "resultType" in old["result"]) == ("a", False)
        found = await asked(socket, modern("server/discover"))
        assert "2026-07-28" in found["result"]["supportedVersions"]
        new = await asked(socket, modern("tools/call", CALL))
        assert new["result"]["structuredContent"] == old["result"]["structuredContent"]
        assert new["result"]["resultType"] == "complete"
        gone = await asked(socket, modern("ping"))
        assert gone["error"]["code"] == -32601
        other = await asked(
            socket, modern("tools/list", {}, {"io.modelcontextprotocol/protocolVersion": "2030"})
        )
        assert other["error"]["code"] == -32022


@pytest.mark.parametrize(
    ("text", "code", "number"),
    [
        ("{", -32700, None),
        ('{"id": 7, "x": NaN}', -32700, 7),
        ("[]", -32600, None),
        ('[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, None),
        ('{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600, None),
        ('{"jsonrpc":"2.0","id":3,"method":"no/such"}', -32601, 3),
        ('{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":5}}', -32602, 4),
        ('{"jsonrpc":"2.0","id":5,"method":"initialize","params":{}}', -32602, 5),
    ],
)
async def test_what_is_wrong_is_said_and_the_next_is_answered(
    address: str, text: str, code: int, number: Any
) -> None:
    async with opened(address) as socket:
        answer = await asked(socket, text)
        assert (answer["error"]["code"], answer.get("id")) == (code, number)
        assert (await asked(socket, rpc("ping")))["result"] == {}


async def test_a_handshake_that_is_none_of_ours_is_refused_as_over_http(address: str) -> None:
    status, words = await refused(address, subprotocols=["chat"])
    assert (status, "Offer the WebSocket subprotocol `mcp`" in words) == (400, True)
    assert (await refused(address, origin="https://evil.example"))[0] == 403
    async with opened(address, origin="http://127.0.0.1:8080"):
        pass
    status, words = await refused(f"{address}/v/staff-only")
    assert (status, "not for you" in words) == (403, True)
    async with opened(f"{address}/v/articles") as socket:
        tools = (await asked(socket, rpc("tools/list")))["result"]["tools"]
        assert [tool["name"] for tool in tools] == ["search_knowledge_base"]
        assert (await asked(socket, rpc("tools/call", CALL)))["error"]["code"] == -32602


async def test_frames_have_a_form_and_a_limit(address: str) -> None:
    long = {"name": "search_knowledge_base", "arguments": {"query": "x" * 200_000}}
    async with opened(address) as socket:
        # More than a chat's frame may have; the schema refuses it, and not the wire.
        assert (await asked(socket, rpc("tools/call", long)))["result"]["isError"]
        with contextlib.suppress(ConnectionClosed):
            await socket.send("x" * 5_000_000)
        assert await closed(socket) == 1009
    async with opened(address) as socket:
        await socket.send(b"{}")
        assert await closed(socket) == 1003
    async with opened(address) as other:  # the others go on
        assert (await asked(other, rpc("ping")))["result"] == {}


async def test_keys_are_asked_for_and_each_message_asks_again(tmp_path: Path) -> None:
    async with server(tmp_path) as (url, _):
        at = f"{url.replace('http', 'ws')}/mcp"
        key = await new_key(tmp_path, "customer", "user_001")
        status, words = await refused(at)
        assert (status, json.loads(words)["error"]["data"]["error"]) == (401, "UNAUTHENTICATED")
        bearer = {"Authorization": f"Bearer {key}"}
        assert (await refused(at, additional_headers={"Authorization": f"Bearer {key}x"}))[0] == 401
        async with opened(at, subprotocols=["mcp", f"deskward.key.{key}"]) as browser:
            assert browser.subprotocol == "mcp"
            assert (await asked(browser, rpc("tools/call", CALL)))["result"]["isError"] is False
        async with opened(at, additional_headers=bearer) as socket:
            assert (await asked(socket, rpc("tools/call", CALL)))["result"]["isError"] is False
            await _revoke(tmp_path, key)
            async with asyncio.timeout(60):
                while "result" in (answer := await asked(socket, rpc("ping", key="p"))):
                    await asyncio.sleep(0.2)
            assert answer["id"] == "p"
            assert answer["error"]["data"]["error"] == "UNAUTHENTICATED"
            assert await closed(socket) == 4401


async def test_too_many_messages_are_refused_and_not_cut_off(tmp_path: Path) -> None:
    async with (
        server(tmp_path, ENABLE_RATE_LIMITING="true", RATE_LIMIT_PER_MINUTE="8") as (url, _),
        opened(f"{url.replace('http', 'ws')}/mcp") as socket,
    ):
        answers = [await asked(socket, rpc("ping", key=number)) for number in range(10)]
        assert answers[0]["result"] == {}
        last = answers[-1]
        assert (last["id"], last["error"]["data"]["error"]) == (9, "Rate limit exceeded")


async def test_a_call_is_cancelled_by_its_number_and_by_a_cut(tmp_path: Path) -> None:
    data = tmp_path / "desk"
    async with server(data) as (url, _):
        at = f"{url.replace('http', 'ws')}/mcp"
        async with opened(at) as socket, opened(at) as other:
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
            with written_to(data):
                for one, number in ((socket, 7), (other, 7), (other, 8)):
                    await one.send(json.dumps(rpc("tools/call", WRITES, number)))
                    await asyncio.sleep(0.5)
                again = await asked(other, rpc("tools/call", WRITES, 7))
                assert "under way" in again["error"]["message"]
                await socket.send(json.dumps({**cancel, "params": {"requestId": 7}}))
                await socket.send(json.dumps({**cancel, "params": {"requestId": "unknown"}}))
                assert (await asked(socket, rpc("ping", key=9)))["id"] == 9
                other.transport.abort()  # in the middle of both
                await asyncio.sleep(1.5)
            # What was taken back has no answer, and the connection goes on.
            assert (await asked(socket, rpc("ping", key=10)))["id"] == 10
            async with asyncio.timeout(60):
                while on_record(data) < 3:
                    await asyncio.sleep(0.1)
    assert await rows(data) == [("create_ticket", "CANCELLED")] * 3


async def _revoke(folder: Path, key: str) -> None:
    from deskward.app import keys_of
    from deskward.core.database import Database
    from deskward.shipped import roles_of
    from tests.demo_file import settings_in

    known = settings_in(folder)
    database = Database(known.database_location)
    try:
        await keys_of(known, database, roles_of(known)).revoke(key[3:11])
    finally:
        await database.close()
