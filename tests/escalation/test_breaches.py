"""A ticket is escalated before a clock of it runs out, once, and not where it was answered."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core import database, jobs, worker
from deskward.core.database import now
from deskward.core.events import EVERY_TENANT, events, listen
from deskward.core.events import Kind as EventKind
from deskward.escalation.models import sla_watch
from deskward.escalation.timers import CHECK, check, look
from deskward.gate.context import Context
from deskward.notices.hearing import _concerned
from deskward.security import members, tenants
from deskward.security.principals import Kind, Principal
from deskward.tickets.states import ticket_states
from tests.conftest import AUDITOR, CUSTOMER, STAFF, Call, hire

LEAD = Principal(Kind.STAFF, "lead", "default", ("support-3",))


class Moving:
    """A clock that stands still until tests move it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
        monkeypatch.setattr(database, "clock", self._tick)

    def _tick(self) -> datetime:
        self.at += timedelta(microseconds=1)  # what comes later is later
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Moving:
    return Moving(monkeypatch)


@pytest.fixture(autouse=True)
async def _listening(monkeypatch: pytest.MonkeyPatch, clock: Moving, desk: Desk) -> None:
    monkeypatch.setattr(worker, "POLL", 0.05)
    async with desk.database.transaction() as db:
        kinds: tuple[EventKind, ...] = ("ticket.escalated",)
        await listen(db, EVERY_TENANT, "test", kinds)


async def told(desk: Desk) -> list[tuple[str, str]]:
    """Of which clocks of which tickets it was told, once everything due is done."""
    moment = sa.bindparam("m", type_=sla_watch.c.next_at.type)
    watched = sa.select(sla_watch.c.number).where(
        (sla_watch.c.next_at <= moment) | (sla_watch.c.looked_at > moment)
    )
    at_work = sa.select(jobs.jobs.c.id).where(jobs.jobs.c.kind == CHECK)
    async with asyncio.timeout(20):
        while True:
            due = await desk.database.reader.all(watched, m=now())
            if not due and not await desk.database.reader.all(at_work):
                break
            desk.jobs.wake()
            await asyncio.sleep(0.02)
    wanted = sa.select(events).where(events.c.listener == "test").order_by(events.c.seq)
    rows = await desk.database.reader.all(wanted)
    return [(row.record, row.data["clock"]) for row in rows]


async def opened(call: Call, **more: Any) -> str:
    told = {"subject": "A", "body": "B", "priority": "urgent", **more}
    return str((await call("create_ticket", **told)).value["ticket_id"])


async def change(call: Call, ticket: str, **update: Any) -> None:
    done = await call("update_ticket", STAFF, ticket_id=ticket, update=update)
    assert done.status == "ok", done.value


async def of(desk: Desk, ticket: str) -> list[tuple[str, str]]:
    return [one for one in await told(desk) if one[0] == ticket]


async def test_it_is_escalated_before_the_first_answer_is_late_and_once(
    desk: Desk, call: Call, clock: Moving
) -> None:
    ticket = await opened(call)  # urgent: two hours, and half an hour of them is left
    clock.move(minutes=89)
    assert await of(desk, ticket) == []
    clock.move(minutes=2)
    assert await of(desk, ticket) == [(ticket, "first_response")]
    clock.move(hours=5)
    assert await of(desk, ticket) == [(ticket, "first_response")]
    thread = (await call("list_ticket_messages", STAFF, ticket_id=ticket)).value["messages"]
    assert thread[-1]["kind"] == "note"
    assert "the first answer is due at 2026-11-30 11:00 UTC (policy urgent)" in thread[-1]["text"]
    shown = (await call("get_ticket_due", STAFF, ticket_id=ticket)).value
    assert (shown["policy"], shown["overdue"]) == ("urgent", True)
    first = shown["clocks"][0]
    assert (first["clock"], first["state"], first["target_minutes"]) == (
        "first_response",
        "running",
        120,
    )
    assert first["escalated_at"] is not None


async def test_nobody_is_told_after_a_person_has_replied(
    desk: Desk, call: Call, clock: Moving
) -> None:
    ticket = await opened(call)
    await change(call, ticket, status="pending", reply="Which card is it?")
    clock.move(hours=3)
    assert await of(desk, ticket) == []
    assert (await call("answer_ticket", ticket_id=ticket, text="The blue one.")).status == "ok"
    clock.move(hours=3, minutes=31)
    assert await of(desk, ticket) == [(ticket, "next_response")]


async def test_an_update_overrules_nothing(desk: Desk, call: Call, clock: Moving) -> None:
    ticket = await opened(call)
    await change(call, ticket, status="pending", tags=["seen"])
    clock.move(minutes=91)
    assert await of(desk, ticket) == [(ticket, "first_response")]


@pytest.mark.parametrize("ending", [{"status": "resolved"}, {"status": "closed"}], ids=str)
async def test_what_has_ended_is_not_escalated(
    desk: Desk, call: Call, clock: Moving, ending: dict[str, Any]
) -> None:
    ticket = await opened(call)
    await change(call, ticket, **ending)
    clock.move(days=3)
    assert await of(desk, ticket) == []


async def test_a_merged_ticket_is_never_escalated(desk: Desk, call: Call, clock: Moving) -> None:
    ticket, into = await opened(call), await opened(call)
    done = await call("merge_tickets", STAFF, ticket_id=ticket, into=into)
    assert done.status == "ok", done.value
    clock.move(minutes=91)
    found = await told(desk)
    assert (ticket, "first_response") not in found
    assert (into, "first_response") in found


async def test_after_a_change_of_priority_the_old_clock_does_not_fire(
    desk: Desk, call: Call, clock: Moving
) -> None:
    ticket = await opened(call)
    clock.move(minutes=60)
    await change(call, ticket, priority="normal")  # eight hours from now on, two of them to spare
    clock.move(hours=5, minutes=59)
    assert await of(desk, ticket) == []
    clock.move(minutes=2)
    assert await of(desk, ticket) == [(ticket, "first_response")]


async def test_another_tier_of_the_customer_counts_at_once(
    desk: Desk, call: Call, clock: Moving
) -> None:
    ticket = await opened(call)
    update = {"tier": "gold"}
    done = await call("update_customer", LEAD, customer_id="user_001", update=update)
    assert done.status == "ok", done.value
    clock.move(minutes=21)  # thirty minutes around the clock, ten of them to spare
    assert (ticket, "first_response") in await told(desk)


async def test_the_tenants_hours_count(desk: Desk, call: Call, clock: Moving) -> None:
    async with desk.database.transaction() as db:
        hours = {"hours": "mon-fri=09:00-10:00, mon-fri=15:00-17:00", "time_zone": "UTC"}
        await tenants.change(db, "default", hours)
    ticket = await opened(call)
    clock.move(hours=6, minutes=29)
    assert await of(desk, ticket) == []
    clock.move(minutes=2)  # half past three: an hour and a half was worked
    assert await of(desk, ticket) == [(ticket, "first_response")]


async def test_two_that_look_at_once_escalate_once(desk: Desk, call: Call, clock: Moving) -> None:
    ticket = await opened(call)
    clock.move(minutes=95)
    payload = {"tenant": "default", "ticket_id": ticket}
    for attempt in ("a" * 32, "b" * 32):
        async with desk.database.transaction() as db:
            await jobs.put(db, attempt, CHECK, payload, due=now())
    await asyncio.gather(*(look(desk.gate) for _ in range(3)))
    assert await of(desk, ticket) == [(ticket, "first_response")]


async def test_an_answer_that_comes_at_the_same_time_is_before_it_or_after_it(
    desk: Desk, call: Call, clock: Moving
) -> None:
    """Whichever comes first: what was told of stays told, and of what was answered nobody is."""
    for _ in range(6):
        ticket = await opened(call)
        clock.move(minutes=95)
        await asyncio.gather(change(call, ticket, reply="Here."), look(desk.gate))
        found = await of(desk, ticket)
        thread = (await call("list_ticket_messages", STAFF, ticket_id=ticket)).value["messages"]
        kinds = [one["kind"] for one in thread]
        assert kinds == (["message", "note", "message"] if found else ["message", "message"])


async def test_a_job_that_was_left_behind_changes_nothing(
    desk: Desk, call: Call, clock: Moving
) -> None:
    ticket = await opened(call)
    clock.move(minutes=95)
    lost = jobs.Job("x", CHECK, {"tenant": "default", "ticket_id": ticket}, 1, "nobody's")
    with pytest.raises(jobs.JobLost):
        await check(desk.gate, lost)


async def test_what_is_long_past_is_not_told_of(desk: Desk, call: Call, clock: Moving) -> None:
    """As of thousands of tickets that come from a file: nothing of them can be prevented."""
    ticket = await opened(call)
    async with desk.database.transaction() as db:  # as while no process ran
        await db.execute(sa.update(sla_watch).values(next_at=now() + timedelta(days=9)))
    clock.move(days=9, minutes=5)
    assert await of(desk, ticket) == []


async def test_every_way_of_changing_a_ticket_leaves_its_state(
    desk: Desk, call: Call, clock: Moving
) -> None:
    ticket = await opened(call)
    await change(call, ticket, status="pending")
    await change(call, ticket, tags=["seen"])
    await change(call, ticket, priority="low", team="cards")
    assert (await call("mark_spam", STAFF, ticket_id=ticket)).status == "ok"
    async with desk.database.transaction() as db:
        await db.execute(sa.text("UPDATE tickets SET status = 'resolved'"))
    wanted = sa.select(ticket_states).where(ticket_states.c.number == int(ticket[1:]))
    rows = await desk.database.reader.all(wanted.order_by(ticket_states.c.seq))
    assert [(row.status, row.priority, row.team, row.spam) for row in rows] == [
        ("open", "urgent", None, False),
        ("pending", "urgent", None, False),
        ("pending", "low", "cards", False),
        ("pending", "low", "cards", True),
        ("resolved", "low", "cards", True),
    ]


async def test_leads_and_whoever_works_on_it_are_told(
    desk: Desk, call: Call, clock: Moving
) -> None:
    await hire(desk, "anna", "lead")
    async with desk.database.transaction() as db:
        await members.change(db, "default", Kind.STAFF, "lead", {"roles": ["support-3"]})
    ticket = await opened(call)
    await change(call, ticket, assignee="anna")
    clock.move(minutes=91)
    await told(desk)
    wanted = sa.select(events).where(events.c.listener == "test", events.c.record == ticket)
    event = await desk.database.reader.first(wanted)
    assert event is not None
    async with desk.database.transaction() as db:
        people = await _concerned(db, desk.gate, event)
    assert {("staff:anna", "escalated"), ("staff:lead", "escalated")} <= set(people)
    assert {name for _, name in people} == {"escalated"}


async def test_customers_see_no_clocks_and_auditors_do(call: Call) -> None:
    ticket = await opened(call)
    assert (await call("get_ticket_due", CUSTOMER, ticket_id=ticket)).status == "error"
    assert (await call("get_ticket_due", AUDITOR, ticket_id=ticket)).status == "ok"
    missing = await call("get_ticket_due", STAFF, ticket_id="T999999")
    assert missing.value["error"]["code"] == "TICKET_NOT_FOUND"


async def test_another_tenants_ticket_is_not_there(desk: Desk, call: Call) -> None:
    ticket = await opened(call)
    stranger = Principal(Kind.STAFF, "anna", "acme", ("support",))
    found = await desk.gate.call("get_ticket_due", {"ticket_id": ticket}, Context(stranger, "cli"))
    assert found.status == "error"
