"""Many servers of one file: every transport, hot reload, and one server's fault."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from deskward.app import Desk, open_desk
from deskward.core.errors import OutcomeUnknown
from deskward.core.settings import Settings
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.hub import connection, hub
from deskward.security.principals import Kind, Principal, Proof
from tests.conftest import CUSTOMER, STAFF
from tests.services.faulty_mcp import faulty_mcp
from tests.services.mcp_file import Running, over_stdio, running, write

pytestmark = [
    pytest.mark.xdist_group("hub"),
    pytest.mark.timeout(300),
    pytest.mark.slow,
    pytest.mark.usefixtures("looking_often"),
]
ELSEWHERE = Principal(Kind.STAFF, "zoe", "elsewhere", ("support",), proof=Proof.VOUCHED)


@pytest.fixture(scope="module")
def three() -> Iterator[dict[str, Running]]:
    with running("http", "sse", "ws") as servers:
        yield {server.kind: server for server in servers}


@pytest.fixture
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REFRESH", 0.5)
    monkeypatch.setattr(connection, "RETRY_AFTER", 0.2)
    monkeypatch.setattr(hub, "LOOK", 0.1)


@asynccontextmanager
async def desk_of(settings: Settings, file: Path, offline: Any) -> AsyncIterator[Desk]:
    async with open_desk(settings.changed(mcp_servers_file=file), model=offline) as desk:
        yield desk


async def call(desk: Desk, name: str, principal: Principal = STAFF, **given: Any) -> Outcome:
    """What comes of a call; of one that a person has to approve, once they have."""
    outcome = await desk.gate.call(name, given, Context(principal, "rest"))
    if outcome.status != "pending":
        return outcome
    tool = desk.gate.tools[name]
    return await straight(desk, tool.name, given)


async def straight(desk: Desk, name: str, given: dict[str, Any]) -> Outcome:
    """A call without the gate, for what is about transports alone."""
    tool = desk.gate.tools[name]
    context = Context(STAFF, "rest").completed(effect_id="e")
    return Outcome("ok", tool.result.dump_json(await tool.function(context, **given)).decode(), "r")


async def until(condition: Any, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def test_every_transport_at_once(
    sqlite_settings: Settings,
    offline: Any,
    three: dict[str, Running],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_DESK", "x")
    file = write(
        tmp_path / "mcp.json",
        {
            "own-child": over_stdio(),
            "plain": {"url": three["http"].url},
            "old": {"url": three["sse"].url},
            "ws": {"url": three["ws"].url, "deskward": {"tenant": "elsewhere"}},
            "wrong": {"url": "file:///etc/passwd"},
        },
    )
    async with desk_of(sqlite_settings, file, offline) as desk:
        assert desk.hub is not None
        await until(lambda: desk.hub and desk.hub.state == "available")
        await until(lambda: {"own_child__who", "ws__who"} <= desk.gate.tools.keys())
        assert list(desk.hub.problems) == ["wrong"]
        pids = [(await call(desk, f"{n}__who")).value["pid"] for n in ("own_child", "plain", "old")]
        assert len(set(pids)) == 3
        seen = (await call(desk, "own_child__environment")).value
        assert seen["given"] == "by the file"
        assert "SECRET_OF_THE_DESK" not in seen["names"]
        assert set(seen["names"]) <= {
            *("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LC_CTYPE"),
            *("PYTHONPATH", "GIVEN"),
        }
        # Names that are no identifiers become some, and nobody has two.
        got = await call(desk, "plain__get_user_info", user_id="user_002")
        assert got.value == {"user": "user_002"}
        # Another tenant's server is not there for us, whatever we call.
        assert (await call(desk, "ws__who", ELSEWHERE)).value["name"] == "many"
        refused = await desk.gate.call("ws__who", {}, Context(STAFF, "rest"))
        assert refused.error is not None
        assert refused.error.error_code == "FORBIDDEN"
        assert not any(t.name.startswith("ws__") for t in desk.gate.tools_for(STAFF))
        assert not any("__" in t.name for t in desk.gate.tools_for(CUSTOMER))


async def test_the_file_is_read_again_and_what_stays_is_let_alone(
    sqlite_settings: Settings, offline: Any, three: dict[str, Running], tmp_path: Path, caplog: Any
) -> None:
    first, second = {"url": three["http"].url}, {"url": three["ws"].url}
    file = write(tmp_path / "mcp.json", {"a": first, "b": first})
    async with desk_of(sqlite_settings, file, offline) as desk:
        assert desk.hub is not None
        await until(lambda: {"a__who", "b__who"} <= desk.gate.tools.keys())
        kept = desk.hub.servers["a"]
        running_ = asyncio.create_task(straight(desk, "b__slow", {"seconds": 2}))
        await until(lambda: desk.hub and desk.hub.servers["b"].replicas.connections[0].running)
        write(file, {"a": first, "c": second})
        await until(lambda: "c__who" in desk.gate.tools)
        assert not any(name.startswith("b__") for name in desk.gate.tools)
        assert desk.hub.servers["a"] is kept
        # A call that was under way at the server that is gone ends as if nothing were.
        assert (await running_).value == {"took": 2}
        for broken in ("", '{"mcpServers": {', "[]"):
            file.write_text(broken, encoding="utf-8")
            await asyncio.sleep(0.3)
        file.unlink()
        await asyncio.sleep(0.3)
        assert {"a__who", "c__who"} <= desk.gate.tools.keys()
        assert caplog.text.count("cannot be read, and what it said before goes on") == 4
        write(file, {"c": second})
        await until(lambda: not any(name.startswith("a__") for name in desk.gate.tools))


async def test_a_look_that_fails_leaves_the_calls_under_way_alone(
    sqlite_settings: Settings, offline: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: Any) -> Any:
        raise TimeoutError

    file = write(tmp_path / "mcp.json", {"one": over_stdio()})
    async with desk_of(sqlite_settings, file, offline) as desk:
        assert desk.hub is not None
        await until(lambda: "one__slow" in desk.gate.tools)
        server = desk.hub.servers["one"]
        under_way = asyncio.create_task(straight(desk, "one__slow", {"seconds": 3}))
        await until(lambda: server.replicas.connections[0].running)
        with monkeypatch.context() as patched:
            patched.setattr(connection, "_all_tools", fails)
            await until(lambda: server.state == "away")
        assert (await under_way).value == {"took": 3}
        await until(lambda: server.state == "available")
        assert (await call(desk, "one__who")).status == "ok"


async def test_one_servers_faults_leave_the_others_alone(
    sqlite_settings: Settings, offline: Any, three: dict[str, Running], tmp_path: Path
) -> None:
    limits = {"deskward": {"timeout": 3}}
    file = write(
        tmp_path / "mcp.json",
        {
            "bad": over_stdio(**limits),
            "large": over_stdio(deskward={"timeout": 60}),  # which takes a while to write it
            "good": {"url": three["http"].url, **limits},
        },
    )
    said: dict[str, str] = {}
    async with desk_of(sqlite_settings, file, offline) as desk:
        assert desk.hub is not None
        for tool, given in (
            ("huge", {"megabytes": 100}),
            ("crash", {}),
            ("block", {}),
        ):
            name = "large" if tool == "huge" else "bad"
            await until(lambda name=name: f"{name}__{tool}" in desk.gate.tools)  # noqa: B023 at once
            await until(lambda name=name: desk.hub and desk.hub.servers[name].state == "available")
            bad = asyncio.create_task(straight(desk, f"{name}__{tool}", given))
            while not bad.done():  # the other one answers all the time
                assert (await call(desk, "good__who")).status == "ok"
                await asyncio.sleep(0.1)
            error = bad.exception()
            assert error is not None
            said[tool] = f"{getattr(error, 'error_code', error)}: {error}"
        assert (await call(desk, "good__who")).status == "ok"
    assert all(words.startswith("OUTCOME_UNKNOWN: The ") for words in said.values())
    assert "sent a message of more than 8 MB" in said["huge"]
    assert "broke the connection (it ended its process)" in said["crash"]
    assert "did not answer in time" in said["block"]


async def test_no_transport_takes_in_more_than_the_bound(
    sqlite_settings: Settings, offline: Any, three: dict[str, Running], tmp_path: Path
) -> None:
    entries = {kind: {"url": server.url} for kind, server in three.items()}
    file = write(tmp_path / "mcp.json", entries)
    async with desk_of(sqlite_settings, file, offline) as desk:
        await until(lambda: {f"{kind}__huge" for kind in three} <= desk.gate.tools.keys())
        assert len((await straight(desk, "http__huge", {"megabytes": 3})).value["result"]) > 3e6
        for kind in three:
            with pytest.raises(
                OutcomeUnknown, match=r"sent a message of more than [18] MB|in time"
            ):
                await straight(desk, f"{kind}__huge", {"megabytes": 20})


GARBAGE = """
import json, sys
tool = {"name": "act", "inputSchema": {"type": "object"}}
about = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}},
         "serverInfo": {"name": "odd", "version": "1"}}
print("Listening!", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    found = {"initialize": about, "tools/list": {"tools": [tool]}}.get(asked["method"])
    if asked["method"] == "tools/call":
        print('{"jsonrpc": "2.0", "id": ', flush=True)
    elif "id" in asked:
        end = {"result": found} if found else {"error": {"code": -32601, "message": "no"}}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **end}), flush=True)
"""


async def test_what_is_no_json_ends_that_call_alone(
    sqlite_settings: Settings, offline: Any, tmp_path: Path
) -> None:
    odd = {"command": sys.executable, "args": ["-c", GARBAGE], "deskward": {"timeout": 1}}
    file = write(tmp_path / "mcp.json", {"odd": odd})
    async with desk_of(sqlite_settings, file, offline) as desk:
        await until(lambda: "odd__act" in desk.gate.tools)
        for _ in range(2):
            with pytest.raises(OutcomeUnknown, match=r"in time \(it sent what is no JSON-RPC\)"):
                await straight(desk, "odd__act", {})
        assert desk.hub is not None
        assert desk.hub.state == "available"


@pytest.mark.parametrize("kind", ["http", "sse", "ws"])
async def test_no_transport_follows_a_redirection_elsewhere(
    sqlite_settings: Settings, offline: Any, tmp_path: Path, kind: str
) -> None:
    """To what would be an inner service, had the server any say in it."""
    asked: list[bytes] = []

    async def inner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(10))
        writer.close()

    async def redirecting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {scheme}://127.0.0.1:{port}/\r\n"
            "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()

    scheme = "ws" if kind == "ws" else "http"
    target = await asyncio.start_server(inner, "127.0.0.1", 0)
    port = target.sockets[0].getsockname()[1]
    server = await asyncio.start_server(redirecting, "127.0.0.1", 0)
    url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    file = write(tmp_path / "mcp.json", {"r": {"type": kind, "url": url}})
    async with desk_of(sqlite_settings, file, offline) as desk:
        assert desk.hub is not None
        link = desk.hub.servers["r"].replicas.connections[0]
        await until(lambda: link.problem)
        await asyncio.sleep(0.5)
        assert desk.hub.state != "available"
    assert asked == []
    server.close()
    target.close()


async def test_a_shadowing_name_takes_nothing_away(
    sqlite_settings: Settings, offline: Any, tmp_path: Path
) -> None:
    async with faulty_mcp() as faulty:
        shape = faulty.tools[1]
        names = ("get_account_balance", "a.b", "a-b", "a_b", "x" * 80, "查询", "../etc")
        faulty.tools = [{**shape, "name": name} for name in names]
        file = write(tmp_path / "mcp.json", {"one": {"url": faulty.url}, "on e": {"command": "x"}})
        async with desk_of(sqlite_settings, file, offline) as desk:
            await until(lambda: "one__a_b" in desk.gate.tools)
            assert desk.gate.tools["get_account_balance"].server is None
            mounted = [name for name in desk.gate.tools if name.startswith("one__")]
            assert len(mounted) == len(names)
            assert all(name.isidentifier() and len(name) <= 64 for name in mounted)
            await straight(desk, "one__a_b", {"query": "exact"})
            assert faulty.acted == [{"query": "exact"}]
