"""What falls due on tickets: each is a job of its own, with its moment.

A timer of a ticket has one name, so that setting it anew moves it and what ends the wait takes it
away. Whatever it finds when it rings is decided on the ticket's own row, in the transaction that
tells of it: a timer that rings too late, or twice, tells nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from deskward.core import events, jobs
from deskward.core.database import Connection, Database, now
from deskward.core.jobs import Job
from deskward.tickets import service
from deskward.tickets.messages import ticket_messages
from deskward.tickets.models import Ticket, tickets

STILL_WAITS = "handover_waits"
"""The kind of job that looks whether somebody has taken a handover."""
DUE_SOON = "ticket_due_soon"
"""The kind of job that tells that a ticket is to be answered, or resolved, soon."""
WAKE = "wake_ticket"
"""The kind of job that wakes a snoozed ticket."""
BEFORE = timedelta(hours=1)
"""How long before its moment somebody is told that a ticket is due, where nothing else is set."""

What = Literal["answer", "resolve"]
_COLUMNS: dict[What, sa.Column[Any]] = {
    "answer": tickets.c.answer_due_at,
    "resolve": tickets.c.resolve_due_at,
}
WAITING = ("open", "pending")
"""The states of tickets that somebody is to work on."""
ALL = ("answer_due_at", "resolve_due_at", "snoozed_until")
"""What has a timer: all of it is set anew on a ticket that is waited for again."""


def name_of(kind: str, tenant: str, ticket_id: str, what: str = "") -> str:
    """The id of a ticket's timer of a kind."""
    return hashlib.sha256("\0".join((kind, tenant, ticket_id, what)).encode()).hexdigest()[:32]


async def handover_waits(
    db: Connection, tenant: str, ticket_id: str, waits: timedelta, *, stage: int = 1
) -> None:
    """Have somebody told again if nobody has taken a handover by then.

    Args:
        waits: How long from now.
        stage: 1: the team is told, and then, after as long again, 2: those who lead it.
    """
    payload = {
        "tenant": tenant,
        "ticket_id": ticket_id,
        "stage": stage,
        "seconds": waits.total_seconds(),
    }
    name = name_of(STILL_WAITS, tenant, ticket_id)
    await jobs.put(db, name, STILL_WAITS, payload, due=now() + waits)


async def follow(
    db: Connection,
    tenant: str,
    ticket: Ticket,
    changed: Collection[str] = (),
    soon: timedelta = BEFORE,
) -> None:
    """Set or take away the timers of a ticket that was changed, in the same transaction.

    Args:
        changed: What was.
        soon: How long before its moment somebody is told that a ticket is due.
    """
    ended = ticket.status not in WAITING or ticket.spam
    gone = []
    if ended or ticket.assignee is not None:
        gone.append(name_of(STILL_WAITS, tenant, ticket.id))
    if ended or ticket.snoozed_until is None:
        gone.append(name_of(WAKE, tenant, ticket.id))
    elif "snoozed_until" in changed:
        await wakes(db, tenant, ticket.id, ticket.snoozed_until)
    moments: dict[What, datetime | None] = {
        "answer": ticket.answer_due_at,
        "resolve": ticket.resolve_due_at,
    }
    for what, moment in moments.items():
        name = name_of(DUE_SOON, tenant, ticket.id, what)
        replied = what == "answer" and "reply" in changed
        is_set = f"{what}_due_at" in changed
        if ended or moment is None or replied or (is_set and moment <= now()):
            gone.append(name)
        elif is_set:
            payload = {
                "tenant": tenant,
                "ticket_id": ticket.id,
                "what": what,
                "moment": moment.isoformat(),
            }
            await jobs.put(db, name, DUE_SOON, payload, due=max(now(), moment - soon))
    await jobs.drop(db, *gone)


async def is_waited_for(db: Connection, tenant: str, ticket_id: str) -> bool:
    """Whether somebody is going to be told of a handover that nobody has taken."""
    this = jobs.jobs.c.id == name_of(STILL_WAITS, tenant, ticket_id)
    return await db.first(sa.select(jobs.jobs.c.id).where(this)) is not None


async def taken(db: Connection, tenant: str, ticket_id: str) -> None:
    """Take the timer of a handover away: somebody has taken it."""
    await jobs.drop(db, name_of(STILL_WAITS, tenant, ticket_id))


async def wakes(db: Connection, tenant: str, ticket_id: str, until: datetime) -> None:
    """Have a ticket come back at a moment."""
    payload = {"tenant": tenant, "ticket_id": ticket_id, "until": until.isoformat()}
    await jobs.put(db, name_of(WAKE, tenant, ticket_id), WAKE, payload, due=until)


async def tell_due(
    db: Connection, tenant: str, ticket: Ticket, what: str, moment: datetime
) -> None:
    """Tell that a ticket is due, and who works on it."""
    told = {
        "what": what,
        "due_at": moment.isoformat(),
        "assignee": ticket.assignee,
        "team": ticket.team,
    }
    owner = ticket.customer_id
    await events.tell(db, tenant, "ticket.due_soon", ticket.id, told, customer_id=owner)


async def due_soon(database: Database, job: Job) -> None:
    """Do the job of a ticket that is due soon: tell who works on it, if it still waits for that.

    Raises:
        JobLost: Another process has the job, or it was taken away.
    """
    tenant, ticket_id = job.payload["tenant"], job.payload["ticket_id"]
    what: What = job.payload["what"]
    moment = datetime.fromisoformat(job.payload["moment"])
    async with database.transaction() as db:
        await job.hold(db)
        ticket = await held(db, tenant, ticket_id, _COLUMNS[what] == moment)
        if ticket is None or (what == "answer" and await answered(db, tenant, ticket)):
            return
        await tell_due(db, tenant, ticket, what, moment)


async def held(
    db: Connection, tenant: str, ticket_id: str, *where: sa.ColumnElement[bool]
) -> Ticket | None:
    """A ticket that somebody is to work on, held until `db` commits; None where it is not so."""
    found = await db.execute(
        sa.update(tickets)
        .where(
            tickets.c.tenant_id == tenant,
            tickets.c.number == int(ticket_id[1:]),
            tickets.c.status.in_(WAITING),
            *where,
        )
        .values(revision=tickets.c.revision)
        .returning(*tickets.c)
    )
    row = found.first()
    return service.ticket_of(row) if row is not None else None


async def answered(db: Connection, tenant: str, ticket: Ticket) -> bool:
    """Whether the last word in a ticket, notes aside, is the desk's."""
    by_moment, moment = ticket_messages.c.by_moment, ticket_messages.c.created_at
    wanted = (
        sa.select(ticket_messages.c.author, moment)
        .where(
            ticket_messages.c.tenant_id == tenant,
            ticket_messages.c.number == int(ticket.id[1:]),
            ticket_messages.c.kind == "message",
        )
        .limit(1)
    )
    order = ticket_messages.c.seq.desc()
    last = await db.first(wanted.where(by_moment.is_not(True)).order_by(order))
    other = await db.first(wanted.where(by_moment.is_(True)).order_by(moment.desc(), order))
    if last is None or (other is not None and other.created_at > last.created_at):
        last = other
    return last is not None and last.author.startswith(("staff:", "agent:", "service:"))
