"""Tool calls as servers that count wrongly send them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.agent.odd_server import TOOL_USE, block, call, chunk, head, odd, sse, stop
from tests.agent.providers import PROTOCOLS, Connect, asking, calls_of, run

pytestmark = pytest.mark.usefixtures("no_settings_from_outside")

ONE, TWO = '{"order": "1"}', '{"order": "2"}'


async def called(connect: Connect, protocol: str, wire: bytes) -> list[dict[str, Any]]:
    """The arguments of the calls that come of it; their ids are told apart."""
    async with odd([head(), wire]) as server:
        calls = calls_of(await run(connect(protocol, server.address), asking("plain")))
    assert len({one.id for one in calls}) == len(calls)
    assert all(one.name in ("get_order", "list_orders") for one in calls)
    return [one.arguments for one in calls]


def parts(*parts: dict[str, Any]) -> bytes:
    return sse(*(chunk(tool_calls=[part]) for part in parts), chunk("tool_calls"))


def more(arguments: str, **others: Any) -> dict[str, Any]:
    return {"function": {"arguments": arguments}, **others}


OPENAI: dict[str, bytes] = {
    "in order": parts(
        call("", index=0, id="a"), more(ONE, index=0), call("", index=1, id="b"), more(TWO, index=1)
    ),
    "interleaved": parts(
        call(ONE[:5], index=0, id="a"),
        call(TWO[:5], index=1, id="b"),
        more(ONE[5:], index=0),
        more(TWO[5:], index=1),
    ),
    "all of index 0": parts(call(ONE, index=0, id="a"), call(TWO, index=0, id="b")),
    "all of index 0, in pieces": parts(
        call(ONE[:5], index=0, id="a"),
        more(ONE[5:], index=0),
        call(TWO[:5], index=0, id="b"),
        more(TWO[5:], index=0),
    ),
    "all of index 0, without ids": parts(call(ONE, index=0), call(TWO, index=0)),
    "all of index 0 and one id": parts(call(ONE, index=0, id="a"), call(TWO, index=0, id="a")),
    "one id": parts(call(ONE, index=0, id="a"), call(TWO, index=1, id="a")),
    "one id, in pieces": parts(
        call("", index=0, id="a"), more(ONE, index=0), call("", index=1, id="a"), more(TWO, index=1)
    ),
    "neither": parts(call(ONE), call(TWO)),
    "no index": parts(call(ONE, id="a"), call(TWO, id="b")),
    "no index, one id": parts(call(ONE, id="a"), call(TWO, id="a")),
    "no index, in pieces": parts(
        call(ONE[:5], id="a"), more(ONE[5:]), call(TWO[:5], id="b"), more(TWO[5:])
    ),
    "no index, ids with each piece": parts(
        call(ONE[:5], id="a"), more(ONE[5:], id="a"), call(TWO[:5], id="b"), more(TWO[5:], id="b")
    ),
    "no index, id and name with each piece": parts(
        call(ONE[:5], id="a"), call(ONE[5:], id="a"), call(TWO[:5], id="b"), call(TWO[5:], id="b")
    ),
    "no index, interleaved by id": parts(
        call(ONE[:5], id="a"), call(TWO[:5], id="b"), more(ONE[5:], id="a"), more(TWO[5:], id="b")
    ),
    "an index for each piece": parts(
        call(ONE[:5], index=0, id="a"),
        more(ONE[5:], index=1),
        call(TWO[:5], index=2, id="b"),
        more(TWO[5:], index=3),
    ),
    "an index, id and name for each piece": parts(
        call(ONE[:5], index=0, id="a"),
        call(ONE[5:], index=1, id="a"),
        call(TWO[:5], index=2, id="b"),
        call(TWO[5:], index=3, id="b"),
    ),
    "an index that is text": parts(call(ONE, index="0", id="a"), call(TWO, index="1", id="b")),
    "objects": parts(
        {"id": "a", "function": {"name": "get_order", "arguments": {"order": "1"}}},
        {"id": "b", "function": {"name": "get_order", "arguments": {"order": "2"}}},
    ),
    "ids that are numbers": parts(call(ONE, index=0, id=7), call(TWO, index=1, id=7)),
}


@pytest.mark.parametrize("way", OPENAI)
async def test_parallel_calls_however_they_are_counted(connect: Connect, way: str) -> None:
    assert await called(connect, "openai", OPENAI[way]) == [{"order": "1"}, {"order": "2"}]


async def test_calls_without_arguments_that_share_an_index(connect: Connect) -> None:
    other = {"index": 0, "function": {"name": "list_orders"}}
    assert await called(connect, "openai", parts(call(None, index=0), other)) == [{}, {}]


def delta(text: str | None, index: int | None = None) -> dict[str, Any]:
    event = {
        "type": "content_block_delta",
        "delta": {"type": "input_json_delta", "partial_json": text},
    }
    return event if index is None else event | {"index": index}


def begun(index: int | None, identity: str | None = "a", **more: Any) -> dict[str, Any]:
    content = TOOL_USE | {"id": identity} | more
    event: dict[str, Any] = {"type": "content_block_start", "content_block": content}
    return event if index is None else event | {"index": index}


def ended(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


ANTHROPIC: dict[str, list[dict[str, Any]]] = {
    "in order": [begun(0, "a"), delta(ONE, 0), ended(0), begun(1, "b"), delta(TWO, 1), ended(1)],
    "interleaved": [begun(0, "a"), begun(1, "b"), delta(ONE, 0), delta(TWO, 1)],
    "all of index 0": [begun(0, "a"), delta(ONE, 0), begun(0, "b"), delta(TWO, 0)],
    "no index": [begun(None, "a"), delta(ONE), begun(None, "b"), delta(TWO)],
    "pieces of index 0": [
        *(begun(0, "a"), delta(ONE, 0), ended(0)),
        *(begun(1, "b"), delta(TWO, 0), ended(0)),
    ],
    "an index for each piece": [
        *(begun(0, "a"), delta(ONE[:5], 1), delta(ONE[5:], 2)),
        *(begun(3, "b"), delta(TWO[:5], 4), delta(TWO[5:], 5)),
    ],
    "one id": [begun(0, "a"), delta(ONE, 0), ended(0), begun(1, "a"), delta(TWO, 1), ended(1)],
    "no id": [begun(0, None), delta(ONE, 0), ended(0), begun(1, ""), delta(TWO, 1), ended(1)],
    "with the start": [begun(0, "a", input={"order": "1"}), begun(1, "b", input={"order": "2"})],
}


@pytest.mark.parametrize("way", ANTHROPIC)
async def test_blocks_however_they_are_counted(connect: Connect, way: str) -> None:
    wire = sse(*ANTHROPIC[way], stop("tool_use"))
    assert await called(connect, "anthropic", wire) == [{"order": "1"}, {"order": "2"}]


@pytest.mark.parametrize("arguments", [None, "", " ", "null", "{}"])
async def test_arguments_that_say_nothing(connect: Connect, arguments: str | None) -> None:
    wire = parts(call(arguments, index=0, id="a"))
    assert await called(connect, "openai", wire) == [{}]
    wire = sse(begun(0), delta(arguments, 0), ended(0), stop("tool_use"))
    assert await called(connect, "anthropic", wire) == [{}]


async def test_arguments_that_are_missing(connect: Connect) -> None:
    named = {"index": 0, "function": {"name": "get_order"}}
    assert await called(connect, "openai", parts(named)) == [{}]
    for content in (TOOL_USE, TOOL_USE | {"input": None}, {**TOOL_USE, "input": ""}):
        wire = sse(*block(0, content), stop("tool_use"))
        assert await called(connect, "anthropic", wire) == [{}]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_call_goes_back_under_the_id_that_it_was_given(
    connect: Connect, protocol: str
) -> None:
    wire = {
        "openai": OPENAI["one id"],
        "anthropic": sse(*ANTHROPIC["one id"], stop("tool_use")),
    }[protocol]
    async with odd([head(), wire]) as server:
        first, second = calls_of(await run(connect(protocol, server.address), asking("plain")))
    assert first.id == "a"
    assert second.id.startswith("call_")
