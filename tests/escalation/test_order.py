"""Clocks go by the order of what happened: the machine's may jump, and be put right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core import jobs
from deskward.core.database import now
from deskward.escalation.clocks import Said, State, clocks
from deskward.escalation.models import sla_watch
from deskward.escalation.timers import CHECK, NEVER, look
from deskward.tickets import service, timers
from tests.conftest import CUSTOMER, STAFF, Call
from tests.escalation.histories import H, at, policy, terms
from tests.escalation.test_breaches import Moving, _listening, change, of, opened, told

__all__ = ["_listening"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Moving:
    return Moving(monkeypatch)


async def running(call: Call, ticket: str) -> dict[str, Any]:
    due = (await call("get_ticket_due", STAFF, ticket_id=ticket)).value
    return {one["clock"]: one for one in due["clocks"] if one["state"] == "running"}


async def test_a_look_by_a_clock_that_was_fast_costs_no_escalation(
    desk: Desk, call: Call, clock: Moving
) -> None:
    ticket = await opened(call)  # the first answer is due at 11:00
    clock.move(days=1)
    await told(desk)  # of what is eight hours late nobody is told
    clock.move(days=-1)
    await told(desk)
    clock.move(minutes=95)
    assert (ticket, "first_response") in await of(desk, ticket)


async def test_a_job_of_a_clock_that_was_fast_is_not_waited_for(
    desk: Desk, call: Call, clock: Moving
) -> None:
    ticket = await opened(call)
    await told(desk)
    clock.move(days=1)
    async with desk.database.transaction() as db:  # as where the process ended before its job ran
        name = timers.name_of(CHECK, "default", ticket)
        await jobs.put(db, name, CHECK, {"tenant": "default", "ticket_id": ticket}, due=now())
        await db.execute(sa.update(sla_watch).values(next_at=NEVER, looked_at=now()))
    clock.move(days=-1, minutes=95)
    await look(desk.gate)
    assert (ticket, "first_response") in await of(desk, ticket)


async def test_states_are_in_the_order_in_which_they_came(
    desk: Desk, call: Call, clock: Moving
) -> None:
    ticket = await opened(call)
    clock.move(hours=2)
    await change(call, ticket, status="resolved", reply="It is done.")
    clock.move(hours=-1, minutes=-50)
    assert (await call("answer_ticket", ticket_id=ticket, text="It is not.")).status == "ok"
    found = await running(call, ticket)
    assert found.keys() == {"next_response", "resolution"}
    started = datetime.fromisoformat(found["next_response"]["started_at"])
    assert started - clock.at < timedelta(minutes=1)
    assert found["resolution"]["spent_minutes"] == 10  # not the hours that never were


async def test_words_after_a_clock_was_put_right_are_waited_for(
    desk: Desk, call: Call, clock: Moving
) -> None:
    ticket = await opened(call)
    soon = clock.at + timedelta(hours=9)
    await change(call, ticket, answer_due_at=soon.isoformat())
    clock.move(hours=1)
    await change(call, ticket, reply="Which one is it?")
    clock.move(minutes=-30)
    assert (
        await call("answer_ticket", CUSTOMER, ticket_id=ticket, text="The blue.")
    ).status == "ok"
    assert "next_response" in await running(call, ticket)
    db = desk.database.reader
    assert not await timers.answered(db, "default", await service.get(db, "default", ticket))


async def test_the_words_of_a_merged_ticket_stay_where_they_were(
    desk: Desk, call: Call, clock: Moving
) -> None:
    first = await opened(call)
    clock.move(minutes=10)
    ticket = await opened(call)
    clock.move(minutes=10)
    await change(call, ticket, reply="It is done.")
    assert (await call("merge_tickets", STAFF, ticket_id=first, into=ticket)).status == "ok"
    assert "next_response" not in await running(call, ticket)  # it was answered after both
    db = desk.database.reader
    assert await timers.answered(db, "default", await service.get(db, "default", ticket))


def test_what_has_a_place_is_in_that_order_and_the_rest_by_its_moment() -> None:
    find = terms(policy())
    states = [
        State(at(0), "open", "normal"),
        State(at(5), "resolved", "normal", messages=2),
        State(at(1), "open", "normal", messages=3),
    ]
    said = [
        Said(at(1), "customer", 3),
        Said(at(5), "staff", 2),
        Said(at(0), "customer", 1),
        Said(at(0.5), "staff"),
    ]
    found = clocks(states, said, find, at(2))
    assert [(one.which, one.how) for one in found] == [
        ("first_response", "met"),
        ("next_response", "running"),
        ("resolution", "running"),
    ]
    assert (found[0].ended_at, found[1].started_at) == (at(0.5), at(1))
    assert found[2].spent == 2 * H
