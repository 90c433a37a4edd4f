"""The database: one reader, one writer, and one commit for many calls.

A governed call is one transaction. Committing each by itself costs one disk flush per call, so
calls that arrive together share one: every call works inside its own savepoint of the writer's
open transaction, and waits for the commit of the *group* that it is in. A call that fails rolls
its own savepoint back and leaves the others alone. Nothing is acknowledged before its commit.

How the two databases are spoken to is in `connections.py`; the measurements behind all this are in
`docs/decisions/0001-storage.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import URL, CursorResult, Row
from sqlalchemy.exc import OperationalError

from deskward.core import clocks
from deskward.core.connections import (
    Parameters,
    SqliteConnection,
    Statements,
    away,
    sqlite_engine,
)
from deskward.core.errors import OutcomeUnknown
from deskward.core.fixed import Plan
from deskward.core.group import Commits, Group, not_kept, unknown
from deskward.core.private import close_database
from deskward.core.turns import held_up, take_at_once, wait_for

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from deskward.core.postgres import PostgresConnection

    AnyConnection = SqliteConnection | PostgresConnection

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

FAILURE_REMEMBERED = 10.0
"""Seconds for which a failed write counts against the database."""
_TRIAL = sa.text("UPDATE alembic_version SET version_num = version_num")

log = logging.getLogger(__name__)


class Connection(Protocol):
    """What slices see of a database: statements in, rows out, in one transaction."""

    dialect: str
    """`sqlite` or `postgresql`, for the few statements that differ."""

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        """Run a statement and give its buffered result."""
        ...

    async def first(self, statement: sa.Executable, **parameters: Any) -> Row[Any] | None:
        """Run a statement and give its first row, or None."""
        ...

    async def all(self, statement: sa.Executable, **parameters: Any) -> Sequence[Row[Any]]:
        """Run a statement and give all its rows."""
        ...

    async def change(self, statement: sa.Executable, parameters: Mapping[str, Any]) -> int:
        """Run a statement that gives no rows; gives how many it changed."""
        ...


class Reader(Connection, Protocol):
    """What the database itself has of what it reads with."""

    async def close(self) -> None:
        """Let go of what it is connected by."""
        ...


class Writer(Connection, Protocol):
    """What `before_commit` writes with."""

    async def insert_rows(self, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
        """Insert rows given as the driver takes them, in the order of the table's columns."""
        ...


class Transaction(Statements):
    """One call's part of the open group: it commits with the group or rolls back alone."""

    def __init__(self, connection: AnyConnection) -> None:
        self._connection = connection
        self.dialect = connection.dialect
        self.at_once = connection.at_once

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        """Run a statement and give its buffered result."""
        return await self._connection.execute(statement, parameters)

    def run(
        self, plan: Plan, parameters: Mapping[str, Any]
    ) -> Coroutine[Any, Any, tuple[list[Row[Any]], int]]:
        """Run a fixed statement; give its rows, and how many it changed."""
        return self._connection.run(plan, parameters)


BeforeCommit = Callable[[Writer, list[Any]], Awaitable[None]]


class Database:
    """Opens a database and hands out its reader and its group-committed transactions.

    `before_commit` is called once per group, inside its transaction, with everything that calls
    `append`ed: the ledger uses it to chain the rows of concurrent calls in one go.
    """

    def __init__(self, url: URL, *, pool_size: int = 10) -> None:
        self.url = url
        self.before_commit: BeforeCommit | None = None
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self._lock = asyncio.Lock()
        self._group: Group | None = None
        self._begun = False
        self.commits = Commits()
        self._holder: asyncio.Task[Any] | None = None
        """Whose transaction is open."""
        self._committers: set[asyncio.Task[None]] = set()
        self.along: list[Any] = []
        """Entries that go with the next transaction: of a command, the row that it leaves."""
        self._writer: AnyConnection | None = None
        self._failed_at = -FAILURE_REMEMBERED
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._engine: sa.Engine | AsyncEngine
        self.reader: Reader
        if self.is_sqlite:
            close_database(Path(str(url.database)))
            self._engine = sqlite_engine(url)
            self.reader = SqliteConnection(
                self._engine.connect().execution_options(isolation_level="AUTOCOMMIT"),
                self._thread,
            )
        else:
            from deskward.core.postgres import PostgresReader, reading_engine, writing_engine

            self._engine = writing_engine(url)
            self.reader = PostgresReader(reading_engine(url, pool_size))

    async def close(self) -> None:
        """Wait for what is being committed, and let go of every connection."""
        while self._committers:
            await asyncio.wait(self._committers)
        if self._writer is not None:
            await self._writer.close()
        await self.reader.close()
        if isinstance(self._engine, sa.Engine):
            self._engine.dispose()
        else:
            await self._engine.dispose()
        self._thread.shutdown()

    @property
    def fails(self) -> bool:
        """Whether a write failed in the last seconds, through no fault of whoever wrote."""
        return time.monotonic() - self._failed_at < FAILURE_REMEMBERED

    async def check_writing(self) -> None:
        """See that the database takes writes, by one that changes nothing.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: It does not.
            Unavailable: It does not, or cannot be reached.
        """
        async with self.transaction() as transaction:
            await transaction.execute(_TRIAL)

    async def scrub(self) -> bool:
        """Take what was deleted out of the database's files; False where that must be tried again.

        SQLite overwrites deleted rows (`secure_delete`), and here empties its write-ahead log of
        them. PostgreSQL's server does so in its own time (`VACUUM`).
        """
        if not self.is_sqlite:
            return True
        row = await self.reader.first(sa.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        return row is None or row[0] == 0

    async def analyze(self) -> None:
        """Have PostgreSQL see how its tables have grown.

        Plans that it made while they were empty look for a row by the tenant alone: each foreign
        key is then checked by reading all that there is. SQLite is told which indexes to read.
        """
        if not self.is_sqlite:
            async with self.transaction() as transaction:
                await transaction.execute(sa.text("ANALYZE"))

    async def append(self, entry: Any) -> None:
        """Have `before_commit` write `entry`, and return once it is durable.

        Raises:
            Unavailable: It is not, or nobody knows; nothing but the entry hangs on that.
            RuntimeError: The caller is within a transaction, whose end it would wait for.
        """
        self._check_outside()
        group = self._join()
        group.entries.append(entry)
        try:
            await group.durable()
        except OutcomeUnknown as error:
            raise away() from error

    @contextlib.asynccontextmanager
    async def transaction(
        self, entries: list[Any] | None = None, *, turn: str | None = None
    ) -> AsyncIterator[Transaction]:
        """One transaction: durable when the block has ended well, undone when it raised.

        The writer belongs to the block while it runs, so it must not wait for anything but the
        database. `entries`, filled inside the block, go to `before_commit` with the same commit.
        `turn` is the tenant whose turn it takes, see `turns.py`.

        Raises:
            Unavailable: The group could not be committed; nothing of it was kept.
            OutcomeUnknown: The server was lost during the commit.
            RuntimeError: The caller is within a transaction, whose end it would wait for.
        """
        self._check_outside()
        async with self._lock:
            connection, group = await self._in_turn(turn)
            if group.broken:
                raise not_kept()
            group.empty = False
            try:
                await connection.control("SAVEPOINT call")
                self._holder = asyncio.current_task()
                yield Transaction(connection)
            except BaseException as error:
                if isinstance(error, OperationalError) and not held_up(error):
                    self._failed_at = time.monotonic()
                await self._undo(connection, group)
                raise
            finally:
                self._holder = None
            # The call is in the group from here on, also where its caller is cancelled.
            group.entries.extend([*(entries or ()), *self.along])
            self.along.clear()
            try:
                await connection.control("RELEASE SAVEPOINT call")
            except Exception:
                group.broken = True
                raise
        await group.durable()

    def _check_outside(self) -> None:
        if self._holder is not None and self._holder is asyncio.current_task():
            raise RuntimeError("a transaction within a transaction would wait for itself for ever")

    async def _undo(self, connection: AnyConnection, group: Group) -> None:
        """Undo one call; where that cannot be, or SQLite did more, the whole group is lost."""
        try:
            if connection.in_transaction():
                await connection.control("ROLLBACK TO SAVEPOINT call")
                await connection.control("RELEASE SAVEPOINT call")
                return
        except Exception:
            log.exception("a call could not be undone by itself")
        group.broken = True

    async def _in_turn(self, turn: str | None) -> tuple[AnyConnection, Group]:
        """The writer and the open group, which has the tenant's turn, if one is to be taken."""
        connection, group = await self._begin(), self._join()
        if isinstance(connection, SqliteConnection) or group.broken:
            return connection, group
        if turn is None or turn in group.turns:
            return connection, group
        if not group.empty and not await take_at_once(connection, turn):
            await self._end(group)  # whoever waits for something of it need not wait for us
            return await self._in_turn(turn)
        if group.empty:
            await wait_for(connection, turn)
        group.turns.add(turn)
        return connection, group

    def _join(self) -> Group:
        """The open group; opening one schedules its commit behind all who already wait."""
        if self._group is None:
            self._group = Group()
            task = asyncio.get_running_loop().create_task(self._commit(self._group))
            self._committers.add(task)
            task.add_done_callback(self._committers.discard)
        return self._group

    async def _begin(self) -> AnyConnection:
        if self._writer is None:
            self._writer = await self._connect()
        if not self._begun:
            await self._writer.begin()
            self._begun = True
        return self._writer

    async def _connect(self) -> AnyConnection:
        if isinstance(self._engine, sa.Engine):
            return SqliteConnection(self._engine.connect(), self._thread)
        from deskward.core.postgres import PostgresConnection

        try:
            return PostgresConnection(await self._engine.connect())
        except OSError as error:
            raise away() from error

    async def _commit(self, group: Group) -> None:
        # The lock is fair: whoever waited before this task still gets into the group.
        async with self._lock:
            if self._group is group:
                await self._end(group)

    async def _end(self, group: Group) -> None:
        self._group = None
        committing = False
        try:
            connection = await self._begin()
            if group.entries and self.before_commit is not None and not group.broken:
                await self.before_commit(connection, group.entries)
            if group.broken or not connection.in_transaction():
                raise not_kept()
            committing = True
            # On PostgreSQL others wait for statements as well, and not for commits alone.
            with self.commits.one() if self.is_sqlite else contextlib.nullcontext():
                await connection.commit()
        except Exception as error:
            if not held_up(error):
                self._failed_at = time.monotonic()
            await self._abandon()
            # A server that is lost during COMMIT may have committed; a file has not.
            lost = committing and not self.is_sqlite and not held_up(error)
            group.settle(unknown() if lost else error)
        else:
            group.settle(None)
        finally:
            self._begun = False

    async def _abandon(self) -> None:
        """Undo the group and drop the connection, which may be broken; the next one reconnects."""
        connection, self._writer = self._writer, None
        if connection is not None:
            for end in (connection.rollback, connection.close):
                try:
                    await end()
                except Exception as error:
                    log.warning("a broken connection could not be closed in order: %s", error)


def insert_or_ignore(table: sa.Table, *columns: str) -> sa.TextClause:
    """`INSERT … ON CONFLICT DO NOTHING`, which SQLite and PostgreSQL spell alike."""
    names, values = ", ".join(columns), ", ".join(f":{column}" for column in columns)
    return sa.text(
        f"INSERT INTO {table.name} ({names})"  # noqa: S608 our own names, never a caller's text
        f" VALUES ({values}) ON CONFLICT DO NOTHING"
    ).bindparams(*(sa.bindparam(column, type_=table.c[column].type) for column in columns))


def clock() -> datetime:
    """The desk's clock, see `clocks.py`. Tests put another one in its place."""
    return clocks.present()


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return clock()
