"""Whose an escalation is: whoever has its ticket, whatever became of that meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from deskward.app import Desk
from deskward.queues.working import look
from deskward.security.principals import Kind, Principal
from tests.conftest import STAFF, Call, hire
from tests.queues.test_queues import (
    LEAD,
    NINA,
    OLAF,
    Moving,
    act,
    appoint,
    ok,
    refused,
    routed,
    state,
)

ANNA = Principal(Kind.STAFF, "anna", "default", ("support",))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Moving:
    return Moving(monkeypatch)


@pytest.fixture(autouse=True)
async def _hired(desk: Desk, clock: Moving) -> None:  # the desk is made by the real clock
    await hire(desk, "nina", "olaf", "lead", "anna")


async def give(call: Call, item: Any, name: str | None) -> None:
    update = {"assignee": name}
    await ok(await call("update_ticket", LEAD, ticket_id=item["ticket_id"], update=update))


async def assignee(call: Call, ticket_id: str) -> str | None:
    found: str | None = (await ok(await call("get_ticket", STAFF, ticket_id=ticket_id)))["assignee"]
    return found


async def notes(call: Call, item: Any) -> list[str]:
    where = {"ticket_id": item["ticket_id"], "limit": 100}
    thread = await ok(await call("list_ticket_messages", STAFF, **where))
    return [one["text"] for one in thread["messages"]]


async def test_who_is_given_the_ticket_has_the_escalation(desk: Desk, call: Call) -> None:
    await appoint(call, "nina")
    item = await routed(call)
    await appoint(call, "olaf")
    await give(call, item, "olaf")
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "olaf")
    assert "is olaf's now" in (await notes(call, item))[-1]
    assert (await routed(call))["assigned_specialist"] == "nina"  # who has room again
    await ok(await act(call, "claim", OLAF, item))


async def test_who_was_given_the_ticket_can_begin_at_once(call: Call) -> None:
    await appoint(call, "nina")
    item = await routed(call)
    await appoint(call, "olaf")
    await give(call, item, "olaf")
    assert "is olaf's" in refused(await act(call, "claim", NINA, item))
    assert (await ok(await act(call, "claim", OLAF, item)))["status"] == "claimed"


async def test_who_is_no_specialist_keeps_what_somebody_gave_them(
    desk: Desk, call: Call, clock: Moving
) -> None:
    await appoint(call, "nina")
    item = await routed(call)
    await give(call, item, "anna")
    for _ in range(3):
        await look(desk.gate)
        clock.move(days=1)
    assert await state(call, item) == ("claimed", "anna")
    assert await assignee(call, item["ticket_id"]) == "anna"
    done = await ok(await act(call, "finish", ANNA, item))
    assert done["status"] == "done"


async def test_what_waits_is_taken_by_a_specialist_who_is_given_the_ticket(
    desk: Desk, call: Call
) -> None:
    item, other = await routed(call), await routed(call)
    await appoint(call, "nina", capacity=2, hours="sat=09:00-10:00")
    await give(call, other, "anna")  # who looks after the customer until a specialist does
    await give(call, item, "nina")  # she is not on shift; somebody has said so all the same
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "nina")
    assert await state(call, other) == ("waiting", None)
    await appoint(call, "olaf")
    assert await state(call, other) == ("assigned", "olaf")
    assert await assignee(call, other["ticket_id"]) == "olaf"


async def test_who_had_the_ticket_before_it_was_queued_does_not_get_it_by_that(
    desk: Desk, call: Call
) -> None:
    await appoint(call, "nina", hours="sat=09:00-10:00")
    ticket = (await ok(await call("create_ticket", subject="A", body="B")))["ticket_id"]
    item: Any = {"ticket_id": ticket}
    await give(call, item, "nina")
    where = {"specialist_type": "network", "priority_level": 3}
    item = await ok(await call("route_to_specialist", NINA, ticket_id=ticket, **where))
    await look(desk.gate)
    assert await state(call, item) == ("waiting", None)


async def test_after_a_merge_the_specialist_has_the_ticket_that_is_left(
    desk: Desk, call: Call
) -> None:
    await appoint(call, "nina")
    item = await routed(call)
    into = (await ok(await call("create_ticket", subject="C", body="D")))["ticket_id"]
    await ok(await call("merge_tickets", STAFF, ticket_id=item["ticket_id"], into=into))
    await look(desk.gate)
    shown = await ok(await call("get_escalation", STAFF, escalation_id=item["escalation_id"]))
    assert (shown["ticket_id"], shown["assigned_specialist"]) == (into, "nina")
    assert await assignee(call, into) == "nina"
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "nina")


@pytest.mark.parametrize("kind", ["senior", "network"])
async def test_a_specialist_alone_is_not_given_the_same_again_and_again(
    desk: Desk, call: Call, clock: Moving, kind: str
) -> None:
    await appoint(call, "nina", kinds={kind: 1})
    item = await routed(call, kind=kind)
    before = len(await notes(call, item))
    for _ in range(5):
        clock.move(minutes=31)
        await look(desk.gate)
    assert await state(call, item) == ("assigned", "nina")
    assert len(await notes(call, item)) == before
    await appoint(call, "olaf", kinds={kind: 1})
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "olaf")
    for _ in range(5):
        clock.move(minutes=31)
        await look(desk.gate)
    # It was given to each of them, and stays where it came to: there are no seniors.
    assert await state(call, item) == ("assigned", "olaf")
    assert len(await notes(call, item)) == before + 1


async def test_where_nobody_works_no_time_is_promised(call: Call) -> None:
    item = await routed(call, 1)
    assert item["estimated_response_time"] is None
    known = "not known: nobody is a specialist of network"
    assert item["estimated_from"] == f"{known}, so it waits until somebody is"
    await appoint(call, "olaf", kinds={"senior": 3}, hours="sun=09:00-10:00")
    item = await routed(call, 1)
    assert item["estimated_from"] == f"{known}; after 4 hours it goes to senior"
    await ok(await call("remove_specialist", LEAD, staff_id="olaf"))
    item = await routed(call, 1, kind="senior")
    assert item["estimated_from"].endswith("so it waits until somebody is")
    await appoint(call, "nina", hours="sat=09:00-10:00")
    item = await routed(call, 1)
    assert (item["estimated_response_time"], item["estimated_from"]) == (
        15,
        "the queue's target; nobody is on shift",
    )
