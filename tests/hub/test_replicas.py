"""Several processes of one server: who gets a call, and what becomes of it when one dies."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from mcp import MCPError

from deskward.core.errors import DeskwardError, OutcomeUnknown, Unavailable
from deskward.hub.config import Server, Way
from deskward.hub.connection import Connection, TookTooLong
from deskward.hub.replicas import Replicas
from deskward.hub.transports import OURS, UNCLEAR
from tests.hub.test_many import looking_often

pytestmark = [pytest.mark.xdist_group("hub"), pytest.mark.usefixtures("looking_often")]
__all__ = ["looking_often"]


class Scripted:
    """What the connections of a server answer, one after the other; and who was asked."""

    def __init__(self, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        ways = tuple(Way(("http",), url=f"http://h/{number}") for number in range(count))
        self.replicas = Replicas(Server("s", ways))
        self.asked: list[int] = []
        self.ends: dict[int, DeskwardError] = {}
        for each in self.replicas.connections:
            each.state = "available"

        async def answer(one: Connection, *_: Any) -> Any:
            number = self.replicas.connections.index(one)
            self.asked.append(number)
            if number in self.ends:
                raise self.ends[number]
            return number

        monkeypatch.setattr(Connection, "_answer", answer)
        monkeypatch.setattr("deskward.hub.connection.content", lambda number: {"by": number})
        monkeypatch.setattr("deskward.hub.replicas.AGAIN", 0.0)
        monkeypatch.setattr("deskward.hub.replicas.HEALS", 0.0)

    async def call(self, *, safe: bool) -> Any:
        """One call; the code of its error where it has one."""
        try:
            return (await self.replicas.call("t", {}, safe=safe))["by"]
        except DeskwardError as error:
            return error.error_code


AWAY, UNKNOWN, SLOW = Unavailable("away"), OutcomeUnknown("broke"), TookTooLong("slow")


@pytest.mark.parametrize(
    ("safe", "count", "end", "asked", "outcome"),
    [
        # What was sent and only reads goes to the others; to the same again where there is none.
        (True, 3, UNKNOWN, 3, "UNAVAILABLE"),
        (True, 1, UNKNOWN, 2, "UNAVAILABLE"),
        (True, 3, SLOW, 3, "TIME_LIMIT_EXCEEDED"),
        (True, 1, SLOW, 1, "TIME_LIMIT_EXCEEDED"),
        # What was sent and acts goes nowhere else, ever.
        (False, 3, UNKNOWN, 1, "OUTCOME_UNKNOWN"),
        (False, 3, SLOW, 1, "OUTCOME_UNKNOWN"),
        (False, 1, UNKNOWN, 1, "OUTCOME_UNKNOWN"),
        # What was surely not sent may.
        (True, 3, AWAY, 3, "UNAVAILABLE"),
        (False, 3, AWAY, 3, "UNAVAILABLE"),
        (False, 1, AWAY, 1, "UNAVAILABLE"),
    ],
)
async def test_only_what_is_safe_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
    safe: bool,
    count: int,
    end: DeskwardError,
    asked: int,
    outcome: str,
) -> None:
    scripted = Scripted(count, monkeypatch)
    scripted.ends = dict.fromkeys(range(count), end)
    assert await scripted.call(safe=safe) == outcome
    assert len(scripted.asked) == asked
    assert len(set(scripted.asked)) == min(asked, count)
    if asked > 1 and count > 1:
        works = scripted.asked[-1]
        scripted.asked.clear()
        del scripted.ends[works]
        assert await scripted.call(safe=safe) == works


async def test_the_one_with_least_to_do_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = Scripted(3, monkeypatch)
    for _ in range(6):
        await scripted.call(safe=False)
    assert Counter(scripted.asked) == {0: 2, 1: 2, 2: 2}
    first, second, third = scripted.replicas.connections
    first.running, second.running, third.running = 3, 1, 2
    assert await scripted.call(safe=False) == 1
    second.state = "away"
    assert await scripted.call(safe=False) == 2


async def test_one_that_fails_again_and_again_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr("deskward.core.outages.monotonic", lambda: now)
    scripted = Scripted(2, monkeypatch)
    scripted.ends[0] = UNKNOWN
    outcomes = [await scripted.call(safe=False) for _ in range(20)]
    assert outcomes.count("OUTCOME_UNKNOWN") == 3
    assert scripted.asked.count(0) == 3
    now += 5.5  # one call tries it; then it is left alone for longer
    assert [await scripted.call(safe=True) for _ in range(4)] == [1] * 4
    assert scripted.asked.count(0) == 4
    del scripted.ends[0]
    now += 11
    assert {await scripted.call(safe=False) for _ in range(6)} == {0, 1}
    # Where there is no other, nobody waits for what is known to fail.
    alone = Scripted(1, monkeypatch)
    alone.ends[0] = SLOW
    assert [await alone.call(safe=False) for _ in range(4)][2:] == [
        "OUTCOME_UNKNOWN",
        "UNAVAILABLE",
    ]
    assert len(alone.asked) == 3


async def test_more_calls_than_it_takes_are_refused_and_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted = Scripted(2, monkeypatch)
    first, second = scripted.replicas.connections
    first.running = second.running = 100
    assert [await scripted.call(safe=safe) for safe in (True, False)] == ["UNAVAILABLE"] * 2
    assert scripted.asked == []
    second.running = 99
    assert await scripted.call(safe=False) == 1
    assert first.breaker.outage is None  # it is no fault of its


async def test_a_replica_that_offers_something_else_gets_no_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted = Scripted(3, monkeypatch)
    right = scripted.replicas.connections[1:]
    for _ in range(6):
        await scripted.replicas.call("t", {}, safe=True, at=right)
    assert set(scripted.asked) == {1, 2}


async def test_a_lost_connection_is_one_failure_however_many_calls_it_ends() -> None:
    class Session:
        async def call_tool(self, *_: Any, **__: Any) -> Any:
            raise MCPError(UNCLEAR, "reset", OURS)

    async def broken(session: Any, calls: int = 1) -> list[type]:
        connection._client = session
        connection.state = "available"
        ends = (connection.call("t", {}) for _ in range(calls))
        return [type(end) for end in await asyncio.gather(*ends, return_exceptions=True)]

    connection = Connection("s", Way(("http",), url="http://h"), timeout=5)
    assert await broken(Session(), 10) == [OutcomeUnknown] * 10
    assert connection.breaker.may_be_asked
    for may in (True, False):  # it takes connections and dies of each call
        assert await broken(Session(), 4) == [OutcomeUnknown] * 4
        assert connection.breaker.may_be_asked is may
