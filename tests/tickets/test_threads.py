"""Tickets are threads: messages in order, answers that reopen, notes that no customer sees."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core import database
from deskward.core.database import now
from deskward.gate.context import Context
from deskward.security import members
from deskward.security.principals import Kind
from deskward.tickets import store, thread
from deskward.tickets.messages import Author, ticket_messages
from tests.conftest import AUDITOR, CUSTOMER, FOREIGN, OTHER, SERVICE, STAFF, Call, hire

USER = Author.customer("user_001")


async def opened(call: Call, **more: Any) -> str:
    """The id of a new ticket of the customer's."""
    arguments = {"subject": "Card", "body": "It was declined.", **more}
    return str((await call("create_ticket", **arguments)).value["ticket_id"])


async def said(call: Call, ticket_id: str, principal: Any = STAFF) -> list[tuple[str, str, str]]:
    """By whom, as what and in which words a ticket's messages are."""
    page = (await call("list_ticket_messages", principal, ticket_id=ticket_id, limit=100)).value
    return [(one["by"], one["kind"], one["text"]) for one in page["messages"]]


async def change(call: Call, ticket_id: str, **update: Any) -> Any:
    """What a member of staff's change gives."""
    return (await call("update_ticket", STAFF, ticket_id=ticket_id, update=update)).value


async def test_a_second_reply_is_a_second_message(call: Call) -> None:
    ticket = await opened(call)
    await change(call, ticket, reply="We look.")
    changed = await change(call, ticket, reply="It works again.", status="resolved")
    assert changed["ticket"]["reply"] == "It works again."
    assert changed["ticket"]["messages"] == 3
    assert await said(call, ticket) == [
        ("customer", "message", "It was declined."),
        ("staff", "message", "We look."),
        ("staff", "message", "It works again."),
    ]


async def test_an_answer_opens_a_resolved_ticket_again(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = await opened(call)
    await change(call, ticket, reply="Done.", status="resolved")
    receipt = (await call("answer_ticket", ticket_id=ticket, text="Not yet.")).value
    assert (receipt["ticket_id"], receipt["seq"]) == (ticket, 3)
    reopened = (await call("get_ticket", STAFF, ticket_id=ticket)).value
    assert (reopened["status"], reopened["resolved_at"], reopened["heard"]) == ("open", None, 2)

    await change(call, ticket, status="resolved")
    later = now() + timedelta(days=15)
    monkeypatch.setattr(database, "clock", lambda: later)
    first = (await call("answer_ticket", ticket_id=ticket, text="Again!")).value["ticket_id"]
    assert first != ticket
    assert (await call("get_ticket", STAFF, ticket_id=ticket)).value["status"] == "resolved"
    # What comes next joins the ticket that follows it up.
    second = (await call("answer_ticket", ticket_id=ticket, text="Hello?")).value["ticket_id"]
    assert second == first
    page = (await call("list_ticket_messages", STAFF, ticket_id=first)).value
    assert page["links"] == [{"ticket_id": ticket, "kind": "follow_up", "later": True}]
    assert [one["text"] for one in page["messages"]] == ["Again!", "Hello?"]


async def test_a_closed_ticket_stays_closed_and_is_followed_up_once(call: Call) -> None:
    ticket = await opened(call)
    await change(call, ticket, status="closed")
    texts = [f"Message {number}" for number in range(10)]
    receipts = await asyncio.gather(
        *(call("answer_ticket", ticket_id=ticket, text=text) for text in texts)
    )
    newer = {receipt.value["ticket_id"] for receipt in receipts}
    assert len(newer) == 1
    assert ticket not in newer
    assert (await call("get_ticket", STAFF, ticket_id=ticket)).value["status"] == "closed"
    assert {text for _, _, text in await said(call, newer.pop())} == set(texts)


async def test_what_comes_under_the_same_name_is_one_message(desk: Desk, call: Call) -> None:
    ticket = await opened(call)

    async def receive() -> str:
        async with desk.database.transaction() as db:
            received = await thread.receive(
                db, "default", ticket, text="Hi", author=USER, channel="mail", name="a" * 32
            )
        return received.became

    became = await asyncio.gather(*(receive() for _ in range(5)))
    assert sorted(became) == ["added", *["known"] * 4]
    assert len(await said(call, ticket)) == 2


async def test_messages_and_answers_at_once_all_get_a_place(call: Call) -> None:
    ticket = await opened(call)
    calls = []
    for number in range(12):
        calls += [
            call("answer_ticket", ticket_id=ticket, text=f"c{number}"),
            call("add_ticket_note", STAFF, ticket_id=ticket, text=f"n{number}"),
            call("update_ticket", STAFF, ticket_id=ticket, update={"reply": f"r{number}"}),
        ]
    outcomes = await asyncio.gather(*calls)
    assert {outcome.status for outcome in outcomes} == {"ok"}
    page = (await call("list_ticket_messages", STAFF, ticket_id=ticket, limit=100)).value
    assert sorted(one["seq"] for one in page["messages"]) == list(range(1, 38))


async def test_no_answer_of_any_tool_shows_a_customer_a_note(desk: Desk, call: Call) -> None:
    secret = "the password is swordfish"
    ticket = await opened(call)
    noted = await call("add_ticket_note", STAFF, ticket_id=ticket, text=secret)
    assert noted.status == "ok"
    await change(call, ticket, team=secret, tags=[secret], reply="Hello")
    for principal in (
        CUSTOMER,
        OTHER,
        FOREIGN,
        replace(CUSTOMER, agent="assistant"),
    ):
        for tool in desk.gate.tools_for(principal):
            if "ticket_id" in tool.parameters or tool.name == "list_tickets":
                arguments = {"ticket_id": ticket} if "ticket_id" in tool.parameters else {}
                if "text" in tool.parameters:
                    arguments["text"] = "I"
                outcome = await desk.gate.call(tool.name, arguments, Context(principal, "cli"))
                assert "swordfish" not in json.dumps(outcome.value), tool.name
                if principal in (OTHER, FOREIGN) and tool.name != "list_tickets":
                    assert outcome.status == "error", tool.name
    assert secret in [text for _, _, text in await said(call, ticket)]
    assert secret in [text for _, _, text in await said(call, ticket, AUDITOR)]
    assert secret not in [text for _, _, text in await said(call, ticket, SERVICE)]


async def test_customers_do_not_see_who_of_the_staff_writes(call: Call) -> None:
    ticket = await opened(call)
    await change(call, ticket, reply="Hello")
    for principal, author in ((CUSTOMER, None), (STAFF, "anna")):
        page = (await call("list_ticket_messages", principal, ticket_id=ticket)).value
        assert [one["author"] for one in page["messages"]] == ["user_001", author]


async def test_an_assignee_is_a_member_of_staff(desk: Desk, call: Call) -> None:
    ticket = await opened(call)
    refused = await change(call, ticket, assignee="nadia")
    assert refused["error"]["code"] == "CONFLICT"
    await hire(desk, "nadia")
    assert (await change(call, ticket, assignee="nadia"))["ticket"]["assignee"] == "nadia"
    async with desk.database.transaction() as db:
        await members.set_disabled(db, "default", Kind.STAFF, "nadia", disabled=True)
    refused = await change(call, ticket, assignee="nadia")
    assert refused["error"]["code"] == "CONFLICT"


async def test_an_assignment_is_taken_back(desk: Desk, call: Call) -> None:
    await hire(desk, "anna")
    ticket = await opened(call)
    await change(call, ticket, assignee="anna", team="billing")
    changed = await change(call, ticket, assignee=None)
    assert changed["message"] == f"Ticket {ticket} now has no assignee."
    assert (changed["ticket"]["assignee"], changed["ticket"]["team"]) == (None, "billing")


async def test_fields_are_those_that_the_desk_has_declared(call: Call) -> None:
    ticket = await opened(call)
    refused = await change(call, ticket, fields={"device": "reader"})
    assert refused["error"]["code"] == "CONFLICT"
    assert "device" in refused["error"]["message"]


async def test_a_risk_in_a_later_message_counts(desk: Desk, call: Call) -> None:
    ticket = await opened(call)
    await call("answer_ticket", ticket_id=ticket, text="My lawyer will sue you.")
    update = {"status": "resolved", "reply": "All is well."}
    agent = replace(SERVICE, agent="assistant")
    context = replace(Context(agent, "agent"), confidence=1.0)
    outcome = await desk.gate.call(
        "update_ticket", {"ticket_id": ticket, "update": update}, context
    )
    assert outcome.decision is not None
    assert "tickets-that-are-left-to-people" in outcome.decision.policies


async def test_tickets_of_one_customer_are_merged(call: Call) -> None:
    first, second = await opened(call), await opened(call, body="Declined again.")
    merged = await call("merge_tickets", STAFF, ticket_id=second, into=first)
    assert merged.value["ticket"]["messages"] == 3
    texts = [text for _, _, text in await said(call, first)]
    assert texts[:2] == ["It was declined.", "Declined again."]
    ended = (await call("get_ticket", ticket_id=second)).value
    assert (ended["status"], ended["merged_into"]) == ("closed", first)
    # What comes to the one that ended is for the one that goes on.
    receipt = await call("answer_ticket", ticket_id=second, text="Thanks")
    assert receipt.value["ticket_id"] == first
    again = await call("merge_tickets", STAFF, ticket_id=first, into=second)
    assert again.value["error"]["code"] == "CONFLICT"


async def test_tickets_of_two_customers_are_linked_and_not_merged(call: Call) -> None:
    mine = await opened(call)
    theirs = (await call("create_ticket", OTHER, subject="A", body="B")).value["ticket_id"]
    refused = await call("merge_tickets", STAFF, ticket_id=theirs, into=mine)
    assert refused.value["error"]["code"] == "INVALID_INPUT"
    assert (await call("link_tickets", STAFF, ticket_id=mine, other=theirs)).status == "ok"
    again = await call("link_tickets", STAFF, ticket_id=theirs, other=mine)
    assert again.value["error"]["code"] == "CONFLICT"
    shown = (await call("list_ticket_messages", ticket_id=mine)).value
    assert shown["links"] == []


async def test_a_ticket_is_split(call: Call) -> None:
    ticket = await opened(call)
    await call("answer_ticket", ticket_id=ticket, text="And my order is late.")
    await change(call, ticket, reply="We look at the card.")
    arguments = {"ticket_id": ticket, "messages": [2], "subject": "Order"}
    new = (await call("split_ticket", STAFF, **arguments)).value["ticket"]
    assert (new["subject"], new["body"]) == ("Order", "And my order is late.")
    assert await said(call, new["id"]) == [("customer", "message", "And my order is late.")]
    assert "And my order is late." not in [text for _, _, text in await said(call, ticket)]
    nothing = await call("split_ticket", STAFF, **arguments)
    assert nothing.value["error"]["code"] == "CONFLICT"


async def test_a_snoozed_ticket_comes_back(desk: Desk, call: Call) -> None:
    ticket = await opened(call)
    until = now() + timedelta(seconds=2)
    await call("snooze_ticket", STAFF, ticket_id=ticket, until=until.isoformat())
    assert (await call("get_ticket", STAFF, ticket_id=ticket)).value["snoozed_until"]
    async with asyncio.timeout(15):
        while (await call("get_ticket", STAFF, ticket_id=ticket)).value["snoozed_until"]:
            desk.jobs.wake()
            await asyncio.sleep(0.05)
    assert ("desk", "note", "It was snoozed until now.") in await said(call, ticket)


async def test_a_delivery_that_failed_is_told_on_its_message(desk: Desk, call: Call) -> None:
    ticket = await opened(call)
    await change(call, ticket, reply="Hello")
    async with desk.database.transaction() as db:
        own = ticket_messages.c.text == "Hello"
        await db.execute(
            sa.update(ticket_messages).where(own).values(message_id="<1@x>", delivery="sent")
        )
        assert not await store.delivery_failed(db, "acme", "<1@x>", "550 no such user")
        assert await store.delivery_failed(db, "default", "<1@x>", "550 no such user")
    message = (await call("list_ticket_messages", STAFF, ticket_id=ticket)).value["messages"][1]
    assert (message["delivery"], message["detail"]) == ("bounced", "550 no such user")
    message = (await call("list_ticket_messages", ticket_id=ticket)).value["messages"][1]
    assert (message["delivery"], message["detail"]) == ("bounced", None)


async def test_erasing_a_customer_erases_their_messages(desk: Desk, call: Call) -> None:
    ticket = await opened(call)
    await call("answer_ticket", ticket_id=ticket, text="I am Alex Morgan.")
    theirs = (await call("create_ticket", OTHER, subject="A", body="B")).value["ticket_id"]
    async with desk.database.transaction() as db:
        await thread.receive(
            db, "default", theirs, text="I write, too.", author=USER, channel="mail"
        )
        await thread.note(
            db,
            "default",
            theirs,
            "Ask Alex Morgan.",
            author=Author(by="staff", id="anna"),
            channel="api",
        )
    lead = replace(STAFF, roles=("support-3",))
    erased = await call("erase_customer", lead, customer_id="user_001", reason="by letter")
    approval = erased.value["approval_id"]
    decided = await call("approve_call", replace(lead, id="carl"), approval_id=approval)
    assert decided.status == "ok", decided.value
    async with asyncio.timeout(20):
        while True:
            rows = await desk.database.reader.all(sa.select(ticket_messages.c.text))
            texts = [row.text for row in rows]
            if not any("Alex Morgan" in text or "I write, too." in text for text in texts):
                break
            desk.jobs.wake()
            await asyncio.sleep(0.05)
    assert "B" in texts
