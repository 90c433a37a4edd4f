"""The providers against servers that answer oddly, break off, or stall."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest

from deskward.agent.model import Message, TextPiece, ToolRequest
from deskward.agent.models.fallback import FallbackModel
from tests.agent.odd_server import (
    ANSWERS,
    ARGUMENTS,
    TOOL_USE,
    block,
    call,
    chunk,
    head,
    odd,
    sse,
    stop,
)
from tests.agent.providers import (
    KEY,
    PROTOCOLS,
    Connect,
    asking,
    calls_of,
    fails,
    finish_of,
    run,
    text_of,
)

pytestmark = pytest.mark.usefixtures("no_settings_from_outside")


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
@pytest.mark.parametrize(
    "text",
    [
        '{"order": ',
        "[1]",
        '"1001"',
        "NaN",
        '{"order": [1e999]}',
        '{"order": {"half": "\\ud83d", "low": -1e999}}',
        "[" * 5000,
    ],
)
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
@pytest.mark.parametrize("noise", [[], [b": here\n\n", 0.2] * 150])
async def test_a_stream_that_stalls(
    connect: Connect, protocol: str, noise: list[bytes | float]
) -> None:
    reply = [head(), ANSWERS[protocol].split(b"\r\n\r\n")[0] + b"\r\n\r\n", *noise, 30.0]
    async with odd(reply) as server:
        began = asyncio.get_running_loop().time()
        error = await fails(connect(protocol, server.address, timeout=0.5), asking("plain"))
        assert asyncio.get_running_loop().time() - began < 15  # the stall is twice as long
    assert "in time" in error.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_who_stops_listening_stops_the_model(connect: Connect, protocol: str) -> None:
    start = ANSWERS[protocol][:-30]
    async with odd([head(), start, 30.0]) as server:
        stream = FallbackModel([connect(protocol, server.address)]).stream(asking("plain"))
        assert isinstance(await anext(stream), TextPiece)
        assert isinstance(stream, AsyncGenerator)
        await stream.aclose()
        await asyncio.wait_for(server.left.wait(), 20)


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
            "content": [
                {"type": "text", "text": "First."},
                {"type": "text", "text": "\n\nSecond."},
            ],
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
                {"type": "tool_result", "tool_use_id": "functions_a_1", "content": "[[r1]]\n{}"},
                {"type": "tool_result", "tool_use_id": "b", "content": "[[r2]]\n[]"},
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
