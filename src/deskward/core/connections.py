"""Connections to SQLite; those to PostgreSQL, in `postgres.py`, are alike to whoever uses them.

On SQLite, statements run directly on the event loop (tens of microseconds each) and only the
commit, which waits for the disk, runs in a thread. On PostgreSQL the same code awaits asyncpg.
"""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import URL, CursorResult, Dialect, Row
from sqlalchemy.exc import DBAPIError, OperationalError

from deskward.core.errors import Unavailable
from deskward.core.fixed import Plan, plan_of
from deskward.core.private import private_file, private_folder

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None

LOCK_WAIT = 10.0
"""Seconds that a commit waits for another process that is writing to the same SQLite file."""


AtOnce = Callable[[Plan, Mapping[str, Any]], tuple[list[Row[Any]], int]]
"""As `Statements.run`, without ever waiting."""


class Statements(ABC):
    """`first`, `all` and `change` in terms of `execute` and `run`."""

    dialect: str
    at_once: AtOnce | None = None
    """Runs a fixed statement where that waits for nothing: several coroutines less for each."""

    @abstractmethod
    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        """Run a statement and give its buffered result."""

    @abstractmethod
    def run(
        self, plan: Plan, parameters: Mapping[str, Any]
    ) -> Coroutine[Any, Any, tuple[list[Row[Any]], int]]:
        """Run a fixed statement; give its rows, and how many it changed."""

    async def first(self, statement: sa.Executable, **parameters: Any) -> Row[Any] | None:
        """Run a statement and give its first row, or None."""
        plan = plan_of(statement, self.dialect)
        if plan is None:
            return (await self.execute(statement, parameters)).first()
        at_once = self.at_once
        rows, _ = at_once(plan, parameters) if at_once else await self.run(plan, parameters)
        return rows[0] if rows else None

    async def all(self, statement: sa.Executable, **parameters: Any) -> Sequence[Row[Any]]:
        """Run a statement and give all its rows."""
        plan = plan_of(statement, self.dialect)
        if plan is None:
            return (await self.execute(statement, parameters)).all()
        at_once = self.at_once
        return (at_once(plan, parameters) if at_once else await self.run(plan, parameters))[0]

    async def change(self, statement: sa.Executable, parameters: Mapping[str, Any]) -> int:
        """Run a statement that gives no rows; gives how many it changed."""
        plan = plan_of(statement, self.dialect)
        if plan is None:
            return (await self.execute(statement, parameters)).rowcount
        at_once = self.at_once
        return (at_once(plan, parameters) if at_once else await self.run(plan, parameters))[1]


class SqliteConnection(Statements):
    """A connection whose statements run on the event loop and whose commit runs in a thread."""

    dialect = "sqlite"

    def __init__(self, connection: sa.Connection, thread: ThreadPoolExecutor) -> None:
        self.raw = connection
        self._driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        self._thread = thread
        self.at_once = self._at_once

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        """Run a statement and give its buffered result."""
        return self.raw.execute(statement, parameters)

    async def run(self, plan: Plan, parameters: Mapping[str, Any]) -> tuple[list[Row[Any]], int]:
        """Run a fixed statement; give its rows, and how many it changed."""
        return self._at_once(plan, parameters)

    def _at_once(self, plan: Plan, parameters: Mapping[str, Any]) -> tuple[list[Row[Any]], int]:
        cursor = self._drive(plan.sql, plan.bound(parameters))
        if cursor.description is None:
            return [], cursor.rowcount
        found = cursor.fetchall()
        return plan.rows(found) if found else [], cursor.rowcount

    async def insert_rows(self, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
        """Insert rows given as the driver takes them."""
        self._drive(insert_text(table, self.raw.dialect), rows, many=True)

    async def control(self, sql: str) -> None:
        """Run a statement of transaction control."""
        self._drive(sql)

    async def begin(self) -> None:
        """Begin a transaction."""
        deadline = asyncio.get_running_loop().time() + LOCK_WAIT
        while True:
            try:
                self._drive("BEGIN IMMEDIATE")
                return
            except OperationalError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.005)

    def _drive(
        self, sql: str, parameters: Sequence[Any] = (), *, many: bool = False
    ) -> sqlite3.Cursor:
        try:
            run = self._driver.executemany if many else self._driver.execute
            return run(sql, parameters)
        except sqlite3.Error as error:  # raised as SQLAlchemy does
            known = DBAPIError.instance(sql, None, error, sqlite3.Error, hide_parameters=True)
            raise known from error

    async def commit(self) -> None:
        """Make the transaction durable."""
        # The driver's own commit, because it hands the interpreter over just once; SQLAlchemy's,
        # in the thread, would wait for the busy event loop at every step.
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._driver.commit)
        except sqlite3.Error as error:
            raise OperationalError("COMMIT", None, error) from error
        self.raw.commit()

    def in_transaction(self) -> bool:
        """Whether the transaction is still open: a full disk, say, makes SQLite end it."""
        return self._driver.in_transaction

    async def rollback(self) -> None:
        """Undo the transaction."""
        self._driver.rollback()
        self.raw.rollback()

    async def close(self) -> None:
        """Let go of the connection."""
        self.raw.close()


def away() -> Unavailable:
    """What is said when the server cannot be reached."""
    return Unavailable("The database cannot be reached. Try again.", retry_after=1)


def sqlite_engine(url: URL) -> sa.Engine:
    """A SQLite engine in WAL mode that flushes every commit and begins nothing by itself.

    Raises:
        OSError: The file's folder does not exist and cannot be made.
    """
    path = str(url.database)
    if not path.startswith("file:"):
        private_folder(Path(path).parent)
        private_file(Path(path))
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
            # What a savepoint may have to undo would go into a file, page by page.
            "temp_store = MEMORY",
            # Pages that change at every commit are moved into the database once in a while.
            "wal_autocheckpoint = 4000",
            "busy_timeout = 0",  # `begin` waits without blocking the event loop
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


@cache
def insert_text(table: sa.Table, dialect: Dialect) -> str:
    """The statement that inserts a row, as the driver takes it."""
    return str(table.insert().compile(dialect=dialect))
