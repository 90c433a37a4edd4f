"""Long lists, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field

from deskward.core.database import Connection
from deskward.core.errors import Conflict

Limit = Annotated[int, Field(ge=1, le=100)]
Offset = Annotated[int, Field(ge=0, le=1_000_000)]


def no_such_page() -> Conflict:
    """What is raised where a cursor is none that was given out for this list in this order."""
    return Conflict(
        "That cursor is none that was given out for this list in this order. Begin without one.",
        details={"field": "cursor"},
    )


async def newest(
    db: Connection,
    table: sa.Table,
    where: Sequence[Any],
    *,
    limit: int,
    offset: int,
    by: str = "number",
) -> tuple[int, Sequence[sa.Row[Any]]]:
    """How many rows of a table there are, and one page of them, the newest first.

    Args:
        by: The column that grows with each row.
    """
    total = await db.first(sa.select(sa.func.count()).select_from(table).where(*where))
    rows = await db.all(
        sa.select(table).where(*where).order_by(table.c[by].desc()).limit(limit).offset(offset)
    )
    return total[0] if total else 0, rows
