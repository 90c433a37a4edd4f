"""Servers that ask who the desk is: OAuth against a real authorization server, and certificates."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deskward.core.errors import Unavailable
from deskward.hub.config import read_servers
from deskward.hub.connection import Connection
from tests.hub.test_many import looking_often
from tests.services.authorization import SECRET, authorization_server
from tests.services.faulty_web import Authority
from tests.services.mcp_file import running

pytestmark = [
    pytest.mark.xdist_group("hub"),
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("looking_often"),
]
__all__ = ["looking_often"]


@contextlib.contextmanager
def guarded(**how: Any) -> Iterator[tuple[str, str]]:
    """A server that asks for tokens, and who issues them."""
    with authorization_server(**how) as issuer, running("http", ISSUER=issuer) as (server,):
        yield server.url, issuer


@contextlib.asynccontextmanager
async def connected(url: str, **own: Any) -> AsyncIterator[Connection]:
    """A connection as the desk makes it of the file's entry, after its first attempt."""
    kind = own.pop("type", "http")
    entry = {"url": url, "type": kind, "deskward": own}
    told = read_servers(json.dumps({"mcpServers": {"s": entry}}), {"SECRET": SECRET})
    assert told.problems == {}
    connection = Connection("s", told.servers["s"].ways[0], timeout=10)

    async def listing(_tools: list[dict[str, Any]]) -> None:
        pass

    connection.start(listing)
    try:
        async with asyncio.timeout(30):
            await connection.tried()
        yield connection
    finally:
        await connection.stop()


def oauth(issuer: str, **more: Any) -> dict[str, Any]:
    return {"issuer": issuer, "clientId": "desk", "clientSecret": "${SECRET}", **more}


def token(connection: Connection) -> str:
    assert connection._tokens is not None
    held = connection._tokens._token
    assert held is not None
    return held.access_token


async def test_it_signs_in_as_itself_and_again_when_the_token_has_expired() -> None:
    with guarded(seconds=4) as (url, issuer):
        plain = httpx2.post(url, json={}, headers={"Accept": "application/json"})
        assert plain.status_code == 401
        async with connected(url, oauth=oauth(issuer, scope="tools")) as connection:
            assert connection.available, connection.problem
            assert (await connection.call("who", {}))["name"] == "many"
            first = token(connection)
            claims = json.loads(base64.urlsafe_b64decode(first.split(".")[1] + "=="))
            assert (claims["aud"], claims["client_id"], claims["scope"]) == (url, "desk", "tools")
            assert SECRET not in repr(connection.way)
            await asyncio.sleep(5)
            # Several at once, which find it expired together.
            every = await asyncio.gather(*(connection.call("who", {}) for _ in range(8)))
            assert {one["name"] for one in every} == {"many"}
            assert token(connection) != first
            # With a token that counts, calls do not wait for each other.
            slow = asyncio.create_task(connection.call("slow", {"seconds": 2}))
            await asyncio.sleep(0.3)
            await connection.call("who", {})
            assert not slow.done()
            assert await slow == {"took": 2}


@pytest.mark.parametrize(
    ("server", "told", "why"),
    [
        ({}, {"clientSecret": "wrong"}, "401"),
        ({}, {"clientId": "nobody"}, "401"),
        ({"audience": "https://elsewhere.example"}, {}, "401"),
    ],
)
async def test_who_is_refused_is_told_why_and_nothing_is_called(
    server: dict[str, Any], told: dict[str, Any], why: str
) -> None:
    with guarded(**server) as (url, issuer):
        async with connected(url, oauth=oauth(issuer, **told)) as connection:
            assert not connection.available
            assert why in connection.problem
            assert SECRET not in connection.problem
            with pytest.raises(Unavailable):
                await connection.call("act", {"what": "x"})


async def test_the_secret_goes_to_the_issuer_that_is_named_and_to_no_other() -> None:
    with guarded() as (url, issuer), authorization_server() as named:
        async with connected(url, oauth=oauth(named)) as connection:
            assert not connection.available
            assert f"leads to {issuer}" in connection.problem
        # Also where it may be asked: its metadata are another issuer's.
        async with connected(url, oauth=oauth(named, origins=[issuer])) as connection:
            assert not connection.available
            assert "issuer" in connection.problem


async def test_an_authorization_server_that_is_away_costs_calls_and_no_session() -> None:
    with contextlib.ExitStack() as stack:
        away = contextlib.ExitStack()
        issuer = away.enter_context(authorization_server(seconds=2))
        (server,) = stack.enter_context(running("http", ISSUER=issuer))
        async with connected(server.url, oauth=oauth(issuer)) as connection:
            assert connection.available, connection.problem
            away.close()
            await asyncio.sleep(3)
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await connection.call("act", {"what": "x"})


@pytest.mark.parametrize("kind", ["http", "ws"])
async def test_a_certificate_is_shown_and_asked_for(kind: str, tmp_path: Path) -> None:
    for name in ("right", "wrong"):
        (tmp_path / name).mkdir()
    right, wrong = Authority(tmp_path / "right"), Authority(tmp_path / "wrong", "Another Authority")
    for authority in (right, wrong):
        for host in ("localhost", "desk"):
            authority.context(host)
    pem = "{}-90-False.pem"
    served = {"TLS_CERT": str(tmp_path / "right" / pem.format("localhost"))}
    with running(kind, **served, TLS_CA=str(right.file)) as (server,):
        scheme = "wss" if kind == "ws" else "https"
        url = f"{scheme}://localhost:{server.port}{'/' if kind == 'ws' else '/mcp'}"
        cert = str(tmp_path / "right" / pem.format("desk"))
        other = str(tmp_path / "wrong" / pem.format("desk"))
        tls = {"cert": cert, "ca": str(right.file)}
        async with connected(url, type=kind, tls=tls) as connection:
            assert connection.available, connection.problem
            assert (await connection.call("who", {}))["name"] == "many"
        for refused in (
            {"ca": str(right.file)},  # no certificate
            {"cert": other, "ca": str(right.file)},  # another authority's
            {"cert": cert, "ca": str(wrong.file)},  # the server is not who it should be
            {"cert": cert},
            {"cert": str(tmp_path / "none.pem"), "ca": str(right.file)},
        ):
            async with connected(url, type=kind, tls=refused) as connection:
                assert not connection.available
                assert connection.problem


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (
            {"url": "http://crm.example/mcp", "deskward": {"oauth": oauth("https://a.example")}},
            "clear",
        ),
        (
            {"url": "https://crm.example/mcp", "deskward": {"oauth": oauth("http://a.example")}},
            "clear",
        ),
        (
            {"url": "https://c.example", "deskward": {"oauth": {"issuer": "https://a.example"}}},
            "clientId",
        ),
        (
            {
                "url": "https://c.example",
                "headers": {"authorization": "x"},
                "deskward": {"oauth": oauth("https://a.example")},
            },
            "both",
        ),
        ({"url": "wss://c.example", "deskward": {"oauth": oauth("https://a.example")}}, "header"),
        ({"command": "x", "deskward": {"oauth": oauth("https://a.example")}}, "command"),
        ({"url": "http://c.example", "deskward": {"tls": {"cert": "a"}}}, "https"),
        ({"url": "https://c.example", "deskward": {"tls": {"key": "a"}}}, "certificate"),
        ({"url": "https://c.example", "deskward": {"tls": {}}}, "neither"),
    ],
)
def test_what_would_not_be_safe_is_left_out(entry: dict[str, Any], why: str) -> None:
    told = read_servers(json.dumps({"mcpServers": {"s": entry}}), {"SECRET": SECRET})
    assert why in told.problems["s"]
    assert SECRET not in told.problems["s"]
