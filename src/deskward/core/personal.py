"""What each column of the database says about people, declared beside it: `info=TEXT`.

Erasing a person goes by these declarations and touches nothing else. A column that can hold text
and declares nothing is an error when the desk starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa

_NAME = "personal"

OWNER: dict[str, str] = {_NAME: "owner"}
"""A customer's id: the row is theirs, and goes with them."""
LABEL: dict[str, str] = {_NAME: "label"}
"""A caller as `kind:id`: the row is theirs, and goes with them."""
VALUE: dict[str, str] = {_NAME: "value"}
"""Personal, of whoever the row belongs to: it goes with the row, and never for another's sake."""
TEXT: dict[str, str] = {_NAME: "text"}
"""People's words: what names an erased person in them is taken out. In a key, the row goes."""
DOCUMENT: dict[str, str] = {_NAME: "document"}
"""JSON, or text that may be JSON: where it tells of an erased person, the row goes."""
IMPERSONAL: dict[str, str] = {_NAME: "no"}
"""Says nothing about people, is sealed under their keys, or is the operator's own."""

TOGETHER = "together"
"""In a table's `info`: the column whose equal values make rows go together."""
MACHINES = "machines"
"""In a table's `info`: names of columns that tell of machines. A row that is no customer's goes
where it tells of a host that is an erased person's alone: of their mail's domain, or one that rows
of theirs tell of."""
REWORDED = "reworded"
"""In a table's `info`: what follows, in the same transaction, where a person was taken out of a
row's words: `await reworded(db, row)`, with the row's key."""
JOINED = "joined"
"""In a table's `info`: where two people turn out to be one and both have a row, that of the one who
stays counts."""
ANY_CASE = "any_case"
"""In a table's `info`, beside `JOINED`: names of columns of its key that are equal in any case."""
BOUND = "bound"
"""In a table's `info`: its rows are sealed as they are, so that none becomes another one's."""

_WITHOUT_TEXT = (sa.Numeric, sa.Integer, sa.Boolean, sa.DateTime, sa.Date, sa.Time)


def columns(table: sa.Table, kind: Mapping[str, str]) -> list[sa.Column[object]]:
    """The columns of a table that are declared so."""
    return [column for column in table.columns if column.info.get(_NAME) == kind[_NAME]]


def check_declared(tables: Iterable[sa.Table]) -> None:
    """See that every column that can hold text declares what it says about people.

    Raises:
        ValueError: One does not, or is personal in a table that says no tenant.
    """
    for table in tables:
        for column in _with_text(table):
            told = column.info.get(_NAME)
            if told is None:
                raise ValueError(
                    f"{table.name}.{column.name} does not declare whether it is personal: give it "
                    "an `info` of core/personal.py"
                )
            if told != IMPERSONAL[_NAME] and "tenant_id" not in table.c:
                raise ValueError(f"{table.name}.{column.name} is personal, and of no tenant")


def _with_text(table: sa.Table) -> Iterator[sa.Column[object]]:
    for column in table.columns:
        kind = column.type.impl if isinstance(column.type, sa.types.TypeDecorator) else column.type
        if not isinstance(kind, _WITHOUT_TEXT):
            yield column
