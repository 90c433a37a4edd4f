"""Approvals: of the exact call, by another person, once; whatever was changed voids them."""

import asyncio
import dataclasses
import json
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.database import now
from deskward.core.jobs import jobs
from deskward.gate.approvals import ApprovalVoid, approvals
from deskward.gate.approved import run_approved
from deskward.gate.policy.engine import Policy
from deskward.security.principals import Kind, Principal
from tests.conftest import FOREIGN, STAFF, Call, recorded
from tests.policies import FILES

LEAD = Principal(Kind.STAFF, "lena", "default", ("support-3",))
WHOLE = "4242424242424242"
ADDRESS = {"user_id": "user_001", "new_address": "1 New Road, Boston"}


async def pending(call: Call, **changes: str) -> str:
    outcome = await call("update_address", STAFF, **{**ADDRESS, **changes})
    assert outcome.status == "pending", outcome.value
    return str(outcome.value["approval_id"])


async def settled(desk: Desk, approval_id: str) -> dict[str, Any]:
    """The approval once its call has run."""
    async with asyncio.timeout(20):
        while True:
            row = await desk.gate.approvals.get(desk.database.reader, "default", approval_id)
            if row.status not in ("pending", "approved"):
                return vars(row)
            await asyncio.sleep(0.02)


async def address(call: Call) -> str:
    return str((await call("get_account_details")).value["address"])


async def test_a_pending_call_is_shown_exactly(desk: Desk, call: Call) -> None:
    approval_id = await pending(call)
    shown = (await call("get_approval", LEAD, approval_id=approval_id)).value
    assert shown["tool"] == "update_address"
    assert shown["arguments"] == ADDRESS
    assert shown["canonical_arguments"] == (
        '{"new_address":"1 New Road, Boston","user_id":"user_001"}'
    )
    (reason,) = shown["reasons"]
    assert reason["policy"] == "changing-a-customers-address-needs-approval"
    assert "principal.tier" in reason["text"]
    assert (shown["requested_by"], shown["about"], shown["status"]) == (
        "staff:anna",
        "user_001",
        "pending",
    )
    listed = (await call("list_approvals", LEAD)).value
    assert [one["approval_id"] for one in listed["approvals"]] == [approval_id]


async def test_an_approved_call_is_made_once(desk: Desk, call: Call) -> None:
    approval_id = await pending(call)
    decided = await call("approve_call", LEAD, approval_id=approval_id, comment="asked them")
    assert decided.value["status"] == "approved"
    row = await settled(desk, approval_id)
    assert (row["status"], row["decided_by"], row["comment"]) == (
        "done",
        "staff:lena",
        "asked them",
    )
    assert row["sealed"] is None
    assert await address(call) == ADDRESS["new_address"]
    assert (await call("approve_call", LEAD, approval_id=approval_id)).value["error"]["code"] == (
        "CONFLICT"
    )
    made = [r for r in await recorded(desk) if r.get("approval") == approval_id]
    assert [(r["tool"], r["status"], r["principal"]["id"]) for r in made] == [
        ("update_address", "ok", "anna")
    ]


async def test_a_denied_call_is_not_made(desk: Desk, call: Call) -> None:
    before = await address(call)
    approval_id = await pending(call)
    assert (await call("deny_call", LEAD, approval_id=approval_id, comment="no")).status == "ok"
    assert (await call("approve_call", LEAD, approval_id=approval_id)).error is not None
    await asyncio.sleep(0.1)
    assert await address(call) == before


async def test_whoever_repeats_the_call_is_told_what_came_of_it(desk: Desk, call: Call) -> None:
    first = await call("update_address", STAFF, key="k", **ADDRESS)
    await call("approve_call", LEAD, approval_id=first.value["approval_id"])
    await settled(desk, first.value["approval_id"])
    again = await call("update_address", STAFF, key="k", **ADDRESS)
    assert (again.status, again.value["address"]) == ("ok", ADDRESS["new_address"])


@pytest.mark.parametrize(
    ("approver", "code"),
    [
        (STAFF, "FORBIDDEN"),  # the requester
        (dataclasses.replace(STAFF, roles=("support-3",)), "FORBIDDEN"),  # with a higher role
        (Principal(Kind.STAFF, "ben", "default", ("support",)), "FORBIDDEN"),  # of too low a tier
        (Principal(Kind.STAFF, "otto", "default", ("auditor",)), "FORBIDDEN"),
        (Principal(Kind.SERVICE, "bot", "default", ("support-3",)), "FORBIDDEN"),
        (LEAD.with_agent("assistant"), "FORBIDDEN"),
        (Principal(Kind.STAFF, "lena", "acme", ("support-3",)), "APPROVAL_NOT_FOUND"),
    ],
)
async def test_who_may_not_approve(desk: Desk, call: Call, approver: Principal, code: str) -> None:
    approval_id = await pending(call)
    outcome = await call("approve_call", approver, approval_id=approval_id)
    assert outcome.value["error"]["code"] == code
    row = await desk.gate.approvals.get(desk.database.reader, "default", approval_id)
    assert row.status == "pending"


async def test_no_program_approves_over_mcp(desk: Desk, call: Call) -> None:
    from deskward.gate.context import Context

    approval_id = await pending(call)
    context = Context(LEAD, "mcp")
    outcome = await desk.gate.call("approve_call", {"approval_id": approval_id}, context)
    assert outcome.value["error"]["details"]["policies"] == ["people-decide"]


async def change(desk: Desk, approval_id: str, **values: Any) -> None:
    async with desk.database.transaction() as transaction:
        statement = sa.update(approvals).where(approvals.c.id == approval_id).values(**values)
        await transaction.execute(statement)


async def new_tool(desk: Desk, approval_id: str, n: int) -> None:
    await change(desk, approval_id, tool=["deactivate_card", "change_password"][n % 2])


async def new_arguments(desk: Desk, approval_id: str, n: int) -> None:
    changed = json.dumps({**ADDRESS, "new_address": f"{n} Evil Street"})
    await change(desk, approval_id, arguments=changed)


async def other_sealed_arguments(desk: Desk, approval_id: str, n: int) -> None:
    row = await desk.gate.approvals.get(desk.database.reader, "default", approval_id)
    sealed = bytearray(row.sealed or b"")
    sealed[n % len(sealed)] ^= 1 + n % 255
    await change(desk, approval_id, sealed=bytes(sealed))


async def new_tenant(desk: Desk, approval_id: str, _: int) -> None:
    await change(desk, approval_id, tenant_id="acme")


async def new_requester(desk: Desk, approval_id: str, n: int) -> None:
    row = await desk.gate.approvals.get(desk.database.reader, "default", approval_id)
    origin = json.loads(row.origin or "")
    origin["principal"]["id"] = f"somebody{n}"
    columns = [{"principal": f"staff:somebody{n}"}, {"origin": json.dumps(origin)}]
    await change(desk, approval_id, **columns[n % 2])


async def new_policy(desk: Desk, approval_id: str, n: int) -> None:
    if n % 2:
        await change(desk, approval_id, policy_version=f"{n:012x}")
        return
    scope = 'action == Action::"update_address", resource) when { context.unattended }'
    with_policy(desk, f"more{n}", scope)


def with_policy(desk: Desk, name: str, scope: str) -> None:
    more = {"more.cedar": f'@id("{name}") forbid (principal, {scope};'}
    desk.gate.policy = Policy({**FILES, **more}, desk.gate.tools.values())


async def new_expiry(desk: Desk, approval_id: str, n: int) -> None:
    await change(desk, approval_id, expires_at=now() + timedelta(days=n + 1, hours=-12))


async def expired(desk: Desk, approval_id: str, n: int) -> None:
    await change(desk, approval_id, expires_at=now() - timedelta(seconds=n + 1))


TAMPERINGS = {
    "tool": new_tool,
    "arguments": new_arguments,
    "sealed arguments": other_sealed_arguments,
    "tenant": new_tenant,
    "requester": new_requester,
    "policy version": new_policy,
    "expiry": new_expiry,
    "expired": expired,
}


@pytest.mark.parametrize("way", TAMPERINGS)
async def test_whatever_was_changed_is_not_made(
    sqlite_desk: Desk, sqlite_call: Call, way: str
) -> None:
    shipped = sqlite_desk.gate.policy
    before = await address(sqlite_call)
    approvers = {
        tenant: Principal(Kind.STAFF, "lena", tenant, ("support-3",))
        for tenant in ("default", "acme")
    }
    for number in range(100):
        approval_id = await pending(sqlite_call, new_address=f"{number} {way} Road")
        await TAMPERINGS[way](sqlite_desk, approval_id, number)
        for approver in approvers.values():
            refused = await sqlite_call("approve_call", approver, approval_id=approval_id)
            assert refused.value["error"]["code"] in ("APPROVAL_VOID", "APPROVAL_NOT_FOUND")
        sqlite_desk.gate.policy = shipped
    assert await address(sqlite_call) == before
    others = sa.select(jobs).where(jobs.c.kind != "knowledge.index")  # the demo's, at any moment
    assert await sqlite_desk.database.reader.first(others) is None


async def test_policies_that_say_the_same_of_a_call_void_nothing(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    lead = Principal(Kind.STAFF, "lena", "default", ("support-3",))
    first = await pending(sqlite_call, new_address="1 Same Road, Ely")
    with_policy(sqlite_desk, "elsewhere", 'action == Action::"hand_over", resource)')
    assert await pending(sqlite_call, new_address="1 Same Road, Ely") == first
    assert (await sqlite_call("approve_call", lead, approval_id=first)).error is None


async def test_a_call_waits_once_whatever_the_policies_become(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    """Else both could be approved, and it would be made twice."""
    lead = Principal(Kind.STAFF, "lena", "default", ("support-3",))
    first = await pending(sqlite_call, new_address="1 Same Road, Ely")
    shipped = sqlite_desk.gate.policy
    with_policy(
        sqlite_desk,
        "also",
        'action == Action::"update_address", resource) when { context.unattended }',
    )
    second = await pending(sqlite_call, new_address="1 Same Road, Ely")
    assert second != first
    sqlite_desk.gate.policy = shipped
    refused = await sqlite_call("approve_call", lead, approval_id=first)
    assert refused.value["error"]["code"] == "APPROVAL_VOID"
    shown = await sqlite_call("get_approval", lead, approval_id=first)
    assert shown.value["status"] == "expired"


async def test_a_changed_record_voids_the_call(sqlite_desk: Desk, sqlite_call: Call) -> None:
    service = Principal(Kind.SERVICE, "website", "default", ("service",))
    opened = await sqlite_call("create_ticket", subject="a", body="b")
    ticket = {"ticket_id": opened.value["ticket_id"]}
    for number in range(100):
        asked = await sqlite_call("update_ticket", service, **ticket, update={"status": "resolved"})
        await sqlite_call(
            "update_ticket", STAFF, **ticket, update={"priority": ["low", "high"][number % 2]}
        )
        refused = await sqlite_call("approve_call", LEAD, approval_id=asked.value["approval_id"])
        assert refused.value["error"]["code"] == "APPROVAL_VOID"
    assert (await sqlite_call("get_ticket", STAFF, **ticket)).value["status"] == "open"


async def test_an_approval_is_used_once(sqlite_desk: Desk, sqlite_call: Call) -> None:
    service = Principal(Kind.SERVICE, "website", "default", ("service",))
    order = {"order_id": "O1001", "amount": "21.00", "reason": "broken"}
    asked = await sqlite_call("refund_order", service, **order)
    approval_id = asked.value["approval_id"]
    await sqlite_call("approve_call", LEAD, approval_id=approval_id)
    await settled(sqlite_desk, approval_id)
    for number in range(100):
        again = await sqlite_call("approve_call", LEAD, approval_id=approval_id)
        assert again.value["error"]["code"] == "CONFLICT"
        # Also where the row is made to look unused, with the exact arguments brought back.
        await change(sqlite_desk, approval_id, status=["approved", "pending"][number % 2])
        row = await sqlite_desk.gate.approvals.get(
            sqlite_desk.database.reader, "default", approval_id
        )
        with_error = await sqlite_call("approve_call", LEAD, approval_id=approval_id)
        assert with_error.error is not None
        if row.status == "approved":
            with pytest.raises(ApprovalVoid):
                await run_approved(sqlite_desk.gate, row)
        await change(sqlite_desk, approval_id, status="done")
    refunds = [r for r in await recorded(sqlite_desk) if r.get("tool") == "refund_order"]
    assert [r["status"] for r in refunds] == ["pending", "ok"]


async def test_a_decision_cannot_be_forged(sqlite_desk: Desk, sqlite_call: Call) -> None:
    approval_id = await pending(sqlite_call)
    await change(
        sqlite_desk, approval_id, status="approved", decided_by="staff:lena", decided_at=now()
    )
    row = await sqlite_desk.gate.approvals.get(sqlite_desk.database.reader, "default", approval_id)
    with pytest.raises(ApprovalVoid):
        await run_approved(sqlite_desk.gate, row)


@pytest.mark.slow
async def test_of_many_that_approve_at_once_one_counts(desk: Desk, call: Call) -> None:
    approvers = [Principal(Kind.STAFF, f"lead{n}", "default", ("support-3",)) for n in range(32)]
    races = 200 if desk.settings.database_location.get_backend_name() == "sqlite" else 40
    for number in range(races):
        new_address = f"{number} Race Road"
        approval_id = await pending(call, new_address=new_address)
        outcomes = await asyncio.gather(
            *(call("approve_call", approver, approval_id=approval_id) for approver in approvers)
        )
        assert sum(outcome.status == "ok" for outcome in outcomes) == 1
    async with asyncio.timeout(60):
        while await desk.database.reader.first(sa.select(jobs)) is not None:
            await asyncio.sleep(0.05)
    made = [
        row["approval"]
        for row in await recorded(desk)
        if row.get("tool") == "update_address" and row["status"] == "ok"
    ]
    assert len(made) == len(set(made)) == races


async def test_a_call_with_a_secret_is_made_with_it(sqlite_desk: Desk, sqlite_call: Call) -> None:
    asked = await sqlite_call("deactivate_card", STAFF, user_id="user_001", card=WHOLE)
    approval_id = asked.value["approval_id"]
    shown = (await sqlite_call("get_approval", LEAD, approval_id=approval_id)).value
    assert shown["arguments"]["card"] == "**********"
    await sqlite_call("approve_call", LEAD, approval_id=approval_id)
    assert (await settled(sqlite_desk, approval_id))["status"] == "done"
    cards = (await sqlite_call("get_account_details")).value["cards"]
    assert [card["status"] for card in cards if card["last4"] == "4242"] == ["deactivated"]


@pytest.mark.parametrize("tool", ["deactivate_card", "freeze_card"])
@pytest.mark.parametrize("given", [WHOLE, "4242", "4242 4242-4242 4242"])
async def test_the_approver_sees_which_card_it_is(
    sqlite_desk: Desk, sqlite_call: Call, tool: str, given: str
) -> None:
    asked = await sqlite_call(tool, STAFF, user_id="user_001", card=given)
    if asked.status == "ok":
        return  # what can be undone needs nobody
    shown = (await sqlite_call("get_approval", LEAD, approval_id=asked.value["approval_id"])).value
    assert shown["label"] == shown["record"]["label"] == "Visa ••4242"
    assert asked.value["label"] == "Visa ••4242"
    for row in (shown, *await recorded(sqlite_desk)):
        assert not re.search(r"(?:4242\W*){2}", json.dumps(row))


async def test_no_approver_sees_a_card_number_that_stands_in_a_text(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    reason = f"Paid twice with {WHOLE}, exp 12/29."
    asked = await sqlite_call("refund_order", STAFF, order_id="O1001", amount="60", reason=reason)
    assert asked.status == "pending", asked.value
    approval_id = asked.value["approval_id"]
    shown = (await sqlite_call("get_approval", LEAD, approval_id=approval_id)).value
    listed = (await sqlite_call("list_approvals", LEAD)).value["approvals"]
    for told in (shown, listed):
        assert "Paid twice with ••4242, exp ••." in json.dumps(told, ensure_ascii=False)
        assert not re.search(r"(?:4242\W*){2}|12/29", json.dumps(told))


async def test_deactivating_a_card_again_with_its_key_gives_the_first_answer(
    sqlite_call: Call,
) -> None:
    first = await sqlite_call("deactivate_card", key="k", card="4242")
    again = await sqlite_call("deactivate_card", key="k", card="4242")
    assert (again.repeated, again.value) == (True, first.value)


@pytest.mark.parametrize("name", ["ANNA", "Anna", "ａｎｎａ"])
async def test_nobody_approves_their_own_call_under_another_spelling(
    sqlite_call: Call, name: str
) -> None:
    approval_id = await pending(sqlite_call)
    for system in (True, False):
        same = Principal(Kind.STAFF, name, "default", ("support-3",), system=system)
        refused = await sqlite_call("approve_call", same, approval_id=approval_id)
        assert refused.value["error"]["code"] == "FORBIDDEN"


async def test_nobody_approves_their_own_call_as_another_kind(sqlite_call: Call) -> None:
    asker = Principal(Kind.SERVICE, "dora", "default", ("support",))
    asked = await sqlite_call("refund_order", asker, order_id="O1001", amount="60", reason="broken")
    assert asked.status == "pending", asked.value
    same = Principal(Kind.STAFF, "dora", "default", ("support-3",))
    refused = await sqlite_call("approve_call", same, approval_id=asked.value["approval_id"])
    assert refused.value["error"]["code"] == "FORBIDDEN"
    assert "of their own" in refused.value["error"]["message"]


async def test_another_tenant_sees_nothing(desk: Desk, call: Call) -> None:
    approval_id = await pending(call)
    foreign = dataclasses.replace(LEAD, tenant=FOREIGN.tenant)
    assert (await call("list_approvals", foreign)).value["total"] == 0
    refused = await call("get_approval", foreign, approval_id=approval_id)
    assert refused.value["error"]["code"] == "APPROVAL_NOT_FOUND"
