"""Requests to addresses that others name reach what is public, or allowed, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deskward.core.addresses import networks
from deskward.core.outside import NotAllowed, NotReached, Outside, TooMuch, is_public
from deskward.diagnostics.suites.reach import Listed, Target

INSIDE = [
    "https://127.0.0.1/",
    "https://10.0.0.1:8443/x",
    "https://192.168.1.1/",
    "https://172.16.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
]
ODD = [
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "https://",
    "//example.com",
    "https://user:pass@example.com/",
    "https://example.com/#x",
    "https://exa mple.com/",
    "",
]


@pytest.mark.parametrize("url", [*INSIDE, *ODD])
def test_what_leads_inside_or_nowhere_is_refused_at_once(url: str) -> None:
    with pytest.raises(NotAllowed):
        Outside().check(url)


@pytest.mark.parametrize("url", ["https://example.com/x?y=1", "https://8.8.8.8/", "https://a.b:1/"])
def test_what_is_public_is_allowed(url: str) -> None:
    assert str(Outside().check(url)) == url


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3", "169.254.169.254"]
)
async def test_a_name_that_has_any_address_inside_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    async def found(*_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", (one, 443)) for one in ("93.184.216.34", address)]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found, raising=False)
    with pytest.raises(NotAllowed, match="not public"):
        await Outside().post("https://hooks.example.com/", {}, b"{}")


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "0"])
async def test_other_ways_to_write_this_machine_are_refused(host: str) -> None:
    with pytest.raises((NotAllowed, NotReached)):
        await Outside(networks("10.9.9.0/24")).post(f"http://{host}:1/", {}, b"{}")


async def test_the_request_goes_to_the_address_that_was_looked_at() -> None:
    """The name is looked up once: whoever changes it then is not asked (DNS rebinding)."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 429 Later\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    lookups: list[str] = []

    async def found(host: str, *_: Any, **__: Any) -> list[Any]:
        lookups.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    loop = asyncio.get_running_loop()
    own, loop.getaddrinfo = loop.getaddrinfo, found  # type: ignore[method-assign,assignment]
    try:
        allowed = Outside(networks("127.0.0.0/8"))
        answer = await allowed.post(f"http://hooks.example.com:{port}/a?b=c", {}, b"{}")
    finally:
        loop.getaddrinfo = own  # type: ignore[method-assign]  # a test's own in its place
        server.close()
    assert (answer.status, answer.retry_after) == (429, 7.0)
    assert lookups[0] == "hooks.example.com"
    assert set(lookups[1:]) <= {"127.0.0.1"}
    assert f"host: hooks.example.com:{port}".encode() in asked[0].lower()
    assert asked[0].startswith(b"POST /a?b=c HTTP/1.1")


@contextlib.asynccontextmanager
async def serving(answer: bytes) -> AsyncIterator[str]:
    """A server that gives everybody the same; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
    finally:
        server.close()


async def test_what_is_got_is_whole_and_no_more_than_may_be() -> None:
    outside = Outside(networks("127.0.0.1/32"))
    told = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 5\r\n\r\nhello'
    async with serving(told) as url:
        got = await outside.get(url, {}, most=5, seconds=5)
        assert (got.status, got.headers["etag"], got.content) == (200, '"1"', b"hello")
        with pytest.raises(TooMuch):
            await outside.get(url, {}, most=4, seconds=5)
        with pytest.raises(NotAllowed, match="among the hosts"):
            await Outside(networks("127.0.0.1/32"), hosts=["a.example"]).get(
                url, {}, most=9, seconds=5
            )
    packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx"
    async with serving(packed) as url:
        with pytest.raises(NotReached, match="packed"):
            await outside.get(url, {}, most=100, seconds=5)


@pytest.mark.parametrize(
    ("host", "may"),
    [("docs.a.example", True), ("a.example", True), ("b.example", True), ("x.b.example", False),
     ("nota.example", False), ("B.EXAMPLE.", True)],
)  # fmt: skip
def test_hosts_are_those_that_are_named(host: str, may: bool) -> None:
    outside = Outside(hosts=[".a.example", "b.example"])
    if may:
        outside.check_host("https", host)
        outside.check_host("ssh", host)
    else:
        with pytest.raises(NotAllowed):
            outside.check_host("https", host)
    with pytest.raises(NotAllowed):
        outside.check_host("git", host)  # in the clear, and no network is named


async def test_a_host_with_an_address_inside_is_reached_by_nothing_else_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def found(*_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found, raising=False)
    with pytest.raises(NotAllowed, match="SOME_SETTING"):
        await Outside(setting="SOME_SETTING").address_of("ssh", "git.example.com", 22)


@pytest.mark.parametrize(
    "inner", ["fec0::1", "64:ff9b:1::a00:1", "::127.0.0.1", "::10.0.0.1", "::1", "64:ff9b::a00:1"]
)
def test_networks_of_ipv6_that_are_not_public_are_inside_for_all(inner: str) -> None:
    address = ipaddress.ip_address(inner)
    assert not is_public(address)
    with pytest.raises(NotAllowed, match="is not public"):
        Outside().check(f"https://[{inner}]/")
    assert Target.parse(inner).inner
    with pytest.raises(NotAllowed):
        Listed([Target.parse("api.example.com")]).check_address("api.example.com", 443, address)


@pytest.mark.parametrize("outer", ["2606:4700::1111", "64:ff9b::808:808", "8.8.8.8"])
def test_what_is_public_stays_so(outer: str) -> None:
    assert is_public(ipaddress.ip_address(outer))
