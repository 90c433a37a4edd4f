"""Characters that break lines, databases and encodings elsewhere."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deskward.agent.model import Message, ToolRequest
from deskward.agent.texts import Pieces, clean
from tests.agent.odd_server import (
    ANSWERS,
    ARGUMENTS,
    TOOL_USE,
    block,
    head,
    odd,
    sse,
    stop,
    texts_of,
)
from tests.agent.providers import (
    PROTOCOLS,
    Connect,
    asking,
    calls_of,
    finish_of,
    run,
    text_of,
)

pytestmark = pytest.mark.usefixtures("no_settings_from_outside")

ODD = "one\u2028two\u2029three\u0085four\x0bfive\x0csix\x1cseven"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("ascii_only", [True, False])
async def test_separators_are_text(connect: Connect, protocol: str, ascii_only: bool) -> None:
    async with odd([head(), texts_of(protocol, ODD, ascii_only=ascii_only)]) as server:
        events = await run(connect(protocol, server.address), asking("plain"))
    assert text_of(events) == ODD


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
async def test_every_end_of_a_line(connect: Connect, protocol: str, end: bytes) -> None:
    wire = ANSWERS[protocol].replace(b"\r\n", b"\n").replace(b"\n", end)
    async with odd([head(), *(wire[at : at + 3] for at in range(0, len(wire), 3))]) as server:
        events = await run(connect(protocol, server.address), asking("plain"))
    assert text_of(events) == "Hello."


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_what_no_text_holds_is_mended_or_dropped(connect: Connect, protocol: str) -> None:
    pieces = ["He\0llo \ud83d", "\ude00, ", "\udc00 and \ud800 ", "\0", "bye\ud83d"]
    async with odd([head(), texts_of(protocol, *pieces)]) as server:
        events = await run(connect(protocol, server.address), asking("plain"))
    assert text_of(events) == "Hello \U0001f600, \ufffd and \ufffd bye"


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_arguments_too(connect: Connect, protocol: str) -> None:
    text = json.dumps({"or\0der": "1\0\ud83d", "more": [{"a": "\U0001f600\0"}]})
    async with odd([head(), ARGUMENTS[protocol](text)]) as server:
        (call,) = calls_of(await run(connect(protocol, server.address), asking("plain")))
    assert call.arguments == {"order": "1\ufffd", "more": [{"a": "\U0001f600"}]}


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_what_is_sent_is_well_formed(connect: Connect, protocol: str) -> None:
    call = ToolRequest("a", "get_order", {"order": "1\ud800"})
    request = asking(
        f"half \ud83d of it {ODD}",
        Message("assistant", "", (call,)),
        Message("tool", '{"text": "\ud800"}', tool_request_id="a"),
    )
    async with odd([head(), ANSWERS[protocol]]) as server:
        assert text_of(await run(connect(protocol, server.address), request)) == "Hello."
        ((_, body),) = server.requests
    sent = json.dumps(body, ensure_ascii=False)
    sent.encode()
    assert "half \ufffd of it" in sent
    assert "1\ufffd" in sent


async def test_thoughts_hold_neither(connect: Connect) -> None:
    wire = sse(
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "Hm\0\ud800."},
        ),
        *block(1, TOOL_USE),
        stop("tool_use"),
    )
    async with odd([head(), wire]) as server:
        events = await run(connect("anthropic", server.address), asking("plain"))
    state = finish_of(events).state
    assert state is not None
    assert state["content"][0]["thinking"] == "Hm\ufffd."


@given(st.lists(st.text(st.characters(codec=None), max_size=4)))
def test_pieces_are_the_whole(pieces: list[str]) -> None:
    joined = Pieces()
    out = "".join(joined.next(piece) for piece in pieces)
    whole = clean("".join(pieces))
    assert out == whole or out == whole.removesuffix("\ufffd")
    assert "\0" not in out
    out.encode()
