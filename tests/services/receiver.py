"""A program that takes webhooks: it checks their signatures, and answers as it is told."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

PLAIN = b"HTTP/1.1 %d Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass
class Taken:
    """A request that came, and whether its signature is right."""

    path: str
    id: str
    event: dict[str, Any]
    signed: bool


@dataclass
class Receiver:
    """A program that takes webhooks.

    Attributes:
        answer: From a request to what is answered: a status, raw bytes, or None to be silent.
        secrets: Path → the secret that its requests are signed with.
    """

    port: int = 0
    came: list[Taken] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Callable[[Taken], int | bytes | None] = lambda _: 204

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): text
                for name, _, text in (line.partition(": ") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers["content-length"]))
            path = head[0].split()[1]
            signed = verified(self.secrets.get(path, ""), headers, body)
            taken = Taken(path, headers["webhook-id"], json.loads(body), signed)
            self.came.append(taken)
            said = self.answer(taken)
            if said is None:
                await self.ended.wait()
            else:
                writer.write(PLAIN % said if isinstance(said, int) else said)
                await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Whether a message is signed as Standard Webhooks says, and fresh."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    told = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    right = base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(headers["webhook-timestamp"])) < 300
    return fresh and f"v1,{right}" in headers["webhook-signature"].split(" ")


@contextlib.asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine."""
    made = Receiver()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.ended.set()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)  # until whoever was answered last has closed
