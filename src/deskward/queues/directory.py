"""Who is a specialist, and who has room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.queues.models import (
    SpecialistSettings,
    SpecialistShown,
    queue_items,
    specialists,
)
from deskward.queues.routing import Specialist
from deskward.queues.service import Queues
from deskward.security import members, tenants
from deskward.security.tenants import Tenant, spans_of
from deskward.staff import service as staff

_HAVING = ("assigned", "claimed")
LATELY = timedelta(days=28)
"""How far back is looked for who was given something last, and for how queues have done."""


async def appoint(
    db: Connection, tenant: str, staff_id: str, told: SpecialistSettings, queues: Queues
) -> str:
    """Have a member of staff be a specialist, as told; returns their id.

    Raises:
        Conflict: Nobody of that id works here, or there are no such hours or time zone.
        NotFound: There is no such type.
    """
    member = await staff.require(db, tenant, staff_id, field="staff_id")
    for kind in told.kinds:
        queues.kinds.get(kind)
    try:
        spans_of(told.hours)
    except InvalidInput as error:
        raise Conflict(str(error), details={"field": "hours"}) from None
    if told.time_zone is not None and told.time_zone not in available_timezones():
        raise Conflict(
            f"There is no time zone {told.time_zone!r}: write it as Europe/Berlin.",
            details={"field": "time_zone"},
        )
    await db.execute(sa.delete(specialists).where(_this(tenant, member)))
    row = {
        "tenant_id": tenant,
        "staff_id": member,
        "kinds": dict(told.kinds),
        "skills": sorted(set(told.skills)),
        "capacity": told.capacity,
        "hours": told.hours,
        "zone": told.time_zone,
        "updated_at": now(),
    }
    await db.execute(specialists.insert(), row)
    return member


async def dismiss(db: Connection, tenant: str, staff_id: str) -> str:
    """Have somebody be no specialist any more; returns their id.

    Raises:
        NotFound: They are none.
    """
    found = await staff.find(db, tenant, staff_id)
    member = found.id if found is not None else staff_id
    this = _this(tenant, member)
    if (await db.execute(sa.delete(specialists).where(this))).rowcount == 0:
        raise NotFound("specialist", staff_id)
    return member


def _this(tenant: str, staff_id: str) -> sa.ColumnElement[bool]:
    return (specialists.c.tenant_id == tenant) & (specialists.c.staff_id == staff_id)


async def working_here(db: Connection, tenant: str) -> frozenset[str]:
    """The ids of all members of staff who work here now, also of those who are no specialists."""
    return frozenset(one.id for one in await members.active_staff(db, tenant))


async def rows_of(db: Connection, tenant: str) -> Sequence[sa.Row[Any]]:
    """The specialists of a tenant who work here now."""
    active = await working_here(db, tenant)
    wanted = sa.select(specialists).where(specialists.c.tenant_id == tenant)
    rows = await db.all(wanted.order_by(specialists.c.staff_id))
    return [row for row in rows if row.staff_id in active]


async def all_of(db: Connection, tenant: str) -> list[Specialist]:
    """The specialists of a tenant, with what each has and whether they work now."""
    having = await _having(db, tenant)
    owner = await tenants.find(db, tenant)
    return [
        Specialist(
            id=row.staff_id,
            kinds=row.kinds,
            skills=frozenset(row.skills),
            capacity=row.capacity,
            load=having[row.staff_id].load if row.staff_id in having else 0,
            on_shift=on_shift(row, owner),
            last_given=having[row.staff_id].last_given if row.staff_id in having else None,
        )
        for row in await rows_of(db, tenant)
    ]


async def _having(db: Connection, tenant: str) -> Mapping[str, sa.Row[Any]]:
    load = sa.func.sum(sa.case((queue_items.c.status.in_(_HAVING), 1), else_=0)).label("load")
    last = sa.func.max(queue_items.c.assigned_at).label("last_given")
    rows = await db.all(
        sa.select(queue_items.c.assignee, load, last)
        .where(
            queue_items.c.tenant_id == tenant,
            queue_items.c.assignee.is_not(None),
            queue_items.c.status.in_(_HAVING) | (queue_items.c.queued_at > now() - LATELY),
        )
        .group_by(queue_items.c.assignee)
    )
    return {row.assignee: row for row in rows}


def on_shift(row: sa.Row[Any], owner: Tenant | None) -> bool:
    """Whether a specialist works now: in their own hours, or else in the tenant's."""
    if row.hours:
        zone = row.zone or (owner.time_zone if owner is not None else None)
        return Tenant("", hours=row.hours, time_zone=zone).is_open(now())
    return owner is None or owner.is_open(now())


async def shown(db: Connection, tenant: str, kind: str | None) -> list[SpecialistShown]:
    """The specialists of a tenant, of a type or of all."""
    by_id = {row.staff_id: row for row in await rows_of(db, tenant)}
    return [
        SpecialistShown(
            staff_id=one.id,
            kinds=dict(one.kinds),
            skills=sorted(one.skills),
            capacity=one.capacity,
            hours=by_id[one.id].hours,
            time_zone=by_id[one.id].zone,
            load=one.load,
            on_shift=one.on_shift,
            available=one.has_room,
        )
        for one in await all_of(db, tenant)
        if kind is None or kind in one.kinds
    ]


async def is_anybody(db: Connection, tenant: str, kind: str) -> bool:
    """Whether anybody is a specialist of a type, on whichever shift."""
    return any(kind in row.kinds for row in await rows_of(db, tenant))


async def available(db: Connection, tenant: str, kind: str) -> tuple[int, int]:
    """How many specialists of a type have room now, and for how much together they are here."""
    theirs = [one for one in await all_of(db, tenant) if kind in one.kinds and one.on_shift]
    return sum(one.has_room for one in theirs), sum(one.capacity for one in theirs)
