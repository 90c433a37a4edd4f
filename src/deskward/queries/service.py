"""Rules of queries: what is registered, what a caller sees, and the statement that is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, NotFound
from deskward.gate.readable import Readable, Through
from deskward.queries import parameters
from deskward.queries.functions import Dialect
from deskward.queries.limits import Statement
from deskward.queries.models import Parameter, RegisteredQuery, registered_queries
from deskward.queries.relations import Sight
from deskward.security.principals import Principal
from deskward.security.roles import Roles

MOST = 200
"""Registered queries, and versions of one, that a tenant may have."""
PERSONAL = "queries:personal"
"""The scope by which a role reads what is personal in the tables that it may read."""


def sight_of(
    principal: Principal, roles: Roles, readable: Mapping[str, Readable], *, customer: bool
) -> Sight:
    """What a caller sees: the tables whose own tools their role may use."""
    tables = {n: each for n, each in readable.items() if roles.may(principal, each.scope)}
    return Sight(tables, roles.may(principal, PERSONAL), customer)


def statement_of(
    sql: str,
    sight: Sight,
    dialect: Dialect,
    schema: str,
    *,
    tenant: str,
    customer_id: str | None = None,
    declared: Sequence[Parameter] = (),
    given: Mapping[str, Any] | None = None,
) -> Statement:
    """The statement that runs in the place of what somebody wrote.

    Args:
        declared: The parameters that it takes.
        given: Their values; None where it is only checked.

    Raises:
        InvalidInput: It is not understood, or not allowed, or a value is not of its type.
    """
    from deskward.queries.grammar import parse  # takes a fifth of a second to come
    from deskward.queries.printer import written_anew

    first = (tenant,) if customer_id is None else (tenant, customer_id)
    named = parameters.marks(declared, len(first) + 1, dialect)
    written = written_anew(parse(sql, dialect), dialect, sight, schema, named, len(first))
    if given is None:
        declared_values: tuple[Any, ...] = (None,) * len(declared)
    else:
        declared_values = parameters.values(declared, given, dialect)
    return Statement(written, (*first, *declared_values), _read(sight))


def _read(sight: Sight) -> dict[str, frozenset[str]]:
    """Table → the columns of it that what runs may read: for the second look at it."""
    found: dict[str, set[str]] = {}
    for readable in sight.tables.values():
        shown = {n for n in readable.columns if not sight.masks(readable, n)}
        found.setdefault(readable.table.name, set()).update(shown, {"tenant_id"})
        if sight.customer and isinstance(readable.owner, Through):
            way = readable.owner
            found[readable.table.name].add(way.column)
            found.setdefault(way.table.name, set()).update({"tenant_id", way.key, way.owner})
        elif sight.customer and readable.owner is not None:
            assert isinstance(readable.owner, str)
            found[readable.table.name].add(readable.owner)
    return {name: frozenset(columns) for name, columns in found.items()}


async def registered(
    db: Connection, tenant: str, name: str, version: int | None = None
) -> RegisteredQuery:
    """A registered query, in this version or the latest.

    Raises:
        NotFound: There is none, or it was retired.
    """
    same = [registered_queries.c.tenant_id == tenant, registered_queries.c.name == name]
    if version is not None:
        same.append(registered_queries.c.version == version)
    wanted = sa.select(registered_queries).where(*same)
    row = await db.first(wanted.order_by(registered_queries.c.version.desc()).limit(1))
    if row is None or row.retired_at is not None:
        raise NotFound("query", name if version is None else f"{name} version {version}")
    return _shown(row)


async def listed(db: Connection, tenant: str) -> list[RegisteredQuery]:
    """The latest versions of the queries that are not retired, by their names."""
    mine = [registered_queries.c.tenant_id == tenant, registered_queries.c.retired_at.is_(None)]
    wanted = sa.select(registered_queries).where(*mine)
    rows = await db.all(wanted.order_by(registered_queries.c.name, registered_queries.c.version))
    return list({row.name: _shown(row) for row in rows}.values())


async def latest(db: Connection, tenant: str, name: str) -> int:
    """The number of a query's latest version, retired or not; 0 where there is none."""
    newest = sa.select(sa.func.max(registered_queries.c.version)).where(
        registered_queries.c.tenant_id == tenant, registered_queries.c.name == name
    )
    row = await db.first(newest)
    return int(row[0] or 0) if row is not None else 0


async def register(
    db: Connection,
    tenant: str,
    name: str,
    description: str,
    sql: str,
    declared: Iterable[Parameter],
    by: str,
) -> int:
    """Register a query, or a new version of it; returns its version.

    Raises:
        Conflict: The tenant has as many queries as it may.
    """
    names = sa.select(registered_queries.c.name).where(registered_queries.c.tenant_id == tenant)
    known = {row.name for row in await db.all(names.distinct())}
    version = await latest(db, tenant, name) + 1
    if (name not in known and len(known) >= MOST) or version > MOST:
        raise Conflict(f"There are {MOST} already, of queries or of its versions.")
    row = {
        "tenant_id": tenant,
        "name": name,
        "version": version,
        "description": description,
        "sql": sql,
        "parameters": [each.model_dump() for each in declared],
        "registered_by": by,
        "registered_at": now(),
    }
    await db.execute(registered_queries.insert(), row)
    return version


async def retire(db: Connection, tenant: str, name: str) -> int:
    """Let a query be run no more; returns its latest version.

    Raises:
        NotFound: There is none, or it was retired.
    """
    version = (await registered(db, tenant, name)).version
    same = [registered_queries.c.tenant_id == tenant, registered_queries.c.name == name]
    still = registered_queries.c.retired_at.is_(None)
    await db.execute(sa.update(registered_queries).where(*same, still).values(retired_at=now()))
    return version


def _shown(row: sa.Row[Any]) -> RegisteredQuery:
    return RegisteredQuery(
        name=row.name,
        version=row.version,
        description=row.description,
        sql=row.sql,
        parameters=[Parameter(**each) for each in row.parameters],
        registered_by=row.registered_by,
        registered_at=row.registered_at,
        retired_at=row.retired_at,
    )
