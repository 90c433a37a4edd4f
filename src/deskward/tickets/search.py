"""Finding tickets: by what a query says, in an order, a page after a place."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.core.paging import no_such_page
from deskward.tickets.conditions import sought
from deskward.tickets.finding import Finder
from deskward.tickets.models import Ticket, tickets
from deskward.tickets.query import Query
from deskward.tickets.service import ticket_of
from deskward.tickets.ways import Order, Place


async def search(
    db: Connection,
    tenant: str,
    query: Query,
    *,
    me: str,
    order: Order,
    after: str | None,
    limit: int,
) -> tuple[list[Ticket], str | None]:
    """One page of tickets, and the cursor after which the next one begins.

    Args:
        me: The id of who looks.

    Raises:
        Conflict: The cursor is none of this order.
    """
    place = _opened(after, order) if after is not None else None
    places = await Finder(db, sought(query, tenant, me, db.dialect), order, place, limit + 1).find()
    numbers = [found.number for found in places[:limit]]
    rows = await db.all(
        sa.select(tickets).where(tickets.c.tenant_id == tenant, tickets.c.number.in_(numbers))
    )
    by_number = {row.number: ticket_of(row) for row in rows}
    more = _closed(places[limit - 1], order) if len(places) > limit else None
    return [by_number[number] for number in numbers if number in by_number], more


async def numbers(db: Connection, tenant: str, query: Query, *, me: str, most: int) -> list[int]:
    """The numbers of the tickets that a query finds, or of the oldest if there are more."""
    finder = Finder(db, sought(query, tenant, me, db.dialect), "oldest", None, most)
    return [place.number for place in await finder.find()]


async def count(db: Connection, tenant: str, query: Query, *, me: str, most: int) -> int:
    """How many tickets a query finds, or so many if there are more."""
    finder = Finder(db, sought(query, tenant, me, db.dialect), "updated", None, most)
    return len(await finder.find())


def _closed(place: Place, order: Order) -> str:
    told = [order, place.number, place.moment.isoformat()]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _opened(cursor: str, order: Order) -> Place:
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        made_for, number, moment = told
        if made_for != order or not 0 <= number < 2**63:
            raise ValueError(cursor)
        at = datetime.fromisoformat(moment)
        if at.tzinfo is None:
            raise ValueError(cursor)
        return Place(int(number), at.astimezone(UTC))
    except (ValueError, TypeError, OverflowError):
        raise no_such_page() from None
