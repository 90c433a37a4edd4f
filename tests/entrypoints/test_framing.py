"""Where a request ends, over real sockets: upgrades, trailers, and who does not read."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deskward.app import Desk
from deskward.entrypoints import http1
from tests.entrypoints.test_hostile_http import connected, get, post

CHAT = b'{"session_id":"user_001-1","message":"What is my account balance?"}'
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n"


@pytest.fixture
async def line(
    sqlite_desk: Desk,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a served desk."""
    async with connected(sqlite_desk) as opened:
        yield opened


async def answers(reader: asyncio.StreamReader, seconds: float = 3.0) -> bytes:
    """Return what comes until nothing more does, or the connection ends."""
    found = b""
    while True:
        try:
            async with asyncio.timeout(seconds):
                piece = await reader.read(65536)
        except TimeoutError:
            return found
        if not piece:
            return found
        found += piece
        seconds = 0.5


@pytest.mark.parametrize("apart", [False, True])
async def test_an_unknown_upgrade_changes_nothing_about_the_request(line, apart: bool) -> None:
    """Java's HTTP client asks for h2c with every first request (RFC 9110, section 7.8)."""
    reader, writer = line
    request = post(b"/api/v1/chat", CHAT, UPGRADE)
    head, _, body = request.partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n" + (b"" if apart else body))
    if apart:
        await asyncio.sleep(0.1)
        writer.write(body)
    said = await answers(reader)
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"HTTP/1.1 200" in said
    assert b"$5,420.50" in said


async def test_a_body_behind_an_upgrade_is_no_second_request(line) -> None:
    reader, writer = line
    inner = post(b"/tickets", b'{"subject":"smuggled","body":"b"}')
    outer = get(b"/health", UPGRADE, b"Content-Length: %d\r\n" % len(inner))
    writer.write(outer)
    await asyncio.sleep(0.1)
    writer.write(inner)
    said = await answers(reader)
    assert said.count(b"HTTP/1.1 ") == 1
    assert b"smuggled" not in said


async def test_a_trailer_says_nothing(line) -> None:
    reader, writer = line
    writer.write(get(b"/api/v1/chat", CHUNKED).replace(b"GET", b"POST", 1))
    writer.write(b"%x\r\n%s\r\n" % (len(CHAT), CHAT))
    await asyncio.sleep(0.1)
    writer.write(b"0\r\nX-User-ID: user_002\r\n\r\n")
    said = await answers(reader)
    assert b"$5,420.50" in said
    assert b"$1,280.75" not in said


async def test_trailers_without_an_end_are_not_kept(line) -> None:
    _, writer = line
    writer.write(get(b"/api/v1/chat", CHUNKED).replace(b"GET", b"POST", 1) + b"0\r\n")
    sent = 0
    try:
        while sent < 50 * http1.MAX_HEAD:
            writer.write(b"".join(b"x%d: y\r\n" % number for number in range(sent, sent + 1000)))
            sent += 8000
            async with asyncio.timeout(1):
                await writer.drain()
    except (ConnectionError, TimeoutError):
        pass
    assert sent < 50 * http1.MAX_HEAD


async def test_line_ends_alone_keep_no_connection(line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1, "HEAD_TIMEOUT", 0.5)
    reader, writer = line
    writer.write(get(b"/health"))
    await answers(reader, 3.0)
    writer.write(b"\r\n")
    async with asyncio.timeout(10):
        assert await reader.read() == b""


async def test_a_request_that_was_answered_early_ends_or_the_connection_does(
    line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http1, "LINGER", 0.3)
    reader, writer = line
    large = b"Content-Length: 99999999\r\nContent-Type: application/json\r\n"
    writer.write(get(b"/tickets", large).replace(b"GET", b"POST", 1) + b"{")
    async with asyncio.timeout(10):
        said = await reader.read()
    assert b"HTTP/1.1 413" in said
