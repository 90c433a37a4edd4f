"""What was given to somebody who leaves before beginning it does not wait for their next shift."""

from __future__ import annotations

import pytest

from deskward.app import Desk
from deskward.queues.working import look
from tests.conftest import STAFF, Call, hire
from tests.queues.test_queues import NINA, Moving, act, appoint, ok, routed, state

UNTIL_TEN = {"hours": "mon=09:00-10:00", "time_zone": "UTC"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Moving:
    return Moving(monkeypatch)


@pytest.fixture(autouse=True)
async def _hired(desk: Desk, clock: Moving) -> None:  # the desk is made by the real clock
    await hire(desk, "nina", "olaf", "lead")
    clock.move(minutes=50)  # ten minutes before her shift ends


async def test_it_is_passed_on_to_somebody_at_work(desk: Desk, call: Call, clock: Moving) -> None:
    await appoint(call, "nina", **UNTIL_TEN)
    item = await routed(call)
    assert item["assigned_specialist"] == "nina"
    await appoint(call, "olaf")
    clock.move(minutes=31)  # her shift is over since 21 minutes
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "olaf")
    ticket = await ok(await call("get_ticket", STAFF, ticket_id=item["ticket_id"]))
    assert ticket["assignee"] == "olaf"
    thread = await ok(await call("list_ticket_messages", STAFF, ticket_id=item["ticket_id"]))
    assert "nina has not begun in time" in thread["messages"][-1]["text"]


async def test_it_is_passed_on_as_soon_as_the_next_shift_begins(
    desk: Desk, call: Call, clock: Moving
) -> None:
    await appoint(call, "nina", **UNTIL_TEN)
    item = await routed(call)
    await appoint(call, "olaf", hours="mon=11:00-17:00", time_zone="UTC")
    clock.move(minutes=69)
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "nina")  # nobody is at work
    clock.move(minutes=2)
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "olaf")


async def test_what_was_begun_stays_with_whoever_began_it(
    desk: Desk, call: Call, clock: Moving
) -> None:
    await appoint(call, "nina", **UNTIL_TEN)
    item = await routed(call)
    await ok(await act(call, "claim", NINA, item))
    await appoint(call, "olaf")
    clock.move(minutes=90)
    await look(desk.gate)
    assert await state(call, item) == ("claimed", "nina")
