"""Results as they go over the wire, alike over HTTP and stdio."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from deskward.core.answers import BLOCKS
from deskward.entrypoints.mcp.protocol import (
    INTERNAL_ERROR,
    REFUSED,
    SERVER_INFO,
    SERVER_INFO_KEY,
    ProtocolError,
)
from deskward.gate.outcome import Outcome

_BLOCKS = f'"{BLOCKS}":['


def call_result(outcome: Outcome, *, stateless: bool) -> bytes:
    """An outcome as a `CallToolResult`; the gate's JSON goes in as it is.

    An error is in the text alone, as the tools' error envelope: clients compare structured content
    with the tool's output schema, also of an error, and would show that it does not fit instead of
    what it says.
    """
    text, blocks = outcome.text, b""
    if (
        outcome.error is None
        and _BLOCKS in text
        and isinstance(more := (value := outcome.value).pop(BLOCKS, None), list)
    ):  # an outside tool's pictures and the like go on as what they are
        text = to_json(value).decode()
        blocks = b"".join(b"," + to_json(block) for block in more)
    content = to_json(text)
    body = b'{"content":[{"type":"text","text":' + content + b"}" + blocks + b"]"
    if outcome.error is None:
        body += b',"structuredContent":' + text.encode() + b',"isError":false'
    else:
        body += b',"isError":true'
    return body + (b"," + _STAMP[1:] if stateless else b"}")


def value_of(outcome: Outcome) -> dict[str, Any]:
    """What a call answers.

    Raises:
        ProtocolError: It failed, or waits for somebody.
    """
    if outcome.error is not None:
        code = INTERNAL_ERROR if outcome.error.status >= 500 else REFUSED
        raise ProtocolError(code, outcome.error.message, outcome.value)
    if outcome.status != "ok":
        raise ProtocolError(REFUSED, "Somebody has to allow this first.", outcome.value)
    return outcome.value


def complete(*, cached: bool) -> dict[str, Any]:
    """What every result of 2026-07-28 carries besides its own fields."""
    stamp: dict[str, Any] = {"resultType": "complete", "_meta": {SERVER_INFO_KEY: SERVER_INFO}}
    return stamp | ({"ttlMs": 0, "cacheScope": "private"} if cached else {})


_STAMP = to_json(complete(cached=False))
