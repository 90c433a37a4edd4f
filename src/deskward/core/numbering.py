"""Numbers that count up per tenant, for ids that people can say, as T1001."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from pydantic import Field

from deskward.core.database import Connection, insert_or_ignore, metadata
from deskward.core.fixed import fixed
from deskward.core.personal import IMPERSONAL

FIRST_NUMBER = 1001
MOST_COUNTED = 2**31 - 1
"""The largest number of a column that counts changes or places, which has 32 bits."""
Revision = Annotated[
    int,
    Field(
        ge=1,
        le=MOST_COUNTED,
        description="The record's revision as it was read.",
        examples=[1],
    ),
]


class Numbering:
    """Gives out the numbers of one kind of record.

    A number is taken in the caller's transaction, so one that is rolled back is given out again.
    """

    def __init__(self, name: str) -> None:
        """Declare the table of that name, which holds the last number of every tenant."""
        self.table = sa.Table(
            name,
            metadata,
            sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
            sa.Column("last", sa.BigInteger, nullable=False),
        )
        self._start = fixed(insert_or_ignore(self.table, "tenant_id", "last"))
        self._next = fixed(
            sa.update(self.table)
            .where(self.table.c.tenant_id == sa.bindparam("b_tenant"))
            .values(last=self.table.c.last + 1)
            .returning(self.table.c.last)
        )

    async def next(self, db: Connection, tenant: str) -> int:
        """The tenant's next number."""
        row = await db.first(self._next, b_tenant=tenant)
        if row is None:  # the tenant's first
            await db.change(self._start, {"tenant_id": tenant, "last": FIRST_NUMBER - 1})
            row = await db.first(self._next, b_tenant=tenant)
            assert row is not None
        return int(row.last)
