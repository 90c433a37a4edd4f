"""Answering what customers say in topics: one lane after the other, each message in its turn.

A message's turn is begun with the message's own key. Whoever does the job again, because its
process died, reads the turn that was begun and begins no other; the answer then goes to the outbox,
which is the message's row, once.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import sqlalchemy as sa

from deskward.conversations.cursors import Answered
from deskward.conversations.service import Conversations
from deskward.core.database import Database, now
from deskward.core.errors import (
    Conflict,
    DeskwardError,
    InvalidInput,
    NotFound,
    SessionBusy,
    SessionEnded,
    Unavailable,
    timestamp,
)
from deskward.core.fixed import fixed
from deskward.core.jobs import Job, RetryLater
from deskward.customers import service as customers
from deskward.gate.context import Context
from deskward.gate.effects import DeskKey
from deskward.kafka.feeds import digest, topic_messages
from deskward.security.principals import Kind, Principal, Proof

STRETCH = 30.0
"""Seconds after which a lane makes room for others."""
AGAIN = 1.0
"""Seconds after which a message is tried again that could not be answered yet."""

_NEXT = fixed(
    sa.select(topic_messages)
    .where(
        topic_messages.c.lane == sa.bindparam("lane"),
        topic_messages.c.status == "waiting",
    )
    .order_by(topic_messages.c.seq)
    .limit(1)
)
_LATER = (SessionBusy, Unavailable)
_NEVER = (InvalidInput, Conflict, SessionEnded, NotFound)

log = logging.getLogger(__name__)


class Lanes:
    """Answers the messages of topics."""

    def __init__(self, database: Database, conversations: Conversations) -> None:
        self._database = database
        self._conversations = conversations

    async def answer(self, job: Job) -> None:
        """Do the job of a lane: answer its messages, one after the other.

        Raises:
            RetryLater: A message cannot be answered yet; those behind it wait.
            JobLost: Another process has the job.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + STRETCH
        while loop.time() < until:
            row = await self._database.reader.first(_NEXT, lane=job.payload["lane"])
            if row is None:
                return
            try:
                values = {"status": "answered", "answer": await self._answered(row)}
            except _LATER as error:
                raise RetryLater(AGAIN, error.message) from None
            except _NEVER as error:
                values = {"status": "refused", "reason": error.message}
            async with self._database.transaction() as db:
                await job.advance(db)
                here = (topic_messages.c.seq == row.seq) & (topic_messages.c.status == "waiting")
                await db.execute(
                    sa.update(topic_messages).where(here).values(ended_at=now(), **values)
                )

    async def _answered(self, row: sa.Row[Any]) -> dict[str, Any]:
        """What is published as the answer to a message.

        Raises:
            DeskwardError: There is none, yet or ever.
        """
        if not await customers.is_there(self._database.reader, row.tenant_id, row.customer_id):
            raise await customers.missing(self._database.reader, row.tenant_id, row.customer_id)
        speaks = Principal(
            Kind.CUSTOMER,
            row.customer_id,
            row.tenant_id,
            ("customer",),
            via=f"kafka:{row.topic}"[:80],
            proof=Proof.VOUCHED,
        )
        told = {
            "message_id": digest("kafka answer", row.tenant_id, row.key)[:32],
            "in_reply_to": row.message_id,
            "customer_id": row.customer_id,
            "session_id": row.session_id,
            "tenant_id": row.tenant_id,
        }
        context = Context(speaks, "agent")
        key = DeskKey("kafka", digest(row.topic, row.message_id))
        reader = await self._conversations.send(context, row.session_id, row.text, key=key)
        try:
            async for placed in reader:
                if isinstance(end := placed.event, Answered):
                    return {
                        **told,
                        "status": "answered",
                        "response": end.text,
                        "model": end.model,
                        "message_count": end.message_count,
                        "confirmations": [
                            {"confirmation_id": asked.confirmation_id, "question": asked.question}
                            for asked in end.asks
                        ],
                        "timestamp": timestamp(),
                    }
        except (*_LATER, *_NEVER):
            raise
        except DeskwardError as error:
            log.warning("a message of topic %s has no answer: %s", row.topic, error.code)
            failed = {"code": error.code, "message": error.message}
            return {**told, "status": "failed", "error": failed, "timestamp": timestamp()}
        finally:
            reader.close()
        raise Unavailable("Its turn has no end.", retry_after=1)
