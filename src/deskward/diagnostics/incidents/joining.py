"""How sessions and incidents come together: sessions join by what they saw."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core import events
from deskward.core.database import Connection, now
from deskward.diagnostics import service as sessions
from deskward.diagnostics.incidents import service
from deskward.diagnostics.incidents.matching import Match, Seen, match, seen_in, signature_of
from deskward.diagnostics.models import KnownIncident, diagnoses
from deskward.diagnostics.service import Session
from deskward.tickets.models import tickets
from deskward.tickets.timers import WAITING

LATELY = timedelta(days=7)
"""How old a session may be to be like another one."""
MOST_ALIKE = 20
ALIVE = ("open", "paused", "to_confirm", "handed_over", "joined_incident")
"""The states of sessions whose matter is not settled."""


async def known(
    db: Connection, tenant: str, session: Session, *, staff: bool
) -> list[KnownIncident]:
    """The incidents that a session is one of, or may be, certain ones first.

    Args:
        staff: Whether they are shown to staff. Customers see one that may be theirs only where
            they wrote of it, or where staff have reported it or written what customers are told.
    """
    if session.incident_id is not None:
        row = await service.row_of(db, tenant, session.incident_id)
        return [_shown(row, Match(True, False, "It has joined it."), staff=staff)]
    if session.status not in ("open", "paused", "to_confirm"):
        return []
    found = await _fitting(db, tenant, session)
    return [
        _shown(row, how, staff=staff)
        for row, how in sorted(found, key=lambda one: not one[1].certain)
        if staff or how.certain or how.said or row.customer_message or row.source_id is None
    ]


async def look(db: Connection, tenant: str, session: Session) -> Session:
    """Note what a session has seen, and have it join an incident that it is certainly one of.

    Gives the session with that.
    """
    signature = signature_of(session)
    if signature != session.signature:
        await sessions.note(db, tenant, session, signature=signature)
        session = replace(session, signature=signature)
    for row, how in await _fitting(db, tenant, session):
        revision = None
        if how.certain:
            revision = await service.held_open(db, tenant, f"I{row.number}")
        if revision is not None:
            return await join(db, tenant, session, f"I{row.number}", revision)
    return session


async def join(
    db: Connection, tenant: str, session: Session, incident_id: str, revision: int
) -> Session:
    """Have a session, changed in this transaction, be one of an incident that is held open.

    Args:
        revision: The incident's.
    """
    told = {"status": "joined_incident", "incident_id": incident_id}
    await events.tell(
        db, tenant, "diagnosis.joined", session.id, told, customer_id=session.customer_id
    )
    return await sessions.joined(db, tenant, session, incident_id, revision)


async def alike(db: Connection, tenant: str, session: Session) -> list[Session]:
    """Sessions of others that have seen the same lately, and are not settled; the newest first.

    One that became a ticket is settled when that is.
    """
    if session.signature is None:
        return []
    waits = (
        sa.select(tickets.c.number)
        .where(
            tickets.c.tenant_id == tenant,
            tickets.c.number == diagnoses.c.ticket,
            tickets.c.status.in_(WAITING),
        )
        .exists()
    )
    rows = await db.all(
        sa.select(diagnoses.c.number)
        .where(
            diagnoses.c.tenant_id == tenant,
            diagnoses.c.signature == session.signature,
            diagnoses.c.number != int(session.id[1:]),
            diagnoses.c.status.in_(ALIVE),
            diagnoses.c.updated_at > now() - LATELY,
            diagnoses.c.ticket.is_(None) | waits,
        )
        .order_by(diagnoses.c.number.desc())
        .limit(MOST_ALIKE)
    )
    return [await sessions.get(db, tenant, f"D{row.number}") for row in rows]


async def _fitting(
    db: Connection, tenant: str, session: Session
) -> list[tuple[sa.Row[Any], Match]]:
    rows = await service.known_of(db, tenant, session.product)
    if not rows:
        return []
    seen: Seen = seen_in(session)
    found = [
        (row, match(service.sign_of_row(row), seen))
        for row in rows
        if f"I{row.number}" not in session.declined
    ]
    return [(row, how) for row, how in found if how is not None]


def _shown(row: sa.Row[Any], how: Match, *, staff: bool) -> KnownIncident:
    return KnownIncident(
        incident_id=f"I{row.number}",
        match="certain" if how.certain else "possible",
        because=how.because,
        title=row.title if staff else None,
        message=service.told_customers(row),
        started_at=row.started_at,
        over=row.status != "open",
    )
