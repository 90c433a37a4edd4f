"""Lists of diagnostic sessions, and how many of them are known to have helped."""

from __future__ import annotations

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.core.paging import newest
from deskward.diagnostics.models import Confirmed, Status, diagnoses
from deskward.diagnostics.service import Session, session_of


async def find(
    db: Connection,
    tenant: str,
    *,
    customer_id: str | None,
    status: Status | None,
    confirmed: Confirmed | None = None,
    limit: int,
    offset: int,
) -> tuple[int, list[Session]]:
    """How many sessions there are, and one page of them, the newest first."""
    where = _those(tenant, customer_id, status, confirmed)
    total, rows = await newest(db, diagnoses, where, limit=limit, offset=offset)
    return total, [session_of(row) for row in rows]


async def helped(
    db: Connection,
    tenant: str,
    *,
    customer_id: str | None,
    status: Status | None,
    confirmed: Confirmed | None,
) -> dict[str, int]:
    """How many of these sessions are known to have helped, by how that is known."""
    those = _those(tenant, customer_id, status, confirmed)
    rows = await db.all(
        sa.select(diagnoses.c.confirmed, sa.func.count().label("how_many"))
        .where(*those, diagnoses.c.confirmed.is_not(None))
        .group_by(diagnoses.c.confirmed)
    )
    return {row.confirmed: row.how_many for row in rows}


def _those(
    tenant: str, customer_id: str | None, status: Status | None, confirmed: Confirmed | None
) -> list[sa.ColumnElement[bool]]:
    where = [diagnoses.c.tenant_id == tenant]
    if customer_id is not None:
        where.append(diagnoses.c.customer_id == customer_id)
    if status is not None:
        where.append(diagnoses.c.status == status)
    if confirmed is not None:
        where.append(diagnoses.c.confirmed == confirmed)
    return where
