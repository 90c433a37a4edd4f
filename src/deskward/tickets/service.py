"""Rules and queries of tickets."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.core.fixed import fixed
from deskward.core.paging import newest
from deskward.customers import service as customers
from deskward.tickets.models import (
    MAX_BODY,
    Priority,
    Status,
    Ticket,
    TicketList,
    TicketUpdate,
    ticket_numbers,
    tickets,
)

HANDOVER = "Handover: "
"""What the subject of a handover begins with."""
NO_WORDS = "A person was asked for."
"""The subject and body of a handover whose reason a model wrote."""

_BY_NUMBER = fixed(
    sa.select(tickets).where(
        tickets.c.tenant_id == sa.bindparam("tenant"), tickets.c.number == sa.bindparam("number")
    )
)
_INSERT = fixed(tickets.insert())


async def get(db: Connection, tenant: str, ticket_id: str) -> Ticket:
    """The ticket.

    Raises:
        NotFound: The tenant has no such ticket.
    """
    row = await db.first(_BY_NUMBER, tenant=tenant, number=int(ticket_id[1:]))
    if row is None:
        raise NotFound("ticket", ticket_id)
    return _ticket(row)


async def create(
    db: Connection,
    tenant: str,
    customer_id: str,
    *,
    subject: str,
    body: str,
    note: str | None = None,
    priority: Priority = "normal",
) -> Ticket:
    """Open a ticket.

    Args:
        note: For staff alone.

    Raises:
        NotFound: The tenant has no such customer.
    """
    await customers.require(db, tenant, customer_id)
    number = await ticket_numbers.next(db, tenant)
    moment = now()
    ticket = Ticket(
        id=f"T{number}",
        subject=subject,
        body=body,
        note=note,
        status="open",
        priority=priority,
        customer_id=customer_id,
        assignee=None,
        reply=None,
        revision=1,
        created_at=moment,
        updated_at=moment,
    )
    row = {**ticket.model_dump(exclude={"id"}), "tenant_id": tenant, "number": number}
    await db.change(_INSERT, row)
    return ticket


async def waiting_handover(db: Connection, tenant: str, customer_id: str) -> Ticket | None:
    """The customer's latest handover that no person has ended."""
    row = await db.first(
        sa.select(tickets)
        .where(
            tickets.c.tenant_id == tenant,
            tickets.c.customer_id == customer_id,
            tickets.c.status.in_(["open", "pending"]),
            tickets.c.subject.startswith(HANDOVER, autoescape=True),
        )
        .order_by(tickets.c.number.desc())
        .limit(1)
    )
    return _ticket(row) if row else None


async def add(db: Connection, tenant: str, ticket: Ticket, text: str, *, note: bool) -> Ticket:
    """Add a paragraph to a ticket's note or body, as far as it holds any more."""
    before = ticket.note if note else ticket.body
    after = (f"{before}\n\n{text}" if before else text)[:MAX_BODY]
    await db.execute(
        sa.update(tickets)
        .where(tickets.c.tenant_id == tenant, tickets.c.number == int(ticket.id[1:]))
        .values(
            **{"note" if note else "body": after},
            revision=tickets.c.revision + 1,
            updated_at=now(),
        )
    )
    return await get(db, tenant, ticket.id)


async def find(
    db: Connection,
    tenant: str,
    *,
    customer_id: str | None,
    status: Status | None,
    limit: int,
    offset: int,
) -> TicketList:
    """One page of tickets, the newest first."""
    where = [tickets.c.tenant_id == tenant]
    if customer_id is not None:
        where.append(tickets.c.customer_id == customer_id)
    if status is not None:
        where.append(tickets.c.status == status)
    total, rows = await newest(db, tickets, where, limit=limit, offset=offset)
    return TicketList(
        total=total,
        limit=limit,
        offset=offset,
        tickets=[_ticket(row) for row in rows],
    )


async def update(db: Connection, tenant: str, ticket_id: str, change: TicketUpdate) -> Ticket:
    """Change a ticket.

    Raises:
        NotFound: The tenant has no such ticket.
        InvalidInput: Nothing is to be changed.
        Conflict: The ticket is closed, which is final, or has another revision than expected.
    """
    values: dict[str, Any] = change.model_dump(exclude_none=True, exclude={"revision"})
    if not values:
        raise InvalidInput("Say what to change: status, priority, assignee or reply.")
    await get(db, tenant, ticket_id)
    where = [
        tickets.c.tenant_id == tenant,
        tickets.c.number == int(ticket_id[1:]),
        tickets.c.status != "closed",
    ]
    if change.revision is not None:
        where.append(tickets.c.revision == change.revision)
    changed = await db.execute(
        sa.update(tickets)
        .where(*where)
        .values(**values, revision=tickets.c.revision + 1, updated_at=now())
    )
    if changed.rowcount == 0:
        if (await get(db, tenant, ticket_id)).status == "closed":
            raise Conflict(f"Ticket {ticket_id} is closed. Open a new one instead.")
        raise Conflict(f"Ticket {ticket_id} has been changed by somebody else. Look at it again.")
    return await get(db, tenant, ticket_id)


def _ticket(row: sa.Row[tuple[object, ...]]) -> Ticket:
    return Ticket(
        id=f"T{row.number}",
        subject=row.subject,
        body=row.body,
        note=row.note,
        status=row.status,
        priority=row.priority,
        customer_id=row.customer_id,
        assignee=row.assignee,
        reply=row.reply,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
