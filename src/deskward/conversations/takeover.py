"""A person takes a conversation over: while they have it, the agent says nothing in it.

Who has a conversation stands in its row, which every message changes first. So a takeover and the
agent's answer come one after the other, and the answer that comes later is not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from deskward.conversations import news
from deskward.conversations.models import messages, sessions
from deskward.conversations.store import Where
from deskward.core import events
from deskward.core.database import Connection, Database, now
from deskward.core.errors import Conflict, NotFound, SessionEnded
from deskward.core.jobs import Job
from deskward.files import service as files
from deskward.gate.context import new_id
from deskward.tickets import timers
from deskward.tickets.channels import Taken
from deskward.tickets.messages import TicketMessage
from deskward.tickets.models import Ticket, tickets

LAST_STAGE = 2
"""The stage of a handover's timer behind which nobody is told any more."""


FILES = "/api/v1/files"
"""Where files are had, each under its id."""


def where_of(tenant: str, ticket: Ticket) -> Where:
    """The conversation that a ticket came from.

    Raises:
        NotFound: It came from none.
        Conflict: It was merged into another one, which has it.
    """
    if ticket.session_id is None or ticket.session_owner is None:
        if ticket.merged_into is not None:
            raise Conflict(
                f"Ticket {ticket.id} was merged: its conversation is {ticket.merged_into}'s."
            )
        raise NotFound("conversation", ticket.id)
    return Where(tenant, ticket.session_owner, ticket.session_id)


async def taken_by(db: Connection, where: Where) -> str | None:
    """The label of who has a conversation; None where the agent answers."""
    row = await db.first(sa.select(sessions.c.taken_by).where(_this(where)))
    return row.taken_by if row is not None else None


async def take(db: Connection, where: Where, label: str) -> None:
    """Give a conversation to a person.

    Raises:
        Conflict: Another one has it, or it has ended.
    """
    going_on = sessions.c.ended_at.is_(None)
    if await _set(db, where, sessions.c.taken_by.is_(None) & going_on, label):
        await news.add(db, where, "taken_over", by="staff")
    elif not await _set(db, where, (sessions.c.taken_by == label) & going_on, label):
        whose = await taken_by(db, where)
        raise Conflict(f"{whose} has this conversation." if whose else "This conversation is over.")


async def give_back(db: Connection, where: Where, label: str) -> None:
    """Give a conversation back to the agent.

    Raises:
        Conflict: They have not got it.
    """
    if not await _set(db, where, sessions.c.taken_by == label, None):
        raise Conflict("You have not taken this conversation over.")
    await news.add(db, where, "given_back", by="staff")


async def _set(
    db: Connection, where: Where, only: sa.ColumnElement[bool], label: str | None
) -> bool:
    changed = await db.execute(
        sa.update(sessions)
        .where(_this(where), only)
        .values(taken_by=label, taken_at=now() if label else None)
    )
    return changed.rowcount == 1


def _this(where: Where) -> sa.ColumnElement[bool]:
    return sa.and_(
        sessions.c.tenant_id == where.tenant,
        sessions.c.owner == where.owner,
        sessions.c.id == where.session_id,
    )


async def say(
    db: Connection, where: Where, text: str, *, by: str = "staff", message_id: str | None = None
) -> None:
    """Say something in a conversation that no model said; who has a chat of it open is told.

    Args:
        by: Who says it: `staff`, `agent` or `desk`.
        message_id: The ticket's message that it is.

    Raises:
        SessionEnded: It is over.
    """
    moment = now()
    touched = await db.execute(
        sa.update(sessions)
        .where(_this(where), sessions.c.ended_at.is_(None))
        .values(message_count=sessions.c.message_count + 1, last_activity=moment)
    )
    if touched.rowcount != 1:
        raise SessionEnded
    last = await db.first(
        sa.select(sa.func.max(messages.c.seq)).where(
            messages.c.tenant_id == where.tenant,
            messages.c.owner == where.owner,
            messages.c.session_id == where.session_id,
        )
    )
    seq = ((last[0] if last else None) or 0) + 1
    await db.execute(
        messages.insert(),
        {
            "tenant_id": where.tenant,
            "owner": where.owner,
            "session_id": where.session_id,
            "seq": seq,
            "turn_id": new_id(),
            "role": "assistant",
            "content": text,
            "data": {"by": by},
            "created_at": moment,
        },
    )
    await news.add(db, where, "message", by=by, said=seq, message_id=message_id)


class ChatChannel:
    """Takes answers into the conversation that a ticket came from: it stands there from then on."""

    async def take(
        self,
        db: Connection,
        tenant: str,
        ticket: Ticket,
        message: TicketMessage,
        answered: TicketMessage | None,
    ) -> Taken | None:
        """See `Channel.take`."""
        if ticket.session_id is None or ticket.session_owner is None:
            return None
        try:
            where = Where(tenant, ticket.session_owner, ticket.session_id)
            text = await with_links(db, tenant, message.text, message.files)
            await say(db, where, text, by=message.by, message_id=message.id)
        except SessionEnded:
            return None
        return Taken("sent")


async def with_links(db: Connection, tenant: str, text: str, file_ids: Sequence[str]) -> str:
    """What a message says, and where its files are."""
    if not file_ids:
        return text
    called = await files.named(db, tenant, file_ids)
    links = [f"{called[each]}: {FILES}/{each}" for each in file_ids if each in called]
    return "\n".join([text, "", *links])


async def still_waits(database: Database, job: Job) -> None:
    """Do the job of a handover whose time is up: where nobody has taken it, tell once more.

    First its team is told, and after as long again those who lead.

    Raises:
        JobLost: Another process has the job, or somebody has taken it.
    """
    tenant, ticket_id = job.payload["tenant"], job.payload["ticket_id"]
    stage = job.payload.get("stage", LAST_STAGE)
    async with database.transaction() as db:
        await job.hold(db)
        free = tickets.c.assignee.is_(None) & sa.not_(tickets.c.spam)
        ticket = await timers.held(db, tenant, ticket_id, free)
        if ticket is None:
            return
        if ticket.session_id is not None and await taken_by(db, where_of(tenant, ticket)):
            return
        owner, to = ticket.customer_id, "leads" if stage == LAST_STAGE else "team"
        told = {"team": ticket.team, "to": to}
        await events.tell(
            db, tenant, "conversation.waiting_long", ticket_id, told, customer_id=owner
        )
        if stage < LAST_STAGE:
            waits = timedelta(seconds=job.payload["seconds"])
            await timers.handover_waits(db, tenant, ticket_id, waits, stage=stage + 1)
