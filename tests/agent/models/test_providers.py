"""The providers, over real HTTP, against aimock."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from deskward.agent.model import Message, ModelEvent, TextPiece
from deskward.agent.models.fallback import FallbackModel
from deskward.core.errors import ModelUnavailable
from tests.agent.odd_server import odd
from tests.agent.providers import (
    KEY,
    PROTOCOLS,
    TEXT,
    Connect,
    Offline,
    asking,
    calls_of,
    fails,
    finish_of,
    run,
    text_of,
)
from tests.services.aimock import aimock

pytestmark = pytest.mark.usefixtures("no_settings_from_outside")

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
]


@pytest.fixture(scope="module")
def peer() -> Iterator[str]:
    with aimock(FIXTURES, keys=[KEY]) as address:
        yield address


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
async def test_a_hanging_server_costs_one_time_out(connect: Connect, protocol: str) -> None:
    async with odd([30.0]) as server:
        error = await fails(connect(protocol, server.address, timeout=0.4), asking("plain"))
        assert "in time" in error.message
        assert len(server.requests) == 1


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
