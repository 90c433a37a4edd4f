"""How tickets belong together."""

from __future__ import annotations

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict
from deskward.tickets.messages import Link, LinkedTicket, ticket_links


async def link(
    db: Connection, tenant: str, ticket_id: str, other: str, kind: Link, *, anew: bool = False
) -> None:
    """Link two tickets.

    Args:
        anew: Whether this takes the place of a link that they have.

    Raises:
        Conflict: They are linked already, or are one.
    """
    number, second = int(ticket_id[1:]), int(other[1:])
    pair = [(number, second), (second, number)]
    same = (ticket_links.c.tenant_id == tenant) & sa.tuple_(
        ticket_links.c.number, ticket_links.c.other
    ).in_(pair)
    if anew:
        await db.execute(sa.delete(ticket_links).where(same))
    known = await db.first(sa.select(ticket_links.c.kind).where(same))
    if known is not None or number == second:
        raise Conflict(f"Tickets {ticket_id} and {other} belong together already.")
    row = {"tenant_id": tenant, "number": number, "other": second, "kind": kind}
    await db.execute(ticket_links.insert(), {**row, "created_at": now()})


async def links_of(db: Connection, tenant: str, ticket_id: str) -> list[LinkedTicket]:
    """The tickets that one is linked with, in either direction."""
    number = int(ticket_id[1:])
    rows = await db.all(
        sa.select(ticket_links)
        .where(
            ticket_links.c.tenant_id == tenant,
            (ticket_links.c.number == number) | (ticket_links.c.other == number),
        )
        .order_by(ticket_links.c.created_at, ticket_links.c.number, ticket_links.c.other)
    )
    return [
        LinkedTicket(
            ticket_id=f"T{row.other if row.number == number else row.number}",
            kind=row.kind,
            later=row.number == number,
        )
        for row in rows
    ]
