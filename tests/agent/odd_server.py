"""A server that answers as no proper provider would, and pieces of what providers send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Odd:
    """A server that sends what it is told to."""

    address: str = ""
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def odd(*replies: Sequence[bytes | float]) -> AsyncIterator[Odd]:
    """Answer each request with the next reply, then the last again: bytes, and pauses in s."""
    server_side = Odd()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = (await reader.readuntil(b"\r\n\r\n")).decode()
        size = int(start.lower().split("content-length:")[1].split("\r\n")[0])
        server_side.requests.append((start, json.loads(await reader.readexactly(size))))
        for part in replies[min(len(server_side.requests), len(replies)) - 1]:
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), part)
                server_side.left.set()
                return

    async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            try:
                await serve(reader, writer)
            finally:
                writer.close()
                await writer.wait_closed()

    server = await asyncio.start_server(serve_and_close, "127.0.0.1", 0)
    server_side.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield server_side
    finally:
        server.close()


def head(status: int = 200, kind: str = "text/event-stream", **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    start = [f"HTTP/1.1 {status} Odd", f"Content-Type: {kind}", "Connection: close"]
    return "\r\n".join([*start, *lines, "", ""]).encode()


def sse(*events: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in events)


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call(arguments: str | None, **more: Any) -> dict[str, Any]:
    return {"function": {"name": "get_order", "arguments": arguments}, **more}


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def stop(reason: str) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}}


TOOL_USE = {"type": "tool_use", "id": "toolu_1", "name": "get_order", "input": {}}
ANSWERS: dict[str, bytes] = {
    "openai": sse(chunk(content="Hello."), chunk("stop")) + b"data: [DONE]\n\n",
    "anthropic": sse(
        *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hello."}),
        stop("end_turn"),
    ),
}
ARGUMENTS: dict[str, Callable[[str], bytes]] = {
    "openai": lambda text: sse(
        chunk(tool_calls=[call(text, index=0, id="call_1")]), chunk("tool_calls")
    ),
    "anthropic": lambda text: sse(
        *block(0, TOOL_USE, {"type": "input_json_delta", "partial_json": text}), stop("tool_use")
    ),
}


def texts_of(protocol: str, *texts: str, ascii_only: bool = True) -> bytes:
    """An answer in pieces, as JSON with or without escapes."""
    deltas = [{"type": "text_delta", "text": text} for text in texts]
    events: list[dict[str, Any]] = (
        [*(chunk(content=text) for text in texts), chunk("stop")]
        if protocol == "openai"
        else [*block(0, {"type": "text", "text": ""}, *deltas), stop("end_turn")]
    )
    lines = (json.dumps(event, ensure_ascii=ascii_only) for event in events)
    return "".join(f"data: {line}\n\n" for line in lines).encode()
