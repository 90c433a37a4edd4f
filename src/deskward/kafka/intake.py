"""Messages of topics are kept in the database, each once, before the brokers are told so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deskward.core.database import Connection, Database, insert_or_ignore, now
from deskward.core.errors import iso
from deskward.core.foreign_json import read_json
from deskward.core.moments import UtcDateTime
from deskward.core.problems import problems_of
from deskward.customers import service as customers
from deskward.kafka.broker import Found
from deskward.kafka.feeds import Feed, Feeds, digest, lane_of, topic_messages

OFF_LOOP = 20_000
"""Bytes of a message from which on it is read in a thread."""
SESSION = "kafka"
"""The conversation of messages that name none."""

BEHIND = timedelta(minutes=1)
"""How long a message may be under way before probes are told."""

_BEHIND = (
    sa.select(topic_messages.c.status, topic_messages.c.received_at)
    .where(
        topic_messages.c.status.in_(("waiting", "answered", "refused", "failed")),
        topic_messages.c.received_at < sa.bindparam("moment", type_=UtcDateTime),
    )
    .order_by(topic_messages.c.seq)
    .limit(1)
)
_KEEP = insert_or_ignore(
    topic_messages,
    *("tenant_id", "key", "lane", "customer_id", "topic", "reply_topic", "place", "message_id"),
    *("session_id", "text", "raw_key", "raw", "status", "reason", "received_at"),
)


class Query(BaseModel):
    """What a customer says in a message. What else stands there is no word of theirs, and left."""

    model_config = ConfigDict(extra="ignore", strict=True)

    query: Annotated[str, Field(min_length=1)]
    customer_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    message_id: Annotated[str, Field(pattern=r"^[ -~]{1,200}$")] | None = None
    session_id: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,128}$")] = SESSION


class Refused(str):
    """Why a message cannot be answered."""

    __slots__ = ()


class Intake:
    """Keeps messages of the topics that the desk answers."""

    def __init__(
        self, database: Database, feeds: Feeds, most_bytes: int, wake: Callable[[], None]
    ) -> None:
        """Make one.

        Args:
            most_bytes: How many a message may have.
            wake: Called when some were kept: they are to be answered.
        """
        self.feeds = feeds
        self.problem: str | None = None
        """Why this process reads nothing; None where it can, as far as is known."""
        self._database = database
        self._most = most_bytes
        self._wake = wake

    async def keep(self, batch: Sequence[tuple[str, Found]]) -> int:
        """Keep messages, with the topics that they are of; gives how many were new.

        One that cannot be answered is kept for the topic of dead letters. It can be done again:
        what is kept already changes nothing.

        Raises:
            Unavailable: The database is away, and nothing is kept.
        """
        rows = [
            (self.feeds.by_topic[topic], found, await self._read(found)) for topic, found in batch
        ]
        kept = 0
        async with self._database.transaction() as db:
            for feed, found, query in rows:
                row = await _row(db, feed, found, query)
                kept += (await db.execute(_KEEP, row)).rowcount
        if kept:
            self._wake()
        return kept

    async def health(self) -> tuple[str, str | None]:
        """Whether all is `healthy`, `behind` or `unavailable`, and a warning if there is one."""
        if self.problem is not None:
            return "unavailable", f"Kafka's topics are not read: {self.problem}"
        row = await self._database.reader.first(_BEHIND, moment=now() - BEHIND)
        if row is None:
            return "healthy", None
        what = (
            "a message waits" if row.status == "waiting" else f"one is {row.status}, not published"
        )
        return "behind", f"Kafka's topics: {what} since {iso(row.received_at)}"

    async def _read(self, found: Found) -> Query | Refused:
        size = len(found.value or b"")
        if size > self._most:
            return Refused(
                f"It has {size:,} bytes; {self._most:,} are allowed (KAFKA_MAX_MESSAGE_KB)."
            )
        if size > OFF_LOOP:
            return await asyncio.to_thread(read, found.value)
        return read(found.value)


def read(value: bytes | None) -> Query | Refused:
    """What a message says, or why it says nothing."""
    if value is None:
        return Refused("It has no value.")
    try:
        told = read_json(value)
    except ValueError:
        return Refused("It is no JSON.")
    if not isinstance(told, dict):
        return Refused('It is no object such as {"query": "…", "customer_id": "…"}.')
    try:
        return Query.model_validate(told)
    except ValidationError as error:
        return Refused(problems_of(error, Query))


async def _row(db: Connection, feed: Feed, found: Found, query: Query | Refused) -> dict[str, Any]:
    """The row of a message."""
    if isinstance(query, Query) and not await customers.is_there(
        db, feed.tenant, query.customer_id
    ):
        query = Refused((await customers.missing(db, feed.tenant, query.customer_id)).message)
    at = int(found.published_at.timestamp() * 1_000) if found.published_at else 0
    # A topic that was made anew counts its messages anew.
    place = f"{found.place.partition}-{found.place.offset}-{at}"
    row: dict[str, Any] = {
        "tenant_id": feed.tenant,
        "key": digest("kafka place", feed.topic, place),
        "lane": digest("kafka place", feed.topic, place)[:32],
        "customer_id": None,
        "topic": feed.topic,
        "reply_topic": feed.reply_topic,
        "place": place,
        "message_id": None,
        "session_id": None,
        "text": None,
        "raw_key": found.key,
        "raw": found.value,
        "status": "refused",
        "reason": None,
        "received_at": now(),
    }
    if isinstance(query, Refused):
        return {**row, "reason": str(query)}
    message_id = query.message_id or f"{feed.topic}-{place}"
    said = (query.customer_id, query.session_id, message_id, query.query)
    return {
        **row,
        "key": digest("kafka message", *said),
        "lane": lane_of(feed.tenant, query.customer_id),
        "customer_id": query.customer_id,
        "message_id": message_id,
        "session_id": query.session_id,
        "text": query.query,
        "status": "waiting",
    }
