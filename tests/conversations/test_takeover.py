"""A person takes a conversation over: one ticket, its messages, and an agent that is silent."""

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.conversations import archive, takeover
from deskward.conversations.cursors import Answered
from deskward.conversations.store import Where
from deskward.core import events
from deskward.core.database import now
from deskward.core.errors import DeskwardError
from deskward.core.jobs import jobs
from deskward.gate.context import Context
from deskward.security.principals import Kind
from deskward.tickets.timers import STILL_WAITS
from tests.conftest import AUDITOR, CUSTOMER, STAFF, Call, hire

BOB = replace(STAFF, id="bob")
HERE = Where("default", CUSTOMER.label, "s")


async def say(desk: Desk, text: str) -> str:
    """What the customer is answered."""
    reader = await desk.conversations.send(Context(CUSTOMER, "rest"), "s", text)
    last = [placed.event async for placed in reader][-1]
    return last.text if isinstance(last, Answered) else ""


async def lines(desk: Desk) -> list[tuple[str, str]]:
    return [(one.role, one.content) for one in await archive.spoken(desk.database.reader, HERE)]


async def thread_of(call: Call, ticket: str) -> list[tuple[str, str, str]]:
    page = (await call("list_ticket_messages", STAFF, ticket_id=ticket, limit=100)).value
    return [(one["by"], one["kind"], one["text"]) for one in page["messages"]]


async def tickets(call: Call) -> list[str]:
    listed = (await call("list_tickets", STAFF, customer_id="user_001", limit=100)).value
    return [one["id"] for one in listed["tickets"] if one["session_id"]]


async def test_a_conversation_has_one_handover_and_its_messages_join(
    desk: Desk, call: Call
) -> None:
    await say(desk, "I want to talk to a human")
    (ticket,) = await tickets(call)
    await say(desk, "It is about my card, connect me with an agent")
    for text in ("ok", "?", "👍"):
        await say(desk, text)
    assert await tickets(call) == [ticket]
    heard = [text for by, _, text in await thread_of(call, ticket) if by == "customer"]
    assert heard[-4:] == ["It is about my card, connect me with an agent", "ok", "?", "👍"]
    read = (await call("read_conversation", AUDITOR, ticket_id=ticket)).value
    assert read["lines"][0]["text"] == "I want to talk to a human"


NOTHING = ["ok", "?", "👍", "👍🏽", "…", "Hm.", "спасибо", "好的", "!!", "d'accord"]
GREETINGS = ["Привет!", "Здравствуйте", "你好", "こんにちは", "السلام عليكم", "Guten Tag", "नमस्ते"]


@pytest.mark.parametrize("text", [*NOTHING, *GREETINGS])
async def test_what_asks_nothing_opens_no_ticket(
    sqlite_desk: Desk, sqlite_call: Call, text: str
) -> None:
    assert await say(sqlite_desk, text)
    assert await tickets(sqlite_call) == []


async def test_while_a_person_has_it_the_agent_is_silent(desk: Desk, call: Call) -> None:
    await say(desk, "I want to talk to a human")
    (ticket,) = await tickets(call)
    assert (await call("take_over_conversation", STAFF, ticket_id=ticket)).status == "ok"
    before = await lines(desk)
    await say(desk, "What is my balance?")
    assert await lines(desk) == [*before, ("user", "What is my balance?")]
    other = await call("take_over_conversation", BOB, ticket_id=ticket)
    assert other.value["error"]["code"] == "CONFLICT"
    assert (await call("answer_in_conversation", BOB, ticket_id=ticket, text="I")).status == "error"
    said = await call("answer_in_conversation", STAFF, ticket_id=ticket, text="Hello, I am Anna.")
    assert said.status == "ok"
    assert (await lines(desk))[-1] == ("assistant", "Hello, I am Anna.")
    assert ("staff", "message", "Hello, I am Anna.") in await thread_of(call, ticket)
    assert (await call("give_back_conversation", BOB, ticket_id=ticket)).status == "error"
    assert (await call("give_back_conversation", STAFF, ticket_id=ticket)).status == "ok"
    assert "balance" in (await say(desk, "What is my balance?")).lower()


async def test_what_a_person_has_is_counted_as_before(sqlite_desk: Desk, sqlite_call: Call) -> None:
    await say(sqlite_desk, "I want to talk to a human")
    (ticket,) = await tickets(sqlite_call)
    await sqlite_call("take_over_conversation", STAFF, ticket_id=ticket)
    for count in (3, 4):
        for _ in ("first", "again"):  # with the same key the same answer
            reader = await sqlite_desk.conversations.send(
                Context(CUSTOMER, "rest"), "s", "Hello?", key=f"key-{count}"
            )
            answered = [placed.event async for placed in reader][-1]
            assert isinstance(answered, Answered)
            assert answered.message_count == count


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("What is my balance?", "A colleague is with you"),
        ("Wie hoch ist mein Kontostand?", "Ihre Nachricht ist angekommen"),
        ("¿Cuál es el saldo de mi cuenta?", "Ha recibido su mensaje"),
        ("残高はいくらですか", "A colleague is with you"),
    ],
)
async def test_who_writes_to_a_person_is_told_so_in_their_language(
    sqlite_desk: Desk, sqlite_call: Call, asked: str, told: str
) -> None:
    await say(sqlite_desk, "I want to talk to a human")
    (ticket,) = await tickets(sqlite_call)
    await sqlite_call("take_over_conversation", STAFF, ticket_id=ticket)
    assert told in await say(sqlite_desk, asked)


async def test_an_answer_to_its_ticket_stands_in_the_conversation(desk: Desk, call: Call) -> None:
    await say(desk, "I want to talk to a human")
    (ticket,) = await tickets(call)
    update = {"reply": "We are on it."}
    await call("update_ticket", STAFF, ticket_id=ticket, update=update)
    assert (await lines(desk))[-1] == ("assistant", "We are on it.")
    page = (await call("list_ticket_messages", ticket_id=ticket)).value
    assert page["messages"][-1]["delivery"] == "sent"


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
async def test_no_answer_of_the_agent_comes_after_a_takeover(
    sqlite_desk: Desk, sqlite_call: Call, seed: int
) -> None:
    """Messages, answers and takeovers in random order: none lost, none twice."""
    desk, call, chance = sqlite_desk, sqlite_call, random.Random(seed)
    await say(desk, "I want to talk to a human")
    (ticket,) = await tickets(call)
    sent = [f"What is my balance? {number}" for number in range(15)]
    answers = [f"Answer {number}" for number in range(10)]

    async def act(kind: str, what: str) -> Any:
        await asyncio.sleep(chance.random() / 2)
        if kind == "say":
            return await say(desk, what)
        name = {"take": "take_over_conversation", "back": "give_back_conversation"}.get(kind)
        more = {} if name else {"text": what}
        name = name or "answer_in_conversation"
        return await call(name, STAFF, ticket_id=ticket, **more)

    moves = [("say", text) for text in sent] + [("answer", text) for text in answers]
    moves += [("take", ""), ("back", "")] * 5
    chance.shuffle(moves)
    outcomes = await asyncio.gather(*(act(*move) for move in moves))
    await call("take_over_conversation", STAFF, ticket_id=ticket)
    marker = "The last word."
    await call("answer_in_conversation", STAFF, ticket_id=ticket, text=marker)
    await say(desk, "Are you there?")
    said = await lines(desk)
    assert said[-1] == ("user", "Are you there?")
    assert said[-2] == ("assistant", marker)
    texts = [text for _, text in said]
    assert all(texts.count(text) == 1 for text in sent)
    made = [move[1] for move, one in zip(moves, outcomes, strict=True) if move[0] == "answer"]
    assert all(texts.count(text) == 1 for text in made)
    heard = [text for _, _, text in await thread_of(call, ticket)]
    assert all(heard.count(text) == 1 for text in [*sent, *made])


async def test_a_message_of_the_agent_is_not_kept_behind_a_takeover(desk: Desk) -> None:
    """The agent's turn is under way when the person comes."""
    await say(desk, "I want to talk to a human")
    began = asyncio.Event()
    taken = asyncio.Event()
    run = desk.conversations.agent.run

    async def slow(*given: Any, **more: Any) -> Any:
        began.set()
        await taken.wait()
        async for event in run(*given, **more):
            yield event

    desk.conversations.agent.run = slow  # type: ignore[method-assign]  # a test's own in its place
    asked = asyncio.create_task(say(desk, "What is my balance?"))
    await began.wait()
    async with desk.database.transaction() as db:
        await takeover.take(db, HERE, STAFF.label)
    taken.set()
    await asked
    assert (await lines(desk))[-1] == ("user", "What is my balance?")
    desk.conversations.agent.run = run  # type: ignore[method-assign]  # as it was


async def test_a_handover_that_nobody_takes_is_told_again(desk: Desk, call: Call) -> None:
    async with desk.database.transaction() as db:
        await events.listen(db, "default", "test", ["conversation.waiting_long"])
    await say(desk, "I want to talk to a human")

    async def told() -> int:
        wanted = sa.select(events.events).where(events.events.c.listener == "test")
        return len(await desk.database.reader.all(wanted))

    async with desk.database.transaction() as db:
        due = sa.update(jobs).where(jobs.c.kind == STILL_WAITS)
        await db.execute(due.values(due_at=now()))
    async with asyncio.timeout(15):
        while not await told():
            desk.jobs.wake()
            await asyncio.sleep(0.05)


async def test_there_is_no_conversation_of_a_ticket_that_came_otherwise(call: Call) -> None:
    made = await call("create_ticket", subject="A", body="B")
    ticket = made.value["ticket_id"]
    outcome = await call("take_over_conversation", STAFF, ticket_id=ticket)
    assert isinstance(outcome.error, DeskwardError)
    assert outcome.value["error"]["code"] == "CONVERSATION_NOT_FOUND"


async def test_a_handover_tells_staff_what_there_is_to_know(desk: Desk, call: Call) -> None:
    await say(desk, "Wie hoch ist mein Kontostand?")
    await say(desk, "Please block my card card_999")
    await say(desk, "I am furious, I want to talk to a human")
    (ticket,) = await tickets(call)
    told = (await call("read_handover", STAFF, ticket_id=ticket)).value
    assert told["why"] == "asked"
    assert told["wants"][-1] == "I am furious, I want to talk to a human"
    assert told["wants"][0] == "Wie hoch ist mein Kontostand?"
    assert told["looked_into"][0]["tool"] == "get_account_balance"
    assert told["looked_into"][0]["status"] == "ok"
    assert (told["language"], told["mood"]) == ("en", "angry")
    assert told["conversation"] == f"/tickets/{ticket}/conversation"
    notes = [text for by, kind, text in await thread_of(call, ticket) if kind == "note"]
    assert any("> I am furious, I want to talk to a human" in text for text in notes)
    assert any(f"/tickets/{ticket}/conversation" in text for text in notes)
    assert (await call("read_handover", CUSTOMER, ticket_id=ticket)).status == "error"
    mine = (await call("list_ticket_messages", CUSTOMER, ticket_id=ticket, limit=100)).value
    assert all(one["kind"] == "message" for one in mine["messages"])
    await say(desk, "Connect me with an agent about order O1001")
    again = (await call("read_handover", STAFF, ticket_id=ticket)).value
    assert again["wants"][-1] == "Connect me with an agent about order O1001"


@pytest.mark.parametrize(
    ("said", "subject"),
    [
        (["My toaster is broken", "I want to talk to a human"], "My toaster is broken"),
        (["I want to talk to a human"], "I want to talk to a human"),
        (
            ["Hello", "Mein Wasserhahn tropft seit gestern", "ok"],
            "Mein Wasserhahn tropft seit gestern",
        ),
        (
            ["The heron wobbles since my verification code is 483920", "I want to talk to a human"],
            "The heron wobbles since my verification code is [[",
        ),
    ],
)
async def test_a_handovers_subject_is_what_the_customer_wants(
    sqlite_desk: Desk, sqlite_call: Call, said: list[str], subject: str
) -> None:
    for text in said:
        await say(sqlite_desk, text)
    (ticket,) = await tickets(sqlite_call)
    told = (await sqlite_call("get_ticket", STAFF, ticket_id=ticket)).value["subject"]
    assert told.startswith(f"Handover: {subject}")
    assert "483920" not in told


async def test_a_long_wish_is_cut_between_words(sqlite_desk: Desk, sqlite_call: Call) -> None:
    text = "The blue heron statue in my garden " + "wobbles whenever neighbours sing " * 9
    await say(sqlite_desk, text)
    (ticket,) = await tickets(sqlite_call)
    told = (await sqlite_call("get_ticket", STAFF, ticket_id=ticket)).value["subject"]
    begun = told.removeprefix("Handover: ").removesuffix("…")
    assert text.startswith(begun + " ")
    assert 40 < len(begun) <= 80


async def test_what_somebody_had_is_free_when_they_leave(desk: Desk, call: Call) -> None:
    await hire(desk, "bob", "staff_001")
    await say(desk, "I want to talk to a human")
    (ticket,) = await tickets(call)
    await call("take_over_conversation", BOB, ticket_id=ticket)
    update = {"assignee": "bob"}
    assert (await call("update_ticket", STAFF, ticket_id=ticket, update=update)).status == "ok"
    ended = {"assignee": "bob", "status": "resolved"}
    await call("update_ticket", STAFF, ticket_id="T901", update=ended)
    await desk.keys.disable("default", Kind.STAFF, "Bob")
    desk.jobs.wake()
    async with asyncio.timeout(20):
        while (await call("get_ticket", STAFF, ticket_id=ticket)).value["assignee"]:
            await asyncio.sleep(0.05)
        while (await call("read_conversation", STAFF, ticket_id=ticket)).value["taken_by"]:
            await asyncio.sleep(0.05)
    assert "bob does not work here any more" in (await thread_of(call, ticket))[-1][2]
    assert (await call("get_ticket", STAFF, ticket_id="T901")).value["assignee"] == "bob"
    waits = await desk.database.reader.first(sa.select(jobs).where(jobs.c.kind == STILL_WAITS))
    assert waits is not None
    assert "balance" in (await say(desk, "What is my balance?")).lower()
    assert (await call("take_over_conversation", STAFF, ticket_id=ticket)).status == "ok"


async def test_what_is_not_known_of_a_handover_is_said_so(call: Call) -> None:
    made = await call("hand_over", STAFF, customer_id="user_001", reason="O1001")
    ticket = made.value["ticket_id"]
    told = (await call("read_handover", STAFF, ticket_id=ticket)).value
    assert (told["why"], told["language"], told["mood"]) == ("called", "unknown", "unknown")
    assert (told["conversation"], told["tried"], told["looked_into"]) == (None, [], [])
    opened = (await call("create_ticket", subject="A", body="B")).value["ticket_id"]
    none = await call("read_handover", STAFF, ticket_id=opened)
    assert none.value["error"]["code"] == "HANDOVER_NOT_FOUND"
