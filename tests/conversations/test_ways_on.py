"""What becomes of a conversation whose tickets are merged, split, ended or wanted again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.events import events as told_events
from deskward.core.events import listeners
from deskward.core.jobs import jobs
from deskward.customers.merging import merge
from deskward.gate.context import Context
from deskward.tickets.timers import STILL_WAITS
from tests.conftest import CUSTOMER, STAFF, Call
from tests.conversations.test_takeover import HERE, lines, say, thread_of

PERSON = "I want to talk to a human"


async def ticket_of(call: Call, ticket: str) -> dict[str, Any]:
    found: dict[str, Any] = (await call("get_ticket", STAFF, ticket_id=ticket)).value
    return found


async def all_of(call: Call) -> list[str]:
    """The tickets that this test has opened, the newest first."""
    listed = (await call("list_tickets", STAFF, customer_id="user_001", limit=100)).value
    return [one["id"] for one in listed["tickets"] if one["id"].startswith("T1")]


async def change(call: Call, ticket: str, **update: Any) -> None:
    done = await call("update_ticket", STAFF, ticket_id=ticket, update=update)
    assert done.status == "ok", done.value


async def links_of(call: Call, ticket: str) -> list[tuple[str, str]]:
    page = (await call("list_ticket_messages", STAFF, ticket_id=ticket)).value
    return [(one["ticket_id"], one["kind"]) for one in page["links"]]


async def test_a_handover_that_is_merged_goes_on_in_the_other_ticket(
    desk: Desk, call: Call
) -> None:
    other = await call("create_ticket", subject="Toaster", body="It is broken.")
    await say(desk, PERSON)
    (handover,) = [one for one in await all_of(call) if one != other.value["ticket_id"]]
    into = other.value["ticket_id"]
    merged = await call("merge_tickets", STAFF, ticket_id=handover, into=into)
    assert merged.status == "ok", merged.value
    await say(desk, "It is the red one, connect me with an agent")
    assert await all_of(call) == [handover, into]
    assert ("customer", "message", "It is the red one, connect me with an agent") in (
        await thread_of(call, into)
    )
    assert (await call("read_handover", STAFF, ticket_id=into)).value["why"] == "asked"
    await change(call, into, reply="Which slot?")
    assert (await lines(desk))[-1] == ("assistant", "Which slot?")
    assert (await call("take_over_conversation", STAFF, ticket_id=into)).status == "ok"
    gone = await call("take_over_conversation", STAFF, ticket_id=handover)
    assert into in gone.value["error"]["message"]


async def test_two_conversations_of_one_matter_are_one_ticket(desk: Desk, call: Call) -> None:
    await say(desk, PERSON)
    (first,) = await all_of(call)
    reader = await desk.conversations.send(Context(CUSTOMER, "rest"), "t", PERSON)
    [_ async for _ in reader]
    second, _ = await all_of(call)
    assert (await call("merge_tickets", STAFF, ticket_id=second, into=first)).status == "ok"
    for session in ("s", "t"):
        text = f"More, in {session}"
        reader = await desk.conversations.send(Context(CUSTOMER, "rest"), session, text)
        [_ async for _ in reader]
        assert ("customer", "message", text) in await thread_of(call, first)
    assert len(await all_of(call)) == 2
    said = await call("answer_in_conversation", STAFF, ticket_id=second, text="To the second.")
    assert said.status == "ok"
    assert ("staff", "message", "To the second.") in await thread_of(call, first)


async def test_what_is_merged_into_a_resolved_ticket_is_waited_for(call: Call) -> None:
    one = (await call("create_ticket", subject="A", body="a")).value["ticket_id"]
    two = (await call("create_ticket", subject="B", body="b")).value["ticket_id"]
    await change(call, one, status="resolved")
    await call("merge_tickets", STAFF, ticket_id=two, into=one)
    assert (await ticket_of(call, one))["status"] == "open"


@pytest.mark.parametrize("how", ["split", "linked", "follow_up"])
async def test_tickets_that_belong_together_can_be_merged(call: Call, how: str) -> None:
    one = (await call("create_ticket", subject="A", body="a")).value["ticket_id"]
    if how == "split":
        await call("answer_ticket", ticket_id=one, text="b")
        named = {"ticket_id": one, "messages": [2], "subject": "B"}
        two = (await call("split_ticket", STAFF, **named)).value["ticket"]["id"]
    elif how == "linked":
        two = (await call("create_ticket", subject="B", body="b")).value["ticket_id"]
        await call("link_tickets", STAFF, ticket_id=one, other=two)
    else:
        await change(call, one, status="closed")
        two = (await call("answer_ticket", ticket_id=one, text="b")).value["ticket_id"]
        one, two = two, one
    merged = await call("merge_tickets", STAFF, ticket_id=two, into=one)
    assert merged.status == "ok", merged.value
    assert await links_of(call, one) == [(two, "merged")]


async def test_an_issue_that_was_reported_in_a_chat_is_answered_there(
    desk: Desk, call: Call
) -> None:
    await say(desk, "I want to report a problem: the lift hums at night")
    await say(desk, "yes")
    (ticket,) = await all_of(call)
    await say(desk, "What is my balance?")
    assert all("balance" not in text for _, _, text in await thread_of(call, ticket))
    await change(call, ticket, reply="Which lift?")
    assert (await lines(desk))[-1] == ("assistant", "Which lift?")
    page = (await call("list_ticket_messages", STAFF, ticket_id=ticket)).value
    assert page["messages"][-1]["delivery"] == "sent"
    assert page["messages"][-1]["channel"] == "chat"
    await say(desk, "The left one, I say to your colleague")
    assert "The left one" in (await thread_of(call, ticket))[-1][2]


async def test_messages_that_are_split_off_a_conversation_are_answered_there(
    desk: Desk, call: Call
) -> None:
    await say(desk, PERSON)
    (first,) = await all_of(call)
    await say(desk, "And the invoice of May is missing")
    page = (await call("list_ticket_messages", STAFF, ticket_id=first)).value["messages"]
    (seq,) = [one["seq"] for one in page if "invoice" in one["text"] and one["by"] == "customer"]
    named = {"ticket_id": first, "messages": [seq], "subject": "Invoice"}
    second = (await call("split_ticket", STAFF, **named)).value["ticket"]["id"]
    await change(call, second, reply="Here it is.")
    assert (await lines(desk))[-1] == ("assistant", "Here it is.")


async def test_who_wants_a_person_again_opens_the_resolved_ticket(desk: Desk, call: Call) -> None:
    await say(desk, PERSON)
    (ticket,) = await all_of(call)
    await change(call, ticket, reply="Done.", status="resolved")
    await say(desk, "ok")
    assert (await ticket_of(call, ticket))["status"] == "resolved"
    await say(desk, "It still hums, connect me with an agent")
    assert await all_of(call) == [ticket]
    assert (await ticket_of(call, ticket))["status"] == "open"
    heard = [text for by, _, text in await thread_of(call, ticket) if by == "customer"]
    assert heard.count("It still hums, connect me with an agent") == 1
    told = (await call("read_handover", STAFF, ticket_id=ticket)).value
    assert told["wants"][-1] == "It still hums, connect me with an agent"
    waits = await desk.database.reader.first(sa.select(jobs).where(jobs.c.kind == STILL_WAITS))
    assert waits is not None


async def test_who_wants_a_person_again_after_the_end_is_followed_up(
    desk: Desk, call: Call
) -> None:
    await say(desk, PERSON)
    (first,) = await all_of(call)
    await change(call, first, status="closed")
    await say(desk, "It still hums, connect me with an agent")
    second, closed = await all_of(call)
    assert closed == first
    assert (await ticket_of(call, first))["status"] == "closed"
    assert await links_of(call, second) == [(first, "follow_up")]
    assert (await ticket_of(call, second))["session_id"] == HERE.session_id


async def test_a_customer_who_is_merged_keeps_the_conversation(desk: Desk, call: Call) -> None:
    made = await call("create_customer", STAFF, name="Alex again", emails=["alex@work.example"])
    other = replace(CUSTOMER, id=made.value["customer_id"])
    reader = await desk.conversations.send(Context(other, "rest"), "w", PERSON)
    [_ async for _ in reader]
    async with desk.database.transaction() as db:
        await merge(db, "default", other.id, CUSTOMER.id)
    (ticket,) = await all_of(call)
    taken = await call("take_over_conversation", STAFF, ticket_id=ticket)
    assert taken.status == "ok", taken.value
    await call("answer_in_conversation", STAFF, ticket_id=ticket, text="Hello again.")
    reader = await desk.conversations.send(Context(CUSTOMER, "rest"), "w", "It is me")
    [_ async for _ in reader]
    assert [text for _, _, text in await thread_of(call, ticket)][-2:] == [
        "Hello again.",
        "It is me",
    ]
    assert await all_of(call) == [ticket]


async def test_harm_makes_a_handover_that_waits_urgent(desk: Desk, call: Call) -> None:
    await say(desk, PERSON)
    (ticket,) = await all_of(call)
    assert (await ticket_of(call, ticket))["priority"] == "high"
    await say(desk, "I want to kill myself")
    assert await all_of(call) == [ticket]
    assert (await ticket_of(call, ticket))["priority"] == "urgent"


async def test_whoever_listens_hears_of_sorting(desk: Desk, call: Call) -> None:
    one = (await call("create_ticket", subject="A", body="a")).value["ticket_id"]
    two = (await call("create_ticket", subject="B", body="b")).value["ticket_id"]
    await call("answer_ticket", ticket_id=one, text="c")
    async with desk.database.transaction() as db:
        for kind in ("ticket.created", "ticket.updated"):
            row = {"tenant_id": "default", "kind": kind, "listener": "a" * 32}
            await db.execute(listeners.insert(), row)
    named = {"ticket_id": one, "messages": [2], "subject": "C"}
    three = (await call("split_ticket", STAFF, **named)).value["ticket"]["id"]
    await call("merge_tickets", STAFF, ticket_id=two, into=one)
    await call("mark_spam", STAFF, ticket_id=three)
    await call("snooze_ticket", STAFF, ticket_id=one, until="2099-01-01T00:00:00Z")
    query = sa.select(told_events).where(told_events.c.listener == "a" * 32)
    rows = await desk.database.reader.all(query.order_by(told_events.c.seq))
    assert [(row.kind.partition(".")[2], row.record) for row in rows] == [
        ("created", three),
        ("updated", two),
        ("updated", one),
        ("updated", three),
        ("updated", one),
    ]


async def test_an_answer_to_a_handover_goes_by_chat_and_says_so(desk: Desk, call: Call) -> None:
    """Also where the ticket has no message of the customer yet."""
    await say(desk, PERSON)
    (ticket,) = await all_of(call)
    await change(call, ticket, reply="I am here.")
    page = (await call("list_ticket_messages", STAFF, ticket_id=ticket)).value["messages"]
    assert (page[-1]["channel"], page[-1]["delivery"]) == ("chat", "sent")


async def test_a_second_handover_after_it_was_given_back_is_told(desk: Desk, call: Call) -> None:
    await say(desk, PERSON)
    (ticket,) = await all_of(call)
    async with desk.database.transaction() as db:
        row = {"tenant_id": "default", "kind": "conversation.handed_over", "listener": "a" * 32}
        await db.execute(listeners.insert(), row)
    await say(desk, "Connect me with an agent, please")
    await call("take_over_conversation", STAFF, ticket_id=ticket)
    waits = sa.select(jobs).where(jobs.c.kind == STILL_WAITS)
    assert await desk.database.reader.first(waits) is None
    await call("give_back_conversation", STAFF, ticket_id=ticket)
    for _ in range(3):  # told once, not with each message
        await say(desk, "Connect me with an agent, please")
    assert await desk.database.reader.first(waits) is not None
    told = await desk.database.reader.all(
        sa.select(told_events).where(told_events.c.listener == "a" * 32)
    )
    assert [row.record for row in told] == [ticket]
    assert await all_of(call) == [ticket]
