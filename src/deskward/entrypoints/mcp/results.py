"""Results as they go over the wire, alike over HTTP and stdio."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from deskward.entrypoints.mcp.protocol import SERVER_INFO, SERVER_INFO_KEY
from deskward.gate.outcome import Outcome


def call_result(outcome: Outcome, *, stateless: bool) -> bytes:
    """An outcome as a `CallToolResult`; the gate's JSON goes in as it is.

    An error is in the text alone, as the tools' error envelope: clients compare structured content
    with the tool's output schema, also of an error, and would show that it does not fit instead of
    what it says.
    """
    text = outcome.text
    content = to_json(text)
    body = b'{"content":[{"type":"text","text":' + content + b"}]"
    if outcome.error is None:
        body += b',"structuredContent":' + text.encode() + b',"isError":false'
    else:
        body += b',"isError":true'
    return body + (b"," + _STAMP[1:] if stateless else b"}")


def complete(*, cached: bool) -> dict[str, Any]:
    """What every result of 2026-07-28 carries besides its own fields."""
    stamp: dict[str, Any] = {"resultType": "complete", "_meta": {SERVER_INFO_KEY: SERVER_INFO}}
    return stamp | ({"ttlMs": 0, "cacheScope": "private"} if cached else {})


_STAMP = to_json(complete(cached=False))
