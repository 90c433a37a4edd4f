"""Rules and queries of queues.

Whoever changes what is in a tenant's queues holds the tenant's row first (`lock`), and tickets only
then: so that two that give something out at once do it one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, NotFound
from deskward.core.locking import locking
from deskward.queues.kinds import SpecialistKinds
from deskward.queues.models import ACTIVE, QueueItem, queue_items, queue_numbers
from deskward.queues.routing import Kinds, Waiting, moved_to
from deskward.security import tenants
from deskward.tickets import service as tickets
from deskward.tickets import timers
from deskward.tickets.models import Ticket

ALIVE = queue_items.c.status.in_(ACTIVE)


@dataclass(frozen=True)
class Queues:
    """The port by which tools and jobs know the desk's types of specialists."""

    kinds: SpecialistKinds


@dataclass(frozen=True)
class Wanted:
    """What somebody is to look at.

    Attributes:
        kind: Which type of specialist.
        level: How urgent it is, from 1 to 5.
        context: What whoever looks at it should know.
    """

    kind: str
    level: int
    reason: str = ""
    skills: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)


async def lock(db: Connection, tenant: str) -> None:
    """Let nobody else change a tenant's queues until `db` commits."""
    await tenants.find(locking(db), tenant)


async def get(db: Connection, tenant: str, escalation_id: str) -> sa.Row[Any]:
    """The row of an escalation.

    Raises:
        NotFound: The tenant has no such one.
    """
    row = await db.first(
        sa.select(queue_items).where(
            queue_items.c.tenant_id == tenant, queue_items.c.number == int(escalation_id[1:])
        )
    )
    if row is None:
        raise NotFound("escalation", escalation_id)
    return row


async def of_ticket(db: Connection, tenant: str, ticket_id: str) -> Sequence[sa.Row[Any]]:
    """The escalations of a ticket, the first one first."""
    return await db.all(
        sa.select(queue_items)
        .where(queue_items.c.tenant_id == tenant, queue_items.c.ticket == int(ticket_id[1:]))
        .order_by(queue_items.c.number)
    )


async def active_of(db: Connection, tenant: str, ticket_id: str) -> sa.Row[Any] | None:
    """The escalation of a ticket that somebody is to look at, or looks at; None for none."""
    rows = await of_ticket(db, tenant, ticket_id)
    return next((row for row in reversed(rows) if row.status in ACTIVE), None)


async def held_ticket(db: Connection, tenant: str, ticket_id: str) -> Ticket:
    """A ticket that is worked on, which nobody else changes until `db` commits.

    Raises:
        NotFound: The tenant has no such ticket.
        Conflict: It has ended.
    """
    ticket = await timers.held(db, tenant, ticket_id)
    if ticket is None or ticket.spam:
        found = await tickets.get(db, tenant, ticket_id)
        into = f"It was merged into {found.merged_into}." if found.merged_into else "It has ended."
        raise Conflict(
            f"Ticket {ticket_id} cannot go to a specialist. {into}", details={"field": "ticket_id"}
        )
    return ticket


async def put(db: Connection, tenant: str, ticket: Ticket, wanted: Wanted, queues: Queues) -> int:
    """Queue a ticket that is held, as a further escalation; one before it that goes on is moved.

    Returns its number.
    """
    kind = queues.kinds.get(wanted.kind)
    before = await of_ticket(db, tenant, ticket.id)
    moment = now()
    for row in before:
        if row.status in ACTIVE:
            await change(db, tenant, row.number, status="moved", ended_at=moment)
    number = await queue_numbers.next(db, tenant)
    await db.execute(
        queue_items.insert(),
        {
            "tenant_id": tenant,
            "number": number,
            "ticket": int(ticket.id[1:]),
            "customer_id": ticket.customer_id,
            "kind": wanted.kind,
            "level": wanted.level,
            "escalation_level": len(before) + 1,
            "status": "waiting",
            "assignee": None,
            "beside": ticket.assignee,
            "skills": sorted(set(wanted.skills)),
            "avoids": [],
            "reason": wanted.reason,
            "context": dict(wanted.context),
            "queued_at": moment,
            "here_since": moment,
            "begin_by": moment + kind.patience_at(wanted.level),
            "revision": 1,
        },
    )
    return number


async def change(db: Connection, tenant: str, number: int, **values: Any) -> None:
    """Change an escalation, of which its tenant's queues are held."""
    await db.execute(
        sa.update(queue_items)
        .where(queue_items.c.tenant_id == tenant, queue_items.c.number == number)
        .values(**values, revision=queue_items.c.revision + 1)
    )


async def waiting(db: Connection, tenant: str) -> list[Waiting]:
    """What waits in a tenant's queues."""
    rows = await db.all(
        sa.select(queue_items).where(
            queue_items.c.tenant_id == tenant, queue_items.c.status == "waiting"
        )
    )
    return [waiting_of(row) for row in rows]


def waiting_of(row: sa.Row[Any]) -> Waiting:
    """What waits, of its row."""
    return Waiting(
        id=f"E{row.number}",
        kind=row.kind,
        level=row.level,
        queued_at=row.queued_at,
        here_since=row.here_since,
        skills=frozenset(row.skills),
        grade=min(3, row.escalation_level),
        avoids=frozenset(row.avoids),
        been_in=tuple(kind for kind, _ in stays_of(row)),
        promised=row.begin_by,
    )


def stays_of(row: sa.Row[Any]) -> list[tuple[str, datetime]]:
    """The queues that an escalation has left by itself, and when, the first one first."""
    return [(kind, datetime.fromisoformat(until)) for kind, until in row.stays or ()]


async def go_to(
    db: Connection, tenant: str, row: sa.Row[Any], kind: str, kinds: Kinds, **more: Any
) -> None:
    """Have an escalation be in another queue, with its place, and change what else there is to be.

    Who comes to look at it changes by that, and not what was promised to its customer.
    """
    moment = now()
    moved = moved_to(waiting_of(row), kind, kinds, moment)
    told = [*(row.stays or ()), [row.kind, moment.isoformat()]]
    values = {"kind": kind, "here_since": moment, "begin_by": moved.promised, "stays": told}
    await change(db, tenant, row.number, **values, **more)


async def find(
    db: Connection,
    tenant: str,
    *,
    kind: str | None,
    status: str | None,
    assignee: str | None,
    limit: int,
    offset: int,
) -> tuple[int, list[QueueItem]]:
    """How much there is, and one page of it; of what is queued what is to be begun first."""
    where = [queue_items.c.tenant_id == tenant]
    where.append(queue_items.c.status == status if status is not None else ALIVE)
    if kind is not None:
        where.append(queue_items.c.kind == kind)
    if assignee is not None:
        where.append(queue_items.c.assignee == assignee)
    counted = sa.select(sa.func.count()).select_from(queue_items).where(*where)
    total = await db.first(counted)
    order = (queue_items.c.begin_by, queue_items.c.queued_at, queue_items.c.number)
    page = sa.select(queue_items).where(*where).order_by(*order).limit(limit).offset(offset)
    return total[0] if total else 0, [shown(row) for row in await db.all(page)]


def shown(row: sa.Row[Any]) -> QueueItem:
    """An escalation as it is shown."""
    return QueueItem(
        escalation_id=f"E{row.number}",
        ticket_id=f"T{row.ticket}",
        specialist_type=row.kind,
        priority_level=row.level,
        escalation_level=row.escalation_level,
        status=row.status,
        assigned_specialist=row.assignee,
        reason=row.reason,
        queued_at=row.queued_at,
        begin_by=row.begin_by,
        assigned_at=row.assigned_at,
        claimed_at=row.claimed_at,
        ended_at=row.ended_at,
        revision=row.revision,
    )


async def position(db: Connection, tenant: str, row: sa.Row[Any]) -> int | None:
    """The place in its queue of what waits, from 1; None of what somebody has."""
    if row.status != "waiting":
        return None
    place = sa.tuple_(queue_items.c.begin_by, queue_items.c.queued_at, queue_items.c.number)
    mine = sa.tuple_(
        *(
            sa.literal(value, column.type)
            for value, column in (
                (row.begin_by, queue_items.c.begin_by),
                (row.queued_at, queue_items.c.queued_at),
                (row.number, queue_items.c.number),
            )
        )
    )
    before = await db.first(
        sa.select(sa.func.count())
        .select_from(queue_items)
        .where(
            queue_items.c.tenant_id == tenant,
            queue_items.c.kind == row.kind,
            queue_items.c.status == "waiting",
            place <= mine,
        )
    )
    return before[0] if before is not None else None


def require(row: sa.Row[Any], revision: int | None, *allowed: str) -> None:
    """See that an escalation is in one of these states, and has that revision.

    Raises:
        Conflict: It is, or has, another.
    """
    if revision is not None and row.revision != revision:
        raise Conflict(
            f"Escalation E{row.number} has changed: it is at revision {row.revision}, not "
            f"{revision}. Look at it again.",
            details={"field": "revision", "revision": row.revision},
        )
    if row.status not in allowed:
        raise Conflict(
            f"Escalation E{row.number} is {row.status}; it has to be {' or '.join(allowed)}.",
            details={"status": row.status},
        )
