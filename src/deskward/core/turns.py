"""A tenant's turn: what only one transaction of a tenant does at a time, in whatever process.

SQLite has one writer at a time. On PostgreSQL the turn is an advisory lock, kept to the commit of
the group that the transaction is in. A group waits for one only with empty hands, before any of its
calls has run: nobody can wait for it meanwhile, and no two processes hold each other's tenants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from deskward.core.postgres import PostgresConnection

_LOCK = 0x6465736C
"""The first half of the locks' numbers; the second is the tenant's."""
_HELD_UP = frozenset({"40P01", "40001"})
"""PostgreSQL's codes of transactions that waited for each other, or have no order."""

_WAIT = sa.text(f"SELECT pg_advisory_xact_lock({_LOCK}, hashtext(:tenant))")
_TRY = sa.text(f"SELECT pg_try_advisory_xact_lock({_LOCK}, hashtext(:tenant))")


async def take_at_once(connection: PostgresConnection, tenant: str) -> bool:
    """Take a tenant's turn, if nobody has it."""
    row = await connection.first(_TRY, tenant=tenant)
    return row is not None and bool(row[0])


async def wait_for(connection: PostgresConnection, tenant: str) -> None:
    """Take a tenant's turn, as soon as nobody has it."""
    await connection.control("SAVEPOINT turn")
    try:
        await connection.execute(_WAIT, {"tenant": tenant})
        await connection.control("RELEASE SAVEPOINT turn")
    except BaseException:
        await connection.control("ROLLBACK TO SAVEPOINT turn")
        raise


def held_up(error: BaseException | None) -> bool:
    """Whether the database undid a transaction because two were in each other's way.

    Nothing of it was kept, and the same again may well succeed.
    """
    while error is not None:
        if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") in _HELD_UP:
            return True
        error = error.__cause__
    return False
