"""What JSON answers pass last: no line ends inside, and compressed where they are long.

Compression beside a text that an attacker chose can betray a secret by the answer's length
(BREACH). The attack needs a victim's browser that sends the secret's key by itself: this desk has
no cookies, and a page of another host cannot set the header that the API key is in. Against one
who can only watch the network, and write tickets, each answer's length is blurred by a random name
in the gzip header ("Heal the BREACH"). Event streams are not compressed.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskward.core.lines import one_line

LONG = 4096
"""Bytes from which on an answer is compressed."""
LEVEL = 4
"""How hard: most of the gain, at a quarter of the highest level's time."""
IN_A_THREAD = 256 * 1024
"""Bytes from which on others should not wait for it."""
BLUR = 100
"""Most bytes by which the length is blurred."""

JSON = (b"application/json", b"application/graphql-response+json")


class Bodies:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: Message | None = None

        async def send_whole(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_json(message):
                held = message  # its length is known with the body
                return
            if held is not None:
                start, held = held, None
                if not message.get("more_body", False):
                    message = await _finish(scope, start, message)
                await send(start)
            await send(message)

        await self._app(scope, receive, send_whole)


def _is_json(start: Message) -> bool:
    """Tell whether an answer is JSON that can be read; one that is compressed already cannot."""
    is_json = False
    for name, value in start["headers"]:
        if name == b"content-encoding":
            return False
        if name == b"content-type":
            is_json = value.startswith(JSON)
    return is_json


async def _finish(scope: Scope, start: Message, message: Message) -> Message:
    """Put the body into its last form, and tell its headers in `start`."""
    body = message.get("body", b"")
    whole = one_line(body)
    if len(whole) < LONG and len(whole) == len(body):
        return message
    headers = MutableHeaders(raw=list(start["headers"]))
    if len(whole) >= LONG:
        headers.add_vary_header("Accept-Encoding")
        if accepts_gzip(Headers(scope=scope)):
            headers["Content-Encoding"] = "gzip"
            if len(whole) < IN_A_THREAD:
                whole = _compressed(whole)
            else:
                whole = await asyncio.to_thread(_compressed, whole)
    if "content-length" in headers:
        headers["Content-Length"] = str(len(whole))
    start["headers"] = headers.raw
    return {**message, "body": whole}


def accepts_gzip(headers: Headers) -> bool:
    """Tell whether a client takes gzip (RFC 9110, section 12.5.3)."""
    for part in ",".join(headers.getlist("accept-encoding")).split(","):
        name, _, weight = part.partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "").lower().rstrip("0.") != "q="
    return False


def _compressed(body: bytes) -> bytes:
    name = secrets.token_hex(BLUR // 2)[: secrets.randbelow(BLUR) + 1]
    buffer = io.BytesIO()
    with gzip.GzipFile(name, "wb", LEVEL, buffer, mtime=0) as file:
        file.write(body)
    return buffer.getvalue()
