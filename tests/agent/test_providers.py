"""The providers, over real HTTP: against aimock, and against odd servers that it cannot be."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from deskward.agent.model import (
    Finished,
    Message,
    Model,
    ModelEvent,
    ModelRequest,
    TextPiece,
    ToolRequest,
    ToolSpec,
)
from deskward.agent.models.choose import ANTHROPIC_DEFAULT, OPENAI_DEFAULT, choose_model
from deskward.agent.models.fallback import FallbackModel
from deskward.core.errors import ModelUnavailable
from deskward.core.settings import Settings
from tests.services.aimock import aimock

KEY = "sk-test-5f0c2d"
TEXT = "Your order 1001 left our warehouse yesterday, and is on its way to you."
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
FIXTURES: list[dict[str, Any]] = [
    {
        "match": {"userMessage": "plain"},
        "response": {"content": TEXT, "usage": USAGE},
        "chunkSize": 5,
    },
    {
        "match": {"userMessage": "tool", "hasToolResult": True, "toolResultContains": "shipped"},
        "response": {"content": "It is on its way."},
    },
    {
        "match": {"userMessage": "tool", "hasToolResult": False},
        "response": {
            "content": "Let me look.",
            "toolCalls": [
                {"id": "call_1", "name": "get_order", "arguments": {"order": "1001", "n": [1, 2]}}
            ],
        },
        "chunkSize": 4,
    },
    {
        "match": {"userMessage": "several"},
        "response": {
            "toolCalls": [
                {"id": "call_1", "name": "get_order", "arguments": {"order": "1001"}},
                {"id": "call_2", "name": "get_order", "arguments": {"order": "1002"}},
                {"id": "call_3", "name": "list_orders", "arguments": {}},
            ]
        },
    },
    {"match": {"userMessage": "long"}, "response": {"content": "a", "finishReason": "length"}},
    {
        "match": {"userMessage": "filtered"},
        "response": {"content": "a", "finishReason": "content_filter"},
    },
    {
        "match": {"userMessage": "broken"},
        "response": {"error": {"message": "secret inside", "type": "server_error"}, "status": 500},
    },
    {
        "match": {"userMessage": "busy"},
        "response": {"error": {"message": "slow down", "type": "rate_limit"}, "status": 429},
    },
    {
        "match": {"userMessage": "unknown model"},
        "response": {"error": {"message": "no such model", "type": "not_found"}, "status": 404},
    },
    {
        "match": {"userMessage": "cut"},
        "response": {"content": TEXT},
        "chunkSize": 5,
        # Without pauses aimock cuts the connection before it sent anything.
        "latency": 20,
        "truncateAfterChunks": 4,
    },
    {
        "match": {"userMessage": "hang"},
        "response": {"content": TEXT},
        "streamingProfile": {"ttft": 60_000},
    },
]
TOOLS = [
    ToolSpec(
        "get_order",
        "Look up an order.",
        {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
    ),
    ToolSpec("list_orders", "List orders.", {"type": "object", "properties": {}}),
]
PROTOCOLS = ("openai", "anthropic")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def peer() -> Iterator[str]:
    with aimock(FIXTURES, keys=[KEY]) as address:
        yield address


class Offline:
    """Stands in for the offline model."""

    name = "offline"

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        yield TextPiece("I am here.")
        yield Finished("offline")

    async def close(self) -> None:
        """There is nothing to let go of."""


def settings(**values: Any) -> Settings:
    return Settings(**{"_env_file": None, **values})


Connect = Callable[..., Model]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Make models that speak to an address; they are closed when the test ends."""
    models: list[Any] = []

    def connected(protocol: str, address: str, *, key: str = KEY, timeout: float = 10.0) -> Model:
        named = {
            "openai": "openai:test",
            "anthropic": "anthropic:test",
            "azure": "azure:test",
            "compatible": f"{address}/v1#test",
        }
        model = choose_model(
            settings(
                model=named[protocol],
                model_timeout=timeout,
                openai_api_key=key,
                openai_base_url=f"{address}/v1",
                anthropic_api_key=key,
                anthropic_base_url=address,
                azure_openai_api_key=key,
                azure_openai_endpoint=address,
            ),
            Offline,
        )
        models.append(model)
        return model

    yield connected
    await FallbackModel(models).close()


def asking(text: str, *more: Message) -> ModelRequest:
    return ModelRequest("You help.", [Message("user", text), *more], TOOLS, 200)


async def run(model: Model, request: ModelRequest) -> list[ModelEvent]:
    return [event async for event in model.stream(request)]


def text_of(events: Sequence[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextPiece))


def finish_of(events: Sequence[ModelEvent]) -> Finished:
    assert isinstance(events[-1], Finished)
    assert sum(isinstance(event, Finished) for event in events) == 1
    return events[-1]


def calls_of(events: Sequence[ModelEvent]) -> list[ToolRequest]:
    return [event for event in events if isinstance(event, ToolRequest)]


async def fails(model: Model, request: ModelRequest) -> ModelUnavailable:
    with pytest.raises(ModelUnavailable) as caught:
        await run(model, request)
    assert KEY not in caught.value.message
    assert "secret" not in caught.value.message
    assert model.name.split(",")[0] in caught.value.message
    return caught.value


# Against aimock


@pytest.mark.parametrize("protocol", [*PROTOCOLS, "azure", "compatible"])
async def test_text_is_streamed(connect: Connect, peer: str, protocol: str) -> None:
    model = connect(protocol, peer)
    events = await run(model, asking("plain"))
    assert text_of(events) == TEXT
    assert sum(isinstance(event, TextPiece) for event in events) > 5
    finished = finish_of(events)
    assert (finished.model, finished.tokens, finished.truncated) == (model.name, 18, False)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_tool_is_called_and_its_result_answered(
    connect: Connect, peer: str, protocol: str
) -> None:
    model = connect(protocol, peer)
    events = await run(model, asking("tool"))
    (call,) = calls_of(events)
    assert text_of(events) == "Let me look."
    assert (call.name, call.arguments) == ("get_order", {"order": "1001", "n": [1, 2]})
    events = await run(
        model,
        asking(
            "tool",
            Message("assistant", text_of(events), (call,), state=finish_of(events).state),
            Message("tool", '{"status": "shipped"}', tool_request_id=call.id),
        ),
    )
    assert text_of(events) == "It is on its way."
    assert not calls_of(events)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_several_tools_in_one_step(connect: Connect, peer: str, protocol: str) -> None:
    calls = calls_of(await run(connect(protocol, peer), asking("several")))
    assert [(call.name, call.arguments) for call in calls] == [
        ("get_order", {"order": "1001"}),
        ("get_order", {"order": "1002"}),
        ("list_orders", {}),
    ]
    assert len({call.id for call in calls}) == 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_answer_at_the_token_limit_is_marked(
    connect: Connect, peer: str, protocol: str
) -> None:
    assert finish_of(await run(connect(protocol, peer), asking("long"))).truncated


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("broken", "HTTP 500"),
        ("busy", "rate limit"),
        ("unknown model", "HTTP 404"),
        ("cut", "broke off"),
    ],
)
async def test_failures_of_the_server(
    connect: Connect, peer: str, protocol: str, text: str, message: str
) -> None:
    error = await fails(connect(protocol, peer), asking(text))
    assert message in error.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_hanging_server_costs_one_time_out(
    connect: Connect, peer: str, protocol: str
) -> None:
    began = asyncio.get_running_loop().time()
    error = await fails(connect(protocol, peer, timeout=0.4), asking("hang"))
    assert "in time" in error.message
    assert asyncio.get_running_loop().time() - began < 1.5


@pytest.mark.parametrize("protocol", [*PROTOCOLS, "azure"])
async def test_a_refused_key_is_not_repeated(connect: Connect, peer: str, protocol: str) -> None:
    error = await fails(connect(protocol, peer, key="sk-wrong-9a1b"), asking("plain"))
    assert "refused the key" in error.message
    assert "9a1b" not in error.message


async def test_a_filtered_answer_is_no_answer(connect: Connect, peer: str) -> None:
    assert "withheld" in (await fails(connect("openai", peer), asking("filtered"))).message


async def test_the_next_model_answers_for_a_dead_one(connect: Connect, peer: str) -> None:
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        port = dead.getsockname()[1]
        model = FallbackModel(
            [connect("compatible", f"http://127.0.0.1:{port}"), connect("anthropic", peer)]
        )
        assert model.name == f"http://127.0.0.1:{port}/v1#test, anthropic:test"
        events = await run(model, asking("plain"))
    assert text_of(events) == TEXT
    assert finish_of(events).model == "anthropic:test"


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_no_other_model_takes_over_in_the_middle(
    connect: Connect, peer: str, protocol: str
) -> None:
    model = FallbackModel([connect(protocol, peer), Offline()])
    heard: list[ModelEvent] = []
    error: ModelUnavailable | None = None
    try:
        async for event in model.stream(asking("cut")):
            heard.append(event)
    except ModelUnavailable as caught:
        error = caught
    assert error is not None
    assert "broke off" in error.message
    assert heard
    assert "I am here." not in text_of(heard)


async def test_every_failure_is_named(connect: Connect, peer: str) -> None:
    model = FallbackModel([connect("openai", peer), connect("anthropic", peer)])
    error = await fails(model, asking("unknown model"))
    assert "openai:test is not known" in error.message
    assert "anthropic:test is not known" in error.message


# Against odd servers


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


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_usage_may_be_missing_and_pieces_fall_anywhere(
    connect: Connect, protocol: str
) -> None:
    wire = b": a comment\r\n\r\n" + sse({"type": "ping"}) + ANSWERS[protocol]
    async with odd([head(), *(wire[at : at + 7] for at in range(0, len(wire), 7))]) as server:
        events = await run(connect(protocol, server.address), asking("plain"))
    assert text_of(events) == "Hello."
    assert finish_of(events).tokens == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b"data: {not json\n\n", "not of its protocol"),
        (b"data: [1]\n\n", "not of its protocol"),
        (b"data: \xff\n\n", "not of its protocol"),
        (b"x" * 5_000_000, "not of its protocol"),
        (sse({"choices": [7], "type": "content_block_delta"}), "not of its protocol"),
        (sse({"choices": 7, "type": "message_start", "message": 7}), "not of its protocol"),
        (sse(chunk(content=7) | {"type": "message_delta", "delta": 7}), "not of its protocol"),
        (sse({"error": {"message": "secret"}, "type": "error"}), "with an error"),
        (
            sse(chunk(content="Hello."), *block(0, {"type": "text", "text": ""})),
            "before its answer",
        ),
        (b"data: [DONE]\n\n", "before its answer"),
        (b"<html>Sign in to this network</html>", "before its answer"),
        (b"", "before its answer"),
    ],
)
async def test_garbage_is_no_answer(
    connect: Connect, protocol: str, wire: bytes, message: str
) -> None:
    async with odd([head(), wire]) as server:
        error = await fails(connect(protocol, server.address), asking("plain"))
    assert message in error.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("text", ['{"order": ', "[1]", '"1001"', "NaN", "[" * 5000])
async def test_bad_arguments_are_no_answer(connect: Connect, protocol: str, text: str) -> None:
    async with odd([head(), ARGUMENTS[protocol](text)]) as server:
        error = await fails(connect(protocol, server.address), asking("plain"))
    assert "get_order" in error.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_empty_arguments_are_none(connect: Connect, protocol: str) -> None:
    async with odd([head(), ARGUMENTS[protocol]("")]) as server:
        (call,) = calls_of(await run(connect(protocol, server.address), asking("plain")))
    assert call.arguments == {}


async def test_calls_without_index_or_id(connect: Connect) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    wire = sse(
        {"usage": usage},
        chunk(tool_calls=[call("{}", id="a"), call('{"order":', id="b")]),
        chunk(tool_calls=[call(' "1"}')]),
        chunk(tool_calls=[call(None, index=7)]),
        chunk("stop"),
    )
    async with odd([head(), wire]) as server:
        events = await run(connect("compatible", server.address), asking("plain"))
    calls = calls_of(events)
    assert finish_of(events).tokens == 7
    assert [one.arguments for one in calls] == [{}, {"order": "1"}, {}]
    assert [one.id for one in calls][:2] == ["a", "b"]
    assert calls[2].id.startswith("call_")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_fault_before_the_stream_is_tried_again(connect: Connect, protocol: str) -> None:
    replies = [[head(503)], [head()[:20]], [head(), ANSWERS[protocol]]]
    async with odd(*replies) as server:
        events = await run(connect(protocol, server.address), asking("plain"))
        assert text_of(events) == "Hello."
        assert len(server.requests) == 3


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("noise", [[], [b": here\n\n", 0.2] * 40])
async def test_a_stream_that_stalls(
    connect: Connect, protocol: str, noise: list[bytes | float]
) -> None:
    reply = [head(), ANSWERS[protocol].split(b"\r\n\r\n")[0] + b"\r\n\r\n", *noise, 30.0]
    async with odd(reply) as server:
        began = asyncio.get_running_loop().time()
        error = await fails(connect(protocol, server.address, timeout=0.5), asking("plain"))
        assert asyncio.get_running_loop().time() - began < 2
    assert "in time" in error.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_who_stops_listening_stops_the_model(connect: Connect, protocol: str) -> None:
    start = ANSWERS[protocol][:-30]
    async with odd([head(), start, 30.0]) as server:
        stream = FallbackModel([connect(protocol, server.address)]).stream(asking("plain"))
        assert isinstance(await anext(stream), TextPiece)
        assert isinstance(stream, AsyncGenerator)
        await stream.aclose()
        await asyncio.wait_for(server.left.wait(), 2)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_redirect_is_not_followed(connect: Connect, protocol: str) -> None:
    async with odd([head(), ANSWERS[protocol]]) as other:
        async with odd([head(307, Location=other.address)]) as server:
            await fails(connect(protocol, server.address), asking("plain"))
        assert not other.requests


async def test_retry_after_is_passed_on(connect: Connect) -> None:
    async with odd([head(429, Retry_After="7", x_should_retry="false")]) as server:
        assert (await fails(connect("openai", server.address), asking("plain"))).retry_after == 7


async def test_reasoning_is_given_up_where_tools_exclude_it(connect: Connect) -> None:
    refusal = json.dumps({"error": {"param": "reasoning_effort", "message": "no"}}).encode()
    replies = [[head(400, "application/json"), refusal], [head(), ANSWERS["openai"]]]
    async with odd(*replies) as server:
        model = connect("openai", server.address)
        for _ in range(2):
            assert text_of(await run(model, asking("plain"))) == "Hello."
        bodies = [body for _, body in server.requests]
    assert [body.get("reasoning_effort") for body in bodies] == [None, "none", "none"]


@pytest.mark.parametrize(
    ("protocol", "field"),
    [
        ("openai", "max_completion_tokens"),
        ("azure", "max_completion_tokens"),
        ("compatible", "max_tokens"),
    ],
)
async def test_the_field_of_the_token_limit(connect: Connect, protocol: str, field: str) -> None:
    async with odd([head(), ANSWERS["openai"]]) as server:
        await run(connect(protocol, server.address), asking("plain"))
        ((start, body),) = server.requests
    assert body[field] == 200
    assert body["stream_options"] == {"include_usage": True}
    expected = {
        "azure": "POST /openai/deployments/test/chat/completions?api-version=2024-10-21 ",
    }.get(protocol, "POST /v1/chat/completions ")
    assert start.startswith(expected)


@pytest.mark.parametrize("protocol", [*PROTOCOLS, "azure", "compatible"])
async def test_variables_of_the_sdks_have_no_say(
    connect: Connect, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_CUSTOM_HEADERS", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.setenv(name, "Authorization: Bearer stolen\nX-Other: stolen")
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "stolen")
    for name in ("ANTHROPIC_AUTH_TOKEN", "AZURE_OPENAI_AD_TOKEN", "OPENAI_API_VERSION"):
        monkeypatch.setenv(name, "stolen")
    wire = ANSWERS["anthropic" if protocol == "anthropic" else "openai"]
    async with odd([head(), wire]) as server:
        await run(connect(protocol, server.address), asking("plain"))
        ((start, _),) = server.requests
    assert "stolen" not in start
    assert KEY in start


# Anthropic's form of a conversation


async def test_anthropic_merges_roles_and_leaves_out_empty_texts(connect: Connect) -> None:
    calls = (ToolRequest("functions.a:1", "get_order", {}), ToolRequest("b", "list_orders", {}))
    request = asking(
        "First.",
        Message("user", "Second."),
        Message("assistant", "", calls),
        Message("tool", "{}", tool_request_id="functions.a:1"),
        Message("tool", "[]", tool_request_id="b"),
        Message("user", "Third."),
    )
    async with odd([head(), ANSWERS["anthropic"]]) as server:
        await run(connect("anthropic", server.address), request)
        ((_, body),) = server.requests
    assert body["system"] == "You help."
    assert body["messages"] == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "First."}, {"type": "text", "text": "Second."}],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "functions_a_1", "name": "get_order", "input": {}},
                {"type": "tool_use", "id": "b", "name": "list_orders", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "functions_a_1", "content": "{}"},
                {"type": "tool_result", "tool_use_id": "b", "content": "[]"},
                {"type": "text", "text": "Third."},
            ],
        },
    ]


async def test_thoughts_go_back_within_their_turn_and_no_longer(connect: Connect) -> None:
    wire = sse(
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Hm."},
            {"type": "signature_delta", "signature": "signed"},
        ),
        *block(1, {"type": "redacted_thinking", "data": "x"}),
        *block(2, TOOL_USE, {"type": "input_json_delta", "partial_json": '{"order": "1"}'}),
        stop("tool_use"),
    )
    answered = [head(), ANSWERS["anthropic"]]
    async with odd([head(), wire], answered, answered, [head(400)], answered) as server:
        model = connect("anthropic", server.address)
        events = await run(model, asking("plain"))
        said = Message("assistant", "", tuple(calls_of(events)), state=finish_of(events).state)
        result = Message("tool", "{}", tool_request_id="toolu_1")
        await run(model, asking("plain", said, result))
        await run(model, asking("plain", said, result, Message("user", "And now?")))
        # Refused, because something before the thoughts changed: asked again without them.
        await run(model, asking("plain", said, result))
        sent = [body["messages"][1]["content"] for _, body in server.requests[1:]]
    tool_use = TOOL_USE | {"input": {"order": "1"}}
    thoughts = [
        {"type": "thinking", "thinking": "Hm.", "signature": "signed"},
        {"type": "redacted_thinking", "data": "x"},
    ]
    whole, bare = [*thoughts, tool_use], [tool_use]
    assert sent == [whole, bare, whole, bare]


async def test_anthropic_declines(connect: Connect) -> None:
    async with odd([head(), sse(stop("refusal"))]) as server:
        error = await fails(connect("anthropic", server.address), asking("plain"))
    assert "declined" in error.message


# Choosing


def test_choosing_offline_imports_no_sdk() -> None:
    program = """
import sys
from deskward.agent.models.choose import choose_model
from deskward.core.settings import Settings
choose_model(Settings(_env_file=None, model="offline"), object)
assert not {"openai", "anthropic", "httpx2"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "offline"),
        ({"model": ""}, "offline"),
        ({"model": "offline"}, "offline"),
        ({"model": "http://localhost:11434/v1#llama3.2:3b"}, None),
        ({"model": "https://models.example/v1#a/b"}, None),
        ({"model": "openai:ft:gpt-4o:us::1", "openai_api_key": "k"}, None),
        ({"model": "anthropic:c", "anthropic_api_key": "k"}, None),
        ({"model": "anthropic:c , offline", "anthropic_api_key": "k"}, "anthropic:c, offline"),
        ({"anthropic_api_key": "k"}, f"anthropic:{ANTHROPIC_DEFAULT}, offline"),
        ({"openai_api_key": "k"}, f"openai:{OPENAI_DEFAULT}, offline"),
        ({"openai_api_key": "k", "anthropic_api_key": ""}, f"openai:{OPENAI_DEFAULT}, offline"),
        (
            {
                "openai_api_key": "k",
                "azure_openai_endpoint": "https://x.example",
                "azure_openai_api_key": "k",
                "azure_openai_responses_deployment_name": "desk",
            },
            "azure:desk, offline",
        ),
    ],
)
def test_choosing(values: dict[str, Any], name: str | None) -> None:
    assert choose_model(settings(**values), Offline).name == (name or values["model"])


@pytest.mark.parametrize(
    ("model", "named"),
    [
        ("anthropic:c", "ANTHROPIC_API_KEY"),
        ("openai:c", "OPENAI_API_KEY"),
        ("azure:c", "AZURE_OPENAI_ENDPOINT"),
        ("offline,", "MODEL"),
        ("gpt-4o", "MODEL"),
        ("openai:", "MODEL"),
        ("mistral:x", "MODEL"),
        ("http://localhost/v1", "MODEL"),
        ("http://#x", "MODEL"),
        ("http://user:hunter2@host/v1#x", "MODEL"),
        ("http://host/v1?key=hunter2#x", "MODEL"),
        ("http://host:hunter2/v1#x", "MODEL"),
        ("http://[hunter2/v1#x", "MODEL"),
    ],
)
def test_choosing_what_cannot_be(model: str, named: str) -> None:
    with pytest.raises(ValueError, match=named) as caught:
        choose_model(settings(model=model), Offline)
    assert "hunter2" not in str(caught.value)


async def test_a_model_that_hangs_gives_way_to_the_next() -> None:
    class Hanging:
        name = "hanging"

        async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
            await asyncio.sleep(60)
            yield TextPiece("late")

        async def close(self) -> None: ...

    model = FallbackModel([Hanging(), Offline()], timeout=0.05)
    events = [event async for event in model.stream(asking("plain"))]
    assert isinstance(events[-1], Finished)
    assert events[-1].model == "offline"
