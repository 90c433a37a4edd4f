"""A product with faults to be found: a service over TLS, an API, a provider of sign-in, a partner.

What it does wrong follows from the names of the faults that are planted, at each request anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset

from tests.services.faulty_web import Authority, serving

LIMIT = 60
"""Calls a minute that a key may make."""
KEYS: Mapping[str, frozenset[str]] = {
    "key-1": frozenset({"orders"}),
    "key-old": frozenset({"orders"}),
    "key-read": frozenset(),
}
"""Key → its scopes."""
FIELDS = frozenset({"id", "name", "email"})
"""Fields of the partner's records."""
SKEW = 900
"""Seconds that a clock is off where one is."""


@dataclass(frozen=True)
class Request:
    """A request as it has arrived."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """What is answered."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Product:
    """The running product.

    Attributes:
        faults: What is planted.
        port: Where the service listens.
        closed: A port where nobody does.
        device: Where a device stands that replaces certificates on the way.
        proxy: Where a proxy stands that lets nobody through.
        house_names: The server of names of the customer's house.
        public_names: Another one.
        got: The requests that have arrived.
        used: Whose calls of the last minute were counted, by program.
    """

    faults: set[str] = field(default_factory=set)
    port: int = 0
    closed: int = 0
    device: int = 0
    proxy: int = 0
    house_names: int = 0
    public_names: int = 0
    got: list[Request] = field(default_factory=list)

    @property
    def used(self) -> dict[str, int]:
        """Program → its calls of the last minute with the customer's key."""
        if "rate_limit" in self.faults:
            return {"client": 2 * LIMIT}
        if "shared_key" in self.faults:
            return {"client": 10, "report": 2 * LIMIT}
        return {"client": 10}

    @property
    def revoked(self) -> set[str]:
        """The keys that are good no longer."""
        return {"key-old"}

    @property
    def reached(self) -> int:
        """The port that the service is said to be at; nobody listens while it is down."""
        return self.closed if "down" in self.faults else self.port

    def url(self, path: str = "") -> str:
        """An address of the service."""
        return f"https://localhost:{self.reached}{path}"

    async def answer(self, request: Request) -> Reply:
        """What the service answers."""
        self.got.append(request)
        if "slow" in self.faults:
            await asyncio.sleep(1.1)
        path = request.path
        for begins, part in (
            ("/v2/orders/", self._order),
            ("/idp/", self._provider),
            ("/other/", self._partner),
            ("/runs/", self._runs),
        ):
            if path.startswith(begins):
                return part(request)
        if path == "/hooks":
            return Reply(404 if "webhook" in self.faults else 405)
        if path == "/health":
            return Reply(503 if "api_down" in self.faults else 200, {"status": "ok"})
        return Reply(200 if path in ("/", "/v2/") else 404, {})

    def _order(self, request: Request) -> Reply:
        if "api_down" in self.faults:
            return Reply(503)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key not in KEYS or key in self.revoked:
            return Reply(401, {"detail": "Who are you?"})
        if "orders" not in KEYS[key]:
            return Reply(403, {"detail": "The scope orders is missing."})
        if sum(self.used.values()) > LIMIT:
            return Reply(429, {}, {"x-ratelimit-limit": str(LIMIT)})
        if "one_record" in self.faults and request.path.endswith("/7"):
            return Reply(500)
        return Reply(200, {"order": request.path.rpartition("/")[2]})

    def _provider(self, request: Request) -> Reply:
        if "provider_down" in self.faults:
            return Reply(503)
        late = -SKEW if "skew" in self.faults else 0
        date = {"date": _date(late)}
        if request.path.endswith("openid-configuration"):
            issuer = self.url("/idp")
            return Reply(200, {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}, date)
        if request.path == "/idp/keys":
            return Reply(200, {"keys": [{"kid": self.signs_with}]}, date)
        if request.path == "/idp/token":
            token = {"aud": "acme", "kid": self.signs_with, "iat": time.time() + late}
            return Reply(200, token, date)
        return Reply(200, {}, date)

    @property
    def signs_with(self) -> str:
        """The provider's present key."""
        return "2026-b" if "signing_certificate" in self.faults else "2026-a"

    def _partner(self, request: Request) -> Reply:
        if "other_down" in self.faults:
            return Reply(503)
        if request.headers.get("authorization") != "Bearer partner-1":
            return Reply(401)
        named = (FIELDS - {"name"}) | {"full_name"} if "renamed_field" in self.faults else FIELDS
        return Reply(200, {"records": [dict.fromkeys(named, "x")]})

    def _runs(self, request: Request) -> Reply:
        """The report of the last run, for those alone who are signed in."""
        if request.headers.get("authorization") != "Bearer admin":
            return Reply(401)
        return Reply(200, {"state": "ok"})


@contextlib.asynccontextmanager
async def product(folder: Path, authority: Authority) -> AsyncIterator[Product]:
    """A product on this machine, over TLS, with the servers of names, proxy and device around."""
    found = Product()
    away = folder / "device"
    away.mkdir()
    made = Authority(away, "Office Filter").context()
    async with contextlib.AsyncExitStack() as stack:
        enter = stack.enter_async_context
        serve = _serving(found)
        found.port = await enter(serving(serve, _certified(found, authority)))
        found.device = await enter(serving(serve, made))
        found.proxy = await enter(serving(_refusing))
        async with serving(serve) as closed:
            found.closed = closed
        found.house_names = await enter(_names(found, "dns"))
        found.public_names = await enter(_names(found, None))
        yield found


def _certified(found: Product, authority: Authority) -> ssl.SSLContext:
    """What the service uses; which certificate it shows follows from the faults."""
    shown = {
        "expired": authority.context(days=-3),
        "wrong_name": authority.context("other.example.com"),
        "self_signed": authority.context(own=True),
    }
    good, front = authority.context(), authority.context(days=91)

    def chosen(connection: ssl.SSLSocket | ssl.SSLObject, _name: str, _: ssl.SSLContext) -> None:
        wrong = [made for fault, made in shown.items() if fault in found.faults]
        connection.context = wrong[0] if wrong else good

    front.sni_callback = chosen
    return front


def _serving(found: Product) -> Any:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = await found.answer(_read(await reader.readuntil(b"\r\n\r\n")))
        body = b"" if reply.body is None else json.dumps(reply.body).encode()
        headers = {"date": _date(), "content-type": "application/json", "connection": "close"}
        headers |= {**reply.headers, "content-length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {reply.status} X\r\n{lines}\r\n".encode() + body)
        await writer.drain()

    return serve


async def _refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
    await writer.drain()


def _read(head: bytes) -> Request:
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
    return Request(method, path.partition("?")[0], headers)


def _date(seconds: float = 0.0) -> str:
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return at.strftime("%a, %d %b %Y %H:%M:%S GMT")


class _Names(asyncio.DatagramProtocol):
    """A server of names: each leads to this machine, or none where its fault is planted."""

    def __init__(self, found: Product, fault: str | None) -> None:
        self._found, self._fault = found, fault

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        asked = dns.message.from_wire(data)
        answer = dns.message.make_response(asked)
        if self._fault not in self._found.faults:
            name = asked.question[0].name
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "127.0.0.1"))
        self._transport.sendto(answer.to_wire(), addr)


@contextlib.asynccontextmanager
async def _names(found: Product, fault: str | None) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Names(found, fault), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
