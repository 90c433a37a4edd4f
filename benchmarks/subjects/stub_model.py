"""A stub of an OpenAI-compatible model server: Chat Completions, streamed, answering at once.

The first request of a turn gets a call of `get_account_balance` in several pieces; a request that
carries a tool's answer gets thirty pieces of text.

Usage: python -m benchmarks.subjects.stub_model PORT
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import uvicorn

PIECES = 30
ANSWER = " ".join(f"word{number}" for number in range(PIECES))
"""The text that every turn must end with."""

TOOL = "get_account_balance"
USER = "user_001"


def _chunk(delta: Mapping[str, Any], finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _event({"choices": [choice], "usage": None, **more})


def _event(fields: Mapping[str, Any]) -> bytes:
    whole = {
        "id": "chatcmpl-stub",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": "stub",
        **fields,
    }
    return b"data: " + json.dumps(whole).encode() + b"\n\n"


def _end(finish: str) -> list[bytes]:
    usage = {"prompt_tokens": 100, "completion_tokens": PIECES, "total_tokens": 100 + PIECES}
    return [_chunk({}, finish), _event({"choices": [], "usage": usage}), b"data: [DONE]\n\n"]


def _tool_call() -> list[bytes]:
    function = {"name": TOOL, "arguments": ""}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    arguments = json.dumps({"user_id": USER})
    pieces = [arguments[at : at + 4] for at in range(0, len(arguments), 4)]
    return [
        _chunk({"role": "assistant", "content": None, "tool_calls": [call]}),
        *(_chunk({"tool_calls": [{"index": 0, "function": {"arguments": p}}]}) for p in pieces),
        *_end("tool_calls"),
    ]


def _text() -> list[bytes]:
    words = ANSWER.split(" ")
    return [
        _chunk({"role": "assistant", "content": ""}),
        *(_chunk({"content": word if at == 0 else f" {word}"}) for at, word in enumerate(words)),
        *_end("stop"),
    ]


TOOL_CALL, TEXT = _tool_call(), _text()

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def app(
    scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send
) -> None:
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answered = any(said["role"] == "tool" for said in json.loads(body)["messages"])
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for chunk in TEXT if answered else TOOL_CALL:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
