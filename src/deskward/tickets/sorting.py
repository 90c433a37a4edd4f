"""Sorting tickets: two become one, one becomes two, or it waits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, Database, now
from deskward.core.errors import Conflict, InvalidInput
from deskward.core.jobs import Job
from deskward.core.locking import locking
from deskward.tickets import handover, service, store, thread, timers
from deskward.tickets.links import link
from deskward.tickets.messages import DESK, Author, ticket_messages
from deskward.tickets.models import MAX_BODY, Source, Ticket, tickets


async def merge(
    db: Connection, tenant: str, ticket_id: str, into: str, *, author: Author, channel: Source
) -> Ticket:
    """Give all messages of a ticket to another one of the same customer, and close it.

    The other one is waited for where one of them is, and has the conversation if it has none.

    Raises:
        NotFound: The tenant has no such ticket.
        InvalidInput: They are of two customers, who would see each other's messages.
        Conflict: One was merged already, or the other one is closed.
    """
    # In one order, so that two that merge each other's tickets wait for each other and do not hang.
    held = {one: await thread.lock(db, tenant, one) for one in sorted({ticket_id, into})}
    source, target = held[ticket_id], held[into]
    if ticket_id == into or source.merged_into or target.merged_into or target.status == "closed":
        raise Conflict(f"Ticket {ticket_id} cannot be merged into {into}: one of them has ended.")
    if source.customer_id != target.customer_id:
        raise InvalidInput("Tickets of two customers are not merged: each would read the other's.")
    await db.execute(
        sa.update(ticket_messages)
        .where(_messages_of(tenant, ticket_id))
        .values(number=int(into[1:]), seq=ticket_messages.c.seq + target.messages, by_moment=True)
    )
    closed: dict[str, Any] = {"status": "closed", "merged_into": int(into[1:])}
    closed |= {"messages": 0, "heard": 0}
    more: dict[str, Any] = {}
    if source.session_id is not None and target.session_id is None:
        more = {"session_owner": source.session_owner, "session_id": source.session_id}
        closed |= dict.fromkeys(more)
    if source.status in timers.WAITING and target.status == "resolved":
        more |= {"status": "open", "resolved_at": None}
    await handover.move(db, tenant, ticket_id, into)
    if ended := await service.set_values(db, tenant, ticket_id, **closed):
        await timers.follow(db, tenant, ended)
    await service.set_values(
        db,
        tenant,
        into,
        messages=tickets.c.messages + source.messages,
        heard=tickets.c.heard + source.heard,
        **more,
    )
    await link(db, tenant, ticket_id, into, "merged", anew=True)
    text = f"Ticket {ticket_id} ({source.subject}) was merged into this one."
    await thread.note(db, tenant, into, text, author=author, channel=channel)
    return await service.get(db, tenant, into)


async def split(
    db: Connection,
    tenant: str,
    ticket_id: str,
    seqs: list[int],
    subject: str,
    *,
    author: Author,
    channel: Source,
) -> Ticket:
    """Open a ticket with some of the messages of another one.

    Raises:
        NotFound: The tenant has no such ticket.
        Conflict: It is closed, has not all of these messages, or would have none of the customer's
            left.
    """
    before = await thread.lock(db, tenant, ticket_id)
    if before.status == "closed":
        raise Conflict(f"Ticket {ticket_id} is closed.")
    chosen = _messages_of(tenant, ticket_id) & ticket_messages.c.seq.in_(seqs)
    rows = await db.all(sa.select(ticket_messages).where(chosen).order_by(ticket_messages.c.seq))
    moved = [store.message_of(row) for row in rows]
    if len(moved) != len(set(seqs)) or moved[0].kind != "message" or 1 in seqs:
        raise Conflict(
            "Name messages by their `seq`, beginning with one that is no note; the ticket's first "
            "message stays where it is.",
            details={"field": "messages"},
        )
    ticket = await service.create(
        db,
        tenant,
        before.customer_id,
        subject=subject,
        body=moved[0].text[:MAX_BODY] or service.NO_TEXT,
        priority=before.priority,
        source=moved[0].channel,
        language=before.language,
        session=(before.session_owner, before.session_id)
        if before.session_owner is not None and before.session_id is not None
        else None,
    )
    new = int(ticket.id[1:])
    await db.execute(sa.delete(ticket_messages).where(_messages_of(tenant, ticket.id)))
    for seq, message in enumerate(moved, start=1):
        await db.execute(
            sa.update(ticket_messages)
            .where(_messages_of(tenant, ticket_id), ticket_messages.c.seq == message.seq)
            .values(number=new, seq=seq)
        )
    heard = sum(message.by == "customer" for message in moved)
    await service.set_values(db, tenant, ticket.id, messages=len(moved), heard=heard)
    await service.set_values(db, tenant, ticket_id, heard=tickets.c.heard - heard)
    await link(db, tenant, ticket.id, ticket_id, "split")
    text = f"{len(moved)} of its messages went to ticket {ticket.id}."
    await thread.note(db, tenant, ticket_id, text, author=author, channel=channel)
    return await service.get(db, tenant, ticket.id)


def _messages_of(tenant: str, ticket_id: str) -> sa.ColumnElement[bool]:
    return (ticket_messages.c.tenant_id == tenant) & (
        ticket_messages.c.number == int(ticket_id[1:])
    )


async def mark(
    db: Connection,
    tenant: str,
    ticket_id: str,
    spam: bool,
    revision: int | None = None,
    *,
    soon: timedelta = timers.BEFORE,
) -> Ticket:
    """Say that a ticket is spam, or that it is none: then it is waited for again.

    Args:
        revision: Which one it must still have, where that counts.
        soon: How long before its moment somebody is told that a ticket is due.

    Raises:
        NotFound: The tenant has no such ticket.
        Conflict: It has another revision.
    """
    before = await service.get(locking(db), tenant, ticket_id)
    same = [tickets.c.revision == revision] if revision is not None else []
    ticket = await service.set_values(db, tenant, ticket_id, *same, spam=spam)
    if ticket is None:
        raise service.changed_meanwhile(ticket_id)
    await timers.follow(db, tenant, ticket, timers.ALL if before.spam else (), soon)
    return ticket


async def snooze(
    db: Connection,
    tenant: str,
    ticket_id: str,
    until: datetime | None,
    revision: int | None = None,
) -> Ticket:
    """Have a ticket wait until a moment, or no longer where that is None.

    Args:
        revision: Which one it must still have, where that counts.

    Raises:
        NotFound: The tenant has no such ticket.
        Conflict: The moment is past, the ticket is closed, or has another revision.
    """
    if until is not None and until <= now():
        raise Conflict(
            f"That moment, {until.isoformat()}, is past. Name one to come.",
            details={"field": "until"},
        )
    same = [tickets.c.status != "closed"]
    if revision is not None:
        same.append(tickets.c.revision == revision)
    ticket = await service.set_values(db, tenant, ticket_id, *same, snoozed_until=until)
    if ticket is None:
        if (await service.get(db, tenant, ticket_id)).status == "closed":
            raise Conflict(f"Ticket {ticket_id} is closed.")
        raise service.changed_meanwhile(ticket_id)
    await timers.follow(db, tenant, ticket, ["snoozed_until"])
    return ticket


async def wake(database: Database, job: Job) -> None:
    """Do the job of a ticket that was snoozed: it comes back, if it still waits for that moment.

    Raises:
        JobLost: Another process has the job.
    """
    tenant, ticket_id = job.payload["tenant"], job.payload["ticket_id"]
    until = datetime.fromisoformat(job.payload["until"])
    async with database.transaction() as db:
        await job.hold(db)
        waits = tickets.c.snoozed_until == until
        ticket = await service.set_values(db, tenant, ticket_id, waits, snoozed_until=None)
        if ticket is not None:
            text = "It was snoozed until now."
            await thread.note(db, tenant, ticket_id, text, author=DESK, channel="api")
            if ticket.status in timers.WAITING:
                await timers.tell_due(db, tenant, ticket, "snooze", until)
