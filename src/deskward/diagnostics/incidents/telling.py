"""Telling customers who have joined an incident how it stands: each once, where they read it.

What somebody was told of is noted on their sessions in the transaction that tells them, so that a
process that ends in the middle tells nobody twice. They are told in the conversation that they walk
their session in, and by mail (`notices`) where they have not read it there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa

from deskward.core import events
from deskward.core.database import Connection, Database
from deskward.core.errors import Conflict, NotFound
from deskward.core.jobs import Job
from deskward.diagnostics import service as sessions
from deskward.diagnostics.incidents import service
from deskward.diagnostics.models import diagnoses
from deskward.diagnostics.service import Session
from deskward.diagnostics.timers import QuietRules, follow
from deskward.tickets import service as tickets
from deskward.tickets import thread
from deskward.tickets.chats import Chats
from deskward.tickets.messages import DESK
from deskward.tickets.timers import WAITING

Do = Callable[[Connection, sa.Row[Any], Session], Awaitable[bool]]
"""Does something with a session of an incident; says whether it is done."""
AT_ONCE = 50
"""Sessions in one transaction."""


async def over(database: Database, rules: QuietRules, chats: Chats, job: Job) -> None:
    """Do the job of an incident that is over.

    Its sessions are to be confirmed, or go on. Tickets that sessions of it have become get a note.

    Raises:
        JobLost: Another process has the job, or it was taken away.
    """

    async def one(db: Connection, incident: sa.Row[Any], session: Session) -> bool:
        tenant, status = incident.tenant_id, session.status
        if status == "joined_incident":
            try:
                session = await sessions.set_status(
                    db, tenant, session.id, session.revision, "to_confirm", allowed=(status,)
                )
            except (
                Conflict,
                NotFound,
            ):  # it was changed meanwhile, or erased: it is looked at anew
                return False
            await follow(db, tenant, session, rules)
        elif not await _noted(db, incident, session):
            return True
        await _tell(db, chats, incident, session, "diagnosis.incident_over")
        return True

    await _each(database, job, one, ("joined_incident", "handed_over"))


async def updated(database: Database, chats: Chats, job: Job) -> None:
    """Do the job of an incident of which there is news.

    Raises:
        JobLost: Another process has the job, or it was taken away.
    """

    async def one(db: Connection, incident: sa.Row[Any], session: Session) -> bool:
        await _tell(db, chats, incident, session, "diagnosis.incident_updated")
        return True

    await _each(database, job, one, ("joined_incident",), while_open=True)


async def _each(
    database: Database, job: Job, do: Do, states: tuple[str, ...], *, while_open: bool = False
) -> None:
    """Do something once with each session of an incident that was not told of its revision.

    Args:
        while_open: Whether nothing is done once it is over: that is told by another job.
    """
    tenant, incident_id = job.payload["tenant"], job.payload["incident_id"]
    while True:
        async with database.transaction() as db:
            await job.hold(db)
            incident = await service.row_of(db, tenant, incident_id)
            if while_open and incident.status != "open":
                return
            rows = await db.all(
                sa.select(diagnoses.c.number)
                .where(
                    diagnoses.c.tenant_id == tenant,
                    diagnoses.c.incident == incident.number,
                    diagnoses.c.status.in_(states),
                    sa.func.coalesce(diagnoses.c.told, 0) < incident.revision,
                )
                .order_by(diagnoses.c.number)
                .limit(AT_ONCE)
            )
            for row in rows:
                try:
                    session = await sessions.get(db, tenant, f"D{row.number}")
                except NotFound:  # its customer was erased meanwhile
                    continue
                if await do(db, incident, session):
                    await sessions.note(db, tenant, session, told=incident.revision)
        if len(rows) < AT_ONCE:
            return


async def _tell(
    db: Connection, chats: Chats, incident: sa.Row[Any], session: Session, kind: events.Kind
) -> None:
    """Tell of a session's incident: its customer, if no other session of theirs has told them."""
    tenant, name = incident.tenant_id, kind.partition(".")[2]
    first = await _is_first(db, incident, session)
    said = None
    if first and session.chat is not None:
        values = {"id": session.id, **service.said_of(incident)}
        said = await chats.tell(db, tenant, (session.customer_id, session.chat), name, values)
    told = {
        "status": session.status,
        "incident_id": f"I{incident.number}",
        "first": first,
        "message_id": said,
    }
    await events.tell(db, tenant, kind, session.id, told, customer_id=session.customer_id)


async def _is_first(db: Connection, incident: sa.Row[Any], session: Session) -> bool:
    other = await db.first(
        sa.select(diagnoses.c.number)
        .where(
            diagnoses.c.tenant_id == incident.tenant_id,
            diagnoses.c.incident == incident.number,
            diagnoses.c.customer_id == session.customer_id,
            diagnoses.c.told >= incident.revision,
        )
        .limit(1)
    )
    return other is None


async def _noted(db: Connection, incident: sa.Row[Any], session: Session) -> bool:
    """Note on a session's ticket that its incident is over; says whether it waits for staff."""
    if session.ticket_id is None:
        return False
    tenant = incident.tenant_id
    try:
        ticket = await tickets.get(db, tenant, session.ticket_id)
    except NotFound:
        return False
    if ticket.status not in WAITING:
        return False
    text = f"Incident I{incident.number}, which {session.id} had joined, is over."
    await thread.note(db, tenant, ticket.id, text, author=DESK, channel=ticket.source)
    return True
