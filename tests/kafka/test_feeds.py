"""Topics that the desk answers: what is kept, answered, published, refused, and when."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.integrations.kafka.choose import topics_come_in
from deskward.kafka.feeds import topic_messages
from deskward.kafka.intake import Intake
from tests.kafka.topics import Topics
from tests.services.kafka import Kafka

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kafka")]


@contextlib.asynccontextmanager
async def answering(settings: Settings, offline: Model) -> AsyncIterator[Desk]:
    """A desk that answers topics."""
    async with open_desk(settings, model=offline) as desk, topics_come_in(settings, desk.gate, 0):
        yield desk


async def test_customers_are_answered_once_and_in_order(
    broker: Kafka, settings: Settings, offline: Model
) -> None:
    topics = await asyncio.to_thread(Topics.made, broker)
    said = [
        {"query": text, "customer_id": whose, "message_id": f"{whose}-{n}", "context": {"a": 1}}
        for n, text in enumerate(["hello", "What is my account balance?", "thanks"])
        for whose in ("user_001", "user_002")
    ]
    await asyncio.to_thread(topics.say, *said, *said)
    async with answering(settings.changed(**topics.settings), offline) as desk:
        found = await asyncio.to_thread(topics.read, topics.answers, 6)
        assert await desk.gate.port(Intake).health() == ("healthy", None)
        left = await desk.database.reader.all(sa.select(topic_messages))
    assert {row.status for row in left} == {"sent"}
    assert {(row.text, row.raw, row.answer) for row in left} == {(None, None, None)}
    answers = [json.loads(message.value()) for message in found]
    for whose in ("user_001", "user_002"):
        theirs = [one for one in answers if one["customer_id"] == whose]
        assert [one["in_reply_to"] for one in theirs] == [f"{whose}-{n}" for n in range(3)]
        assert {one["status"] for one in theirs} == {"answered"}
    assert {message.key() for message in found} == {b"customer-user_001", b"customer-user_002"}
    assert any("$5,420.50" in one["response"] for one in answers)


async def test_what_cannot_be_answered_goes_to_dead_letters_once(
    broker: Kafka, sqlite_settings: Settings, offline: Model
) -> None:
    topics = await asyncio.to_thread(Topics.made, broker, 1)
    odd: list[Any] = [
        b"\xff\xfe",
        None,
        b"[1]",
        {"query": "hello"},
        {"query": "hello", "customer_id": "nobody"},
        {"query": "", "customer_id": "user_001"},
        {"query": "x" * 10_001, "customer_id": "user_001"},
        {"query": "one", "customer_id": "user_001", "message_id": "same"},
        {"query": "another", "customer_id": "user_001", "message_id": "same"},
        {"query": "hello", "customer_id": "user_001", "session_id": "s t"},
    ]
    await asyncio.to_thread(topics.say, *odd)
    told = sqlite_settings.changed(**topics.settings)
    async with answering(told, offline):
        found = await asyncio.to_thread(topics.read, topics.dead, 9)
    # A second group has not committed anything, and is given all of it again.
    async with answering(told.changed(kafka_query_group=f"{topics.group}-2"), offline):
        await asyncio.sleep(3)
    again = await asyncio.to_thread(topics.read, topics.dead, 9, 10)
    assert [one.value() for one in again] == [one.value() for one in found]
    assert len(found) == 9
    reasons = [dict(one.headers())["deskward-reason"].decode() for one in found]
    values = [one.value() for one in found]
    for value, word in ((b"\xff\xfe", "no JSON"), (None, "no value"), (b"[1]", "no object")):
        assert word in reasons[values.index(value)]
    assert any("There is no customer 'nobody'" in reason for reason in reasons)
    assert any("used before" in reason for reason in reasons)
    assert any("10,000" in reason for reason in reasons)
    assert all(dict(one.headers())["deskward-effect-id"] for one in found)
    (answer,) = await asyncio.to_thread(topics.read, topics.answers, 1)
    assert json.loads(answer.value())["in_reply_to"] == "same"


async def test_nothing_is_lost_while_the_broker_is_away(
    broker: Kafka, sqlite_settings: Settings, offline: Model
) -> None:
    topics = await asyncio.to_thread(Topics.made, broker)
    customers = [f"user_00{n}" for n in (1, 2)]
    said = [
        {"query": "hello", "customer_id": whose, "message_id": f"{whose}-{n}"}
        for n in range(15)
        for whose in customers
    ]
    await asyncio.to_thread(topics.say, *said)
    async with answering(sqlite_settings.changed(**topics.settings), offline) as desk:
        kept = sa.select(sa.func.count()).select_from(topic_messages)
        async with asyncio.timeout(60):
            while not (await desk.database.reader.all(kept))[0][0]:
                await asyncio.sleep(0.02)
        broker.stop()
        try:
            async with asyncio.timeout(90):  # what was asked of it before may still be waited for
                while (await desk.gate.port(Intake).health())[0] != "unavailable":
                    await asyncio.sleep(0.1)
            await asyncio.sleep(2)
            state, warning = await desk.gate.port(Intake).health()
            assert state == "unavailable"
            assert "cannot be reached" in (warning or "")
        finally:
            await asyncio.to_thread(broker.start)
        found = await asyncio.to_thread(topics.read, topics.answers, 30, 90)
    answers = [json.loads(message.value()) for message in found]
    ids = list(dict.fromkeys(one["message_id"] for one in answers))
    assert len(ids) == 30
    for whose in customers:
        theirs = [one["in_reply_to"] for one in answers if one["customer_id"] == whose]
        assert list(dict.fromkeys(theirs)) == [f"{whose}-{n}" for n in range(15)]
