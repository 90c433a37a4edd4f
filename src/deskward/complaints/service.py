"""Rules and queries of complaints."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from deskward.complaints.models import (
    Category,
    Complaint,
    ComplaintList,
    ComplaintUpdate,
    Priority,
    Status,
    complaint_numbers,
    complaints,
)
from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.core.paging import newest

_BY_NUMBER = sa.select(complaints).where(
    complaints.c.tenant_id == sa.bindparam("tenant"), complaints.c.number == sa.bindparam("number")
)
_BY_NUMBER_LOCKED = _BY_NUMBER.with_for_update()
_INSERT = complaints.insert()


async def get(db: Connection, tenant: str, complaint_id: str) -> Complaint:
    """The complaint.

    Raises:
        NotFound: The tenant has no such complaint.
    """
    return await _read(db, _BY_NUMBER, tenant, complaint_id)


async def register(
    db: Connection,
    tenant: str,
    customer_id: str,
    *,
    subject: str,
    description: str,
    category: Category,
    priority: Priority,
    order_id: str | None,
) -> Complaint:
    """Register a complaint. Whether there is such a customer or order is not asked."""
    number = await complaint_numbers.next(db, tenant)
    moment = now()
    complaint = Complaint(
        id=f"C{number}",
        customer_id=customer_id,
        subject=subject,
        description=description,
        category=category,
        priority=priority,
        order_id=order_id,
        status="open",
        resolution=None,
        revision=1,
        created_at=moment,
        updated_at=moment,
    )
    row = {**complaint.model_dump(exclude={"id"}), "tenant_id": tenant, "number": number}
    await db.execute(_INSERT, row)
    return complaint


async def find(
    db: Connection,
    tenant: str,
    *,
    customer_id: str | None,
    query: str | None,
    status: Status | None,
    category: Category | None,
    limit: int,
    offset: int,
) -> ComplaintList:
    """One page of complaints, the newest first."""
    where = [complaints.c.tenant_id == tenant]
    if customer_id is not None:
        where.append(complaints.c.customer_id == customer_id)
    if query is not None:
        where.append(
            complaints.c.subject.icontains(query, autoescape=True)
            | complaints.c.description.icontains(query, autoescape=True)
        )
    if status is not None:
        where.append(complaints.c.status == status)
    if category is not None:
        where.append(complaints.c.category == category)
    total, rows = await newest(db, complaints, where, limit=limit, offset=offset)
    return ComplaintList(
        total=total, limit=limit, offset=offset, complaints=[_complaint(row) for row in rows]
    )


async def update(
    db: Connection, tenant: str, complaint_id: str, change: ComplaintUpdate
) -> Complaint:
    """Change a complaint that is being dealt with.

    Raises:
        NotFound: The tenant has no such complaint.
        InvalidInput: Nothing is to be changed.
        Conflict: It is resolved or archived.
    """
    values: dict[str, Any] = change.model_dump(exclude_none=True)
    if not values:
        raise InvalidInput("Say what to change: description, category, priority or status.")
    return await _change(db, tenant, complaint_id, values, ("open", "in_progress"), "changed")


async def resolve(db: Connection, tenant: str, complaint_id: str, resolution: str) -> Complaint:
    """Note how a complaint was put right.

    Raises:
        NotFound: The tenant has no such complaint.
        Conflict: It is resolved or archived already.
    """
    values = {"status": "resolved", "resolution": resolution}
    return await _change(db, tenant, complaint_id, values, ("open", "in_progress"), "resolved")


async def archive(db: Connection, tenant: str, complaint_id: str) -> Complaint:
    """Put a complaint away.

    Raises:
        NotFound: The tenant has no such complaint.
        Conflict: It is not resolved, or archived already.
    """
    return await _change(
        db, tenant, complaint_id, {"status": "archived"}, ("resolved",), "archived"
    )


async def _change(
    db: Connection,
    tenant: str,
    complaint_id: str,
    values: dict[str, Any],
    allowed: tuple[Status, ...],
    done: str,
) -> Complaint:
    complaint = await _read(db, _BY_NUMBER_LOCKED, tenant, complaint_id)
    if complaint.status not in allowed:
        states = " or ".join(allowed).replace("_", " ")
        raise Conflict(
            f"Complaint {complaint_id} is {complaint.status.replace('_', ' ')}; "
            f"only one that is {states} can be {done}.",
            details={"status": complaint.status, "allowed": list(allowed)},
        )
    values = {**values, "revision": complaint.revision + 1, "updated_at": now()}
    await db.execute(
        sa.update(complaints)
        .where(complaints.c.tenant_id == tenant, complaints.c.number == int(complaint_id[1:]))
        .values(**values)
    )
    return complaint.model_copy(update=values)


async def _read(
    db: Connection, statement: sa.Executable, tenant: str, complaint_id: str
) -> Complaint:
    row = await db.first(statement, tenant=tenant, number=int(complaint_id[1:]))
    if row is None:
        raise NotFound("complaint", complaint_id)
    return _complaint(row)


def _complaint(row: sa.Row[Any]) -> Complaint:
    return Complaint(
        id=f"C{row.number}",
        customer_id=row.customer_id,
        subject=row.subject,
        description=row.description,
        category=row.category,
        priority=row.priority,
        order_id=row.order_id,
        status=row.status,
        resolution=row.resolution,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
