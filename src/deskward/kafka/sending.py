"""The outbox of topics: answers, and messages that could not be read, until the brokers have them.

Each has its id in a header, the same at every attempt. One job of the desk publishes, and of each
lane only the first that is left: a customer's answers come in their order, whatever fails.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.database import Connection, Database, now
from deskward.core.errors import TooLarge, Unavailable
from deskward.core.fixed import fixed
from deskward.core.jobs import Job, Record, RetryLater
from deskward.core.moments import UtcDateTime
from deskward.kafka.broker import Broker, Outgoing
from deskward.kafka.feeds import DEAD, EFFECT_HEADER, digest, topic_messages

SEND, ANSWER = "kafka.send", "kafka.answer"
"""The jobs: publish what is in the outbox; answer the messages of a lane."""
REASON_HEADER = "deskward-reason"
SOURCE_HEADER = "deskward-source"
AT_ONCE = 100
STRETCH = 60.0
"""Seconds after which the job makes room for others."""
AGAIN = 2.0
"""Seconds after which the brokers are tried again."""
KEPT = timedelta(days=14)
"""How long it is remembered that a message was there: longer than topics usually keep one."""
FORGETS = timedelta(hours=1)
LONGEST_REASON = 1_000

_SEND_ID = digest("kafka send")[:32]
log = logging.getLogger(__name__)

_before = topic_messages.alias("before")
_HEADS = fixed(
    sa.select(topic_messages)
    .where(
        (topic_messages.c.status == "answered") | (topic_messages.c.status == "refused"),
        ~sa.exists().where(
            _before.c.lane == topic_messages.c.lane,
            (_before.c.status == "answered") | (_before.c.status == "refused"),
            _before.c.seq < topic_messages.c.seq,
        ),
    )
    .order_by(topic_messages.c.seq)
    .limit(AT_ONCE)
)
_IS_WORKED_ON = (jobs.jobs.c.status == "queued") | (jobs.jobs.c.status == "running")
_LANES = fixed(
    sa.select(topic_messages.c.tenant_id, topic_messages.c.lane)
    .where(
        topic_messages.c.status == "waiting",
        ~sa.exists().where(jobs.jobs.c.id == topic_messages.c.lane, _IS_WORKED_ON),
    )
    .distinct()
    .limit(AT_ONCE)
)
_IS_FULL = fixed(
    sa.select(topic_messages.c.seq)
    .where(
        (topic_messages.c.status == "answered") | (topic_messages.c.status == "refused"),
        ~sa.exists().where(jobs.jobs.c.id == _SEND_ID, _IS_WORKED_ON),
    )
    .limit(1)
)
_FORGET = sa.delete(topic_messages).where(
    topic_messages.c.status == "sent",
    topic_messages.c.ended_at < sa.bindparam("moment", type_=UtcDateTime),
)
_BARE = {"text": None, "raw": None, "raw_key": None, "answer": None, "reason": None}


class Sending:
    """Publishes what is in the outbox."""

    def __init__(self, database: Database, broker: Broker) -> None:
        self._database = database
        self._broker = broker
        self._forgot: datetime | None = None

    async def look(self) -> None:
        """See to it that each lane with messages has its job, and so has the outbox.

        Now and then what was published long ago is forgotten.
        """
        if self._forgot is None or self._forgot < now() - FORGETS:
            self._forgot = now()
            async with self._database.transaction() as db:
                await db.execute(_FORGET, {"moment": now() - KEPT})
        reader = self._database.reader
        for row in await reader.all(_LANES):
            payload = {"tenant": row.tenant_id, "lane": row.lane}
            async with self._database.transaction() as db:
                await jobs.ensure(db, row.lane, ANSWER, payload)
        if await reader.first(_IS_FULL) is not None:
            async with self._database.transaction() as db:
                await jobs.ensure(db, _SEND_ID, SEND, {})

    async def publish(self, job: Job) -> None:
        """Do the job of the outbox.

        Raises:
            RetryLater: The brokers do not take all of it.
            JobLost: Another process has the job.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + STRETCH
        while loop.time() < until:
            heads = await self._database.reader.all(_HEADS)
            if not heads:
                return
            try:
                outcomes = await self._broker.publish_all([outgoing(row) for row in heads])
            except Unavailable as error:
                raise RetryLater(AGAIN, error.message) from None
            came = list(zip(heads, outcomes, strict=True))
            taken = [row.seq for row, error in came if error is None]
            never = {row.seq: error for row, error in came if isinstance(error, TooLarge)}
            if taken or never:
                await self._done(job, taken, never)
            if left := [error for error in outcomes if error and not isinstance(error, TooLarge)]:
                raise RetryLater(AGAIN, left[0].message)

    async def _done(self, job: Job, taken: Sequence[int], never: Mapping[int, TooLarge]) -> None:
        sent = {"status": "sent", "ended_at": now(), **_BARE}
        async with self._database.transaction() as db:
            await job.advance(db)
            those = topic_messages.c.seq.in_(taken)
            await db.execute(sa.update(topic_messages).where(those).values(**sent))
            for seq, error in never.items():
                log.error("topic message %d is not published: %s", seq, error.message)
                values = {"status": "failed", "ended_at": now(), "reason": error.message}
                one = topic_messages.c.seq == seq
                await db.execute(sa.update(topic_messages).where(one).values(**values))


def outgoing(row: sa.Row[Any]) -> Outgoing:
    """What is published of a row: its answer, or the message itself with what is wrong with it."""
    effect_id = digest("kafka effect", row.tenant_id, row.key)[:32].encode()
    if row.status == "answered":
        value = json.dumps(row.answer, ensure_ascii=False).encode()
        key = f"customer-{row.customer_id}".encode()
        return Outgoing(row.reply_topic, key, value, {EFFECT_HEADER: effect_id})
    reason = (row.reason or "")[:LONGEST_REASON].encode(errors="replace")
    source = f"{row.topic}-{row.place}".encode()
    headers = {EFFECT_HEADER: effect_id, REASON_HEADER: reason, SOURCE_HEADER: source}
    return Outgoing(row.topic + DEAD, row.raw_key, row.raw, headers)


async def _refused(db: Connection, job: Job, reason: str) -> None:
    """Give the first message of a lane up whose job cannot be done; the next ones go on."""
    left = (topic_messages.c.lane == job.payload["lane"]) & (topic_messages.c.status == "waiting")
    first = sa.select(sa.func.min(topic_messages.c.seq)).where(left).scalar_subquery()
    values = {"status": "refused", "reason": f"It could not be answered. {reason}"}
    await db.execute(
        sa.update(topic_messages)
        .where(topic_messages.c.seq == first, topic_messages.c.status == "waiting")
        .values(ended_at=now(), **values)
    )


async def _nothing(_db: Connection, _job: Job) -> None:
    """What was given up is in the topic of dead letters, for people to publish it again."""


LANE = Record(ended=_refused, again=_nothing)
"""How a lane learns that its job was given up."""
