"""The tables as a caller may read them: their tenant's rows, their columns, nothing else.

Each is written as a *materialised* common table expression, which both databases work out before
they look at what somebody wrote around it. Otherwise they might judge a caller's conditions first,
on rows that are not theirs, and say in an error what stands in them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from deskward.gate.readable import Readable, Through
from deskward.queries.functions import Dialect

MASKED = "[masked]"
"""What stands in every row of a column that the caller may not read."""
CUT = 20_000
"""Characters of a text that queries see."""


@dataclass(frozen=True)
class Sight:
    """What one call sees.

    Attributes:
        tables: The tables that the caller may read, by their names.
        personal: Whether they may read what is personal in them.
        customer: Whether they see one customer alone.
    """

    tables: Mapping[str, Readable]
    personal: bool
    customer: bool

    def masks(self, readable: Readable, name: str) -> bool:
        """Whether a column is masked."""
        return not self.personal and readable.is_personal(name)


def quoted(name: str, dialect: Dialect) -> str:
    """A name in quotes; SQLite takes an unknown one in double quotes for a text."""
    return f"[{name}]" if dialect == "sqlite" else f'"{name}"'


def mark(number: int, dialect: Dialect) -> str:
    """Where the value of this number goes, from 1."""
    return f"?{number}" if dialect == "sqlite" else f"${number}"


def relation(
    readable: Readable, used: Collection[str] | None, sight: Sight, dialect: Dialect, schema: str
) -> str:
    """The SELECT of what a caller sees of a table; its values are the tenant and the customer.

    Args:
        used: The names of columns that are asked for; None for all.
        schema: Where PostgreSQL keeps the tables.

    Raises:
        LookupError: It is limited to one customer, and the table's rows are no customer's.
    """
    names = [n for n in readable.columns if used is None or n in used] or [readable.columns[0]]
    columns = ", ".join(_column(readable, name, sight, dialect) for name in names)
    table, tenant = _table(readable.table, dialect, schema), mark(1, dialect)
    where = f"r.tenant_id = {tenant}"
    if sight.customer:
        where += f" AND {_of_customer(readable, dialect, schema)}"
    return f"SELECT {columns} FROM {table} AS r WHERE {where}"  # noqa: S608 our own names alone


def _of_customer(readable: Readable, dialect: Dialect, schema: str) -> str:
    tenant, customer, owner = mark(1, dialect), mark(2, dialect), readable.owner
    if owner is None:
        raise LookupError(readable.table.name)
    if isinstance(owner, Through):
        return (
            f"r.{quoted(owner.column, dialect)} IN (SELECT o.{quoted(owner.key, dialect)} "  # noqa: S608 ours
            f"FROM {_table(owner.table, dialect, schema)} AS o WHERE o.tenant_id = {tenant} "
            f"AND o.{quoted(owner.owner, dialect)} = {customer})"
        )
    return f"r.{quoted(owner, dialect)} = {customer}"


def _column(readable: Readable, name: str, sight: Sight, dialect: Dialect) -> str:
    shown, kind = quoted(name, dialect), readable.table.c[name].type
    if sight.masks(readable, name):
        return f"CAST('{MASKED}' AS TEXT) AS {shown}"
    value = f"r.{shown}"
    if isinstance(kind, sa.JSON):
        value = f"CAST({value} AS TEXT)"
    if isinstance(kind, sa.JSON | sa.Text):
        return f"substr({value}, 1, {CUT}) AS {shown}"
    return f"{value} AS {shown}"


def _table(table: sa.Table, dialect: Dialect, schema: str) -> str:
    name = quoted(table.name, dialect)
    return f"main.{name}" if dialect == "sqlite" else f"{quoted(schema, dialect)}.{name}"


def type_of(readable: Readable, name: str) -> str:
    """What a column holds, in a word."""
    kind: Any = readable.table.c[name].type
    kind = kind.impl if isinstance(kind, sa.types.TypeDecorator) else kind
    for of, word in _WORDS.items():
        if isinstance(kind, of):
            return word
    return "text"


_WORDS: dict[type, str] = {
    sa.Boolean: "boolean",
    sa.Integer: "integer",
    sa.Numeric: "number",
    sa.DateTime: "datetime",
    sa.Date: "date",
}
