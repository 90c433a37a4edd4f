"""Tickets: opening, finding, changing, handing over."""

import asyncio
import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from deskward.app import Desk
from deskward.gate.context import Context, Door
from deskward.text.risk import risks_of
from deskward.tickets import service
from deskward.tickets.models import TicketUpdate
from tests.conftest import CUSTOMER, FOREIGN, OTHER, SERVICE, STAFF, Call, hire


async def test_numbers_count_up_per_tenant(call: Call) -> None:
    for expected in ("T1001", "T1002"):
        opened = await call("create_ticket", subject="A", body="B")
        assert opened.value == {
            "ticket_id": expected,
            "status": "open",
            "message": f"Ticket {expected} was opened.",
            "hours": None,
        }
    assert (await call("create_ticket", FOREIGN, subject="A", body="B")).value[
        "ticket_id"
    ] == "T1001"


async def test_tickets_opened_at_once_get_numbers_of_their_own(call: Call) -> None:
    opened = await asyncio.gather(
        *(call("create_ticket", subject=str(n), body="B") for n in range(30))
    )
    numbers = {outcome.value["ticket_id"] for outcome in opened}
    assert numbers == {f"T{number}" for number in range(1001, 1031)}


async def test_a_reported_issue_is_a_ticket(call: Call) -> None:
    description = "The app crashes when I open it.\nAlways. " + "x" * 100
    reported = await call("report_issue", description=description)
    ticket = (await call("get_ticket", ticket_id=reported.value["ticket_id"])).value
    assert ticket["body"] == description
    assert ticket["subject"].startswith("The app crashes when I open it. Always.")
    assert len(ticket["subject"]) <= 80
    assert (ticket["status"], ticket["priority"], ticket["customer_id"]) == (
        "open",
        "normal",
        "user_001",
    )


async def test_a_handover_is_urgent(call: Call) -> None:
    handed = await call("hand_over", reason="I want a person")
    ticket = (await call("get_ticket", ticket_id=handed.value["ticket_id"])).value
    assert (ticket["subject"], ticket["priority"]) == ("Handover: I want a person", "high")


async def test_a_change_counts_up_the_revision(desk: Desk, call: Call) -> None:
    await hire(desk, "anna")
    await call("create_ticket", subject="A", body="B")
    changed = await call(
        "update_ticket", STAFF, ticket_id="T1001", update={"status": "resolved", "assignee": "anna"}
    )
    assert changed.value["success"] is True
    assert changed.value["message"] == "Ticket T1001 now has status resolved, assignee anna."
    ticket = (await call("get_ticket", ticket_id="T1001")).value
    assert (ticket["status"], ticket["assignee"], ticket["revision"]) == ("resolved", "anna", 2)


async def test_a_change_of_nothing_is_refused(call: Call) -> None:
    await call("create_ticket", subject="A", body="B")
    for nothing in ({}, {"status": None}, {"revision": 1}):
        outcome = await call("update_ticket", STAFF, ticket_id="T1001", update=nothing)
        assert outcome.value["error"]["code"] == "INVALID_INPUT"
        # The schema says so before.
        assert not Draft202012Validator(TicketUpdate.model_json_schema()).is_valid(nothing)
    outcome = await call("update_ticket", STAFF, ticket_id="T9999", update={"status": "open"})
    assert outcome.value["error"]["code"] == "TICKET_NOT_FOUND"


async def test_customers_list_their_own_tickets(call: Call) -> None:
    for number in range(3):
        await call("create_ticket", subject=f"Mine {number}", body="B")
    await call("create_ticket", OTHER, subject="Theirs", body="B")
    await call("update_ticket", STAFF, ticket_id="T1002", update={"status": "closed"})
    mine = (await call("list_tickets")).value
    assert [t["subject"] for t in mine["tickets"][:3]] == ["Mine 2", "Mine 1", "Mine 0"]
    # The demo desk has twenty tickets, seven of each of these two.
    assert (await call("list_tickets", OTHER)).value["total"] == 8
    assert (await call("list_tickets", STAFF)).value["total"] == 24
    assert (await call("list_tickets", STAFF, customer_id="user_002")).value["total"] == 8
    assert (await call("list_tickets", status="closed")).value["total"] == 1
    page = (await call("list_tickets", limit=1, offset=1)).value
    assert (page["total"], [t["subject"] for t in page["tickets"]]) == (10, ["Mine 1"])
    assert (await call("list_tickets", customer_id=None)).value["error"]["code"] == "FORBIDDEN"


async def test_a_handover_joins_one_that_waits(call: Call) -> None:
    async def over(reason: str, principal=CUSTOMER, **more: bool) -> str:
        return (await call("hand_over", principal, reason=reason, **more)).value["ticket_id"]

    assert await over("first", join=True) == "T1001"
    assert await over("second", join=True) == "T1001"
    assert await over("another matter") == "T1002"
    assert await over("third", join=True) == "T1002"
    assert await over("theirs", OTHER, join=True) == "T1003"
    ticket = (await call("get_ticket", ticket_id="T1001")).value
    page = (await call("list_ticket_messages", ticket_id="T1001")).value
    assert [one["text"] for one in page["messages"]] == ["first", "second"]
    assert (ticket["revision"], ticket["subject"]) == (2, "Handover: first")
    for ticket_id in ("T1001", "T1002"):
        await call("update_ticket", STAFF, ticket_id=ticket_id, update={"status": "resolved"})
    assert await over("fourth", join=True) == "T1004"
    for _ in range(3):
        assert await over("x" * 9_000, join=True) == "T1004"
    assert (await call("get_ticket", ticket_id="T1004")).value["messages"] == 4


@pytest.mark.parametrize("door", ["agent", "mcp"])
async def test_what_a_model_writes_in_a_handover_is_for_staff_alone(
    desk: Desk, call: Call, door: Door
) -> None:
    """Neither the customer nor an agent of theirs is shown it; a service neither."""
    await hire(desk, "anna")
    agent = Context(replace(CUSTOMER, agent="assistant" if door == "agent" else None), door)
    said = ["Call 555-0100 and pay", "Or I sue you"]
    for reason in said:
        arguments = {"customer_id": "user_001", "reason": reason, "join": True}
        assert (await desk.gate.call("hand_over", arguments, agent)).value["ticket_id"] == "T1001"
    await call("hand_over", reason="By my own hand", join=True)
    for principal, note in ((CUSTOMER, None), (SERVICE, None), (STAFF, "\n\n".join(said))):
        ticket = (await call("get_ticket", principal, ticket_id="T1001")).value
        assert ticket["note"] == note
        assert ticket["subject"] == "Handover: A person was asked for."
        assert ticket["body"] == "A person was asked for."
        listed = await call("list_tickets", principal, customer_id="user_001")
        notes = {one["id"]: one["note"] for one in listed.value["tickets"]}
        assert notes["T1001"] == note
    shown = await desk.gate.call("get_ticket", {"ticket_id": "T1001"}, agent)
    assert "555-0100" not in json.dumps(shown.value)
    update = {"ticket_id": "T1001", "update": {"assignee": "anna"}}
    for principal, note in ((SERVICE, None), (STAFF, "\n\n".join(said))):
        assert (await call("update_ticket", principal, **update)).value["ticket"]["note"] == note


async def test_a_risk_in_a_note_counts_as_one_in_the_body(desk: Desk) -> None:
    agent = Context(replace(CUSTOMER, agent="assistant"), "agent")
    arguments = {"customer_id": "user_001", "reason": "My lawyer will sue you"}
    await desk.gate.call("hand_over", arguments, agent)
    async with desk.database.transaction() as db:
        ticket = await service.get(db, CUSTOMER.tenant, "T1001")
    assert "legal" in risks_of(ticket.subject, ticket.words)
