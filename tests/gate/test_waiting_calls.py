"""Calls that wait for a person: void when their requester, customer or time is gone."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core import database
from deskward.core.database import now
from deskward.core.errors import Conflict
from deskward.core.worker import Jobs
from deskward.customers import service as customers
from deskward.customers.erasure import erase
from deskward.gate.approvals import LIFETIME, approvals
from deskward.gate.approved import run_approved
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal
from tests.conftest import STAFF, Call
from tests.gate.test_approvals import ADDRESS, LEAD, address, change, pending, settled, with_policy


async def key_of(desk: Desk, kind: Kind, subject: str, *roles: str, **more: Any) -> Principal:
    key, _ = await desk.keys.create(
        tenant_id="default", kind=kind, subject_id=subject, roles=roles, new=True, **more
    )
    return await desk.keys.verify(key)


async def test_the_call_of_a_revoked_requester_is_void(desk: Desk, call: Call) -> None:
    anna = await key_of(desk, Kind.STAFF, "anna")
    before = await address(call)
    approval_id = (await call("update_address", anna, **ADDRESS)).value["approval_id"]
    assert anna.key is not None
    await desk.keys.revoke(anna.key)
    refused = await call("approve_call", LEAD, approval_id=approval_id)
    assert refused.value["error"]["code"] == "APPROVAL_VOID"
    assert await address(call) == before


async def test_the_call_of_a_requester_whose_key_was_rotated_stands(desk: Desk, call: Call) -> None:
    anna = await key_of(desk, Kind.STAFF, "anna")
    approval_id = (await call("update_address", anna, **ADDRESS)).value["approval_id"]
    assert anna.key is not None
    await desk.keys.rotate(anna.key)
    assert (await call("approve_call", LEAD, approval_id=approval_id)).status == "ok"
    assert (await settled(desk, approval_id))["status"] == "done"


async def test_the_call_of_a_requester_who_has_lost_a_role_is_void(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    anna = await key_of(sqlite_desk, Kind.STAFF, "anna", "support-2")
    approval_id = (await sqlite_call("update_address", anna, **ADDRESS)).value["approval_id"]
    await key_of(sqlite_desk, Kind.STAFF, "anna", "support")
    assert anna.key is not None
    await sqlite_desk.keys.revoke(anna.key)
    refused = await sqlite_call("approve_call", LEAD, approval_id=approval_id)
    assert refused.value["error"]["code"] == "APPROVAL_VOID"


@pytest.mark.parametrize("when", ["before it is approved", "before it is made"])
async def test_the_call_of_a_requester_whose_key_has_expired_is_void(
    sqlite_desk: Desk, sqlite_call: Call, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    anna = await key_of(sqlite_desk, Kind.STAFF, "anna", lifetime=timedelta(hours=1))
    before = await address(sqlite_call)
    approval_id = (await sqlite_call("update_address", anna, **ADDRESS)).value["approval_id"]
    if when == "before it is made":
        hold_jobs(monkeypatch)
        assert (await sqlite_call("approve_call", LEAD, approval_id=approval_id)).status == "ok"
    move_clock(monkeypatch, timedelta(hours=2))
    if when == "before it is made":
        row = await sqlite_desk.gate.approvals.get(
            sqlite_desk.database.reader, "default", approval_id
        )
        outcome = await run_approved(sqlite_desk.gate, row)
    else:
        outcome = await sqlite_call("approve_call", LEAD, approval_id=approval_id)
    assert outcome.value["error"]["code"] == "APPROVAL_VOID"
    assert await address(sqlite_call) == before


async def test_the_call_for_a_service_that_was_revoked_is_void(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    website = await key_of(sqlite_desk, Kind.SERVICE, "website")
    asked = await sqlite_call(
        "refund_order", website, order_id="O1001", amount="21.00", reason="broken"
    )
    assert asked.status == "pending"
    assert website.key is not None
    await sqlite_desk.keys.revoke(website.key)
    refused = await sqlite_call("approve_call", LEAD, approval_id=asked.value["approval_id"])
    assert refused.value["error"]["code"] == "APPROVAL_VOID"


async def test_the_call_about_an_erased_customer_is_gone(desk: Desk, call: Call) -> None:
    """Also where it was approved already, and another process is about to make it."""
    approval_id = await pending(call)
    row = await desk.gate.approvals.get(desk.database.reader, "default", approval_id)
    customer = await customers.get(desk.database.reader, "default", "user_001")
    async with desk.database.transaction() as transaction:
        await erase(transaction, desk.gate.ledger.keys, "default", customer)
    outcome = await run_approved(desk.gate, row)
    assert outcome.value["error"]["code"] == "APPROVAL_NOT_FOUND"
    gone = await call("approve_call", LEAD, approval_id=approval_id)
    assert gone.value["error"]["code"] == "APPROVAL_NOT_FOUND"


def hold_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no decision carried out."""

    async def nothing(self: Jobs) -> None: ...

    monkeypatch.setattr(Jobs, "_start_due", nothing)


def move_clock(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    moved = database.now() + by
    monkeypatch.setattr(database, "clock", lambda: moved)


async def test_a_call_waits_for_its_lifetime_and_no_longer(
    sqlite_desk: Desk, sqlite_call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await address(sqlite_call)
    in_time, too_late = await pending(sqlite_call), await pending(sqlite_call, new_address="2 Road")
    move_clock(monkeypatch, LIFETIME - timedelta(minutes=1))
    assert (await sqlite_call("approve_call", LEAD, approval_id=in_time)).status == "ok"
    await settled(sqlite_desk, in_time)
    assert await address(sqlite_call) != before
    move_clock(monkeypatch, timedelta(minutes=2))
    refused = await sqlite_call("approve_call", LEAD, approval_id=too_late)
    assert refused.value["error"]["code"] == "APPROVAL_VOID"
    shown = await sqlite_call("get_approval", LEAD, approval_id=too_late)
    assert shown.value["status"] == "expired"


async def test_an_approved_call_that_was_not_made_in_time_is_not_made(
    sqlite_desk: Desk, sqlite_call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await address(sqlite_call)
    approval_id = await pending(sqlite_call)
    hold_jobs(monkeypatch)
    assert (await sqlite_call("approve_call", LEAD, approval_id=approval_id)).status == "ok"
    row = await sqlite_desk.gate.approvals.get(sqlite_desk.database.reader, "default", approval_id)
    move_clock(monkeypatch, LIFETIME)
    outcome = await run_approved(sqlite_desk.gate, row)
    assert outcome.value["error"]["code"] == "APPROVAL_VOID"
    assert await address(sqlite_call) == before


async def test_an_approved_call_that_was_given_up_is_not_made(
    sqlite_desk: Desk, sqlite_call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a process that is about to make it while another one says that it was not made."""
    before = await address(sqlite_call)
    approval_id = await pending(sqlite_call)
    hold_jobs(monkeypatch)
    assert (await sqlite_call("approve_call", LEAD, approval_id=approval_id)).status == "ok"
    row = await sqlite_desk.gate.approvals.get(sqlite_desk.database.reader, "default", approval_id)
    await change(sqlite_desk, approval_id, status="failed")
    outcome = await run_approved(sqlite_desk.gate, row)
    assert outcome.value["error"]["code"] == "APPROVAL_VOID"
    assert await address(sqlite_call) == before


async def test_of_two_decisions_the_first_counts(sqlite_desk: Desk, sqlite_call: Call) -> None:
    """Of two that both looked before either of them wrote."""
    store = sqlite_desk.gate.approvals
    row = await store.get(sqlite_desk.database.reader, "default", await pending(sqlite_call))
    async with sqlite_desk.database.transaction() as db:
        await store.decide(db, row, "denied", by="staff:lena", comment="")
        with pytest.raises(Conflict):
            await store.decide(db, row, "approved", by="staff:carl", comment="")


async def _revoke(desk: Desk, call: Call, anna: Principal) -> None:
    assert anna.key is not None
    await desk.keys.revoke(anna.key)


async def _change_policy(desk: Desk, call: Call, anna: Principal) -> None:
    with_policy(
        desk, "also", 'action == Action::"update_ticket", resource) when { context.unattended }'
    )


async def _change_record(desk: Desk, call: Call, anna: Principal) -> None:
    ticket = (await call("list_approvals", LEAD)).value["approvals"][0]["arguments"]["ticket_id"]
    done = await call("update_ticket", STAFF, ticket_id=ticket, update={"priority": "low"})
    assert done.status == "ok", done.value


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (_revoke, "key ended"),
        (_change_policy, "policies have changed"),
        (_change_record, "record has changed"),
    ],
    ids=["requester", "policy", "record"],
)
async def test_what_is_void_reads_so_at_once(desk: Desk, call: Call, cause: Any, why: str) -> None:
    website = await key_of(desk, Kind.SERVICE, "website")
    opened = (await call("create_ticket", subject="A", body="B")).value["ticket_id"]
    asked = await call("update_ticket", website, ticket_id=opened, update={"status": "resolved"})
    approval_id = asked.value["approval_id"]
    other = (await call("create_ticket", subject="C", body="D")).value["ticket_id"]
    listed = (await call("list_approvals", LEAD)).value
    assert [one["status"] for one in listed["approvals"]] == ["pending"]
    assert listed["approvals"][0]["void_because"] is None
    await cause(desk, call, website)
    for door in ("rest", "mcp"):  # whoever looks, by whatever way
        context = Context(LEAD, door)
        pending = (await desk.gate.call("list_approvals", {}, context)).value
        assert (pending["total"], pending["approvals"]) == (0, [])
    void = (await call("list_approvals", LEAD, status="void")).value
    assert [one["approval_id"] for one in void["approvals"]] == [approval_id]
    assert why in void["approvals"][0]["void_because"]
    every = (await call("list_approvals", LEAD, status=None)).value["approvals"]
    assert [one["status"] for one in every] == ["void"]
    shown = (await call("get_approval", LEAD, approval_id=approval_id)).value
    assert (shown["status"], why in shown["void_because"]) == ("void", True)
    refused = (await call("approve_call", LEAD, approval_id=approval_id)).value["error"]
    assert refused["code"] == "APPROVAL_VOID"
    assert why in refused["message"]
    if cause is not _revoke:  # what is asked for again waits, and can be approved
        again = await call("update_ticket", website, ticket_id=other, update={"status": "resolved"})
        fresh = (await call("list_approvals", LEAD)).value["approvals"]
        assert [one["approval_id"] for one in fresh] == [again.value["approval_id"]]


async def test_what_waited_too_long_says_so(sqlite_desk: Desk, sqlite_call: Call) -> None:
    anna = await key_of(sqlite_desk, Kind.STAFF, "anna")
    approval_id = (await sqlite_call("update_address", anna, **ADDRESS)).value["approval_id"]
    async with sqlite_desk.database.transaction() as db:
        await db.execute(sa.update(approvals).values(expires_at=now()))
    assert (await sqlite_call("list_approvals", LEAD)).value["total"] == 0
    [late] = (await sqlite_call("list_approvals", LEAD, status="expired")).value["approvals"]
    assert late["approval_id"] == approval_id
    assert late["void_because"]
