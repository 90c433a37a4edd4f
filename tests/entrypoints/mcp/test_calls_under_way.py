"""Calls that take their time: their progress reaches the client, and a cancelled one ends."""

import asyncio
import contextlib
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deskward.app import Desk, open_desk
from tests.conftest import SERVICE, recorded, settings_in
from tests.demo_file import lay_demo
from tests.entrypoints.conftest import client_of
from tests.entrypoints.mcp.peers import NEW, SDK_1, SDK_2, Target, typescript
from tests.services.server import keyed_server, new_key, server

ACCEPT = {"Accept": "application/json, text/event-stream"}
TICKET = {"subject": "A", "body": "B"}


def rpc(method: str, params: dict[str, Any], key: int | None = 1) -> dict[str, Any]:
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    return message if key is None else {**message, "id": key}


@contextlib.contextmanager
def written_to(data: Path) -> Iterator[None]:
    """Another program is writing to the desk's database, so that writes wait."""
    with contextlib.closing(sqlite3.connect(data / "deskward.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def on_record(data: Path) -> int:
    """How many calls are on record."""
    with contextlib.closing(sqlite3.connect(data / "deskward.db")) as database:
        (count,) = database.execute("SELECT count(*) FROM ledger").fetchone()
    return int(count)


async def rows(data: Path) -> list[tuple[str, str | None]]:
    """Tool and code of all calls on record."""
    async with open_desk(settings_in(data)) as desk:
        return [(row["tool"], row.get("code")) for row in await recorded(desk)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The folder of a desk."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
async def serving(data: Path) -> AsyncIterator[tuple[str, Path]]:
    async with server(data) as (url, _pid):
        async with httpx2.AsyncClient(base_url=url) as client:
            await hello(client)  # its first request takes longer than others
        yield url, data


async def begun(client: httpx2.AsyncClient, **headers: str) -> asyncio.Task[httpx2.Response]:
    """A call that has had time to begin; while the database is written to, it waits."""
    call = rpc("tools/call", {"name": "create_ticket", "arguments": TICKET}, 7)
    task = asyncio.create_task(client.post("/mcp", json=call, headers=ACCEPT | headers))
    await asyncio.sleep(2.5)
    assert not task.done()
    return task


async def hello(client: httpx2.AsyncClient) -> dict[str, str]:
    """The headers of a client after its handshake."""
    about = {"protocolVersion": "2025-11-25", "capabilities": {}}
    about["clientInfo"] = {"name": "c", "version": "1"}
    response = await client.post("/mcp", json=rpc("initialize", about), headers=ACCEPT)
    return {"Mcp-Session-Id": response.headers["mcp-session-id"]}


@pytest.mark.slow
async def test_a_closed_connection_cancels_its_call(serving: tuple[str, Path]) -> None:
    url, data = serving
    with written_to(data):
        async with httpx2.AsyncClient(base_url=url) as client:
            (await begun(client)).cancel()
            await asyncio.sleep(2.5)
    async with asyncio.timeout(60):
        while not on_record(data):
            await asyncio.sleep(0.1)
    assert await rows(data) == [("create_ticket", "CANCELLED")]


@pytest.mark.slow
async def test_a_notification_cancels_the_same_clients_call_and_no_other(
    serving: tuple[str, Path],
) -> None:
    url, data = serving
    async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
        mine, other = await hello(client), await hello(client)
        assert mine != other
        cancelled = rpc("notifications/cancelled", {"requestId": 7}, None)
        with written_to(data):
            task = await begun(client, **mine)
            kept = await begun(client, **other)
            for headers in ({}, {"Mcp-Session-Id": "x"}, mine):
                response = await client.post("/mcp", json=cancelled, headers=ACCEPT | headers)
                assert response.status_code == 202
        assert (await task).status_code == 202  # and no answer, which nobody waits for
        result = (await kept).json()["result"]
        assert result["isError"] is False, result["content"][0]["text"]
    assert sorted(await rows(data), key=str) == [
        ("create_ticket", "CANCELLED"),
        ("create_ticket", None),
    ]


@pytest.fixture
async def target(request: pytest.FixtureRequest, data: Path) -> AsyncIterator[Target]:
    """A demo desk in the folder, for whoever calls without a key, over either transport."""
    if request.param == "http":
        async with server(data) as (url, _pid):
            yield Target(f"{url}/mcp")
        return
    lay_demo(data)
    async with open_desk(settings_in(data), chat=False):
        pass  # its first start writes, and the next one is to begin while nobody can
    environment = {"DATA_DIR": str(data), "DOMAINS": "bank,shop", "EMBEDDINGS": "off"}
    yield Target(arguments=["-m", "deskward", "mcp"], environment=environment)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("target", ["http", "stdio"], indirect=True)
@pytest.mark.parametrize(("sdk", "mode"), [(SDK_1, None), (SDK_2, {"pin": NEW})], ids=["1", "2"])
async def test_clients_cancel(
    data: Path, tmp_path: Path, target: Target, sdk: tuple[str, str], mode: Any
) -> None:
    call = {"name": "create_ticket", "arguments": TICKET, "cancelAfter": 3000}
    hold, said = tmp_path / "hold", tmp_path / "hold.said"
    with written_to(data):
        work = typescript(sdk, target, tmp_path, mode=mode, calls=[call], hold=str(hold))
        peer = asyncio.create_task(work)
        while not said.exists() and not peer.done():
            await asyncio.sleep(0.05)
        await asyncio.sleep(2.5)  # until the desk has been told, which waits for 10 s to write
    async with asyncio.timeout(60):  # the client stays until the desk has written
        while not on_record(data):
            await asyncio.sleep(0.2)
    hold.touch()
    (seen,) = await peer
    assert "enough" in seen["thrown"]
    assert await rows(data) == [("create_ticket", "CANCELLED")]


def steps_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: ")]


async def test_progress_comes_before_the_answer_where_it_is_asked_for(sqlite_desk: Desk) -> None:
    async def fresh() -> dict[str, str]:  # what a key has read is kept with it, and judged
        key, _ = await sqlite_desk.keys.create(
            tenant_id="default", kind=SERVICE.kind, subject_id=SERVICE.id, new=True
        )
        return {"X-API-Key": key}

    params: dict[str, Any] = {"name": "handle_ticket", "arguments": {"ticket_id": "T1"}}
    async with client_of(sqlite_desk) as client:
        listed = await client.get("/tickets", params={"status": "open"}, headers=await fresh())
        tickets = [ticket["id"] for ticket in listed.json()["tickets"]]
        for token in ("token", 7):
            params["arguments"] = {"ticket_id": tickets.pop()}
            params["_meta"] = {"progressToken": token}
            response = await client.post(
                "/mcp", json=rpc("tools/call", params), headers=ACCEPT | await fresh()
            )
            assert response.headers["content-type"] == "text/event-stream"
            *steps, answer = steps_of(response.text)
            assert [step["params"]["progress"] for step in steps] == [0, 1, 2, 3, 4]
            assert {step["params"]["progressToken"] for step in steps} == {token}
            assert {step["params"]["total"] for step in steps} == {5}
            assert steps[0]["params"]["message"] == "Reading the ticket"
            assert answer["result"]["isError"] is False
        for meta, accept in (({}, ACCEPT), ({"progressToken": 1}, {"Accept": "application/json"})):
            params["arguments"], params["_meta"] = {"ticket_id": tickets.pop()}, meta
            response = await client.post(
                "/mcp", json=rpc("tools/call", params), headers=accept | await fresh()
            )
            assert response.headers["content-type"] == "application/json"
            assert response.json()["result"]["isError"] is False


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("transport", ["http", "stdio"])
@pytest.mark.parametrize(("sdk", "mode"), [(SDK_1, None), (SDK_2, {"pin": NEW})], ids=["1", "2"])
async def test_clients_see_progress(
    data: Path, tmp_path: Path, transport: str, sdk: tuple[str, str], mode: Any
) -> None:
    ticket = {"ticket_id": "T920"}  # not looked up: what a key has read is kept with it
    call = {"name": "handle_ticket", "arguments": ticket, "progress": True}
    if transport == "http":
        async with keyed_server(data, "staff", "anna") as (url, key):
            target = Target(f"{url}/mcp", headers={"X-API-Key": key})
            (said,) = await typescript(sdk, target, tmp_path, mode=mode, calls=[call])
    else:
        lay_demo(data)
        await new_key(data, "staff", "anna")
        environment = {"DATA_DIR": str(data), "DOMAINS": "bank,shop", "EMBEDDINGS": "off"}
        arguments = ["-m", "deskward", "mcp", "--staff", "anna"]
        target = Target(arguments=arguments, environment=environment)
        (said,) = await typescript(sdk, target, tmp_path, mode=mode, calls=[call])
    assert not said["isError"], said
    assert [step["progress"] for step in said["steps"]] == [0, 1, 2, 3, 4]


@pytest.mark.slow
async def test_every_line_on_stdio_is_answered(tmp_path: Path) -> None:
    """A client waits for the answer to what it sent, however odd that was."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deskward", "mcp", "--demo"),
        env={"DATA_DIR": str(tmp_path), "LOG_LEVEL": "CRITICAL"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    about = {"protocolVersion": "2025-11-25", "capabilities": {}}
    opening = rpc("initialize", {**about, "clientInfo": {"name": "c", "version": "1"}}, 0)
    ticket = {
        "name": "create_ticket",
        "arguments": {"subject": "a\u2028b\u2029c\x85d", "body": "e"},
    }
    odd = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call",'
    odd += b'"params":{"name":"x","arguments":{"a":%s}}}'
    ping = b'{"jsonrpc":"2.0","id":%s,"method":"ping"}'
    lines = [
        (json.dumps(opening).encode(), 0, None),
        (odd % (1, b'"\\ud800"'), 1, -32700),
        (odd % (2, b"NaN"), 2, -32602),
        (b"{", None, -32700),
        *((ping % key, None, -32600) for key in (b"1.5", b"true", b"[1]", b"null", b"{}")),
        (b"[]", None, -32600),
        (b'{"jsonrpc":"2.0","id":3,"params":{}}', 3, -32600),
        (odd % (4, b"[" * 500 + b"]" * 500), 4, None),
        (json.dumps(rpc("tools/call", ticket, 5), ensure_ascii=False).encode(), 5, None),
    ]
    async with asyncio.timeout(60):
        for line, key, code in lines:
            process.stdin.write(line + b"\n")
            answer = (await process.stdout.readline()).decode()
            assert len(answer.splitlines()) == 1  # also for readers that split at every line end
            message = json.loads(answer)
            assert message["id"] == key, answer
            if code is not None:
                assert message["error"]["code"] == code, answer
        process.stdin.close()
        assert await process.wait() == 0
    assert message["result"]["isError"] is False, answer
