"""A process whose clock is wrong by a day, or jumps: nothing expires early or late."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core import clocks, jobs, worker
from deskward.core.database import now
from deskward.core.settings import Settings
from deskward.diagnostics.timers import QUIET
from tests.conftest import STAFF, Call, caller
from tests.diagnostics.test_sessions import TO_CAUSE, answer, start

DAY = timedelta(days=1)
SOON = timedelta(minutes=1)


def real() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _afterwards() -> Iterator[None]:
    yield
    clocks._known = None


class Server:
    """Tells a moment, and takes its time for that."""

    def __init__(self, moment: datetime, *, takes: float = 0.0) -> None:
        self.moment, self.takes = moment, takes

    async def first(self, statement: sa.Executable, **parameters: Any) -> Any:
        await asyncio.sleep(self.takes)
        return (self.moment,)


async def test_the_servers_clock_counts_and_goes_on_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs = real() + 3 * DAY
    await clocks.ask(Server(theirs))
    assert abs(now() - theirs) < SOON
    monkeypatch.setattr(clocks, "process_clock", lambda: real() - DAY)  # it is set meanwhile
    assert abs(now() - theirs) < SOON
    on = clocks.elapsed() + 3_600
    monkeypatch.setattr(clocks, "elapsed", lambda: on)
    assert abs(now() - theirs - timedelta(hours=1)) < SOON


async def test_it_is_not_set_for_less_than_is_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = real()
    await clocks.ask(Server(begun))
    first = clocks._known
    await clocks.ask(Server(begun + timedelta(milliseconds=200)))
    assert clocks._known is first
    monkeypatch.setattr(clocks, "PRECISE", 0.01)
    await clocks.ask(Server(begun + DAY, takes=0.05))
    assert clocks._known is first  # an answer that came late
    await clocks.ask(Server(begun + DAY))
    assert abs(now() - begun - DAY) < SOON


async def test_a_database_without_a_clock_leaves_it_to_the_machine() -> None:
    database: Any = SimpleNamespace(is_sqlite=True)
    async with clocks.kept(database):
        assert clocks._known is None
        assert abs(now() - real()) < SOON


ON_POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))


@pytest.mark.parametrize("settings", [ON_POSTGRESQL], indirect=True)
@pytest.mark.parametrize("wrong", [DAY, -DAY], ids=["ahead", "behind"])
@pytest.mark.parametrize("when", ["from the start", "while it runs"])
async def test_sessions_tickets_and_queues_go_by_the_databases_clock(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, wrong: timedelta, when: str
) -> None:
    monkeypatch.setattr(worker, "POLL", 0.05)
    if when == "from the start":
        monkeypatch.setattr(clocks, "process_clock", lambda: real() + wrong)
    async with open_desk(settings, chat=False) as desk:
        call = caller(desk)
        if when == "while it runs":
            monkeypatch.setattr(clocks, "process_clock", lambda: real() + wrong)
        session = await start(call)
        helped = await answer(call, await start(call), *TO_CAUSE)
        assert abs(datetime.fromisoformat(session["created_at"]) - real()) < SOON
        due = await _due(desk)
        quiet = settings.diagnostics
        assert abs(due[session["id"]] - real() - quiet.ends_after) < SOON
        assert abs(due[helped["id"]] - real() - quiet.confirms_after) < SOON
        await _check_ticket_and_queue(call)
        await _let_ring(desk, real() + timedelta(hours=1))
        await asyncio.sleep(0.5)  # ten looks for what is due
        assert await _states(call, session, helped) == ["open", "to_confirm"], "too early"
        await _let_ring(desk, real() - timedelta(seconds=1))
        async with asyncio.timeout(60):
            while await _states(call, session, helped) != ["ended", "resolved"]:
                await asyncio.sleep(0.05)


async def _states(call: Call, *sessions: dict[str, Any]) -> list[str]:
    named = [one["id"] for one in sessions]
    found = [await call("get_diagnostic_session", session_id=one) for one in named]
    return [one.value["status"] for one in found]


async def _let_ring(desk: Desk, moment: datetime) -> None:
    async with desk.database.transaction() as db:
        moved = sa.update(jobs.jobs).where(jobs.jobs.c.kind == QUIET).values(due_at=moment)
        await db.execute(moved)


async def _due(desk: Desk) -> dict[str, datetime]:
    """When each session that is left alone is looked at."""
    rows = await desk.database.reader.all(
        sa.select(jobs.jobs.c.payload, jobs.jobs.c.due_at).where(jobs.jobs.c.kind == QUIET)
    )
    return {row.payload["session_id"]: row.due_at for row in rows}


async def _check_ticket_and_queue(call: Call) -> None:
    """What a ticket and a place in a queue have left is what it would be with a right clock."""
    told = {"customer_id": "user_001", "subject": "Slow", "body": "It is slow."}
    ticket_id = (await call("create_ticket", STAFF, **told)).value["ticket_id"]
    due = (await call("get_ticket_due", STAFF, ticket_id=ticket_id)).value
    assert due["clocks"]
    assert not due["overdue"]
    for one in due["clocks"]:
        assert abs(datetime.fromisoformat(one["started_at"]) - real()) < SOON
        assert one["spent_minutes"] == 0
    routed = {"ticket_id": ticket_id, "specialist_type": "network", "priority_level": 1}
    item = (await call("route_to_specialist", STAFF, **routed)).value
    named = {"escalation_id": item["escalation_id"]}
    shown = (await call("get_escalation", STAFF, **named)).value
    assert abs(datetime.fromisoformat(shown["queued_at"]) - real()) < SOON
    assert datetime.fromisoformat(shown["begin_by"]) > real()
    figures = (await call("get_queue_metrics", STAFF, specialist_type="network")).value
    assert figures["queues"][0]["late_now"] == 0
