"""Queues of the desk: given out by skill, load and shift, claimed, released, and never lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core import database
from deskward.gate.outcome import Outcome
from deskward.queues.models import queue_items
from deskward.queues.working import look
from deskward.security import members
from deskward.security.principals import Kind, Principal
from tests.conftest import AUDITOR, CUSTOMER, STAFF, Call, hire
from tests.entrypoints.conftest import client_of

LEAD = Principal(Kind.STAFF, "lead", "default", ("support-3",))
NINA = Principal(Kind.STAFF, "nina", "default", ("support",))
OLAF = Principal(Kind.STAFF, "olaf", "default", ("support",))


class Moving:
    """A clock that tests move: it begins on a Monday at nine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
        monkeypatch.setattr(database, "clock", self._tick)

    def _tick(self) -> datetime:
        self.at += timedelta(microseconds=1)
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Moving:
    return Moving(monkeypatch)


@pytest.fixture(autouse=True)
async def _hired(desk: Desk, clock: Moving) -> None:  # the desk is made by the real clock
    await hire(desk, "nina", "olaf", "lead")


async def ok(outcome: Outcome) -> Any:
    assert outcome.status == "ok", outcome.value
    return outcome.value


def refused(outcome: Outcome) -> str:
    assert outcome.status == "error", outcome.value
    return f"{outcome.value['error']['code']} {outcome.value['error']['message']}"


async def appoint(call: Call, name: str, **more: Any) -> None:
    settings = {"kinds": {"network": 1}, "capacity": 1, **more}
    await ok(await call("set_specialist", LEAD, staff_id=name, settings=settings))


async def routed(call: Call, level: int = 3, kind: str = "network", **context: Any) -> Any:
    ticket = await ok(await call("create_ticket", subject="A", body="B"))
    more = {"customer_context": context} if context else {}
    return await ok(
        await call(
            "route_to_specialist",
            STAFF,
            ticket_id=ticket["ticket_id"],
            specialist_type=kind,
            priority_level=level,
            **more,
        )
    )


async def state(call: Call, item: Any) -> tuple[str, str | None]:
    for status in ("waiting", "assigned", "claimed", "done", "moved"):
        found = await ok(await call("list_queue", STAFF, status=status, limit=100))
        for one in found["items"]:
            if one["escalation_id"] == item["escalation_id"]:
                return one["status"], one["assigned_specialist"]
    raise AssertionError("it is nowhere")


async def act(call: Call, what: str, who: Principal, item: Any, **more: Any) -> Outcome:
    return await call(f"{what}_escalation", who, escalation_id=item["escalation_id"], **more)


async def test_whoever_has_room_gets_it_and_the_ticket(desk: Desk, call: Call) -> None:
    await appoint(call, "nina")
    item = await routed(call)
    assert (item["status"], item["assigned_specialist"], item["position"]) == (
        "assigned",
        "nina",
        None,
    )
    assert (item["estimated_response_time"], item["estimated_from"]) == (
        240,
        "the queue's target; only 0 cases are known yet",
    )
    ticket = await ok(await call("get_ticket", STAFF, ticket_id=item["ticket_id"]))
    assert ticket["assignee"] == "nina"
    shown = await ok(await call("list_specialists", STAFF))
    (nina,) = [one for one in shown["specialists"] if one["staff_id"] == "nina"]
    assert (nina["load"], nina["available"], nina["on_shift"]) == (1, False, True)


async def test_what_waits_is_given_out_as_soon_as_somebody_has_room(call: Call) -> None:
    low, high = await routed(call, 5), await routed(call, 1)
    assert [low["position"], high["position"]] == [1, 1]
    await appoint(call, "nina")  # who gets what is more urgent
    assert await state(call, high) == ("assigned", "nina")
    assert await state(call, low) == ("waiting", None)
    assert refused(await act(call, "finish", NINA, high)).startswith("CONFLICT")  # not begun
    await ok(await act(call, "claim", NINA, high))
    done = await ok(await act(call, "finish", NINA, high))
    assert done["status"] == "done"
    assert await state(call, low) == ("assigned", "nina")


async def test_a_ticket_that_ends_makes_room(desk: Desk, call: Call) -> None:
    await appoint(call, "nina")
    first, second = await routed(call), await routed(call)
    update = {"status": "resolved"}
    await ok(await call("update_ticket", STAFF, ticket_id=first["ticket_id"], update=update))
    await look(desk.gate)
    assert await state(call, first) == ("done", "nina")
    assert await state(call, second) == ("assigned", "nina")


async def test_what_nobody_begins_goes_to_somebody_else(
    desk: Desk, call: Call, clock: Moving
) -> None:
    await appoint(call, "nina")
    item = await routed(call)
    await appoint(call, "olaf")
    clock.move(minutes=29)
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "nina")
    clock.move(minutes=2)
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "olaf")
    await ok(await act(call, "claim", OLAF, item))
    clock.move(days=2)
    await look(desk.gate)  # who has begun is not silent
    assert await state(call, item) == ("claimed", "olaf")
    thread = await ok(await call("list_ticket_messages", STAFF, ticket_id=item["ticket_id"]))
    assert "nina has not begun in time" in thread["messages"][-1]["text"]


async def figures_of(call: Call, kind: str) -> Any:
    found = await ok(await call("get_queue_metrics", AUDITOR, specialist_type=kind))
    return found["queues"][0]


async def test_a_shift_begins_and_ends(desk: Desk, call: Call, clock: Moving) -> None:
    await appoint(call, "nina", hours="mon=10:00-12:00, mon=13:00-17:00", time_zone="UTC")
    item = await routed(call)
    assert item["status"] == "waiting"
    clock.move(minutes=61)
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "nina")
    await ok(await act(call, "claim", NINA, item))
    clock.move(hours=2)
    await look(desk.gate)
    assert await state(call, item) == ("claimed", "nina")  # what was begun stays hers over lunch
    second = await routed(call)
    assert second["status"] == "waiting"


async def test_who_leaves_leaves_nothing_behind(desk: Desk, call: Call) -> None:
    await appoint(call, "nina")
    item = await routed(call)
    await ok(await act(call, "claim", NINA, item))
    async with desk.database.transaction() as db:
        await members.set_disabled(db, "default", Kind.STAFF, "nina", disabled=True)
    await look(desk.gate)
    assert await state(call, item) == ("waiting", None)
    await appoint(call, "olaf")
    assert await state(call, item) == ("assigned", "olaf")
    await ok(await call("remove_specialist", LEAD, staff_id="olaf"))
    assert await state(call, item) == ("waiting", None)
    ticket = await ok(await call("get_ticket", STAFF, ticket_id=item["ticket_id"]))
    assert ticket["assignee"] is None


async def test_claims_of_what_is_anothers_or_too_much_are_refused(call: Call) -> None:
    await appoint(call, "nina")
    item, more = await routed(call), await routed(call)
    assert "is no specialist of network" in refused(await act(call, "claim", OLAF, more))
    await appoint(call, "olaf", kinds={"billing": 1})
    assert "is no specialist of network" in refused(await act(call, "claim", OLAF, more))
    assert "is nina's" in refused(await act(call, "claim", OLAF, item))
    assert "as many as can be" in refused(await act(call, "claim", NINA, more))
    await ok(await act(call, "claim", NINA, item))
    assert "it has to be waiting or assigned" in refused(await act(call, "claim", NINA, item))
    assert "is nina's" in refused(await act(call, "release", OLAF, item))
    assert "is nina's" in refused(await act(call, "finish", OLAF, item))
    late = await act(call, "finish", NINA, item, revision=1)
    assert "not 1. Look at it again" in refused(late)
    missing = await call("claim_escalation", NINA, escalation_id="E999999")
    assert refused(missing).startswith("ESCALATION_NOT_FOUND")


async def test_what_is_released_goes_to_somebody_else(call: Call) -> None:
    await appoint(call, "nina")
    item = await routed(call)
    released = await ok(await act(call, "release", NINA, item))
    assert released["assigned_specialist"] == "nina"  # there is nobody else
    await appoint(call, "olaf")
    released = await ok(await act(call, "release", NINA, item))
    assert released["assigned_specialist"] == "olaf"


async def test_skills_are_found(call: Call) -> None:
    await appoint(call, "nina")
    await appoint(call, "olaf", skills=["dns"])
    assert (await routed(call, skill="DNS"))["assigned_specialist"] == "olaf"


async def test_a_ticket_is_in_one_queue_at_a_time(call: Call) -> None:
    first = await routed(call)
    again = await ok(
        await call(
            "route_to_specialist",
            STAFF,
            ticket_id=first["ticket_id"],
            specialist_type="billing",
            priority_level=2,
        )
    )
    assert await state(call, first) == ("moved", None)
    listed = await ok(await call("list_queue", STAFF, limit=100))
    (one,) = [one for one in listed["items"] if one["ticket_id"] == first["ticket_id"]]
    assert (one["escalation_id"], one["escalation_level"]) == (again["escalation_id"], 2)
    network = await figures_of(call, "network")
    assert (network["queued"], network["begun"], network["ended"]) == (1, 0, 0)  # nobody began


async def test_a_merged_tickets_place_is_the_other_ones(desk: Desk, call: Call) -> None:
    item = await routed(call)
    into = (await ok(await call("create_ticket", subject="A", body="B")))["ticket_id"]
    await ok(await call("merge_tickets", STAFF, ticket_id=item["ticket_id"], into=into))
    await look(desk.gate)
    listed = await ok(await call("list_queue", STAFF, limit=100))
    (one,) = [o for o in listed["items"] if o["escalation_id"] == item["escalation_id"]]
    assert (one["status"], one["ticket_id"]) == ("waiting", into)


async def test_of_many_at_once_nobody_gets_more_than_they_can_have(desk: Desk, call: Call) -> None:
    await appoint(call, "nina", capacity=2)
    await appoint(call, "olaf", capacity=1)
    await asyncio.gather(*(routed(call) for _ in range(8)), look(desk.gate), look(desk.gate))
    rows = await desk.database.reader.all(sa.select(queue_items))
    having = [row.assignee for row in rows if row.status == "assigned"]
    assert sorted(having) == ["nina", "nina", "olaf"]
    assert sum(row.status == "waiting" for row in rows) == 5


async def test_an_ended_ticket_and_unknown_types_are_refused(call: Call) -> None:
    ticket = (await ok(await call("create_ticket", subject="A", body="B")))["ticket_id"]
    where = {"ticket_id": ticket, "priority_level": 3}
    wrong = await call("route_to_specialist", STAFF, specialist_type="netwrok", **where)
    assert "Did you mean network?" in refused(wrong)
    await ok(await call("update_ticket", STAFF, ticket_id=ticket, update={"status": "closed"}))
    ended = await call("route_to_specialist", STAFF, specialist_type="network", **where)
    assert "It has ended" in refused(ended)
    where["ticket_id"] = "T999999"
    missing = await call("route_to_specialist", STAFF, specialist_type="network", **where)
    assert refused(missing).startswith("TICKET_NOT_FOUND")


async def test_wrong_specialists_are_refused(call: Call) -> None:
    for settings, said in (
        ({"kinds": {"netwrok": 1}}, "Did you mean network?"),
        ({"kinds": {"network": 4}}, "less than or equal to 3"),
        ({"kinds": {"network": 1}, "hours": "mon=9-5"}, "not of the form that is wanted"),
        ({"kinds": {"network": 1}, "hours": "fri-mon=09:00-17:00"}, "are no hours"),
        ({"kinds": {"network": 1}, "time_zone": "Berlin"}, "no time zone"),
        ({"kinds": {}}, "at least 1"),
    ):
        outcome = await call("set_specialist", LEAD, staff_id="nina", settings=settings)
        assert said in refused(outcome), settings
    settings = {"kinds": {"network": 1}}
    nobody = await call("set_specialist", LEAD, staff_id="nobody", settings=settings)
    assert "is no member of staff" in refused(nobody)
    none = await call("remove_specialist", LEAD, staff_id="nina")
    assert refused(none).startswith("SPECIALIST_NOT_FOUND")


async def test_figures_are_those_of_what_was_done(desk: Desk, call: Call, clock: Moving) -> None:
    await appoint(call, "nina", capacity=10)
    for wait, work in ((5, 20), (10, 30), (15, 40), (20, 50), (300, 60)):
        item = await routed(call)
        clock.move(minutes=min(wait, 20))
        if wait > 20:  # begun, but too late: level 3 has four hours
            async with desk.database.transaction() as db:
                late = {"begin_by": clock.at - timedelta(minutes=1)}
                this = queue_items.c.number == int(item["escalation_id"][1:])
                await db.execute(sa.update(queue_items).where(this).values(**late))
        await ok(await act(call, "claim", NINA, item))
        clock.move(minutes=work)
        await ok(await act(call, "finish", NINA, item))
    await ok(await call("remove_specialist", LEAD, staff_id="nina"))
    await routed(call)
    clock.move(minutes=241)
    found = await ok(await call("get_queue_metrics", AUDITOR, specialist_type="network"))
    (network,) = found["queues"]
    assert (network["queued"], network["begun"], network["ended"]) == (6, 5, 5)
    assert (network["waiting"], network["late_now"], network["breaches"]) == (1, 1, 2)
    assert (network["wait_minutes"], network["handling_minutes"]) == (15.0, 40.0)
    assert (network["oldest_minutes"], network["wait_minutes_90"]) == (241, 20.0)
    staffing = {"specialist_type": "network", "within_minutes": 30, "hours": 24}
    estimate = await ok(await call("estimate_staffing", AUDITOR, **staffing))
    assert (estimate["arrivals_per_hour"], estimate["handling_minutes"]) == (0.25, 40.0)
    assert estimate["specialists"] == 1
    assert estimate["begun_in_time"] >= 0.8
    few = await ok(await call("estimate_staffing", AUDITOR, specialist_type="billing"))
    assert few["specialists"] is None
    assert few["message"].startswith("Only 0 cases")
    # What is known is told to who comes next.
    await appoint(call, "nina", capacity=10)
    item = await routed(call)
    assert (item["assigned_specialist"], item["estimated_response_time"]) == ("nina", 15)
    assert "the median of 5 cases" in item["estimated_from"]


async def test_customers_have_no_part_in_it(call: Call) -> None:
    item = await routed(call)
    for tool, arguments in (
        ("list_queue", {}),
        ("list_specialists", {}),
        ("claim_escalation", {"escalation_id": item["escalation_id"]}),
        ("get_queue_metrics", {}),
    ):
        assert (await call(tool, CUSTOMER, **arguments)).status == "error", tool


async def test_another_tenants_queue_is_another_one(call: Call) -> None:
    item = await routed(call)
    stranger = Principal(Kind.STAFF, "nina", "acme", ("support-3",))
    assert (await ok(await call("list_queue", stranger)))["total"] == 0
    missing = await call("claim_escalation", stranger, escalation_id=item["escalation_id"])
    assert refused(missing).startswith("ESCALATION_NOT_FOUND")
    where = {"specialist_type": "network", "priority_level": 1, "ticket_id": item["ticket_id"]}
    assert (await call("route_to_specialist", stranger, **where)).status == "error"


async def test_over_rest_as_well(desk: Desk, call: Call) -> None:
    ticket = (await ok(await call("create_ticket", subject="A", body="B")))["ticket_id"]
    key, _ = await desk.keys.create(
        tenant_id="default", kind=Kind.STAFF, subject_id="lead", roles=("support-3",)
    )
    async with client_of(desk) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        settings = {"settings": {"kinds": {"network": 1}}}
        made = await client.put("/specialists/nina", json=settings)
        assert made.status_code == 200, made.text
        where = {"specialist_type": "network", "priority_level": 2}
        item = (await client.post(f"/tickets/{ticket}/route", json=where)).json()
        assert item["assigned_specialist"] == "nina"
        due = (await client.get(f"/tickets/{ticket}/due")).json()
        assert due["clocks"][0]["clock"] == "first_response"
        wrong = await client.post(
            f"/tickets/{ticket}/route", json={**where, "specialist_type": "nothing"}
        )
        assert (wrong.status_code, wrong.json()["error"]) == (404, "SPECIALIST_TYPE_NOT_FOUND")
