"""Connections have a limit: the silent ones make room, those at work stay, and it is logged."""

import asyncio
import logging
import re
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from deskward.entrypoints.http1 import protocol
from deskward.entrypoints.open_connections import (
    KEPT_BACK,
    MOST,
    OpenConnections,
    most_connections,
)
from tests.services.server import server

MOST_HERE = 20
GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.slow
async def test_many_silent_connections_stop_nobody(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    async with (
        server(tmp_path, log=log, MAX_CONNECTIONS=str(MOST_HERE)) as (url, _),
        silent(int(url.rpartition(":")[2]), 3 * MOST_HERE) as writers,
        httpx2.AsyncClient() as client,
    ):
        for _ in range(3):
            assert (await client.get(f"{url}/health")).status_code == 200
        await until(lambda: sum(reader.at_eof() for reader, _ in writers) >= 2 * MOST_HERE)
    assert (
        len(re.findall(r"connections are open, which is the most", log.read_text(encoding="utf-8")))
        == 1
    )


@asynccontextmanager
async def silent(
    port: int, count: int
) -> AsyncIterator[list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]:
    """Connections whose clients say nothing."""
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.close()


async def until(true) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


class Slow:
    """An application that answers when it is let, and its clients."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.asked = 0
        self.go_on = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()
            return
        self.asked += 1
        if scope["path"] == "/slow":
            await self.go_on.wait()
        elif scope["path"] == "/whole":
            while (await receive()).get("more_body"):
                pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def ask(self, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection and send these bytes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(sent)
        return reader, writer


@asynccontextmanager
async def served(most: int) -> AsyncIterator[Slow]:
    """A slow application that keeps so many connections."""
    app = Slow()
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    state = uvicorn.server.ServerState()
    made = protocol(OpenConnections(most))
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: made(config, state, {}), "127.0.0.1", 0)
    app.port = listening.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(20):
            yield app
    finally:
        app.go_on.set()
        for writer in app.writers:
            writer.close()
        listening.close()
        await until(lambda: not state.connections and not state.tasks)


async def test_who_is_being_answered_is_not_closed_for_newcomers() -> None:
    async with served(2) as app:
        reader, _ = await app.ask(GET.replace(b"/health", b"/slow"))
        await until(lambda: app.asked == 1)
        for number in range(5):
            other, _ = await app.ask(GET)
            assert (await other.readline()).startswith(b"HTTP/1.1 204"), number
        app.go_on.set()
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")


async def test_where_all_are_being_answered_a_newcomer_is_told_to_wait(caplog) -> None:
    async with served(2) as app:
        busy = [await app.ask(GET.replace(b"/health", b"/slow")) for _ in range(2)]
        await until(lambda: app.asked == 2)
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                reader, _ = await app.ask(b"")
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 503 ")
                assert b"retry-after: 1\r\n" in head
        assert caplog.text.count("1 new ones refused") == 1
        app.go_on.set()
        for reader, _ in busy:
            assert (await reader.readline()).startswith(b"HTTP/1.1 204")


async def test_who_stops_in_the_middle_of_a_body_makes_room() -> None:
    part = b"POST /whole HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345"
    async with served(5) as app:
        stuck = [await app.ask(part) for _ in range(5)]
        await until(lambda: app.asked == 5)
        reader, _ = await app.ask(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
        assert await stuck[0][0].read() == b""
        assert not stuck[1][0].at_eof()


async def test_who_was_heard_last_stays_longest() -> None:
    async with served(3) as app:
        first, writer = await app.ask(GET)
        await first.readuntil(b"\r\n\r\n")
        second, _ = await app.ask(GET)
        await second.readuntil(b"\r\n\r\n")
        writer.write(GET)
        await first.readuntil(b"\r\n\r\n")
        for _ in range(2):
            other, _ = await app.ask(GET)
            await other.readuntil(b"\r\n\r\n")
        assert await second.read() == b""
        assert not first.at_eof()


async def test_websockets_leave_room_for_others() -> None:
    upgrade = (
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with served(8) as app:
        answers = []
        for _ in range(8):
            reader, _ = await app.ask(upgrade)
            answers.append((await reader.readline()).split()[1])
        assert answers == [b"101"] * 6 + [b"503"] * 2
        reader, _ = await app.ask(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")


def test_the_limit_follows_the_files_that_may_be_open(caplog) -> None:
    assert most_connections(None, 1024) == 1024 - KEPT_BACK
    assert most_connections(None, 200) == 100
    assert most_connections(None, 1_000_000) == MOST
    assert most_connections(50, 1024) == 50
    assert most_connections(20_000, 1_000_000) == 20_000
    assert not caplog.records
    assert most_connections(5000, 1024) == 1024 - KEPT_BACK
    assert "MAX_CONNECTIONS is 5000, but the process may open 1024 files only" in caplog.text


@pytest.mark.slow
async def test_the_soft_limit_of_files_is_raised_at_start(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    try:
        async with server(tmp_path) as (_, pid):
            raised = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert raised == (hard, hard)
