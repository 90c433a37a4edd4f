"""Rules and queries of incidents."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from deskward.core import events, jobs
from deskward.core.characters import seen
from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, NotFound
from deskward.core.locking import locking
from deskward.core.paging import newest
from deskward.core.text import shorten
from deskward.diagnostics.incidents.matching import Sign, plain
from deskward.diagnostics.incidents.models import (
    Incident,
    IncidentStatus,
    incident_alerts,
    incident_numbers,
    incidents,
)
from deskward.diagnostics.models import diagnoses
from deskward.security import tenants

OVER = "incident_over"
"""The kind of job that lets the sessions of an incident go on once it is over."""
UPDATED = "incident_updated"
"""The kind of job that tells the customers of an incident how it stands."""
MOST_OPEN = 1_000
"""Incidents of a tenant that are open at once."""
MOST_KNOWN = 50
"""Open incidents of one product that a session is compared with, the newest."""


async def lock(db: Connection, tenant: str) -> None:
    """Let nobody else open or end a tenant's incidents until `db` commits.

    Whether there is one already, and whether another alert tells of it still, is asked behind this:
    two who find none would open two, and of the last two alerts neither would be the last.
    """
    await tenants.find(locking(db), tenant)


async def row_of(db: Connection, tenant: str, incident_id: str) -> sa.Row[Any]:
    """The row of an incident.

    Raises:
        NotFound: The tenant has no such one.
    """
    row = await db.first(sa.select(incidents).where(*_same(tenant, int(incident_id[1:]))))
    if row is None:
        raise NotFound("incident", incident_id)
    return row


async def get(db: Connection, tenant: str, incident_id: str) -> Incident:
    """An incident.

    Raises:
        NotFound: The tenant has no such one.
    """
    (shown,) = await _shown(db, tenant, [await row_of(db, tenant, incident_id)])
    return shown


async def find(
    db: Connection,
    tenant: str,
    *,
    status: IncidentStatus | None,
    product: str | None,
    limit: int,
    offset: int,
) -> tuple[int, list[Incident]]:
    """How many incidents there are, and one page of them, the newest first."""
    where = [incidents.c.tenant_id == tenant]
    if status is not None:
        where.append(incidents.c.status == status)
    if product is not None:
        where.append(incidents.c.product_key == plain(product))
    total, rows = await newest(db, incidents, where, limit=limit, offset=offset)
    return total, await _shown(db, tenant, rows)


async def known_of(db: Connection, tenant: str, product: str) -> Sequence[sa.Row[Any]]:
    """The open incidents of a product, the newest first."""
    return await db.all(
        sa.select(incidents)
        .where(
            incidents.c.tenant_id == tenant,
            incidents.c.status == "open",
            incidents.c.product_key == plain(product),
        )
        .order_by(incidents.c.number.desc())
        .limit(MOST_KNOWN)
    )


async def same_open(db: Connection, tenant: str, signature: str) -> sa.Row[Any] | None:
    """The open incident of a signature, kept as it is until `db` commits."""
    return await locking(db).first(
        sa.select(incidents)
        .where(
            incidents.c.tenant_id == tenant,
            incidents.c.status == "open",
            incidents.c.signature == signature,
        )
        .order_by(incidents.c.number)
        .limit(1)
    )


async def held_open(db: Connection, tenant: str, incident_id: str) -> int | None:
    """The revision of an open incident, which stays so until `db` commits; None if it is over."""
    row = await locking(db).first(sa.select(incidents).where(*_same(tenant, int(incident_id[1:]))))
    return row.revision if row is not None and row.status == "open" else None


async def count_open(db: Connection, tenant: str) -> int:
    """How many incidents of a tenant are open."""
    found = await db.first(
        sa.select(sa.func.count())
        .select_from(incidents)
        .where(incidents.c.tenant_id == tenant, incidents.c.status == "open")
    )
    return int(found[0]) if found is not None else 0


async def begin(
    db: Connection,
    tenant: str,
    sign: Sign,
    *,
    title: str,
    by: str,
    started_at: datetime | None = None,
    description: str = "",
    customer_message: str | None = None,
    severity: str = "",
    source_id: str | None = None,
    name: str = "",
    status: IncidentStatus = "open",
) -> str:
    """Open an incident of a tenant whose incidents are held; gives its id.

    Whether there is one like it is not asked.
    """
    number = await incident_numbers.next(db, tenant)
    moment = now()
    row = {
        "tenant_id": tenant,
        "number": number,
        "status": status,
        "title": title,
        "description": description,
        "customer_message": customer_message,
        "severity": severity,
        "product": sign.product,
        "product_key": plain(sign.product),
        "version": sign.version,
        "test": sign.test,
        "code": sign.code,
        "signature": sign.digest(name),
        "source_id": source_id,
        "opened_by": by,
        "started_at": started_at or moment,
        "revision": 1,
        "created_at": moment,
        "updated_at": moment,
    }
    await db.execute(incidents.insert(), row)
    kind: events.Kind = "incident.opened" if status == "open" else "incident.proposed"
    await events.tell(db, tenant, kind, f"I{number}", {"status": status}, by=by)
    return f"I{number}"


async def resolve(
    db: Connection,
    tenant: str,
    incident_id: str,
    *,
    by: str,
    revision: int | None = None,
    message: str | None = None,
    at: datetime | None = None,
) -> None:
    """Say that an incident is over; its sessions go on by a job.

    Args:
        revision: As it was read, where that counts.
        message: What customers are told from now on.
        at: When it was over, where that was before.

    Raises:
        NotFound: The tenant has no such one.
        Conflict: It is over already, or has changed since.
    """
    await lock(db, tenant)
    row = await _held(db, tenant, incident_id, revision, ("open", "proposed"))
    moment = now()
    await db.execute(
        sa.update(incidents)
        .where(*_same(tenant, row.number))
        .values(
            status="resolved",
            resolved_at=min(at or moment, moment),
            resolved_by=by,
            customer_message=message,  # what was said while it went on is no longer so
            revision=row.revision + 1,
            updated_at=moment,
        )
    )
    told = {"status": "resolved"}
    await events.tell(db, tenant, "incident.resolved", incident_id, told, by=by)
    await _have_told(db, OVER, tenant, incident_id)


async def update(
    db: Connection, tenant: str, incident_id: str, message: str, revision: int | None = None
) -> None:
    """Say how it stands with an incident; a job tells the customers who have joined it.

    Args:
        message: What customers are told from now on.
        revision: As it was read, where that counts.

    Raises:
        NotFound: The tenant has no such one.
        Conflict: It is over, or has changed since.
    """
    row = await _held(db, tenant, incident_id, revision)
    await db.execute(
        sa.update(incidents)
        .where(*_same(tenant, row.number))
        .values(customer_message=message, revision=row.revision + 1, updated_at=now())
    )
    await _have_told(db, UPDATED, tenant, incident_id)


async def open_up(
    db: Connection,
    tenant: str,
    incident_id: str,
    by: str,
    message: str | None,
    revision: int | None = None,
) -> None:
    """Open an incident that the desk has proposed: whoever sees the same joins it from now on.

    Args:
        message: What customers are told.
        revision: As it was read, where that counts.

    Raises:
        NotFound: The tenant has no such one.
        Conflict: It is not a proposed one, or has changed since.
    """
    await lock(db, tenant)
    row = await _held(db, tenant, incident_id, revision, ("proposed",))
    await db.execute(
        sa.update(incidents)
        .where(*_same(tenant, row.number))
        .values(
            status="open",
            opened_by=by,
            customer_message=message,
            revision=row.revision + 1,
            updated_at=now(),
        )
    )
    await events.tell(db, tenant, "incident.opened", incident_id, {"status": "open"}, by=by)


async def is_known(db: Connection, tenant: str, signature: str, since: datetime) -> bool:
    """Whether there is an incident of a signature that is not over, or was not at a moment."""
    live = incidents.c.status != "resolved"
    row = await db.first(
        sa.select(incidents.c.number)
        .where(
            incidents.c.tenant_id == tenant,
            incidents.c.signature == signature,
            live | (incidents.c.updated_at > since),
        )
        .limit(1)
    )
    return row is not None


async def _held(
    db: Connection,
    tenant: str,
    incident_id: str,
    revision: int | None,
    states: tuple[IncidentStatus, ...] = ("open",),
) -> sa.Row[Any]:
    """An incident in one of these states, kept as it is until `db` commits.

    Raises:
        NotFound: The tenant has no such one.
        Conflict: It is in none of them, or has another revision.
    """
    row = await row_of(locking(db), tenant, incident_id)
    if row.status not in states:
        how = "over already" if row.status == "resolved" else row.status
        raise Conflict(f"Incident {incident_id} is {how}.", details={"status": row.status})
    if revision is not None and row.revision != revision:
        raise Conflict(
            f"Incident {incident_id} has changed: it is at revision {row.revision}, not "
            f"{revision}. Read it again.",
            details={"revision": row.revision},
        )
    return row


async def _have_told(db: Connection, kind: str, tenant: str, incident_id: str) -> None:
    """Queue the job that tells the customers who have joined an incident."""
    name = hashlib.sha256("\0".join((kind, tenant, incident_id)).encode()).hexdigest()[:32]
    await jobs.put(db, name, kind, {"tenant": tenant, "incident_id": incident_id}, due=now())


async def changed(db: Connection, tenant: str, number: int) -> None:
    """Count a change of an incident that alerts have made."""
    await db.execute(
        sa.update(incidents)
        .where(*_same(tenant, number))
        .values(revision=incidents.c.revision + 1, updated_at=now())
    )


def sign_of_row(row: sa.Row[Any]) -> Sign:
    """What shows an incident."""
    return Sign(row.product, row.version, row.test, row.code)


def told_customers(row: sa.Row[Any]) -> str:
    """What customers are told of an incident: nothing of what monitoring calls it."""
    if written := _written(row):
        return written
    since = f"{row.started_at:%Y-%m-%d %H:%M} UTC"
    if row.status == "resolved":
        return f"There was a disturbance of {row.product} since {since}. It is over."
    return (
        f"There is a disturbance of {row.product} since {since}, and we are working on it. You "
        "need do nothing."
    )


def said_of(row: sa.Row[Any]) -> dict[str, str]:
    """What texts for customers say of an incident: its product, and what was written for them."""
    return {"product": shorten(row.product), "message": _written(row)}


def _written(row: sa.Row[Any]) -> str:
    """What was written for customers, without what is not seen: it reaches terminals, too."""
    return seen(row.customer_message or "").strip()


def _same(tenant: str, number: int) -> tuple[sa.ColumnElement[bool], ...]:
    return incidents.c.tenant_id == tenant, incidents.c.number == number


async def _shown(db: Connection, tenant: str, rows: Sequence[sa.Row[Any]]) -> list[Incident]:
    """Incidents of a tenant, with how many alerts and sessions there are of each."""
    numbers = [row.number for row in rows]
    alerts, firing = incident_alerts.c, incident_alerts.c.firing.is_(True)
    fires = await _counts(db, alerts.incident, alerts.tenant_id == tenant, numbers, firing)
    here = diagnoses.c.tenant_id == tenant
    joined = await _counts(db, diagnoses.c.incident, here, numbers)
    same = (
        *("status", "title", "description", "customer_message", "severity", "product", "version"),
        *("test", "code", "source_id", "opened_by", "started_at", "resolved_at", "resolved_by"),
        "revision",
    )
    return [
        Incident(
            incident_id=f"I{row.number}",
            firing=fires.get(row.number, 0),
            sessions=joined.get(row.number, 0),
            **{name: getattr(row, name) for name in same},
        )
        for row in rows
    ]


async def _counts(
    db: Connection, of: sa.Column[Any], here: Any, numbers: Sequence[int], *more: Any
) -> dict[int, int]:
    """How many rows there are of each of some incidents."""
    wanted = sa.select(of.label("number"), sa.func.count().label("many"))
    rows = await db.all(wanted.where(here, of.in_(numbers), *more).group_by(of))
    return {row.number: row.many for row in rows}
