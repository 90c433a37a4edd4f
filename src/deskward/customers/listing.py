"""Long lists of customers, a page at a time, and finding some by what is known of them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.core.paging import no_such_page
from deskward.customers import addresses
from deskward.customers.models import (
    EMAIL,
    PHONE,
    Address,
    Customer,
    CustomerPage,
    ExternalId,
    Profile,
    customers,
    external_ids,
    folded_name,
    shown,
)
from deskward.customers.models import addresses as address_rows

_PAGE = 500


async def page(
    db: Connection,
    tenant: str,
    *,
    tier: str | None = None,
    tag: str | None = None,
    language: str | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> CustomerPage:
    """One page of customers by id, and the cursor of the next one.

    Raises:
        Conflict: The cursor is none that was given out.
    """
    where: list[Any] = [customers.c.tenant_id == tenant]
    if cursor is not None:
        where.append(customers.c.id > _read(cursor))
    if tier is not None:
        where.append(customers.c.tier == tier)
    if language is not None:
        where.append(customers.c.language == language)
    if tag is not None:  # the list is kept as JSON
        as_text = sa.cast(customers.c.tags, sa.Text)
        where.append(as_text.contains(json.dumps(tag), autoescape=True))
    query = sa.select(customers).where(*where).order_by(customers.c.id).limit(limit + 1)
    rows = await db.all(query)
    found = [Customer(**shown(row)) for row in rows[:limit]]
    more = len(rows) > limit
    return CustomerPage(
        customers=found, next_cursor=_cursor(found[-1].customer_id) if more else None
    )


async def search(db: Connection, tenant: str, text: str, *, limit: int = 20) -> CustomerPage:
    """Customers of this id, mail address, phone number or id in another system, or name.

    A name is found by any of its words' beginnings and parts, in any case.
    """
    ids = [text, *await addresses.having(db, tenant, text)]
    known = sa.select(external_ids.c.customer_id).where(
        external_ids.c.tenant_id == tenant, external_ids.c.external_id == text
    )
    words = folded_name(text).split()
    named = [customers.c.folded.contains(word, autoescape=True) for word in words] or [sa.false()]
    rows = await db.all(
        sa.select(customers)
        .where(
            customers.c.tenant_id == tenant,
            sa.or_(customers.c.id.in_(ids), customers.c.id.in_(known), sa.and_(*named)),
        )
        .order_by(customers.c.id)
        .limit(limit)
    )
    return CustomerPage(customers=[Customer(**shown(row)) for row in rows], next_cursor=None)


async def every(db: Connection, tenant: str) -> AsyncIterator[Profile]:
    """All customers by id, with their addresses; some hundred are read at a time."""
    last = ""
    while rows := await db.all(
        sa.select(customers)
        .where(customers.c.tenant_id == tenant, customers.c.id > last)
        .order_by(customers.c.id)
        .limit(_PAGE)
    ):
        last = rows[-1].id
        told: dict[str, dict[str, list[Address]]]
        told = {row.id: {EMAIL: [], PHONE: []} for row in rows}
        keys: dict[str, list[ExternalId]] = {row.id: [] for row in rows}
        for row in await _of(db, tenant, address_rows, list(told)):
            if row.kind in (EMAIL, PHONE):
                told[row.customer_id][row.kind].append(addresses.shown(row))
        for row in await _of(db, tenant, external_ids, list(told)):
            keys[row.customer_id].append(ExternalId(system=row.system, id=row.external_id))
        for row in rows:
            both = {"emails": told[row.id][EMAIL], "phones": told[row.id][PHONE]}
            yield Profile(**shown(row), **both, external_ids=keys[row.id])


async def _of(
    db: Connection, tenant: str, table: sa.Table, ids: list[str]
) -> Sequence[sa.Row[Any]]:
    query = sa.select(table).where(table.c.tenant_id == tenant, table.c.customer_id.in_(ids))
    return await db.all(query.order_by(table.c.get("place", table.c.customer_id)))


def _cursor(customer_id: str) -> str:
    return base64.urlsafe_b64encode(customer_id.encode()).decode().rstrip("=")


def _read(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise no_such_page() from None


async def count(db: Connection, tenant: str) -> int:
    """How many customers a tenant has."""
    query = sa.select(sa.func.count()).select_from(customers)
    row = await db.first(query.where(customers.c.tenant_id == tenant))
    return int(row[0]) if row is not None else 0


async def systems(db: Connection, tenant: str) -> list[str]:
    """The other systems that know customers of a tenant."""
    query = sa.select(external_ids.c.system).distinct().order_by(external_ids.c.system)
    return [row.system for row in await db.all(query.where(external_ids.c.tenant_id == tenant))]
