"""What diagnostic sessions have found out, for whoever takes a ticket up."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.diagnostics import service, telling
from deskward.diagnostics.models import diagnoses
from deskward.tickets.investigated import Investigated

MOST = 3
"""How many sessions are told of, the latest."""
LATELY = timedelta(days=7)
"""How old a session may be that became no ticket and may belong to one all the same."""


async def investigated(
    db: Connection, tenant: str, customer_id: str, ticket_id: str
) -> list[Investigated]:
    """The sessions that became a ticket, and those of its customer that became none, lately."""
    became_it = diagnoses.c.ticket == int(ticket_id[1:])
    lately = diagnoses.c.ticket.is_(None) & (diagnoses.c.updated_at > now() - LATELY)
    rows = await db.all(
        sa.select(diagnoses.c.number)
        .where(
            diagnoses.c.tenant_id == tenant,
            diagnoses.c.customer_id == customer_id,
            became_it | lately,
        )
        .order_by(diagnoses.c.number.desc())
        .limit(MOST)
    )
    sessions = [await service.get(db, tenant, f"D{row.number}") for row in rows]
    return [_told(session) for session in sessions]


def _told(session: service.Session) -> Investigated:
    plan, end = session.plan, session.walk.end
    if end is None:
        outcome = f"{len(session.given)} steps were answered; it is {session.status}"
    elif end.cause is not None:
        outcome = f"cause: {plan.causes[end.cause].title} ({session.status.replace('_', ' ')})"
    else:
        outcome = f"no cause was found: {end.reason}"
    return Investigated(
        what=f"Diagnosis {session.id} along “{plan.title}”",
        outcome=outcome,
        at=session.updated_at,
        text=telling.gathered(session, outcome),
    )
