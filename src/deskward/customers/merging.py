"""Merging two customers who are one person: all that is one's becomes the other's.

It goes by what the columns declare (`core/personal.py`), as erasing does. A row that the other one
has as well (a session of the same name) stays under the old name, where erasing finds it; of what
only one can be (an account) there must not be two.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, metadata, now
from deskward.core.errors import Conflict, InvalidInput
from deskward.core.personal import ANY_CASE, BOUND, JOINED, LABEL, OWNER, columns
from deskward.customers import addresses, service
from deskward.customers.models import EMAIL, PHONE, Customer, customers, merged
from deskward.customers.models import addresses as address_rows
from deskward.security.key_rows import move_keys
from deskward.security.principals import Kind

_OWN = (customers, address_rows)
"""Tables whose rows are joined, and not moved."""


async def merge(db: Connection, tenant: str, customer_id: str, into: str) -> Customer:
    """Have a customer's records be another one's, and their id lead there.

    What is told of the other one stays; what is not is taken over.

    Raises:
        NotFound: The tenant has no such customer.
        InvalidInput: It is one and the same.
        Conflict: One was merged before, or both have what only one can have.
    """
    if customer_id == into:
        raise InvalidInput("A customer cannot be merged into themself.")
    gone = await service.get(db, tenant, customer_id)
    kept = await service.get(db, tenant, into)
    await _move(db, tenant, OWNER, customer_id, into)
    await _move(db, tenant, LABEL, f"customer:{customer_id}", f"customer:{into}")
    await move_keys(db, tenant, Kind.CUSTOMER, customer_id, into)
    joined = await _join_addresses(db, tenant, customer_id, into)
    await db.execute(
        merged.insert(),
        {
            "tenant_id": tenant,
            "id": customer_id,
            "merged_into": into,
            "name": gone.name,
            "address": gone.address,
            "merged_at": now(),
        },
    )
    await db.execute(
        sa.delete(customers).where(customers.c.tenant_id == tenant, customers.c.id == customer_id)
    )
    filled = {
        name: getattr(kept, name) or getattr(gone, name)
        for name in ("address", "language", "time_zone")
    }
    both = {tag.casefold(): tag for tag in (*gone.tags, *kept.tags)}
    await db.execute(
        sa.update(customers)
        .where(customers.c.tenant_id == tenant, customers.c.id == into)
        .values(
            **filled,
            **joined,
            tags=list(both.values()),
            fields={**gone.fields, **kept.fields},
            revision=customers.c.revision + 1,
            updated_at=now(),
        )
    )
    return await service.get(db, tenant, into)


async def _move(db: Connection, tenant: str, kind: dict[str, str], old: str, new: str) -> None:
    """Give all rows of one owner to another one."""
    copied: list[tuple[sa.Table, sa.ColumnElement[bool]]] = []
    staying: dict[sa.Table, list[sa.Row[Any]]] = {}
    for table in metadata.sorted_tables:
        for owner in columns(table, kind) if table not in _OWN and BOUND not in table.info else ():
            old_rows = (table.c.tenant_id == tenant) & (owner == old)
            if JOINED in table.info:
                await _join(db, table, tenant, owner, old, new)
            stays = await _doubles(db, table, tenant, owner, old, new)
            if stays and kind is OWNER:
                raise Conflict(f"Both customers have {table.name}, of which one can have one only.")
            if stays:
                staying[table] = stays
                old_rows &= ~_same_key(table, owner, stays)
            for parent, rows in staying.items():
                old_rows &= ~_below(table, parent, rows)
            if _is_referred_to(table, owner):
                values = [sa.literal(new) if one is owner else one for one in table.columns]
                names = [one.name for one in table.columns]
                chosen = sa.select(*values).where(old_rows)
                await db.execute(table.insert().from_select(names, chosen))
                copied.append((table, old_rows))
            else:
                await db.execute(sa.update(table).where(old_rows).values({owner: new}))
    for table, old_rows in reversed(copied):
        await db.execute(sa.delete(table).where(old_rows))


async def _join(
    db: Connection, table: sa.Table, tenant: str, owner: sa.Column[Any], old: str, new: str
) -> None:
    """Take away those rows of one owner that the other one has as well, also in another case."""
    rest = [one for one in table.primary_key if one is not owner]
    any_case = table.info.get(ANY_CASE, ())

    def key(row: sa.Row[Any]) -> tuple[Any, ...]:
        return tuple(
            row._mapping[one].casefold() if one.name in any_case else row._mapping[one]
            for one in rest
        )

    wanted, here = sa.select(*rest), table.c.tenant_id == tenant
    kept = {key(row) for row in await db.all(wanted.where(here, owner == new))}
    mine = await db.all(wanted.where(here, owner == old))
    if doubles := [row for row in mine if key(row) in kept]:
        same = _same_key(table, owner, doubles)
        await db.execute(sa.delete(table).where(here, owner == old, same))


async def _doubles(
    db: Connection, table: sa.Table, tenant: str, owner: sa.Column[Any], old: str, new: str
) -> list[sa.Row[Any]]:
    """The keys of an owner's rows that the other one has as well."""
    if not owner.primary_key:
        return []
    mine = (table.c.tenant_id == tenant) & (owner == old)
    twin = _has_twin(table, owner, new)
    return list(await db.all(sa.select(*table.primary_key).where(mine, twin)))


def _has_twin(table: sa.Table, owner: sa.Column[Any], new: str) -> sa.ColumnElement[bool]:
    """Whether the other one has a row of the same key."""
    other = table.alias()
    same = [other.c[one.name] == one for one in table.primary_key if one is not owner]
    return sa.exists().where(*same, other.c[owner.name] == new)


def _same_key(
    table: sa.Table, owner: sa.Column[Any], keys: list[sa.Row[Any]]
) -> sa.ColumnElement[bool]:
    return sa.or_(
        *(
            sa.and_(*(one == key._mapping[one] for one in table.primary_key if one is not owner))
            for key in keys
        )
    )


def _below(table: sa.Table, parent: sa.Table, keys: list[sa.Row[Any]]) -> sa.ColumnElement[bool]:
    """What tells the rows that hang on rows of another table; none where they never do."""
    found = [
        sa.and_(
            *(
                element.parent == key._mapping[element.column]
                for element in constraint.elements
                if element.column in key._mapping
            )
        )
        for constraint in table.foreign_key_constraints
        if constraint.referred_table is parent
        for key in keys
    ]
    return sa.or_(sa.false(), *found)


def _is_referred_to(table: sa.Table, owner: sa.Column[Any]) -> bool:
    """Whether rows of other tables name this column's value as a part of whose they are."""
    return any(
        element.column is owner
        for other in metadata.tables.values()
        for constraint in other.foreign_key_constraints
        for element in constraint.elements
    )


async def _join_addresses(
    db: Connection, tenant: str, customer_id: str, into: str
) -> dict[str, str | None]:
    """Give the one the other's addresses besides their own; returns the primary ones."""
    told = await addresses.of(db, tenant, into)
    more = await addresses.of(db, tenant, customer_id)
    table = address_rows
    await db.execute(
        sa.delete(table).where(table.c.tenant_id == tenant, table.c.customer_id == customer_id)
    )
    primary: dict[str, str | None] = {}
    for kind in (EMAIL, PHONE):
        both = [*told[kind], *more[kind]]
        wanted = addresses.keyed(kind, (one.value for one in both))
        verified = addresses.keyed(kind, (one.value for one in both if one.verified))
        await addresses.replace(db, tenant, into, kind, wanted, verified)
        primary[kind] = next(iter(wanted.values()), None)
    return primary
