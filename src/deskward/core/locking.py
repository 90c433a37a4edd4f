"""Reading rows so that nobody changes them before the transaction ends.

SQLite has one writer at a time, so that a transaction that has begun sees nothing change. On
PostgreSQL every `SELECT` becomes `SELECT … FOR NO KEY UPDATE`: it waits for whoever is changing its
rows, gives them as they are then, and keeps them so. Who only refers to a row need not wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult, Row
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import iterate

from deskward.core.connections import Parameters
from deskward.core.database import Connection
from deskward.core.fixed import fixed, is_fixed


def locking(db: Connection) -> Connection:
    """The same transaction, in which what is read is locked."""
    return db if db.dialect == "sqlite" else _Locking(db)


class _Locking:
    """Locks the rows that are read."""

    def __init__(self, db: Connection) -> None:
        self.dialect = db.dialect
        self._db = db

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        return await self._db.execute(locked(statement), parameters)

    async def first(self, statement: sa.Executable, **parameters: Any) -> Row[Any] | None:
        return await self._db.first(locked(statement), **parameters)

    async def all(self, statement: sa.Executable, **parameters: Any) -> Sequence[Row[Any]]:
        return await self._db.all(locked(statement), **parameters)

    async def change(self, statement: sa.Executable, parameters: Mapping[str, Any]) -> int:
        return await self._db.change(statement, parameters)


def locked(statement: sa.Executable) -> sa.Executable:
    """A statement that locks the rows that it reads; the same one where it gives no rows as such.

    What a count or a sum counts cannot be locked: lock the row that all of it belongs to first.
    """
    return _locked_fixed(statement) if is_fixed(statement) else _locked(statement)


@cache
def _locked_fixed(statement: sa.Executable) -> sa.Executable:
    return fixed(_locked(statement))


def _locked(statement: sa.Executable) -> sa.Executable:
    if not isinstance(statement, sa.Select) or statement._for_update_arg is not None:
        return statement
    chosen = (part for column in statement.selected_columns for part in iterate(column))
    if any(isinstance(part, FunctionElement) for part in chosen):
        return statement
    return statement.with_for_update(key_share=True)
