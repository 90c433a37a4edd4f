"""What falls due on tickets rings once, at its moment, and not where it is no longer so."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core import database, worker
from deskward.core.database import now
from deskward.core.events import EVERY_TENANT, Kind, events, listen
from deskward.core.jobs import jobs
from deskward.core.settings import Settings
from deskward.tickets import timers
from tests.conftest import STAFF, Call, hire

TOLD: tuple[Kind, ...] = ("ticket.due_soon", "conversation.waiting_long")


@pytest.fixture(autouse=True)
async def _listening(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL", 0.05)
    async with desk.database.transaction() as db:
        await listen(db, EVERY_TENANT, "test", TOLD)


class Clock:
    """A clock that tests move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead, real = timedelta(0), database.clock
        monkeypatch.setattr(database, "clock", lambda: real() + self._ahead)

    def move(self, **by: float) -> None:
        self._ahead += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def told(desk: Desk) -> list[tuple[str, Any]]:
    wanted = sa.select(events).where(events.c.listener == "test").order_by(events.c.seq)
    return [(row.kind, row.data) for row in await desk.database.reader.all(wanted)]


async def waiting(desk: Desk, *kinds: str) -> int:
    """How many timers wait."""
    wanted = sa.select(jobs.c.id).where(jobs.c.kind.in_(kinds or (timers.DUE_SOON, timers.WAKE)))
    return len(await desk.database.reader.all(wanted))


async def rung(desk: Desk) -> list[tuple[str, Any]]:
    """What was told once nothing is left that is due."""
    is_due = jobs.c.due_at <= sa.bindparam("b", type_=jobs.c.due_at.type)
    due = sa.select(jobs.c.id).where(is_due | (jobs.c.status == "running"))
    async with asyncio.timeout(20):
        while await desk.database.reader.all(due, b=now()):
            desk.jobs.wake()
            await asyncio.sleep(0.02)
    return await told(desk)


async def opened(call: Call) -> str:
    return str((await call("create_ticket", subject="A", body="B")).value["ticket_id"])


async def change(call: Call, ticket: str, **update: Any) -> None:
    done = await call("update_ticket", STAFF, ticket_id=ticket, update=update)
    assert done.status == "ok", done.value


async def test_a_ticket_that_is_due_soon_is_told_once(desk: Desk, call: Call, clock: Clock) -> None:
    await hire(desk, "anna")
    ticket = await opened(call)
    due = now() + timedelta(hours=5)
    await change(call, ticket, answer_due_at=due.isoformat(), assignee="anna", team="billing")
    clock.move(hours=3, minutes=50)
    assert await rung(desk) == []
    clock.move(minutes=15)
    [(kind, data)] = await rung(desk)
    assert kind == "ticket.due_soon"
    assert (data["what"], data["assignee"], data["team"]) == ("answer", "anna", "billing")
    assert datetime.fromisoformat(data["due_at"]) == due
    clock.move(days=9)
    assert len(await rung(desk)) == 1


@pytest.mark.parametrize(
    "ending",
    [{"status": "resolved"}, {"answer_due_at": None}, {"reply": "Done."}, {"status": "closed"}],
    ids=str,
)
async def test_what_has_ended_rings_no_more(
    desk: Desk, call: Call, clock: Clock, ending: dict[str, Any]
) -> None:
    ticket = await opened(call)
    await change(call, ticket, answer_due_at=(now() + timedelta(hours=5)).isoformat())
    assert await waiting(desk) == 1
    await change(call, ticket, **ending)
    assert await waiting(desk) == 0
    clock.move(days=1)
    assert await rung(desk) == []


async def test_a_moved_moment_rings_at_the_new_one(desk: Desk, call: Call, clock: Clock) -> None:
    ticket = await opened(call)
    for hours in (5, 50, 20):
        due = now() + timedelta(hours=hours)
        await change(call, ticket, resolve_due_at=due.isoformat())
    assert await waiting(desk) == 1
    clock.move(hours=10)
    assert await rung(desk) == []
    clock.move(hours=9, minutes=30)
    assert [data["what"] for _, data in await rung(desk)] == ["resolve"]


async def test_a_timer_that_was_left_behind_changes_nothing(
    desk: Desk, call: Call, clock: Clock
) -> None:
    """A job whose ticket was changed past it, as by a process of before: it looks, and ends."""
    ticket = await opened(call)
    due = now() + timedelta(hours=5)
    await change(call, ticket, answer_due_at=due.isoformat())
    async with desk.database.transaction() as db:
        await db.execute(sa.text("UPDATE tickets SET status = 'resolved'"))
    clock.move(hours=6)
    assert await rung(desk) == []


async def test_a_reopened_ticket_is_due_again(desk: Desk, call: Call, clock: Clock) -> None:
    ticket = await opened(call)
    await change(call, ticket, resolve_due_at=(now() + timedelta(hours=9)).isoformat())
    await change(call, ticket, status="resolved")
    assert await waiting(desk) == 0
    assert (await call("answer_ticket", ticket_id=ticket, text="Not yet.")).status == "ok"
    assert await waiting(desk) == 1
    clock.move(hours=8, minutes=30)
    assert [data["what"] for _, data in await rung(desk)] == ["resolve"]


async def resolve(call: Call, ticket: str) -> None:
    await change(call, ticket, status="resolved")


async def reopen(call: Call, ticket: str) -> None:
    await change(call, ticket, status="open")


async def spam(call: Call, ticket: str) -> None:
    assert (await call("mark_spam", STAFF, ticket_id=ticket)).status == "ok"


async def no_spam(call: Call, ticket: str) -> None:
    assert (await call("mark_spam", STAFF, ticket_id=ticket, spam=False)).status == "ok"


@pytest.mark.parametrize(("end", "again"), [(resolve, reopen), (spam, no_spam)])
async def test_what_staff_have_waited_for_again_rings(
    desk: Desk, call: Call, clock: Clock, end: Any, again: Any
) -> None:
    made = await call("hand_over", customer_id="user_001", reason="Help me")
    ticket = made.value["ticket_id"]
    moments = {"answer_due_at": 9, "resolve_due_at": 10}
    due = {name: (now() + timedelta(hours=hours)).isoformat() for name, hours in moments.items()}
    await change(call, ticket, **due)
    until = (now() + timedelta(hours=3)).isoformat()
    assert (await call("snooze_ticket", STAFF, ticket_id=ticket, until=until)).status == "ok"
    kinds = (timers.DUE_SOON, timers.WAKE, timers.STILL_WAITS)
    assert await waiting(desk, *kinds) == 4
    await end(call, ticket)
    assert await waiting(desk, *kinds) == 0
    await again(call, ticket)
    assert await waiting(desk, *kinds) == 4
    clock.move(hours=3, minutes=1)
    assert ("ticket.due_soon", "snooze") in [
        (kind, data.get("what")) for kind, data in await rung(desk)
    ]
    assert (await call("get_ticket", STAFF, ticket_id=ticket)).value["snoozed_until"] is None
    await no_spam(call, ticket)  # it is none already: what has rung does not ring again
    clock.move(hours=6)
    for _ in range(2):
        await change(call, ticket, status="pending")
    soon = [data["what"] for kind, data in await rung(desk) if kind == "ticket.due_soon"]
    assert sorted(soon) == ["answer", "resolve", "snooze"]


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
async def test_a_moment_that_no_calendar_has_is_refused(
    desk: Desk, call: Call, moment: str
) -> None:
    ticket = await opened(call)
    update = {"ticket_id": ticket, "update": {"answer_due_at": moment}}
    for outcome in (
        await call("update_ticket", STAFF, **update),
        await call("snooze_ticket", STAFF, ticket_id=ticket, until=moment),
    ):
        assert outcome.error is not None
        assert outcome.error.status in (400, 422), outcome.value
        assert "9999" in outcome.error.message


async def test_what_was_answered_and_asked_again_is_due_again(
    desk: Desk, call: Call, clock: Clock
) -> None:
    ticket = await opened(call)
    await change(call, ticket, answer_due_at=(now() + timedelta(hours=5)).isoformat())
    await change(call, ticket, reply="Done.")
    assert await waiting(desk) == 0
    assert (await call("answer_ticket", ticket_id=ticket, text="It is not.")).status == "ok"
    assert await waiting(desk) == 1
    clock.move(hours=4, minutes=5)
    assert [data["what"] for _, data in await rung(desk)] == ["answer"]
    assert (await call("answer_ticket", ticket_id=ticket, text="Hello?")).status == "ok"
    assert len(await rung(desk)) == 1  # nobody has answered in between: it was told


async def test_a_snoozed_ticket_comes_back_and_its_people_are_told(
    desk: Desk, call: Call, clock: Clock
) -> None:
    ticket = await opened(call)
    for hours in (2, 3):
        until = (now() + timedelta(hours=hours)).isoformat()
        assert (await call("snooze_ticket", STAFF, ticket_id=ticket, until=until)).status == "ok"
    assert await waiting(desk) == 1
    clock.move(hours=3, minutes=1)
    assert [data["what"] for _, data in await rung(desk)] == ["snooze"]
    shown = (await call("get_ticket", STAFF, ticket_id=ticket)).value
    assert shown["snoozed_until"] is None
    until = (now() + timedelta(hours=2)).isoformat()
    await call("snooze_ticket", STAFF, ticket_id=ticket, until=until)
    await call("answer_ticket", ticket_id=ticket, text="Hello?")  # it is back by this
    assert await waiting(desk) == 0


async def test_a_handover_is_told_to_its_team_and_then_to_those_who_lead(
    desk: Desk, call: Call, clock: Clock
) -> None:
    made = await call("hand_over", customer_id="user_001", reason="Help me")
    await change(call, made.value["ticket_id"], team="billing")
    stages = []
    for _ in range(4):
        clock.move(minutes=16)
        stages = [(data["to"], data["team"]) for _, data in await rung(desk)]
    assert stages == [("team", "billing"), ("leads", "billing")]


async def test_a_handover_that_somebody_has_is_told_no_more_until_they_leave_it(
    desk: Desk, call: Call, clock: Clock
) -> None:
    await hire(desk, "anna")
    ticket = (await call("hand_over", customer_id="user_001", reason="Help me")).value["ticket_id"]
    await change(call, ticket, assignee="anna")
    assert await waiting(desk, timers.STILL_WAITS) == 0
    clock.move(hours=1)
    assert await rung(desk) == []
    await change(call, ticket, assignee=None)
    clock.move(minutes=16)
    assert [data["to"] for _, data in await rung(desk)] == ["team"]


async def test_two_processes_ring_once(
    desk: Desk, call: Call, clock: Clock, settings: Settings
) -> None:
    tickets = [await opened(call) for _ in range(8)]
    for ticket in tickets:
        await change(call, ticket, answer_due_at=(now() + timedelta(hours=5)).isoformat())
    async with open_desk(settings, model=desk.conversations.agent.model) as other:
        clock.move(hours=4, minutes=30)
        other.jobs.wake()
        assert len(await rung(desk)) == len(tickets)
        await asyncio.sleep(0.3)
        assert len(await told(other)) == len(tickets)
