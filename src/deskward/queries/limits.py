"""What is run, within which limits, and what comes of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from deskward.queries.functions import Dialect
from deskward.queries.models import Cell
from deskward.queries.refusing import refuse


@dataclass(frozen=True)
class Statement:
    """What is run.

    Attributes:
        sql: The statement, written anew.
        values: What is put in, in order: the tenant, the customer if it is about one, the rest.
        tables: The names of the tables that it may read, and the names of their columns.
    """

    sql: str
    values: tuple[Any, ...]
    tables: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Found:
    """What a statement gave.

    Attributes:
        columns: The names of the columns, as often as they are there.
        rows: The rows, as JSON can say them.
        truncated: Whether there was more: rows, or characters of a text.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    truncated: bool


@dataclass(frozen=True)
class Limits:
    """How much one statement may do and give.

    Attributes:
        rows: Rows that it gives.
        seconds: How long it runs, with the wait for its turn.
        size: Bytes that its rows have as JSON.
        cell: Characters of one text.
    """

    rows: int
    seconds: float
    size: int
    cell: int = 20_000


class Place(Protocol):
    """A database that statements are run in."""

    dialect: Dialect

    async def schema(self) -> str:
        """Where the tables are."""
        ...

    async def run(self, statement: Statement, limits: Limits, *, only_check: bool) -> Found:
        """Run it; only see that it can be, where that is wanted.

        Raises:
            InvalidInput: The database does not take it.
            TimeLimitExceeded: It took too long.
            Unavailable: The database cannot be reached.
        """
        ...


class Collected:
    """Rows as they come, up to the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.rows: list[tuple[Cell, ...]] = []
        self.truncated = False
        self._size = 0

    def add(self, row: Sequence[Any]) -> bool:
        """Take a row; whether there is room for another one."""
        if len(self.rows) >= self.limits.rows:
            self.truncated = True
            return False
        cells = tuple(self._cell(value) for value in row)
        self._size += len(json.dumps(cells, ensure_ascii=False).encode())
        if self._size > self.limits.size:
            self.truncated = True
            return False
        self.rows.append(cells)
        return True

    def found(self, columns: Iterable[str]) -> Found:
        """All of it."""
        return Found(tuple(columns), tuple(self.rows), self.truncated)

    def _cell(self, value: Any) -> Cell:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return value
        if isinstance(value, float | Decimal):
            number = float(value)
            whole = isinstance(value, Decimal) and value == value.to_integral_value()
            return (int(value) if whole else number) if math.isfinite(number) else None
        if isinstance(value, datetime | date | time):
            return value.isoformat()
        if isinstance(value, timedelta):
            return value.total_seconds()
        if isinstance(value, UUID):
            return str(value)
        if not isinstance(value, str):
            refuse("A column of the answer is no number, text, moment or truth.")
        if len(value) > self.limits.cell:
            self.truncated = True
        return value[: self.limits.cell]
