"""Many tickets changed by one call: what the digest names, what is left alone, and crashes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core import jobs
from deskward.core.database import now
from deskward.core.jobs import Job, JobLost
from deskward.security.principals import Kind, Principal
from deskward.tickets import bulk_job
from deskward.tickets.bulk import bulk_changes
from tests.conftest import CUSTOMER, STAFF, Call, hire, recorded
from tests.gate.test_approvals import with_policy

OTTO = Principal(Kind.STAFF, "otto", "default", ("support",))


async def write(call: Call, count: int) -> list[str]:
    made = []
    for number in range(count):
        arguments = {"customer_id": "user_001", "subject": f"heliotrope {number}", "body": "x"}
        made.append((await call("create_ticket", STAFF, **arguments)).value["ticket_id"])
    return made


async def begun(call: Call, change: dict[str, Any], who: Principal = STAFF, **which: Any) -> Any:
    """The outcome of a change that was previewed."""
    seen = await call("preview_ticket_changes", who, change=change, **which)
    assert seen.status == "ok", seen.value
    return await call("change_tickets", who, change=change, digest=seen.value["digest"], **which)


async def told(call: Call, change_id: str) -> dict[str, Any]:
    return dict((await call("get_ticket_changes", STAFF, change_id=change_id)).value)


async def ended(call: Call, change_id: str, who: Principal = STAFF) -> dict[str, Any]:
    """How a change has ended."""
    async with asyncio.timeout(30):
        while True:
            found = await call("get_ticket_changes", who, change_id=change_id)
            if found.value["status"] != "running":
                return dict(found.value)
            await asyncio.sleep(0.05)


async def test_many_are_changed_each_by_a_call_of_its_own(desk: Desk, call: Call) -> None:
    await hire(desk, "anna", "otto")
    made = await write(call, 4)
    tagged = {"ticket_id": made[0], "update": {"tags": ["old", "vip"]}}
    assert (await call("update_ticket", STAFF, **tagged)).status == "ok"
    change = {
        "status": "pending",
        "assignee": "otto",
        "add_tags": ["march"],
        "remove_tags": ["old"],
        "spam": True,
        "snoozed_until": "2999-01-01T00:00:00Z",
    }
    outcome = await begun(call, change, query="heliotrope")
    assert outcome.status == "ok", outcome.value
    assert outcome.value["tickets"] == 4
    found = await ended(call, outcome.value["change_id"])
    assert (found["status"], found["changed"], found["waiting"]) == ("done", 4, 0), found
    assert found["problems"] == []
    for ticket_id in made:
        ticket = (await call("get_ticket", STAFF, ticket_id=ticket_id)).value
        wanted = {"status": "pending", "assignee": "otto", "spam": True}
        assert {name: ticket[name] for name in wanted} == wanted
        assert ticket["snoozed_until"].startswith("2999")
        assert ticket["tags"] == (["vip", "march"] if ticket_id == made[0] else ["march"])
    rows = await recorded(desk)
    of_it = [row for row in rows if row.get("request_id") == outcome.value["change_id"]]
    assert sorted(row["tool"] for row in of_it) == sorted(
        ["mark_spam", "snooze_ticket", "update_ticket"] * 4
    )
    assert not await desk.database.reader.all(sa.select(jobs.jobs).where(_ours()))


async def test_the_digest_names_exactly_what_is_changed(desk: Desk, call: Call) -> None:
    made = await write(call, 3)
    low: dict[str, Any] = {"priority": "low"}
    seen = (await call("preview_ticket_changes", STAFF, change=low, query="heliotrope")).value
    assert (seen["tickets"], seen["first"]) == (3, made)
    listed = (await call("preview_ticket_changes", STAFF, change=low, tickets=made[::-1])).value
    assert listed["digest"] == seen["digest"]
    digest = seen["digest"]
    for other in (
        {"change": {"priority": "high"}, "query": "heliotrope"},
        {"change": low, "tickets": made[:2]},
        {"change": {"assignee": None}, "query": "heliotrope"},
    ):
        outcome = await call("change_tickets", STAFF, digest=digest, **other)
        assert outcome.value["error"]["code"] == "CONFLICT", other
    urgent = {"ticket_id": made[1], "update": {"priority": "urgent"}}
    assert (await call("update_ticket", STAFF, **urgent)).status == "ok"
    outcome = await call("change_tickets", STAFF, digest=digest, change=low, query="heliotrope")
    assert outcome.value["error"]["code"] == "CONFLICT"
    (one,) = await write(call, 1)
    again = (await call("preview_ticket_changes", STAFF, change=low, query="heliotrope")).value
    assert again["first"] == [*made, one]


@pytest.mark.parametrize(
    "which",
    [
        {},
        {"query": "heliotrope", "tickets": ["T1"]},
        {"query": "nothing-is-called-so"},
        {"tickets": ["T999999"]},
        {"query": "stauts:open"},
    ],
)
async def test_which_tickets_is_said_in_one_way(sqlite_call: Call, which: dict[str, Any]) -> None:
    for tool in ("preview_ticket_changes", "change_tickets"):
        digest = {"digest": "0" * 64} if tool == "change_tickets" else {}
        outcome = await sqlite_call(tool, STAFF, change={"priority": "low"}, **digest, **which)
        assert outcome.error is not None
        assert outcome.error.status in (400, 404, 409), outcome.value
    assert (await sqlite_call("preview_ticket_changes", STAFF, change={})).error is not None
    mine = await sqlite_call("preview_ticket_changes", CUSTOMER, change={"spam": True}, query="x")
    assert mine.error is not None


@pytest.mark.parametrize(
    ("nothing", "says"),
    [
        ({}, "what to change"),
        ({"status": None}, "what to change"),
        ({"spam": None}, "what to change"),
        ({"add_tags": [], "remove_tags": []}, "at least 1 item"),
    ],
)
async def test_a_change_of_nothing_is_refused(
    sqlite_call: Call, nothing: dict[str, Any], says: str
) -> None:
    (made,) = await write(sqlite_call, 1)
    for tool in ("preview_ticket_changes", "change_tickets"):
        digest = {"digest": "0" * 64} if tool == "change_tickets" else {}
        outcome = await sqlite_call(tool, STAFF, change=nothing, **digest, tickets=[made])
        assert outcome.error is not None
        assert outcome.error.status in (400, 422)
        assert says in outcome.error.message


@pytest.mark.parametrize(
    "change", [{"assignee": "nobody-there"}, {"snoozed_until": "2001-01-01T00:00:00Z"}], ids=str
)
async def test_what_cannot_be_done_is_refused_and_no_conflict(
    desk: Desk, call: Call, change: dict[str, Any]
) -> None:
    made = await write(call, 2)
    outcome = await begun(call, change, tickets=made)
    found = await ended(call, outcome.value["change_id"])
    assert (found["refused"], found["conflicts"]) == (2, 0), found


async def test_a_closed_ticket_refuses_a_change(desk: Desk, call: Call) -> None:
    made = await write(call, 2)
    closed = {"ticket_id": made[0], "update": {"status": "closed"}}
    assert (await call("update_ticket", STAFF, **closed)).status == "ok"
    outcome = await begun(call, {"priority": "low"}, tickets=made)
    found = await ended(call, outcome.value["change_id"])
    assert (found["refused"], found["conflicts"], found["changed"]) == (1, 0, 1), found


async def test_a_ticket_of_which_a_policy_asks_is_refused_and_nothing_waits(
    desk: Desk, call: Call
) -> None:
    """Two policies ask: of the whole, and of each ticket. Nobody finds approvals left behind."""
    asked = 'action == Action::"mark_spam", resource) when { context.unattended }'
    with_policy(desk, "spam", asked)
    made = await write(call, 3)
    outcome = await begun(call, {"status": "closed", "spam": True}, tickets=made)
    assert (await call("approve_call", OTTO, approval_id=outcome.value["approval_id"])).value
    async with asyncio.timeout(30):
        while not (rows := await desk.database.reader.all(sa.select(bulk_changes.c.id))):
            await asyncio.sleep(0.05)
    found = await ended(call, rows[0].id)
    assert (found["refused"], found["changed"]) == (3, 0), found
    assert "approve" in found["problems"][0]["told"]
    assert (await call("list_approvals", OTTO)).value["total"] == 0


async def test_what_changes_meanwhile_is_left_alone(
    desk: Desk, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await write(call, 3)
    one = bulk_job._one

    async def slower(gate: Any, row: Any, ticket: Any) -> Any:
        if f"T{ticket.number}" == made[1]:
            urgent = {"ticket_id": made[1], "update": {"priority": "urgent"}}
            assert (await call("update_ticket", OTTO, **urgent)).status == "ok"
        return await one(gate, row, ticket)

    monkeypatch.setattr(bulk_job, "_one", slower)
    outcome = await begun(call, {"priority": "low"}, tickets=made)
    found = await ended(call, outcome.value["change_id"])
    assert (found["changed"], found["conflicts"]) == (2, 1), found
    (problem,) = found["problems"]
    assert (problem["ticket_id"], problem["became"]) == (made[1], "conflict")
    ticket = (await call("get_ticket", STAFF, ticket_id=made[1])).value
    assert ticket["priority"] == "urgent"


async def test_many_wait_for_another_person_who_decides_on_exactly_these(
    desk: Desk, call: Call
) -> None:
    made = await write(call, 2)
    outcome = await begun(call, {"status": "closed"}, tickets=made)
    assert outcome.status == "pending", outcome.value
    approval = {"approval_id": outcome.value["approval_id"]}
    assert (await call("approve_call", STAFF, **approval)).error is not None  # who asked for it
    assert (await call("approve_call", OTTO, **approval)).status == "ok"
    async with asyncio.timeout(30):
        while True:
            status = (await call("get_ticket", STAFF, ticket_id=made[1])).value["status"]
            if status == "closed":
                break
            await asyncio.sleep(0.05)
    more = await write(call, 2)
    outcome = await begun(call, {"status": "closed"}, tickets=more)
    urgent = {"ticket_id": more[0], "update": {"priority": "urgent"}}
    assert (await call("update_ticket", STAFF, **urgent)).status == "ok"
    void = await call("approve_call", OTTO, approval_id=outcome.value["approval_id"])
    assert void.error is not None
    assert (await call("get_ticket", STAFF, ticket_id=more[1])).value["status"] == "open"


def _ours() -> sa.ColumnElement[bool]:
    return jobs.jobs.c.kind == bulk_job.JOB


async def test_nothing_is_done_twice_after_a_crash_at_any_point(
    desk: Desk, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends after each call and before what became of it is written down."""
    made = await write(call, 3)
    crashes = 0
    real = bulk_job._note

    async def crash(gate: Any, job: Job, *more: Any) -> None:
        nonlocal crashes
        crashes += 1
        if crashes % 2:
            raise JobLost(job.id)  # as if its process were gone: nothing more is written
        await real(gate, job, *more)

    monkeypatch.setattr(bulk_job, "_note", crash)
    outcome = await begun(call, {"priority": "low", "spam": True}, tickets=made)
    async with asyncio.timeout(60):
        while (found := await told(call, outcome.value["change_id"]))["status"] == "running":
            await asyncio.sleep(0.3)
            async with desk.database.transaction() as db:  # nobody waits for the lease to end
                await db.execute(sa.update(jobs.jobs).where(_ours()).values(due_at=now()))
            desk.jobs.wake()
    assert crashes >= 6
    assert (found["changed"], found["conflicts"], found["refused"]) == (3, 0, 0), found
    for ticket_id in made:
        ticket = (await call("get_ticket", STAFF, ticket_id=ticket_id)).value
        assert ticket["revision"] == 3  # spam and priority, once each
