"""The tools of queues. None reads a ticket before it holds the tenant's queues (`service.lock`)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field

from deskward.core.database import now
from deskward.core.errors import Conflict
from deskward.core.numbering import Revision
from deskward.core.paging import Limit, Offset
from deskward.gate.context import Context
from deskward.gate.tool import Risk, ToolGroup
from deskward.queues import directory, figures, service, working
from deskward.queues.kinds import KindName, Level
from deskward.queues.models import (
    CustomerContext,
    EscalationId,
    EscalationShown,
    ItemStatus,
    QueueItem,
    QueueList,
    QueueMetrics,
    Routed,
    SpecialistChanged,
    SpecialistList,
    SpecialistSettings,
    StaffId,
    StaffingEstimate,
)
from deskward.queues.routing_in import route
from deskward.queues.service import Queues, Wanted
from deskward.queues.wishes import WISHES
from deskward.tickets.models import TicketId

tools = ToolGroup("queues", wishes=WISHES)

Hours = Annotated[int, Field(ge=1, le=672, description="How far back to look.")]


@tools.tool(scope="queues:read", risk=Risk.READ, rest="GET /specialists", keeps_secrets=False)
async def list_specialists(ctx: Context, specialist_type: KindName | None = None) -> SpecialistList:
    """List the specialists: what they know, their shifts, what they have, and who has room.

    Args:
        specialist_type: Only those of this type.
    """
    found = await directory.shown(ctx.db, ctx.tenant, specialist_type)
    return SpecialistList(specialists=found)


@tools.tool(scope="queues:manage", risk=Risk.WRITE, rest="PUT /specialists/{staff_id}")
async def set_specialist(
    ctx: Context, staff_id: StaffId, settings: SpecialistSettings
) -> SpecialistChanged:
    """Say what a member of staff is a specialist of, when, and for how much at once.

    Args:
        staff_id: The member of staff.
        settings: All of it, instead of what was said before.
    """
    queues = ctx.port(Queues)
    await service.lock(ctx.db, ctx.tenant)
    member = await directory.appoint(ctx.db, ctx.tenant, staff_id, settings, queues)
    await working.drain(ctx.db, ctx.tenant, queues)
    kinds = ", ".join(sorted(settings.kinds))
    return SpecialistChanged(staff_id=member, message=f"A specialist now of: {kinds}.")


@tools.tool(scope="queues:manage", risk=Risk.WRITE, rest="DELETE /specialists/{staff_id}")
async def remove_specialist(ctx: Context, staff_id: StaffId) -> SpecialistChanged:
    """Have a member of staff be no specialist any more; what they have goes to others.

    Args:
        staff_id: The member of staff.
    """
    await service.lock(ctx.db, ctx.tenant)
    member = await directory.dismiss(ctx.db, ctx.tenant, staff_id)
    await working.dismissed(ctx.db, ctx.tenant, member)
    await working.drain(ctx.db, ctx.tenant, ctx.port(Queues))
    return SpecialistChanged(staff_id=member, message="No specialist any more.")


@tools.tool(scope="queues:route", risk=Risk.WRITE, rest="POST /tickets/{ticket_id}/route")
async def route_to_specialist(
    ctx: Context,
    ticket_id: TicketId,
    specialist_type: KindName,
    priority_level: Level,
    customer_context: CustomerContext | None = None,
) -> Routed:
    """Route a ticket to a queue of specialists; somebody who has room gets it at once.

    Args:
        ticket_id: The ticket.
        specialist_type: Who is to look at it.
        priority_level: How urgent it is.
        customer_context: What they should know. `skill` names what they should be able to.
    """
    wanted = Wanted(
        specialist_type,
        priority_level,
        skills=skills_of(customer_context),
        context=customer_context or {},
    )
    return await route(ctx, ticket_id, wanted)


def skills_of(context: CustomerContext | None) -> tuple[str, ...]:
    """The skills that a context asks for, as `dns` or `dns, tls`."""
    told = str((context or {}).get("skill", ""))
    return tuple(filter(None, (one.strip().casefold() for one in told.split(","))))


@tools.tool(scope="queues:read", risk=Risk.READ, rest="GET /queues")
async def list_queue(
    ctx: Context,
    specialist_type: KindName | None = None,
    status: ItemStatus | None = None,
    assignee: StaffId | None = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> QueueList:
    """List what is in the queues of specialists, what is to be begun first coming first.

    Args:
        specialist_type: Only of this queue.
        status: Only in this state; left out, all that waits or that somebody has.
        assignee: Only what this member of staff has.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    total, items = await service.find(
        ctx.db,
        ctx.tenant,
        kind=specialist_type,
        status=status,
        assignee=assignee,
        limit=limit,
        offset=offset,
    )
    return QueueList(total=total, limit=limit, offset=offset, items=items)


@tools.tool(scope="queues:read", risk=Risk.READ, rest="GET /escalations/{escalation_id}")
async def get_escalation(ctx: Context, escalation_id: EscalationId) -> EscalationShown:
    """Look up an escalation: who has it, and all that was told along.

    Args:
        escalation_id: The escalation.
    """
    row = await service.get(ctx.db, ctx.tenant, escalation_id)
    told = {name: str(value) for name, value in row.context.items()}
    return EscalationShown(**service.shown(row).model_dump(), context=told)


@tools.tool(scope="queues:work", risk=Risk.WRITE, rest="POST /escalations/{escalation_id}/claim")
async def claim_escalation(
    ctx: Context, escalation_id: EscalationId, revision: Revision | None = None
) -> QueueItem:
    """Begin to work on an escalation: one's own, or one that waits, where one has room.

    Args:
        escalation_id: The escalation.
        revision: Its revision as it was read, where that counts.
    """
    row = await _held(ctx, escalation_id, revision, "waiting", "assigned")
    me = ctx.principal.id
    if row.assignee is not None:
        _require_own(ctx, row)
    theirs = {one.id: one for one in await directory.all_of(ctx.db, ctx.tenant)}
    kind = theirs[me].takes_as(service.waiting_of(row)) if me in theirs else None
    if kind is None:
        raise Conflict(
            f"{me} is no specialist of {row.kind}. `set_specialist` says who is.",
            details={"specialist_type": row.kind},
        )
    if row.assignee is None and theirs[me].load >= theirs[me].capacity:
        raise Conflict(f"{me} has {theirs[me].load} tickets already, which is as many as can be.")
    await service.held_ticket(ctx.db, ctx.tenant, f"T{row.ticket}")
    kinds = ctx.port(Queues).kinds.specialists
    await working.hand(ctx.db, ctx.tenant, row, me, "claimed", kind, kinds)
    return await _after(ctx, row)


@tools.tool(scope="queues:work", risk=Risk.WRITE, rest="POST /escalations/{escalation_id}/release")
async def release_escalation(
    ctx: Context, escalation_id: EscalationId, revision: Revision | None = None
) -> QueueItem:
    """Give back an escalation of one's own; somebody else gets it, with the place that it had.

    Args:
        escalation_id: The escalation.
        revision: Its revision as it was read, where that counts.
    """
    row = await _held(ctx, escalation_id, revision, "assigned", "claimed")
    _require_own(ctx, row)
    why = f"{row.assignee} has given it back."
    await working.give_back(ctx.db, ctx.tenant, row, why, avoid=True)
    await working.drain(ctx.db, ctx.tenant, ctx.port(Queues))
    return await _after(ctx, row)


@tools.tool(scope="queues:work", risk=Risk.WRITE, rest="POST /escalations/{escalation_id}/finish")
async def finish_escalation(
    ctx: Context, escalation_id: EscalationId, revision: Revision | None = None
) -> QueueItem:
    """End an escalation of one's own: the specialist's part is done. The ticket stays as it is.

    Args:
        escalation_id: The escalation.
        revision: Its revision as it was read, where that counts.
    """
    row = await _held(ctx, escalation_id, revision, "claimed")
    _require_own(ctx, row)
    await service.change(ctx.db, ctx.tenant, row.number, status="done", ended_at=now())
    await working.drain(ctx.db, ctx.tenant, ctx.port(Queues))
    return await _after(ctx, row)


async def _held(
    ctx: Context, escalation_id: str, revision: int | None, *allowed: str
) -> sa.Row[Any]:
    """An escalation in one of these states, with its tenant's queues held.

    Raises:
        NotFound: The tenant has no such one.
        Conflict: It is in another state, or has another revision.
    """
    await service.lock(ctx.db, ctx.tenant)
    await working.settle(ctx.db, ctx.tenant, ctx.port(Queues))
    row = await service.get(ctx.db, ctx.tenant, escalation_id)
    service.require(row, revision, *allowed)
    return row


async def _after(ctx: Context, row: sa.Row[Any]) -> QueueItem:
    return service.shown(await service.get(ctx.db, ctx.tenant, f"E{row.number}"))


def _require_own(ctx: Context, row: sa.Row[Any]) -> None:
    if row.assignee != ctx.principal.id:
        raise Conflict(f"Escalation E{row.number} is {row.assignee}'s.")


@tools.tool(scope="queues:read", risk=Risk.READ, rest="GET /queues/metrics", keeps_secrets=False)
async def get_queue_metrics(
    ctx: Context, specialist_type: KindName | None = None, hours: Hours = 168
) -> QueueMetrics:
    """Tell how queues do: what waits, how soon it is begun, how long it takes, what was late.

    Args:
        specialist_type: Only of this queue.
        hours: The period, up to now.
    """
    kinds = ctx.port(Queues).kinds
    if specialist_type is not None:
        kinds.get(specialist_type)
    found = await figures.figures(ctx.db, ctx.tenant, kinds.specialists, hours, specialist_type)
    return QueueMetrics(hours=hours, queues=found)


@tools.tool(scope="queues:read", risk=Risk.READ, rest="GET /queues/staffing", keeps_secrets=False)
async def estimate_staffing(
    ctx: Context,
    specialist_type: KindName,
    within_minutes: Annotated[int, Field(ge=1, le=10_080)] = 60,
    share: Annotated[float, Field(ge=0.01, le=0.999)] = 0.8,
    hours: Hours = 168,
) -> StaffingEstimate:
    """Estimate by Erlang C how many specialists a queue needs, from what has come to it.

    Args:
        specialist_type: The queue.
        within_minutes: Within how many minutes somebody is to begin.
        share: Of how much of what comes, as 0.8 for four of five.
        hours: The period that is taken as usual, up to now.
    """
    ctx.port(Queues).kinds.get(specialist_type)
    within = timedelta(minutes=within_minutes)
    return await figures.staffing(ctx.db, ctx.tenant, specialist_type, hours, share, within)
