"""A provider that fails is left alone for a while, and the next model answers meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import perf_counter

import pytest

from deskward.agent.model import Interrupted, ModelEvent, ModelRequest, TextPiece
from deskward.agent.models.fallback import FallbackModel
from deskward.agent.models.faults import NoAnswer
from deskward.core import outages
from deskward.core.errors import ModelUnavailable
from tests.agent.odd_server import ANSWERS, ARGUMENTS, head, odd, sse
from tests.agent.providers import (
    PROTOCOLS,
    Connect,
    Offline,
    asking,
    fails,
    finish_of,
    run,
    text_of,
)
from tests.agent.scripted import ScriptedModel

pytestmark = pytest.mark.usefixtures("no_settings_from_outside")

Reply = Sequence[bytes | float]


class Clock:
    """Stands in for the process's clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(outages, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def outage_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == outages.__name__]


FAULTS: list[Reply] = [
    [head(429, Retry_After="40")],
    [head(429, Retry_After="0")],
    [head(429, Retry_After="99999999999999999999")],
    [head(429, Retry_After="9" * 5000)],
    [head(429, Retry_After="soon, I hope")],
    [head(429, retry_after_ms="nan", Retry_After="-7")],
    [head(429, Retry_After=format_datetime(datetime.now(UTC) + timedelta(minutes=5)))],
    [head(503, Retry_After="40")],
    [head(500)],
    [head()[:20]],
    [head(), b"<html>Sign in to this network</html>"],
    [head(), b"data: {not json\n\n"],
    [head(402)],
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("reply", FAULTS, ids=range(len(FAULTS)))
async def test_the_next_model_answers_at_once_and_the_server_is_left_alone(
    connect: Connect, protocol: str, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    async with odd(reply) as server:
        model = connect(protocol, server.address, behind="offline")
        begun = perf_counter()
        assert finish_of(await run(model, asking("plain"))).model == "offline"
        assert perf_counter() - begun < 15  # what they ask to be left alone for is 40 s and more
        asked = len(server.requests)
        begun = perf_counter()
        for _ in range(50):
            assert finish_of(await run(model, asking("plain"))).model == "offline"
        assert perf_counter() - begun < 10  # fifty waits of half a second, a provider's shortest
        assert len(server.requests) == asked <= 2
    assert len(outage_lines(caplog)) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("reply", [[30.0], [head(), 30.0], [head(), *[b": here\n\n", 0.2] * 150]])
async def test_a_server_that_hangs_costs_one_message_its_patience(
    connect: Connect, protocol: str, reply: Reply
) -> None:
    async with odd(reply) as server:
        model = connect(protocol, server.address, timeout=0.5, behind="offline")
        begun = perf_counter()
        assert finish_of(await run(model, asking("plain"))).model == "offline"
        assert 0.4 < perf_counter() - begun < 15  # it hangs for 30 s
        begun = perf_counter()
        for _ in range(20):
            assert finish_of(await run(model, asking("plain"))).model == "offline"
        assert perf_counter() - begun < 5  # twenty times its patience is 10 s
        assert len(server.requests) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("pause", [[], [30.0]], ids=["cut", "hang"])
async def test_a_server_that_breaks_off_is_left_alone(
    connect: Connect, protocol: str, pause: Reply
) -> None:
    start = ANSWERS[protocol].rsplit(b"data:", 2)[0]
    async with odd([head(), start, *pause]) as server:
        model = connect(protocol, server.address, timeout=2.0, behind="offline")
        with pytest.raises(Interrupted):
            await run(model, asking("plain"))
        assert text_of(await run(model, asking("plain"))) == "I am here."
        assert len(server.requests) == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_blink_is_no_outage(
    connect: Connect, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with odd([head(503)], [head(), ANSWERS[protocol]]) as server:
        model = connect(protocol, server.address, behind="offline")
        assert text_of(await run(model, asking("plain"))) == "Hello."
    assert not outage_lines(caplog)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("reply", [[head(400)], [head(413)], [head(), b"bad arguments"]])
async def test_a_request_that_a_provider_refuses_is_no_outage(
    connect: Connect, protocol: str, reply: Reply
) -> None:
    if reply[-1] == b"bad arguments":
        reply = [head(), ARGUMENTS[protocol]("[1]")]
    async with odd(reply, [head(), ANSWERS[protocol]]) as server:
        model = connect(protocol, server.address, behind="offline")
        assert text_of(await run(model, asking("odd"))) == "I am here."
        assert text_of(await run(model, asking("plain"))) == "Hello."


async def test_it_is_tried_after_its_time_by_one_call(
    connect: Connect, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    slow: Reply = [head(), 0.3, ANSWERS["openai"]]
    async with odd([head(429, Retry_After="40")], slow) as server:
        model = connect("openai", server.address, behind="offline")
        await run(model, asking("plain"))
        clock.now += 39
        assert finish_of(await run(model, asking("plain"))).model == "offline"
        clock.now += 2
        answers = await asyncio.gather(*(run(model, asking("plain")) for _ in range(5)))
        names = sorted(finish_of(events).model for events in answers)
        assert names == ["offline"] * 4 + ["openai:test"]
        assert len(server.requests) == 2
        assert finish_of(await run(model, asking("plain"))).model == "openai:test"
    away, back = outage_lines(caplog)
    assert "tried again in 40 s" in away
    assert "openai:test" in away
    assert "answers again" in back


async def test_each_trial_that_fails_doubles_the_rest(clock: Clock) -> None:
    failing = ScriptedModel(*[[ModelUnavailable("away")]] * 40)
    model = FallbackModel([failing, Offline()])
    rests = []
    for _ in range(8):
        await run(model, asking("plain"))
        (outage,) = model.outages
        rests.append(int(outage.split()[-2]))
        clock.now += rests[-1]
    assert rests == [5, 10, 20, 40, 60, 60, 60, 60]


@pytest.mark.parametrize(("asked", "kept"), [(0, 1), (1, 1), (40, 40), (10**9, 300)])
async def test_how_long_a_provider_may_ask_to_be_left_alone(
    clock: Clock, asked: int, kept: int
) -> None:
    failing = ScriptedModel([ModelUnavailable("away", retry_after=asked)])
    model = FallbackModel([failing, Offline()])
    await run(model, asking("plain"))
    assert model.outages[0].endswith(f"in {kept} s.")


async def test_a_call_that_its_caller_ends_leaves_the_next_one_to_try(clock: Clock) -> None:
    trial = ScriptedModel([ModelUnavailable("away")], ["Hello. ", 30.0], ["Hello."])
    model = FallbackModel([trial, Offline()])
    await run(model, asking("plain"))
    clock.now += 5
    stream = model.stream(asking("plain"))
    assert isinstance(await anext(stream), TextPiece)
    assert finish_of(await run(model, asking("plain"))).model == "offline"
    await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
    assert finish_of(await run(model, asking("plain"))).model == "scripted"


async def test_several_calls_that_fail_at_once_are_one_outage(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    class Slow(Offline):
        name = "slow"

        async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
            await asyncio.sleep(0.05)
            raise ModelUnavailable("slow is away")
            yield

    model = FallbackModel([Slow(), Offline()])
    await asyncio.gather(*(run(model, asking("plain")) for _ in range(5)))
    assert model.outages == ["slow is away It is tried again in 5 s."]
    assert len(outage_lines(caplog)) == 1


async def test_the_last_model_is_always_asked(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    refused: Reply = [head(401)]
    async with odd(refused, refused, [head(), ANSWERS["openai"]]) as server:
        model = connect("openai", server.address)
        for _ in range(2):
            await fails(model, asking("plain"))
        assert text_of(await run(model, asking("plain"))) == "Hello."
    assert len(outage_lines(caplog)) == 2
    assert not model.outages  # type: ignore[attr-defined]  # it is a fallback


async def test_without_another_model_a_short_wait_is_waited_for(connect: Connect) -> None:
    async with odd([head(429, Retry_After="1")], [head(), ANSWERS["openai"]]) as server:
        model = connect("openai", server.address)
        assert text_of(await run(model, asking("plain"))) == "Hello."


async def test_without_another_model_a_wait_has_its_bound(connect: Connect) -> None:
    async with odd([head(429, Retry_After="40")]) as server:
        begun = perf_counter()
        await fails(connect("openai", server.address, timeout=0.5), asking("plain"))
        assert perf_counter() - begun < 20


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("status", [429, 503, 529])
async def test_without_another_model_a_long_wait_is_said_at_once(
    connect: Connect, protocol: str, status: int
) -> None:
    """The SDKs would sleep through it, and nobody is told anything meanwhile."""
    async with odd([head(status, Retry_After="20")]) as server:
        model = connect(protocol, server.address, timeout=30)
        begun = perf_counter()
        error = await fails(model, asking("plain"))
        assert perf_counter() - begun < 10
        assert error.retry_after == 20
        assert len(server.requests) == 1


async def test_what_is_no_answer_says_so_of_its_one_request(connect: Connect) -> None:
    async with odd([head(422)]) as server:
        assert isinstance(await fails(connect("openai", server.address), asking("x")), NoAnswer)


async def test_an_error_in_the_stream_is_an_outage(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    wire = sse({"error": {"message": "overloaded"}, "type": "error"})
    async with odd([head(), wire]) as server:
        model = connect("anthropic", server.address, behind="offline")
        for _ in range(3):
            assert finish_of(await run(model, asking("plain"))).model == "offline"
        assert len(server.requests) == 1
    (line,) = outage_lines(caplog)
    assert "overloaded" not in line
    assert all(record.levelno <= logging.WARNING for record in caplog.records)
