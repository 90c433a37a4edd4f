"""Overflow: where it goes, what becomes of the promise, and who may take it back."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.queues.models import queue_items
from deskward.queues.working import look
from tests.conftest import STAFF, Call, hire
from tests.queues.test_queues import (
    LEAD,
    NINA,
    OLAF,
    Moving,
    act,
    appoint,
    figures_of,
    ok,
    refused,
    routed,
    state,
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Moving:
    return Moving(monkeypatch)


@pytest.fixture(autouse=True)
async def _hired(desk: Desk, clock: Moving) -> None:
    await hire(desk, "nina", "olaf", "lead")


async def test_what_waits_too_long_flows_over_with_its_place(
    desk: Desk, call: Call, clock: Moving
) -> None:
    await appoint(call, "olaf", kinds={"senior": 3})
    item = await routed(call)
    clock.move(hours=3, minutes=59)
    await look(desk.gate)
    assert await state(call, item) == ("waiting", None)
    clock.move(minutes=2)
    await look(desk.gate)
    assert await state(call, item) == ("assigned", "olaf")
    row = await desk.database.reader.first(sa.select(queue_items))
    assert row is not None
    assert row.kind == "senior"
    assert row.queued_at < row.here_since


async def test_nothing_goes_to_where_nobody_works(desk: Desk, call: Call, clock: Moving) -> None:
    """Of two who have something each, one does not begin: it stays with who could begin it."""
    await appoint(call, "nina")
    held, waits = await routed(call), await routed(call)
    clock.move(hours=4, minutes=1)
    await look(desk.gate)
    listed = await ok(await call("list_queue", STAFF, limit=100))
    assert {one["specialist_type"] for one in listed["items"]} == {"network"}
    assert await state(call, held) == ("assigned", "nina")
    await ok(await act(call, "claim", NINA, held))
    await ok(await act(call, "finish", NINA, held))
    assert await state(call, waits) == ("assigned", "nina")
    told = await routed(call, kind="api")
    assert told["estimated_from"].endswith("so it waits until somebody is")  # nobody is senior


async def test_what_has_flowed_over_goes_back_to_whoever_has_room_first(
    desk: Desk, call: Call, clock: Moving
) -> None:
    await appoint(call, "nina")
    await appoint(call, "olaf", kinds={"senior": 3})
    held, of_olaf = await routed(call), await routed(call, kind="senior")
    await ok(await act(call, "claim", NINA, held))
    await ok(await act(call, "claim", OLAF, of_olaf))
    first, second = await routed(call, 1), await routed(call, 5)
    due = (await ok(await call("get_escalation", STAFF, escalation_id=first["escalation_id"])))[
        "begin_by"
    ]
    assert (await figures_of(call, "network"))["breaches"] == 0
    clock.move(hours=4, minutes=1)
    await look(desk.gate)
    over = await ok(await call("list_queue", STAFF, specialist_type="senior", status="waiting"))
    assert [one["escalation_id"] for one in over["items"]] == [
        first["escalation_id"],
        second["escalation_id"],
    ]
    assert over["items"][0]["begin_by"] == due  # what was promised stays promised
    network, senior = await figures_of(call, "network"), await figures_of(call, "senior")
    assert (network["breaches"], network["queued"]) == (1, 3)
    assert (senior["breaches"], senior["late_now"]) == (0, 1)
    await ok(await act(call, "finish", NINA, held))
    assert await state(call, first) == ("assigned", "nina")
    await ok(await act(call, "claim", NINA, first))
    assert await state(call, second) == ("waiting", None)
    assert "is as many as can be" in refused(await act(call, "claim", NINA, second))
    await appoint(call, "nina", capacity=2)
    await ok(await act(call, "claim", NINA, second))  # out of the queue that it had gone to
    shown = await ok(await call("list_queue", STAFF, assignee="nina"))
    assert {one["specialist_type"] for one in shown["items"]} == {"network"}
    assert (await figures_of(call, "network"))["breaches"] == 1
    await ok(await call("remove_specialist", LEAD, staff_id="nina"))
    assert await state(call, first) == ("waiting", None)
    await ok(await act(call, "finish", OLAF, of_olaf))
    assert await state(call, first) == ("assigned", "olaf")  # both may have it from now on
