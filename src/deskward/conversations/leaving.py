"""What somebody had who does not work here any more: their tickets and conversations are free.

Otherwise a customer would wait for somebody who never comes, with an agent that is silent.
"""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from deskward.conversations import takeover
from deskward.conversations.models import sessions
from deskward.conversations.store import Where
from deskward.core import events
from deskward.core.database import Connection, Database
from deskward.core.jobs import Job
from deskward.security import members
from deskward.security.principals import Kind
from deskward.tickets import handover, service, thread
from deskward.tickets.messages import DESK
from deskward.tickets.models import tickets
from deskward.tickets.timers import WAITING

AT_ONCE = 100
"""Tickets, or conversations, of one transaction."""


async def free(database: Database, waits: timedelta, job: Job) -> None:
    """Do the job of a member of staff who was disabled.

    Args:
        waits: After how long somebody is told again of a handover that nobody has taken.

    Raises:
        JobLost: Another process has the job.
    """
    tenant, who = job.payload["tenant"], job.payload["id"]
    for work in (_free_tickets, _free_conversations):
        freed = AT_ONCE
        while freed == AT_ONCE:
            async with database.transaction() as db:
                await job.hold(db)
                member = await members.find(db, tenant, Kind.STAFF, who)
                if member is None or member.disabled_at is None:
                    return  # they are back
                freed = await work(db, tenant, who, waits)


async def _free_tickets(db: Connection, tenant: str, who: str, waits: timedelta) -> int:
    """Take tickets that somebody is to work on from them; gives how many."""
    theirs = (tickets.c.tenant_id == tenant) & (tickets.c.assignee == who)
    found = sa.select(tickets.c.number).where(theirs, tickets.c.status.in_(WAITING)).limit(AT_ONCE)
    rows = await db.all(found)
    for row in rows:
        same = tickets.c.assignee == who
        ticket = await service.set_values(db, tenant, f"T{row.number}", same, assignee=None)
        if ticket is None:
            continue
        text = f"{who} does not work here any more, so nobody has this ticket."
        await thread.note(db, tenant, ticket.id, text, author=DESK, channel="api")
        await handover.wait_again(db, tenant, ticket, waits)
        owner = ticket.customer_id
        await events.tell(db, tenant, "ticket.updated", ticket.id, {}, customer_id=owner)
    return len(rows)


async def _free_conversations(db: Connection, tenant: str, who: str, waits: timedelta) -> int:
    """Give conversations that they have back to the agent; gives how many."""
    label = f"staff:{who}"
    theirs = (sessions.c.tenant_id == tenant) & (sessions.c.taken_by == label)
    rows = await db.all(sa.select(sessions.c.owner, sessions.c.id).where(theirs).limit(AT_ONCE))
    for row in rows:
        await takeover.give_back(db, Where(tenant, row.owner, row.id), label)
        ticket = await service.handover_of(db, tenant, row.owner, row.id)
        if ticket is not None:
            await handover.wait_again(db, tenant, ticket, waits)
            owner = ticket.customer_id
            await events.tell(
                db, tenant, "conversation.given_back", ticket.id, {}, customer_id=owner
            )
    return len(rows)
