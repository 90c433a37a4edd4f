"""Statements on PostgreSQL: a transaction of their own that only reads, on a connection of its own.

Where the operator has given a role that may only read, as that role.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import URL, make_url

from deskward.core.connections import away
from deskward.core.errors import TimeLimitExceeded, Unavailable, Unfit
from deskward.core.extras import extra
from deskward.queries.functions import Dialect
from deskward.queries.limits import Collected, Found, Limits, Statement
from deskward.queries.refusing import refuse

with extra("postgres", "DATABASE_URL with PostgreSQL"):
    import asyncpg

_AT_A_TIME = 50
_TEXTS = frozenset({"text", "varchar", "bpchar", "name", "unknown"})
_SETTINGS = (
    "SET LOCAL standard_conforming_strings = on",
    "SET LOCAL search_path = pg_catalog, pg_temp",
    "SET LOCAL TIME ZONE 'UTC'",
    "SET LOCAL lock_timeout = '1s'",
    "SET LOCAL work_mem = '8MB'",
    "SET LOCAL max_parallel_workers_per_gather = 0",
    "SET LOCAL jit = off",
)


class PostgresPlace:
    """A PostgreSQL database, read."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str | URL) -> None:
        """Make one.

        Args:
            url: The desk's own, or that of a role that may only read.
        """
        made = make_url(url).set(drivername="postgresql+asyncpg")
        made_by: Any = PGDialect_asyncpg
        self._how: dict[str, Any] = made_by().create_connect_args(made)[1]
        self._schema = ""

    async def schema(self) -> str:
        """The schema in which the desk's tables are; the first of the role's search path."""
        if not self._schema:
            connection = await self._connect(5.0)
            try:
                found = await connection.fetchval(
                    "SELECT n.nspname FROM pg_catalog.pg_class c "
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                    "WHERE c.oid = pg_catalog.to_regclass('alembic_version')"
                )
            finally:
                await connection.close(timeout=1.0)
            if found is None or '"' in found:
                raise Unavailable("The tables are not where QUERY_DATABASE_URL says.")
            self._schema = str(found)
        return self._schema

    async def run(self, statement: Statement, limits: Limits, *, only_check: bool) -> Found:
        """Run it, after a look at the plan: it reads the tables that it may, and no others."""
        connection = await self._connect(limits.seconds)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                for setting in _SETTINGS:
                    await connection.execute(setting)
                within = int(limits.seconds * 1000)
                await connection.execute(f"SET LOCAL statement_timeout = {within}")
                return await _within(connection, statement, limits, only_check=only_check)
        except asyncpg.QueryCanceledError:
            raise TimeLimitExceeded(
                f"The query took longer than {limits.seconds:g} seconds. Ask for less."
            ) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise _told(error) from error
        except OSError as error:
            raise away() from error
        finally:
            connection.terminate()

    async def _connect(self, seconds: float) -> asyncpg.Connection:
        try:
            return await asyncpg.connect(
                **self._how,
                timeout=5.0,
                command_timeout=seconds + 2.0,
                server_settings={"application_name": "deskward queries"},
            )
        except (OSError, asyncpg.PostgresError) as error:
            raise away() from error


async def _within(
    connection: asyncpg.Connection, statement: Statement, limits: Limits, *, only_check: bool
) -> Found:
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement.sql}", *statement.values)
    _check(json.loads(plan), statement.tables)
    attributes = (await connection.prepare(statement.sql)).get_attributes()
    columns = [attribute.name for attribute in attributes]
    collected = Collected(limits)
    if only_check:
        return collected.found(columns)
    # A text of hundreds of megabytes is cut before it comes here.
    names = ", ".join(f'"c{number}"' for number in range(len(columns)))
    shown = ", ".join(
        f'left("c{number}"::text, {limits.cell + 1})' if one.type.name in _TEXTS else f'"c{number}"'
        for number, one in enumerate(attributes)
    )
    cut = f"SELECT {shown} FROM ({statement.sql}) AS answer ({names})"  # noqa: S608 names of ours
    cursor = await (await connection.prepare(cut)).cursor(*statement.values)
    while rows := await cursor.fetch(_AT_A_TIME):
        for row in rows:
            if not collected.add(tuple(row)):
                return collected.found(columns)
    return collected.found(columns)


def _check(plan: Any, tables: Mapping[str, Any]) -> None:
    """See that a plan reads those tables alone: a second look at what the printer let through."""
    for node in _nodes(plan):
        name, kind = node.get("Relation Name"), str(node.get("Node Type"))
        if (name is not None and name not in tables) or kind in _REFUSED:
            refuse("The query reads what it may not.")


_REFUSED = frozenset({"Function Scan", "Table Function Scan", "Foreign Scan", "ModifyTable"})


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    if isinstance(plan, list):
        for each in plan:
            yield from _nodes(each)
    elif isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        for each in plan.values():
            if isinstance(each, dict | list):
                yield from _nodes(each)


def _told(error: Exception) -> Exception:
    if isinstance(error, asyncpg.PostgresConnectionError | asyncpg.ConnectionDoesNotExistError):
        return away()
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, asyncpg.DataError):
        said = said.partition(":")[0]  # what follows is the value, which is not for the record
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return Unavailable("The role of QUERY_DATABASE_URL may not read the tables of queries.")
    return Unfit(f"PostgreSQL does not take the query: {said[:300]}")
