"""Finding tickets: by what a query says, in an order, a page after a place."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.core.errors import NotFound
from deskward.tickets.models import Ticket, tickets
from deskward.tickets.query import NONE, Item, Query
from deskward.tickets.service import ticket_of
from deskward.tickets.words import found_by, ticket_words

Order = Literal["newest", "oldest", "updated"]

_COLUMNS = {
    "status": tickets.c.status,
    "priority": tickets.c.priority,
    "channel": tickets.c.source,
    "assignee": tickets.c.assignee,
    "team": tickets.c.team,
    "customer": tickets.c.customer_id,
    "created": tickets.c.created_at,
    "updated": tickets.c.updated_at,
}


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
        NotFound: The cursor is none of this order.
    """
    wanted = sa.select(tickets).where(tickets.c.tenant_id == tenant)
    for item in query.items:
        condition = _condition(item, tenant, me, db.dialect)
        wanted = wanted.where(sa.not_(condition) if item.negated else condition)
    number, updated = tickets.c.number, tickets.c.updated_at
    if after is not None:
        place, moment = _opened(after, order)
        if order == "updated":
            key = sa.tuple_(sa.literal(moment, updated.type), sa.literal(place, number.type))
            wanted = wanted.where(sa.tuple_(updated, number) < key)
        else:
            wanted = wanted.where(number < place if order == "newest" else number > place)
    if order == "updated":
        wanted = wanted.order_by(updated.desc(), number.desc())
    else:
        wanted = wanted.order_by(number.desc() if order == "newest" else number)
    rows = await db.all(wanted.limit(limit + 1))
    more = _closed(rows[limit - 1], order) if len(rows) > limit else None
    return [ticket_of(row) for row in rows[:limit]], more


def _condition(item: Item, tenant: str, me: str, dialect: str) -> sa.ColumnElement[bool]:
    if item.field == "text":
        said = sa.select(ticket_words.c.number).where(
            ticket_words.c.tenant_id == tenant, found_by(item.values[0], dialect)
        )
        return tickets.c.number.in_(said)
    if item.field == "tag":
        return sa.or_(*(_tagged(tag, dialect) for tag in item.values))
    column = _COLUMNS[item.field]
    if item.since is not None or item.before is not None:
        limits = []
        if item.since is not None:
            limits.append(column >= item.since)
        if item.before is not None:
            limits.append(column < item.before)
        return sa.and_(*limits)
    values = [me if item.field == "assignee" and one == "me" else one for one in item.values]
    if item.field in ("assignee", "team"):
        named = [one for one in values if one != NONE]
        # What is compared with nothing is unknown, and its negation as well.
        among = sa.func.coalesce(column, "").in_(named)
        return sa.or_(among, column.is_(None)) if NONE in values else among
    return column.in_(values)


def _tagged(tag: str, dialect: str) -> sa.ColumnElement[bool]:
    if dialect == "sqlite":
        each = sa.func.json_each(sa.func.coalesce(tickets.c.tags, sa.text("'[]'")))
        tags = each.table_valued("value")
        return sa.exists().where(tags.c.value == tag)
    has = sa.func.jsonb_exists(sa.func.to_jsonb(tickets.c.tags), tag)
    return sa.func.coalesce(has, sa.false(), type_=sa.Boolean)


def _closed(row: sa.Row[Any], order: Order) -> str:
    place = [order, row.number, row.updated_at.isoformat()]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _opened(cursor: str, order: Order) -> tuple[int, datetime]:
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        made_for, number, moment = told
        if made_for != order or not 0 <= number < 2**63:
            raise ValueError(cursor)
        return int(number), datetime.fromisoformat(moment)
    except (ValueError, TypeError):
        raise NotFound("page", cursor) from None
