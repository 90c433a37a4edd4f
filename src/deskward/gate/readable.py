"""What of a slice's tables people may read in queries of their own."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from deskward.core.personal import IMPERSONAL, LABEL, OWNER, columns


@dataclass(frozen=True)
class Through:
    """Whose a row is, where another table says it.

    Attributes:
        column: Of the row itself.
        table: Where a column of another name, or the same, has that value.
        key: That column.
        owner: The column beside it with the customer's id.
    """

    column: str
    table: sa.Table
    key: str
    owner: str


@dataclass(frozen=True, kw_only=True)
class Readable:
    """A table as queries see it.

    Attributes:
        table: The table.
        scope: What a caller's role needs to read it: that of the tools that show the same.
        columns: The names of the columns that there are for queries; no others exist for them.
        owner: The column with the customer's id, or the way to it; None of what is nobody's.
    """

    table: sa.Table
    scope: str
    columns: tuple[str, ...]
    owner: str | Through | None

    def __post_init__(self) -> None:
        missing = [name for name in self.columns if name not in self.table.c]
        if missing:
            raise ValueError(f"{self.table.name} has no column {missing[0]!r}")
        if "tenant_id" not in self.table.c or "tenant_id" in self.columns:
            raise ValueError(f"{self.table.name}: rows are of a tenant, which queries never say")

    def is_personal(self, name: str) -> bool:
        """Whether a column tells of people what not every role may read: values and words."""
        column = self.table.c[name]
        open_ = [*columns(self.table, OWNER), *columns(self.table, LABEL)]
        return bool(column.info) and column.info != IMPERSONAL and column not in open_
