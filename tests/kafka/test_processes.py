"""Four processes of one desk on PostgreSQL, one of which is killed every two seconds.

What customers say is answered once and in order, whether it comes over HTTP or in a topic.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa

from deskward.conversations.models import messages
from deskward.core.database import Database
from deskward.core.settings import Settings
from deskward.core.tasks import background
from deskward.customers import service
from deskward.customers.models import Details
from deskward.kafka.feeds import topic_messages
from tests.kafka.topics import Topics
from tests.services.fleet import Fleet, fleet
from tests.services.kafka import Kafka

PROCESSES = 4
CUSTOMERS, EACH = 6, 12
KILLS = 4
EVERY = 2.0
WORDS = ("hello", "What are your opening hours?", "thanks", "How do I reset my password?")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(480)]
on_postgres = pytest.mark.parametrize(
    "settings", [pytest.param("postgresql", marks=pytest.mark.xdist_group("kafka"))], indirect=True
)

Said = Mapping[str, Sequence[str]]
"""Customer → what they say, in order."""


async def people(settings: Settings, customers: int, each: int) -> Said:
    """New customers, and what each of them is to say."""
    database = Database(settings.database_location)
    try:
        async with database.transaction() as db:
            ids = [
                (await service.create(db, "default", Details(name=f"Kim {n}"))).customer_id
                for n in range(customers)
            ]
    finally:
        await database.close()
    return {one: [f"{WORDS[n % len(WORDS)]} ({one} {n})" for n in range(each)] for one in ids}


def environment(settings: Settings) -> dict[str, str]:
    """What the processes are set to, to share the desk of these settings."""
    return {"DATABASE_URL": settings.database.url or "", "SECRET_KEY": "k" * 32}


async def check_conversations(settings: Settings, said: Said) -> None:
    """Each message stands in its customer's conversation once, in order, with one answer."""
    database = Database(settings.database_location)
    try:
        rows = await database.reader.all(
            sa.select(messages.c.owner, messages.c.role, messages.c.content, messages.c.turn_id)
            .where(messages.c.role.in_(("user", "assistant")))
            .order_by(messages.c.owner, messages.c.seq)
        )
    finally:
        await database.close()
    for customer, words in said.items():
        theirs = [row for row in rows if row.owner == f"customer:{customer}"]
        assert [row.content for row in theirs if row.role == "user"] == list(words)
        answers = [row.turn_id for row in theirs if row.role == "assistant" and row.content]
        assert len(answers) == len(set(answers)) == len(words)


@contextlib.asynccontextmanager
async def kills(processes: Fleet, *, until: int = KILLS) -> AsyncIterator[None]:
    """Have processes killed while the block runs, so many at the most."""

    async def some() -> None:
        chance = random.Random(5)
        while processes.killed < until:
            await processes.kill(EVERY, chance)

    async with background(some()):
        yield


async def talk(urls: Sequence[str], customer: str, words: Sequence[str]) -> None:
    """Say everything in order, to whichever process answers; again under the same key if none."""
    chance = random.Random(customer)
    async with httpx2.AsyncClient(timeout=40) as client:
        for n, text in enumerate(words):
            body = {"session_id": "s", "message": text}
            headers = {"X-User-ID": customer, "Idempotency-Key": f"{customer}-{n}"}
            while True:
                url = f"{chance.choice(urls)}/api/v1/chat"
                try:
                    response = await client.post(url, json=body, headers=headers)
                except httpx2.HTTPError:
                    await asyncio.sleep(0.2)
                    continue
                if response.status_code == 200:
                    break
                assert response.status_code in (409, 503), response.text
                await asyncio.sleep(0.2)


@on_postgres
async def test_over_http(settings: Settings, tmp_path: Path) -> None:
    said = await people(settings, CUSTOMERS, EACH)
    async with fleet(tmp_path, PROCESSES, **environment(settings)) as processes, kills(processes):
        await asyncio.gather(*(talk(processes.urls, *one) for one in said.items()))
    assert processes.killed
    await check_conversations(settings, said)


@on_postgres
async def test_from_a_topic(settings: Settings, broker: Kafka, tmp_path: Path) -> None:
    said = await people(settings, CUSTOMERS, EACH)
    await from_a_topic(settings, broker, tmp_path, said, kills_at_most=KILLS)


async def from_a_topic(
    settings: Settings, broker: Kafka, folder: Path, said: Said, *, kills_at_most: int
) -> int:
    """Publish everything, and see that it is answered; gives how many processes were killed."""
    topics = await asyncio.to_thread(Topics.made, broker, 8)
    numbered = [
        {"query": words[n], "customer_id": customer, "message_id": f"{customer}-{n}"}
        for n in range(max(map(len, said.values())))
        for customer, words in said.items()
    ]
    await asyncio.to_thread(topics.say, *numbered)
    told = {name.upper(): str(value) for name, value in topics.settings.items()}
    async with fleet(folder, PROCESSES, **environment(settings), **told) as processes:
        async with kills(processes, until=kills_at_most):
            await until_sent(settings, len(numbered))
        found = await asyncio.to_thread(topics.read, topics.answers, len(numbered))
    answers = [json.loads(message.value()) for message in found]
    assert {one["status"] for one in answers} == {"answered"}
    for customer, words in said.items():
        theirs = [one for one in answers if one["customer_id"] == customer]
        once = {one["message_id"]: one["in_reply_to"] for one in theirs}
        assert list(once.values()) == [f"{customer}-{n}" for n in range(len(words))]
    await check_conversations(settings, said)
    assert processes.killed
    return processes.killed


async def until_sent(settings: Settings, count: int) -> None:
    """Wait until so many messages have been answered, and their answers published."""
    database = Database(settings.database_location)
    sent = (
        sa.select(sa.func.count())
        .select_from(topic_messages)
        .where(topic_messages.c.status == "sent")
    )
    try:
        while (await database.reader.all(sent))[0][0] < count:
            await asyncio.sleep(0.2)
    finally:
        await database.close()
