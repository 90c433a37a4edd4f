"""How a ticket comes into a queue, and what whoever brings it is told."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.gate.context import Context
from deskward.queues import directory, figures, service, working
from deskward.queues.models import Routed
from deskward.queues.routing import appointed, flows_over
from deskward.queues.service import Queues, Wanted
from deskward.queues.staffing import respond_in
from deskward.tickets import thread
from deskward.tickets.messages import DESK


async def route(ctx: Context, ticket_id: str, wanted: Wanted) -> Routed:
    """Queue a ticket, have somebody with room have it, and tell what came of it.

    Raises:
        NotFound: The tenant has no such ticket.
        Conflict: It has ended.
        NotFound: There is no such type of specialist.
    """
    row = await put_in(ctx.db, ctx.tenant, ticket_id, wanted, ctx.port(Queues))
    minutes, known = await response(ctx.db, ctx.tenant, row, ctx.port(Queues))
    given = f"given to {row.assignee}" if row.assignee else "queued"
    return Routed(
        escalation_id=f"E{row.number}",
        ticket_id=ticket_id,
        specialist_type=row.kind,
        priority_level=row.level,
        status=row.status,
        assigned_specialist=row.assignee,
        position=await service.position(ctx.db, ctx.tenant, row),
        estimated_response_time=minutes,
        estimated_from=known,
        message=f"Ticket {ticket_id} was {given} as escalation E{row.number}.",
    )


async def put_in(
    db: Connection, tenant: str, ticket_id: str, wanted: Wanted, queues: Queues
) -> sa.Row[Any]:
    """Queue a ticket, give out what can be, and return the escalation's row.

    Raises:
        NotFound: The tenant has no such ticket.
        Conflict: It has ended.
        NotFound: There is no such type of specialist.
    """
    queues.kinds.get(wanted.kind)
    await service.lock(db, tenant)
    ticket = await service.held_ticket(db, tenant, ticket_id)
    number = await service.put(db, tenant, ticket, wanted, queues)
    text = f"Escalation E{number}, to {wanted.kind}, level {wanted.level}."
    if wanted.reason:
        text += f"\n\n{wanted.reason}"
    await thread.note(db, tenant, ticket_id, text, author=DESK, channel="api")
    await working.drain(db, tenant, queues)
    return await service.get(db, tenant, f"E{number}")


async def response(
    db: Connection, tenant: str, row: sa.Row[Any], queues: Queues
) -> tuple[int | None, str]:
    """In how many minutes somebody is likely to begin, and how that is known.

    None where nobody works in the queue: no time can be promised then.
    """
    kind = queues.kinds.get(row.kind)
    if row.assignee is None and not await directory.is_anybody(db, tenant, row.kind):
        return None, await _nobody(db, tenant, row, queues)
    place = await service.position(db, tenant, row)
    _, slots = await directory.available(db, tenant, row.kind)
    time, known = respond_in(
        await figures.past_of(db, tenant, row.kind),
        ahead=(place or 1) - 1,
        slots=slots,
        given=row.assignee is not None,
        target=kind.patience_at(row.level),
    )
    return math.ceil(round(time / timedelta(minutes=1), 1)), known


async def _nobody(db: Connection, tenant: str, row: sa.Row[Any], queues: Queues) -> str:
    told, kinds = f"not known: nobody is a specialist of {row.kind}", queues.kinds.specialists
    after = kinds[row.kind].overflow_after
    staffed = appointed(await directory.all_of(db, tenant))
    to = flows_over(service.waiting_of(row), kinds, row.here_since + after, staffed)
    if to is None:
        return f"{told}, so it waits until somebody is"
    return f"{told}; after {after / timedelta(hours=1):g} hours it goes to {to}"
