"""The database: one reader, one writer, and one commit for many calls.

A governed call is one transaction. Committing each by itself costs one disk flush per call, so
calls that arrive together share one: every call works inside its own savepoint of the writer's
open transaction, and waits for the commit of the *group* that it is in. A call that fails rolls
its own savepoint back and leaves the others alone. Nothing is acknowledged before its commit.

On SQLite, statements run directly on the event loop (tens of microseconds each) and only the
commit, which waits for the disk, runs in a thread. On PostgreSQL the same code awaits asyncpg.
The measurements behind this are in `docs/decisions/0001-storage.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, CursorResult, Dialect, Row
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from deskward.core.errors import OutcomeUnknown, Unavailable

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None

LOCK_WAIT = 10.0
"""Seconds that a commit waits for another process that is writing to the same SQLite file."""


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

log = logging.getLogger(__name__)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, text on SQLite, aware in Python on both."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware moment into UTC."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware moment in UTC."""
        return value.replace(tzinfo=UTC) if value is not None else None


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


class Writer(Connection, Protocol):
    """What `before_commit` writes with."""

    async def insert_rows(self, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
        """Insert rows given as the driver takes them, in the order of the table's columns."""
        ...


class RowReads(ABC):
    """`first` and `all` in terms of `execute`."""

    dialect: str

    @abstractmethod
    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        """Run a statement and give its buffered result."""

    async def first(self, statement: sa.Executable, **parameters: Any) -> Row[Any] | None:
        """Run a statement and give its first row, or None."""
        return (await self.execute(statement, parameters)).first()

    async def all(self, statement: sa.Executable, **parameters: Any) -> Sequence[Row[Any]]:
        """Run a statement and give all its rows."""
        return (await self.execute(statement, parameters)).all()


class _SqliteConnection(RowReads):
    """A connection whose statements run on the event loop and whose commit runs in a thread."""

    dialect = "sqlite"

    def __init__(self, connection: sa.Connection, thread: ThreadPoolExecutor) -> None:
        self.raw = connection
        self._thread = thread

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        return self.raw.execute(statement, parameters)

    async def insert_rows(self, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
        self.raw.exec_driver_sql(_insert_text(table, self.raw.dialect), rows)

    async def control(self, sql: str) -> None:
        self.raw.exec_driver_sql(sql)

    async def begin(self) -> None:
        deadline = asyncio.get_running_loop().time() + LOCK_WAIT
        while True:
            try:
                self.raw.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.005)

    async def commit(self) -> None:
        # The driver's own commit, because it hands the interpreter over just once; SQLAlchemy's,
        # in the thread, would wait for the busy event loop at every step.
        driver = self.raw.connection.dbapi_connection
        assert driver is not None
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, driver.commit)
        except sqlite3.Error as error:
            raise OperationalError("COMMIT", None, error) from error
        self.raw.commit()

    def in_transaction(self) -> bool:
        """Whether the transaction is still open: a full disk, say, makes SQLite end it."""
        driver = self.raw.connection.dbapi_connection
        return driver is not None and bool(driver.in_transaction)

    async def rollback(self) -> None:
        self.raw.rollback()

    async def close(self) -> None:
        self.raw.close()


class _PostgresConnection(RowReads):
    """A connection over asyncpg. A statement that has begun is waited for, even when cancelled.

    asyncpg gives up a connection whose statement is cancelled, and with it everybody's transaction.
    """

    dialect = "postgresql"

    def __init__(self, connection: AsyncConnection) -> None:
        self.raw = connection

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        return await _whole(self.raw.execute(statement, parameters))

    async def insert_rows(self, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
        await _whole(self.raw.exec_driver_sql(_insert_text(table, self.raw.dialect), rows))

    async def control(self, sql: str) -> None:
        await _whole(self.raw.exec_driver_sql(sql))

    async def begin(self) -> None:
        if not self.raw.in_transaction():  # else who began was cancelled just then
            await _whole(self.raw.begin().start())

    async def commit(self) -> None:
        await _whole(self.raw.commit())

    def in_transaction(self) -> bool:
        """Whether the transaction is still open."""
        return self.raw.in_transaction() and not self.raw.invalidated

    async def rollback(self) -> None:
        await _whole(self.raw.rollback())

    async def close(self) -> None:
        await _whole(self.raw.close())


_AnyConnection = _SqliteConnection | _PostgresConnection

_T = TypeVar("_T")


async def _whole(work: Coroutine[Any, Any, _T]) -> _T:
    """Do the work to its end; a cancellation meanwhile, or several, is raised after it."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen; the cancellation is what is raised
        raise
    except OSError as error:  # no answer within COMMAND_TIMEOUT, for one
        raise _away() from error


class _PostgresReader(RowReads):
    """Reads of PostgreSQL: each statement on a pooled connection, in its own snapshot."""

    dialect = "postgresql"

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        try:
            async with self._engine.connect() as connection:
                return await connection.execute(statement, parameters)
        except OSError as error:
            raise _away() from error

    async def close(self) -> None:
        """The engine owns the connections."""


class Group:
    """The calls that one commit makes durable, with what is to be written just before it."""

    def __init__(self, done: asyncio.Future[None]) -> None:
        self.entries: list[Any] = []
        self.done = done
        self.broken = False
        """Whether the transaction is lost: nothing of the group may be committed."""


class Transaction(RowReads):
    """One call's part of the open group: it commits with the group or rolls back alone."""

    def __init__(self, connection: _AnyConnection) -> None:
        self._connection = connection
        self.dialect = connection.dialect

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        """Run a statement and give its buffered result."""
        return await self._connection.execute(statement, parameters)


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
        self._committers: set[asyncio.Task[None]] = set()
        self._writer: _AnyConnection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._engine: sa.Engine | AsyncEngine
        self.reader: Connection
        if self.is_sqlite:
            if url.database:
                Path(url.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = sqlite_engine(url)
            self.reader = _SqliteConnection(
                self._engine.connect().execution_options(isolation_level="AUTOCOMMIT"),
                self._thread,
            )
        else:
            self._engine = create_async_engine(
                url,
                pool_pre_ping=True,
                pool_size=pool_size,
                hide_parameters=True,
                connect_args={
                    "timeout": CONNECT_TIMEOUT,
                    "command_timeout": COMMAND_TIMEOUT,
                    "server_settings": POSTGRES_SETTINGS,
                },
            )
            self.reader = _PostgresReader(self._engine)

    async def close(self) -> None:
        """Wait for what is being committed, and let go of every connection."""
        while self._committers:
            await asyncio.wait(self._committers)
        if self._writer is not None:
            await self._writer.close()
        if isinstance(self._engine, AsyncEngine):
            await self._engine.dispose()
        else:
            assert isinstance(self.reader, _SqliteConnection)
            await self.reader.close()
            self._engine.dispose()
        self._thread.shutdown()

    async def ping(self) -> None:
        """See that the database answers.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: It does not.
            Unavailable: It cannot be reached.
        """
        await self.reader.first(sa.text("SELECT 1"))

    async def append(self, entry: Any) -> None:
        """Have `before_commit` write `entry`, and return once it is durable.

        Raises:
            Unavailable: It is not, or nobody knows; nothing but the entry hangs on that.
        """
        group = self._join()
        group.entries.append(entry)
        try:
            await _durable(group)
        except OutcomeUnknown as error:
            raise _away() from error

    @contextlib.asynccontextmanager
    async def transaction(self, entries: list[Any] | None = None) -> AsyncIterator[Transaction]:
        """One transaction: durable when the block has ended well, undone when it raised.

        The writer belongs to the block while it runs, so it must not wait for anything but the
        database. `entries`, filled inside the block, go to `before_commit` with the same commit.

        Raises:
            Unavailable: The group could not be committed; nothing of it was kept.
            OutcomeUnknown: The server was lost during the commit.
        """
        async with self._lock:
            connection = await self._begin()
            group = self._join()
            if group.broken:
                raise _not_kept()
            try:
                await connection.control("SAVEPOINT call")
                yield Transaction(connection)
            except BaseException:
                await self._undo(connection, group)
                raise
            # The call is in the group from here on, also where its caller is cancelled.
            group.entries.extend(entries or ())
            try:
                await connection.control("RELEASE SAVEPOINT call")
            except Exception:
                group.broken = True
                raise
        await _durable(group)

    async def _undo(self, connection: _AnyConnection, group: Group) -> None:
        """Undo one call; where that cannot be, or SQLite did more, the whole group is lost."""
        try:
            if connection.in_transaction():
                await connection.control("ROLLBACK TO SAVEPOINT call")
                await connection.control("RELEASE SAVEPOINT call")
                return
        except Exception:
            log.exception("a call could not be undone by itself")
        group.broken = True

    def _join(self) -> Group:
        """The open group; opening one schedules its commit behind all who already wait."""
        if self._group is None:
            loop = asyncio.get_running_loop()
            self._group = Group(loop.create_future())
            task = loop.create_task(self._commit(self._group))
            self._committers.add(task)
            task.add_done_callback(self._committers.discard)
        return self._group

    async def _begin(self) -> _AnyConnection:
        if self._writer is None:
            self._writer = await self._connect()
        if not self._begun:
            await self._writer.begin()
            self._begun = True
        return self._writer

    async def _connect(self) -> _AnyConnection:
        if isinstance(self._engine, AsyncEngine):
            try:
                return _PostgresConnection(await self._engine.connect())
            except OSError as error:
                raise _away() from error
        return _SqliteConnection(self._engine.connect(), self._thread)

    async def _commit(self, group: Group) -> None:
        # The lock is fair: whoever waited before this task still gets into the group.
        async with self._lock:
            self._group = None
            committing = False
            try:
                connection = await self._begin()
                if group.entries and self.before_commit is not None and not group.broken:
                    await self.before_commit(connection, group.entries)
                if group.broken or not connection.in_transaction():
                    raise _not_kept()
                committing = True
                await connection.commit()
            except Exception as error:
                await self._abandon()
                # A server that is lost during COMMIT may have committed; a file has not.
                _settle(group, _unknown() if committing and not self.is_sqlite else error)
            else:
                _settle(group, None)
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


def _settle(group: Group, error: Exception | None) -> None:
    if group.done.done():
        return
    if error is None:
        group.done.set_result(None)
    else:
        group.done.set_exception(error)
        group.done.exception()  # a group nobody waits for any more is no warning


def _away() -> Unavailable:
    return Unavailable("The database cannot be reached. Try again.", retry_after=1)


def _not_kept() -> Unavailable:
    return Unavailable(
        "The database could not store this call, and nothing of it was kept. Try again.",
        retry_after=1,
    )


def _unknown() -> OutcomeUnknown:
    return OutcomeUnknown(
        "The database was lost while it stored this call, and whether it did is not known. Look "
        "before you try again; with an idempotency key, trying again is safe."
    )


async def _durable(group: Group) -> None:
    try:
        await asyncio.shield(group.done)
    except DBAPIError as error:
        raise _not_kept() from error


def sqlite_engine(url: URL) -> sa.Engine:
    """A SQLite engine in WAL mode that flushes every commit and begins nothing by itself."""
    engine = sa.create_engine(url, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "busy_timeout = 5000",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            "busy_timeout = 0",  # `begin` waits without blocking the event loop
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


@cache
def _insert_text(table: sa.Table, dialect: Dialect) -> str:
    return str(table.insert().compile(dialect=dialect))


def insert_or_ignore(table: sa.Table, *columns: str) -> sa.TextClause:
    """`INSERT … ON CONFLICT DO NOTHING`, which SQLite and PostgreSQL spell alike."""
    names, values = ", ".join(columns), ", ".join(f":{column}" for column in columns)
    return sa.text(
        # Names of our own tables and columns, never a caller's text.
        f"INSERT INTO {table.name} ({names}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608 see above
    ).bindparams(*(sa.bindparam(column, type_=table.c[column].type) for column in columns))


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)
