"""Messages, approvals and takeovers at once: a silent agent, and nothing that is lost."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from deskward.agent.model import Message, ToolRequest
from deskward.app import Desk
from deskward.conversations import archive
from deskward.conversations.store import TakenOver, Where
from deskward.gate.context import Context
from deskward.gate.effects import DeskKey
from deskward.security.principals import Kind, Principal
from tests.conftest import CUSTOMER, OTHER, STAFF, Call
from tests.rounds import rounds

HERE = Where("default", CUSTOMER.label, "s")
LEAD = Principal(Kind.STAFF, "lena", "default", ("support-3",))
COUNT = rounds(40, 1000)
"""Messages, and a quarter as many decisions and answers, and a tenth takeovers."""


@dataclass
class Race:
    """What was done, in the order in which it came about."""

    desk: Desk
    call: Call
    ticket: str
    chance: random.Random
    taken: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def say(self, text: str) -> None:
        reader = await self.desk.conversations.send(Context(CUSTOMER, "rest"), "s", text)
        async for _ in reader:
            pass
        self.said.append(text)

    async def decide(self, name: str) -> None:
        """What becomes of a decision's outcome: the agent tells it, or a person has it."""
        asked = ToolRequest(f"approved-{name}", "get_account_balance", {"user_id": CUSTOMER.id})
        answer = json.dumps({"balance": "1.00", "currency": "USD", "user_id": CUSTOMER.id})
        said = [
            Message("assistant", "", (asked,)),
            Message("tool", answer, tool_request_id=asked.id),
        ]
        try:
            await self.desk.conversations.follow_up(
                Context(CUSTOMER, "agent"), "s", said, key=DeskKey("approval", name)
            )
        except TakenOver:
            self.untold.append(name)
        else:
            self.told.append(name)

    async def answer(self, text: str) -> None:
        done = await self.call("answer_in_conversation", STAFF, ticket_id=self.ticket, text=text)
        if done.status == "ok":
            self.answered.append(text)

    async def take(self, _: str) -> None:
        await self.call("take_over_conversation", STAFF, ticket_id=self.ticket)

    async def give(self, _: str) -> None:
        await self.call("give_back_conversation", STAFF, ticket_id=self.ticket)


@pytest.mark.timeout(1800)
async def test_messages_approvals_and_takeovers_in_any_order(desk: Desk, call: Call) -> None:
    chance = random.Random(5)
    reader = await desk.conversations.send(Context(CUSTOMER, "rest"), "s", "I want a human")
    _ = [placed async for placed in reader]
    found = await call("search_tickets", STAFF, query="channel:chat")
    race = Race(desk, call, found.value["tickets"][0]["id"], chance)
    moves: list[tuple[Any, str]] = [
        *((race.say, f"What is my balance? ({number})") for number in range(COUNT)),
        *((race.decide, f"{number:032x}") for number in range(COUNT // 4)),
        *((race.answer, f"Answer {number}.") for number in range(COUNT // 4)),
        *((race.take, "") for _ in range(COUNT // 10)),
        *((race.give, "") for _ in range(COUNT // 10)),
    ]
    chance.shuffle(moves)
    gate = asyncio.Semaphore(12)

    async def run(move: Any, what: str) -> None:
        async with gate:
            await asyncio.sleep(chance.random() / 50)
            await move(what)

    await asyncio.gather(*(run(move, what) for move, what in moves))
    await race.take("")
    before = len(await archive.spoken(desk.database.reader, HERE))
    for number in range(5):
        await race.say(f"Are you there? ({number})")
        await race.decide(f"late{number}")
    lines = await archive.spoken(desk.database.reader, HERE)
    assert [line.by for line in lines[before:]] == ["customer"] * 5  # the agent says nothing
    count = Counter(line.content for line in lines)
    assert len(race.said) == COUNT + 5
    assert all(count[text] == 1 for text in race.said)
    assert all(count[text] == 1 for text in race.answered)
    assert race.answered
    assert len(race.told) + len(race.untold) == COUNT // 4 + 5
    assert {"late0", "late4"} <= set(race.untold)
    thread: list[str] = []
    while True:
        page = await call(
            "list_ticket_messages", STAFF, ticket_id=race.ticket, limit=100, offset=len(thread)
        )
        thread += [one["text"] for one in page.value["messages"]]
        if len(page.value["messages"]) < 100:
            break
    heard = Counter(thread)
    assert all(heard[text] == 1 for text in [*race.said, *race.answered])
    assert_silent_while_taken(await _news(desk), lines)


async def _news(desk: Desk) -> list[Any]:
    from deskward.conversations import news

    found: list[Any] = []
    while more := await news.after(desk.database.reader, HERE, len(found)):
        found += more
    return found


def assert_silent_while_taken(told: list[Any], lines: list[Any]) -> None:
    """Between "taken over" and "given back" nothing that the agent says was written down."""
    begun = None
    spans = []
    for one in told:
        if one.kind == "taken_over":
            begun = one.at
        elif one.kind == "given_back" and begun is not None:
            spans.append((begun, one.at))
            begun = None
    assert spans
    agents = [line.timestamp for line in lines if line.by == "agent"]
    assert agents
    assert not [at for at in agents if any(start < at < end for start, end in spans)]


async def test_an_approval_of_a_taken_conversation_is_told_to_who_has_it(
    desk: Desk, call: Call
) -> None:
    async def say(text: str) -> None:
        reader = await desk.conversations.send(Context(OTHER, "rest"), "t", text)
        _ = [placed async for placed in reader]

    await say("I want to talk to a human")
    for text in ("How long does a transfer take?", "I want my card closed for good", "yes"):
        await say(text)
    [waiting] = (await call("list_approvals", LEAD)).value["approvals"]
    found = await call("search_tickets", STAFF, query="channel:chat")
    ticket = found.value["tickets"][0]["id"]
    assert (await call("take_over_conversation", STAFF, ticket_id=ticket)).status == "ok"
    where = Where("default", OTHER.label, "t")
    before = len(await archive.spoken(desk.database.reader, where))
    done = await call("approve_call", LEAD, approval_id=waiting["approval_id"])
    assert done.status == "ok", done.value
    async with asyncio.timeout(30):
        while not await desk.jobs.idle(waiting["approval_id"]):
            await asyncio.sleep(0.05)
    assert len(await archive.spoken(desk.database.reader, where)) == before
    page = (await call("list_ticket_messages", STAFF, ticket_id=ticket, limit=100)).value
    notes = [one["text"] for one in page["messages"] if one["kind"] == "note"]
    assert len([text for text in notes if "approved and is done: deactivate_card" in text]) == 1
    cards = (await call("get_account_details", OTHER, user_id="user_002")).value["cards"]
    assert [card["status"] for card in cards] == ["deactivated"]


async def test_a_yes_that_comes_after_a_takeover_does_nothing_and_is_read(
    desk: Desk, call: Call
) -> None:
    async def say(text: str) -> None:
        reader = await desk.conversations.send(Context(CUSTOMER, "rest"), "s", text)
        _ = [placed async for placed in reader]

    orders = (await call("get_orders_by_customer", CUSTOMER)).value["orders"]
    [before] = [one["status"] for one in orders if one["id"] == "O1003"]
    await say("I want a human")
    await say("please cancel my order O1003")
    lines = await archive.spoken(desk.database.reader, HERE)
    assert lines[-1].content.endswith("?")
    found = await call("search_tickets", STAFF, query="channel:chat")
    ticket = found.value["tickets"][0]["id"]
    await call("take_over_conversation", STAFF, ticket_id=ticket)
    await say("yes")
    lines = await archive.spoken(desk.database.reader, HERE)
    assert (lines[-1].by, lines[-1].content) == ("customer", "yes")
    orders = (await call("get_orders_by_customer", CUSTOMER)).value["orders"]
    assert [one["status"] for one in orders if one["id"] == "O1003"] == [before]
