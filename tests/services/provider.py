"""A payment provider: it pays each refund once, however often it is asked, and answers as told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

Way = Literal["succeeded", "pending", "failed", "cut", "silent", "busy", "broken", "nonsense"]


@dataclass
class Provider:
    """A payment provider.

    Attributes:
        ways: How the next requests are answered, one after the other; the last one stays. `cut`
            pays and closes the connection without a word, `silent` pays and says nothing.
        paid: Key → what was paid out under it.
        asked: The keys that came, in their order.
    """

    port: int = 0
    ways: list[Way] = field(default_factory=lambda: ["succeeded"])
    paid: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bearer: list[str] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/pay"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): text
                for name, _, text in (line.partition(": ") for line in head[1:] if line)
            }
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            assert head[0].split()[:2] == ["POST", "/pay/refunds"]
            self.bearer.append(headers.get("authorization", ""))
            if (said := self._answer(headers["idempotency-key"], body)) is not None:
                writer.write(said)
                await writer.drain()
            elif self.ways[0] == "silent":
                await self.ended.wait()
        writer.close()

    def _answer(self, key: str, body: dict[str, Any]) -> bytes | None:
        way = self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]
        self.asked.append(key)
        if key in self.paid:
            assert self.paid[key] == body, "another refund under the same key"
            return _said(200, {"status": "succeeded", "id": f"pay-{key[:8]}"})
        if way in ("succeeded", "cut", "silent"):
            self.paid[key] = body
        match way:
            case "succeeded":
                return _said(201, {"status": "succeeded", "id": f"pay-{key[:8]}"})
            case "pending":
                return _said(202, {"status": "pending"})
            case "failed":
                return _said(402, {"status": "failed", "reason": "The card was closed."})
            case "busy":
                return _said(503, {}, "retry-after: 0\r\n")
            case "broken":
                return _said(500, {"reason": "oh"})
            case "nonsense":
                return _said(200, {"status": "hm"})
            case _:
                return None


def _said(status: int, body: dict[str, Any], more: str = "") -> bytes:
    data = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} Said\r\ncontent-length: {len(data)}\r\n{more}connection: close\r\n\r\n"
    )
    return head.encode() + data


@contextlib.asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    """A provider on a free port of this machine."""
    made = Provider()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.ended.set()
        server.close()
        await server.wait_closed()
