"""What a hostile client sends, over a real socket: always an error of our form, never a 500."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
import uvicorn

from deskward.app import Desk
from deskward.entrypoints import guard
from deskward.entrypoints import http1 as protocol
from deskward.entrypoints.application import http_application
from deskward.entrypoints.http1 import MAX_HEAD
from deskward.entrypoints.open_connections import OpenConnections
from deskward.entrypoints.sizes import USUAL
from tests.services.server import server

pytestmark = pytest.mark.xdist_group("hostile")

ERROR_KEYS = {"error", "message", "detail", "request_id", "timestamp"}
JSON = b"Content-Type: application/json\r\n"
FORM = b"Content-Type: multipart/form-data; boundary=x\r\n"
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\nabc\r\n'
ORDER = (
    b'{"currency":"USD","shipping_address":"12 Garden Street",'
    b'"lines":[{"sku":"A","description":"d","quantity":%s,"unit_price":"1"}]}'
)
CHAT = b'{"session_id":"s","message":"%s"}'
TICKET = b'{"subject":"%s","body":"b"}'


def get(path: bytes, *headers: bytes, host: bytes = b"Host: localhost\r\n") -> bytes:
    return b"GET %s HTTP/1.1\r\n%s\r\n" % (path, b"".join((host, *headers)))


def post(path: bytes, body: bytes, *headers: bytes, kind: bytes = JSON) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return get(path, kind, length, *headers).replace(b"GET", b"POST", 1) + body


# name → status, what is sent
ATTACKS: dict[str, tuple[int, bytes]] = {
    # The head
    "no HTTP": (400, b"\x16\x03\x01garbage\r\n\r\n"),
    "unknown method": (400, b"FOO /tickets HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "CONNECT": (400, b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "TRACE": (405, b"TRACE /tickets HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "OPTIONS": (405, b"OPTIONS /tickets HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "OPTIONS *": (404, b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "HTTP/1.0 without a host": (403, b"GET /tickets HTTP/1.0\r\n\r\n"),
    "no host": (400, get(b"/tickets", host=b"")),
    "no host, health": (400, get(b"/health", host=b"")),
    "no name of a host": (400, get(b"/tickets", host=b"Host: \r\n")),
    "an invalid host": (400, get(b"/tickets", host=b"Host: local host\r\n")),
    "an address as host": (400, get(b"/health", host=b"Host: http://localhost/\r\n")),
    "a host with a user": (400, get(b"/health", host=b"Host: me@localhost\r\n")),
    "a host with a bad port": (400, get(b"/health", host=b"Host: localhost:80x\r\n")),
    "a host of two": (400, get(b"/health", host=b"Host: localhost, evil.example\r\n")),
    "the same host twice": (400, get(b"/health", b"Host: localhost\r\n")),
    "another host": (403, get(b"/tickets", host=b"Host: evil.example\r\n")),
    "two hosts": (400, get(b"/tickets", b"Host: evil.example\r\n")),
    "two customers": (400, get(b"/tickets", b"X-User-ID: user_001\r\nX-User-ID: user_002\r\n")),
    "absolute form of nothing": (400, get(b"http://localhost")),
    "absolute form, unknown": (404, get(b"http://localhost/nowhere")),
    "broken origin": (403, get(b"/tickets", b"Origin: http://[::1\r\n")),
    "NUL in a header": (400, get(b"/tickets", b"X-A: a\0b\r\n")),
    "long header": (400, get(b"/tickets", b"X-A: %s\r\n" % (b"a" * MAX_HEAD))),
    "many headers": (400, get(b"/tickets", *(b"X-%d: abcdef\r\n" % i for i in range(6000)))),
    "long address": (400, get(b"/tickets/" + b"T" * 2 * MAX_HEAD)),
    "bytes as id": (400, get(b"/tickets", b"X-User-ID: \xe9\r\n")),
    "bytes as key": (401, get(b"/tickets", b"Authorization: Bearer \xff\xfe\r\n")),
    "long key": (401, get(b"/tickets", b"X-API-Key: dw_%s\r\n" % (b"a" * 30000))),
    "bytes as idempotency key": (
        400,
        post(b"/tickets", TICKET % b"a", b"Idempotency-Key: \xe9\r\n"),
    ),
    # Addresses
    "raw bytes": (400, get(b"/tickets/\xff")),
    "invalid UTF-8": (400, get(b"/tickets/%ff%fe")),
    "half an escape": (400, get(b"/tickets/%zz")),
    "NUL": (400, get(b"/tickets/%00")),
    "NUL in a session": (400, get(b"/api/v1/sessions/a%00/history")),
    "NUL in an asset": (404, get(b"/docs/assets/a%00")),
    "outside the assets": (404, get(b"/docs/assets/..%2f__init__.py")),
    "line feed in an id": (403, get(b"/accounts/user_001%0A/balance")),
    "empty segment": (404, get(b"/accounts//balance")),
    "two slashes": (404, get(b"//tickets")),
    "long session": (400, get(b"/api/v1/sessions/" + b"a" * 129 + b"/history")),
    "number beyond 64 bits": (400, get(b"/tickets/T9999999999999999999")),
    "another's account": (403, get(b"/accounts/user_002/balance")),
    "unknown customer": (401, get(b"/tickets", b"X-User-ID: nobody\r\n")),
    "another tenant": (401, get(b"/api/v1/sessions?tenant_id=nowhere")),
    # Queries
    "given twice": (400, get(b"/tickets?limit=1&limit=2")),
    "given twice to sessions": (400, get(b"/api/v1/sessions?limit=1&limit=2")),
    "NUL in a query": (400, get(b"/faq/search?q=a%00b")),
    "unknown parameter": (400, get(b"/tickets?nope=1")),
    "huge limit": (400, get(b"/tickets?limit=" + b"9" * 5000)),
    "huge offset": (400, get(b"/api/v1/sessions?offset=" + b"9" * 5000)),
    "digits of another script": (400, get(b"/tickets?limit=%D9%A3")),
    # Bodies
    "length with zeros": (
        400,
        post(b"/tickets", b"{}").replace(b": 2\r", b": %s2\r" % (b"0" * 6000)),
    ),
    "length and chunks": (400, post(b"/tickets", b"{}", b"Transfer-Encoding: chunked\r\n")),
    "bad chunk": (
        400,
        get(b"/tickets", JSON, b"Transfer-Encoding: chunked\r\n").replace(b"GET", b"POST")
        + b"zz\r\n",
    ),
    "declared over the limit": (413, get(b"/tickets", b"Content-Length: 9999999999\r\n")),
    "declared beyond all numbers": (
        400,
        get(b"/tickets", b"Content-Length: 9%s\r\n" % (b"9" * 30)),
    ),
    "chunked over the limit": (
        413,
        post(b"/tickets", b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
        + b"%x\r\n%s\r\n0\r\n\r\n" % (USUAL + 1, b" " * (USUAL + 1)),
    ),
    "compressed": (
        415,
        post(b"/tickets", gzip.compress(b"{}"), b"Content-Encoding: gzip\r\n"),
    ),
    "compressed chat": (
        415,
        post(b"/api/v1/chat", gzip.compress(b"{}"), b"Content-Encoding: gzip\r\n"),
    ),
    "no type": (415, post(b"/tickets", TICKET % b"a", kind=b"")),
    "no type, chat": (415, post(b"/api/v1/chat", CHAT % b"a", kind=b"")),
    "wrong type, chat": (415, post(b"/api/chat", b"a=b", kind=b"Content-Type: text/plain\r\n")),
    "JSON as upload": (415, post(b"/api/v1/files", b"{}")),
    "deep arrays": (400, post(b"/tickets", b"[" * 100_000)),
    "deep objects": (400, post(b"/orders", b'{"a":' * 100_000)),
    "deep chat": (400, post(b"/api/v1/chat", b"[" * 100_000 + b"]" * 100_000)),
    "deep field": (400, post(b"/tickets", b'{"subject":' + b"[" * 190 + b"]" * 190 + b"}")),
    "huge integer": (400, post(b"/orders", ORDER % (b"9" * 4000))),
    "huger integer": (400, post(b"/orders", ORDER % (b"9" * 6000))),
    "64 bits and one": (400, post(b"/orders", ORDER % b"9223372036854775808")),
    "infinity": (400, post(b"/orders", ORDER % b"1e999999")),
    "huge integer in chat": (400, post(b"/api/v1/chat", b'{"session_id":%s}' % (b"9" * 6000))),
    "invalid UTF-8 in chat": (400, post(b"/api/v1/chat", CHAT % b"\xe9")),
    "invalid UTF-8 in a ticket": (400, post(b"/tickets", TICKET % b"\xe9")),
    "surrogate in chat": (400, post(b"/api/v1/chat", CHAT % b"\\ud800")),
    "surrogate as user": (400, post(b"/api/chat", b'{"user_id":"\\ud800","message":"b"}')),
    "surrogate in a ticket": (400, post(b"/tickets", TICKET % b"\\ud800")),
    "raw surrogate": (400, post(b"/api/v1/chat", CHAT % b"\xed\xa0\x80")),
    "NUL in chat": (400, post(b"/api/v1/chat", CHAT % b"\\u0000")),
    "NUL in a ticket": (400, post(b"/tickets", TICKET % b"\\u0000")),
    "long message": (400, post(b"/api/v1/chat", CHAT % (b"a" * 10_001))),
    "wrong types": (400, post(b"/api/v1/chat", b'{"session_id":1,"message":[]}')),
    "missing fields": (400, post(b"/api/reset", b"{}")),
    "bad place in a stream": (
        400,
        post(b"/api/v1/chat/stream", CHAT % b"a", b"Last-Event-ID: ....\r\n"),
    ),
    # Uploads
    "no boundary": (
        400,
        post(b"/api/v1/files", b"abc", kind=b"Content-Type: multipart/form-data\r\n"),
    ),
    "no parts": (400, post(b"/api/v1/files", b"abc", kind=FORM)),
    "no file name": (400, post(b"/api/v1/files", PART % b"" + b"--x--\r\n", kind=FORM)),
    "NUL in a file name": (
        400,
        post(b"/api/v1/files", PART % b"a\0.txt" + b"--x--\r\n", kind=FORM),
    ),
    "two files": (400, post(b"/api/v1/files", PART % b"a.txt" * 2 + b"--x--\r\n", kind=FORM)),
    "cut off": (400, post(b"/api/v1/files", (PART % b"a.txt")[:-2], kind=FORM)),
    "many fields": (
        400,
        post(
            b"/api/v1/files",
            b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\na\r\n' * 2000,
            kind=FORM,
        ),
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, int]]:
    folder = tmp_path_factory.mktemp("hostile")
    async with server(folder) as (url, _):
        yield "127.0.0.1", int(url.rpartition(":")[2])
    assert "Traceback" not in (folder / "server.log").read_text(encoding="utf-8")


async def answer(address: tuple[str, int], sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to these bytes."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(sent)
        async with asyncio.timeout(20):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            headers = dict(re.findall(r"(?m)^([\w-]+): (.*?)\r$", head))
            body = await reader.readexactly(int(headers["content-length"]))
    finally:
        writer.close()
    return int(head.split()[1]), headers, body


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_has_its_documented_answer(address: tuple[str, int], name: str) -> None:
    expected, sent = ATTACKS[name]
    status, headers, body = await answer(address, sent)
    assert status == expected, body
    shown = json.loads(body)
    assert set(shown) == ERROR_KEYS
    assert headers["content-type"] == "application/json"
    assert shown["request_id"] == headers["x-request-id"]
    assert b"Traceback" not in body
    if status == 405:
        assert headers["allow"]
    status, _, _ = await answer(address, get(b"/health/liveness"))
    assert status == 200


@asynccontextmanager
async def connected(desk: Desk) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a desk that is served in this process."""
    config = uvicorn.Config(http_application(desk), log_config=None, lifespan="off")
    state = uvicorn.server.ServerState()
    loop = asyncio.get_running_loop()
    made = protocol.protocol(OpenConnections(10))
    listening = await loop.create_server(lambda: made(config, state, {}), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
    try:
        yield reader, writer
    finally:
        writer.close()
        listening.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /tickets HTTP/1.1\r\nHost: loc",
        post(b"/tickets", b"{}")[:-1],
        post(b"/api/v1/chat", b"")[:-2] + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
    ids=["head", "body", "chunk"],
)
async def test_who_is_too_slow_is_told_so(sqlite_desk: Desk, monkeypatch, sent: bytes) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 0.2)
    monkeypatch.setattr(guard, "BODY_TIMEOUT", 0.2)
    sent = sent.replace(b"Content-Length: 0\r\n", b"")
    async with connected(sqlite_desk) as (reader, writer), asyncio.timeout(10):
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        found = re.search(rb"content-length: (\d+)", head)
        assert found
        assert set(json.loads(await reader.readexactly(int(found[1])))) == ERROR_KEYS


async def test_who_says_nothing_is_sent_away(sqlite_desk: Desk, monkeypatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 0.2)
    async with connected(sqlite_desk) as (reader, _), asyncio.timeout(10):
        assert await reader.read() == b""


async def test_a_head_without_an_end_is_not_kept(sqlite_desk: Desk) -> None:
    async with connected(sqlite_desk) as (reader, writer), asyncio.timeout(10):
        writer.write(b"GET /tickets HTTP/1.1\r\nX-A: ")
        for _ in range(MAX_HEAD // 1024 + 1):
            writer.write(b"a" * 1024)
            await asyncio.sleep(0)
        assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("sent", [post(b"/tickets", b"{}")[:-1], b"GET /tick"])
async def test_who_goes_away_in_the_middle_does_no_harm(sqlite_desk: Desk, caplog, sent) -> None:
    async with connected(sqlite_desk) as (_, writer):
        writer.write(sent)
        await writer.drain()
    await asyncio.sleep(0.1)
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
