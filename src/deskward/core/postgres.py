"""Connections to PostgreSQL, over asyncpg.

Whoever has no PostgreSQL does not need this module's libraries, which cost time and memory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, CursorResult, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from deskward.core.connections import Parameters, Statements, away, insert_text
from deskward.core.extras import extra
from deskward.core.fixed import Plan
from deskward.core.tasks import to_the_end

with extra("postgres", "DATABASE_URL with PostgreSQL"):
    import asyncpg  # noqa: F401 SQLAlchemy's driver, which it would miss later and in its own words

CONNECT_TIMEOUT = 10.0
COMMAND_TIMEOUT = 30.0
"""Seconds that PostgreSQL may take to let us in, and for one statement."""
POSTGRES_SETTINGS = {
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""So that a process that froze does not hold the others' locks for ever."""


class PostgresConnection(Statements):
    """A connection over asyncpg. A statement that has begun is waited for, even when cancelled.

    asyncpg gives up a connection whose statement is cancelled, and with it everybody's transaction.
    """

    dialect = "postgresql"

    def __init__(self, connection: AsyncConnection) -> None:
        self.raw = connection

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        """Run a statement and give its buffered result."""
        return await _whole(self.raw.execute(statement, parameters))

    async def run(self, plan: Plan, parameters: Mapping[str, Any]) -> tuple[list[Row[Any]], int]:
        """Run a fixed statement; give its rows, and how many it changed."""
        bound = plan.bound(parameters)
        return _run(plan, await _whole(self.raw.exec_driver_sql(plan.sql, bound)))

    async def insert_rows(self, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
        """Insert rows given as the driver takes them."""
        await _whole(self.raw.exec_driver_sql(insert_text(table, self.raw.dialect), rows))

    async def control(self, sql: str) -> None:
        """Run a statement of transaction control."""
        await _whole(self.raw.exec_driver_sql(sql))

    async def begin(self) -> None:
        """Begin a transaction."""
        if not self.raw.in_transaction():  # else who began was cancelled just then
            await _whole(self.raw.begin().start())

    async def commit(self) -> None:
        """Make the transaction durable."""
        await _whole(self.raw.commit())

    def in_transaction(self) -> bool:
        """Whether the transaction is still open."""
        return self.raw.in_transaction() and not self.raw.invalidated

    async def rollback(self) -> None:
        """Undo the transaction."""
        await _whole(self.raw.rollback())

    async def close(self) -> None:
        """Let go of the connection."""
        await _whole(self.raw.close())


_T = TypeVar("_T")


async def _whole(work: Coroutine[Any, Any, _T]) -> _T:
    """Do the work to its end, also where its caller is cancelled."""
    try:
        return await to_the_end(work)
    except OSError as error:  # no answer within COMMAND_TIMEOUT, for one
        raise away() from error


class PostgresReader(Statements):
    """Reads of PostgreSQL: each statement on a pooled connection, in its own snapshot.

    A connection is not asked before each use whether it still stands, which takes three times what
    the statement does: where it was closed meanwhile, the statement is made again on a new one.
    """

    dialect = "postgresql"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        """Run a statement and give its buffered result."""
        return await self._read(lambda connection: connection.execute(statement, parameters))

    async def run(self, plan: Plan, parameters: Mapping[str, Any]) -> tuple[list[Row[Any]], int]:
        """Run a fixed statement; give its rows, and how many it changed."""
        bound = plan.bound(parameters)
        return _run(plan, await self._read(lambda on: on.exec_driver_sql(plan.sql, bound)))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._engine.dispose()

    async def _read(
        self, work: Callable[[AsyncConnection], Awaitable[CursorResult[Any]]]
    ) -> CursorResult[Any]:
        try:
            try:
                return await self._once(work)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            return await self._once(work)
        except OSError as error:
            raise away() from error

    async def _once(
        self, work: Callable[[AsyncConnection], Awaitable[CursorResult[Any]]]
    ) -> CursorResult[Any]:
        async with self._engine.connect() as connection:
            return await work(connection)


def _run(plan: Plan, result: CursorResult[Any]) -> tuple[list[Row[Any]], int]:
    return plan.rows(result.all()) if result.returns_rows else [], result.rowcount


def reading_engine(url: URL, pool_size: int) -> AsyncEngine:
    """An engine for `PostgresReader`, with so many connections.

    Where all are busy, a statement waits for one: more would be made and closed for each statement,
    which takes the server ten times as long as the statement.
    """
    return _engine(url, pool_size=pool_size, max_overflow=0, isolation_level="AUTOCOMMIT")


def writing_engine(url: URL) -> AsyncEngine:
    """An engine for the one connection that writes."""
    return _engine(url, pool_size=1, pool_pre_ping=True)


def _engine(url: URL, **more: Any) -> AsyncEngine:
    """A PostgreSQL engine whose server and network may not keep us waiting for ever."""
    return create_async_engine(
        url,
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT,
            "command_timeout": COMMAND_TIMEOUT,
            "server_settings": POSTGRES_SETTINGS,
        },
        **more,
    )
