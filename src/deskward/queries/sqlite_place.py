"""Statements on SQLite: a connection of their own that cannot write, and asks us at every step."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from deskward.core.connections import away
from deskward.core.errors import TimeLimitExceeded, Unavailable, Unfit
from deskward.queries.functions import FUNCTIONS, Dialect
from deskward.queries.limits import Collected, Found, Limits, Statement
from deskward.queries.refusing import refuse

_STEPS = 5_000
"""Instructions of SQLite's machine between two looks at the clock."""
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 8_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 200_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 500,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 100_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 50,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 500,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
_CALLED = FUNCTIONS["sqlite"] | {"like", "current_date", "current_timestamp"}
"""`like` is what the operator LIKE is."""


class SqlitePlace:
    """A SQLite file, read."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: str, at_once: int) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="query")

    async def schema(self) -> str:
        """Where the tables are."""
        return "main"

    async def run(self, statement: Statement, limits: Limits, *, only_check: bool) -> Found:
        """Run it in a thread."""
        work = partial(self._run, statement, limits, only_check=only_check)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _run(self, statement: Statement, limits: Limits, *, only_check: bool) -> Found:
        until = time.monotonic() + limits.seconds
        try:
            connection = self._connect()
        except sqlite3.Error as error:
            raise away() from error
        try:
            connection.set_authorizer(partial(_authorize, statement))
            connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            sql = f"EXPLAIN {statement.sql}" if only_check else statement.sql
            cursor = connection.execute(sql, statement.values)
            collected = Collected(limits)
            if not only_check:
                for row in cursor:
                    if not collected.add(row):
                        break
            return collected.found(column[0] for column in cursor.description)
        except sqlite3.Error as error:
            raise _told(error, limits) from error
        except OverflowError:
            refuse("A number is too large.")
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        path = self._path
        if path.startswith("file:"):
            connection = sqlite3.connect(path, uri=True, isolation_level=None)
        else:
            address = f"{Path(path).absolute().as_uri()}?mode=ro"
            connection = sqlite3.connect(address, uri=True, isolation_level=None)
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA busy_timeout = 1000")
        connection.execute("PRAGMA temp_store = FILE")
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        return connection


def _authorize(
    statement: Statement,
    action: int,
    first: str | None,
    second: str | None,
    database: str | None,
    _inner: str | None,
) -> int:
    """What SQLite asks before each step: a second look at what the printer has let through."""
    if action == sqlite3.SQLITE_SELECT:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_OK if (second or "").lower() in _CALLED else sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ:
        columns = statement.tables.get(first or "")
        known = columns is not None and (second in columns or not second) and database == "main"
        # Of what stands in the statement itself, count(*) is said without a column or a database.
        made = database is None and not second
        return sqlite3.SQLITE_OK if known or made else sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_DENY


def _told(error: sqlite3.Error, limits: Limits) -> Exception:
    said = str(error)
    if said == "interrupted":
        return TimeLimitExceeded(
            f"The query took longer than {limits.seconds:g} seconds. Ask for less."
        )
    if isinstance(error, sqlite3.OperationalError) and ("locked" in said or "disk" in said):
        return Unavailable("The database cannot be read just now. Try again.", retry_after=1)
    return Unfit(f"SQLite does not take the query: {said[:300]}")
