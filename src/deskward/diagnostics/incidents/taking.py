"""From alerts to incidents: alerts come several times, out of order, and many for one disturbance.

What is compared are the moments that the monitoring itself names, never the desk's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.locking import locking
from deskward.diagnostics.incidents import service, sources
from deskward.diagnostics.incidents.alerts import Alert
from deskward.diagnostics.incidents.matching import Sign
from deskward.diagnostics.incidents.models import (
    AlertsTaken,
    incident_alerts,
    incident_sources,
    incidents,
)

AHEAD = timedelta(days=1)
"""How far in the future an alert may begin: what comes after it would seem to be late."""
FORGOTTEN = timedelta(days=30)
"""After how long an alert that is over is new when it comes again."""
LATE = timedelta(minutes=5)
"""How late the same word can come again: Alertmanager repeats what was not taken for its
`group_interval`, and what is signed is not heard any later."""


@dataclass
class _Counts:
    opened: list[str] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)
    joined: int = 0
    repeated: int = 0
    late: int = 0
    refused: int = 0
    touched: set[int] = field(default_factory=set)


async def take(
    db: Connection, tenant: str, source_id: str, alerts: Sequence[Alert], by: str
) -> AlertsTaken:
    """Take the alerts of one request of a source.

    Raises:
        NotFound: There is no such source any more.
    """
    await service.lock(db, tenant)
    source = await sources.row_of(locking(db), tenant, source_id)
    counts, moment = _Counts(), now()
    await _forget(db, tenant, source_id)
    open_ones = await service.count_open(db, tenant)
    for alert in alerts:
        before = await _known(db, tenant, source_id, alert.fingerprint)
        if alert.started_at > moment + AHEAD:
            counts.refused += 1
        elif not alert.firing:
            await _over(db, tenant, source_id, alert, before, counts, by)
        elif before is not None and before.firing and not await _goes_on(db, tenant, alert, before):
            counts.repeated += 1
            await _note(db, tenant, source_id, alert, before, firing=True)
        elif before is not None and not before.firing and alert.started_at <= before.started_at:
            counts.late += 1  # it was over before this was told
        elif open_ones + len(counts.opened) >= service.MOST_OPEN:
            counts.refused += 1
        else:
            ended = before.incident if before is not None and before.firing else None
            number = await _begun(db, tenant, source, alert, counts, by, ended)
            await _note(db, tenant, source_id, alert, before, firing=True, incident=number)
    for number in counts.touched - {int(one[1:]) for one in counts.resolved}:
        await service.changed(db, tenant, number)
    await db.execute(
        sa.update(incident_sources)
        .where(incident_sources.c.tenant_id == tenant, incident_sources.c.id == source_id)
        .values(heard_at=moment)
    )
    return AlertsTaken(
        opened=counts.opened,
        resolved=counts.resolved,
        joined=counts.joined,
        repeated=counts.repeated,
        late=counts.late,
        refused=counts.refused,
    )


async def _begun(
    db: Connection,
    tenant: str,
    source: sa.Row[Any],
    alert: Alert,
    counts: _Counts,
    by: str,
    ended: int | None,
) -> int:
    """The incident that an alert is of: one that is open and has the same signature, or a new one.

    Gives its number.

    Args:
        ended: The number of the one that staff have resolved while the alert fires.
    """
    sign = Sign(alert.product or source.product, alert.version, alert.test, alert.code)
    same = await service.same_open(db, tenant, sign.digest(alert.name))
    if same is not None:
        counts.joined += 1
        counts.touched.add(same.number)
        return int(same.number)
    before = f"I{ended} was resolved, and its alert goes on. " if ended is not None else ""
    incident_id = await service.begin(
        db,
        tenant,
        sign,
        title=alert.title,
        by=by,
        started_at=min(alert.started_at, now()),
        description=f"{before}{alert.description}",
        customer_message=alert.customer_message,
        severity=alert.severity,
        source_id=source.id,
        name=alert.name,
    )
    counts.opened.append(incident_id)
    return int(incident_id[1:])


async def _goes_on(db: Connection, tenant: str, alert: Alert, before: sa.Row[Any]) -> bool:
    """Whether an alert that fires was heard of again after staff had resolved its incident.

    It is a new occurrence that began after that, or it comes so late that it cannot have been sent
    before: what monitoring repeats says that the disturbance is there still.
    """
    row = await db.first(
        sa.select(incidents.c.status, incidents.c.resolved_at).where(
            incidents.c.tenant_id == tenant, incidents.c.number == before.incident
        )
    )
    if row is None or row.status != "resolved":
        return False
    again = alert.started_at > max(before.started_at, row.resolved_at)
    return bool(again or now() > row.resolved_at + LATE)


async def _over(
    db: Connection,
    tenant: str,
    source_id: str,
    alert: Alert,
    before: sa.Row[Any] | None,
    counts: _Counts,
    by: str,
) -> None:
    """An alert is over: and its incident, if that came of alerts and this was its last one."""
    if before is None:
        counts.late += 1  # what it ends was never told; should that come yet, it is known as over
        await _note(db, tenant, source_id, alert, None, firing=False)
        return
    if not before.firing:
        counts.repeated += 1
        await _note(db, tenant, source_id, alert, before, firing=False)
        return
    if alert.ended_at is not None and alert.ended_at < before.started_at:
        counts.late += 1  # what it ends was before what is so now
        return
    await _note(db, tenant, source_id, alert, before, firing=False)
    row = await db.first(
        sa.select(incidents).where(
            incidents.c.tenant_id == tenant, incidents.c.number == before.incident
        )
    )
    if row is None or row.status != "open":
        return
    others = await db.first(
        sa.select(incident_alerts.c.fingerprint)
        .where(
            incident_alerts.c.tenant_id == tenant,
            incident_alerts.c.incident == row.number,
            incident_alerts.c.firing.is_(True),
        )
        .limit(1)
    )
    counts.touched.add(row.number)
    if others is None and row.source_id is not None:
        incident_id = f"I{row.number}"
        await service.resolve(db, tenant, incident_id, by=by, at=alert.ended_at)
        counts.resolved.append(incident_id)


async def _known(
    db: Connection, tenant: str, source_id: str, fingerprint: str
) -> sa.Row[Any] | None:
    same = _same(tenant, source_id, fingerprint)
    return await db.first(sa.select(incident_alerts).where(*same))


async def _note(
    db: Connection,
    tenant: str,
    source_id: str,
    alert: Alert,
    before: sa.Row[Any] | None,
    *,
    firing: bool,
    incident: int | None = None,
) -> None:
    """Note down how an alert stands."""
    if before is None:
        row = {
            "tenant_id": tenant,
            "source_id": source_id,
            "fingerprint": alert.fingerprint,
            "incident": incident,
            "firing": firing,
            "started_at": alert.started_at,
            "seen_at": now(),
        }
        await db.execute(incident_alerts.insert(), row)
        return
    await db.execute(
        sa.update(incident_alerts)
        .where(*_same(tenant, source_id, alert.fingerprint))
        .values(
            firing=firing,
            incident=incident if incident is not None else before.incident,
            started_at=max(alert.started_at, before.started_at),
            seen_at=now(),
        )
    )


async def _forget(db: Connection, tenant: str, source_id: str) -> None:
    await db.execute(
        sa.delete(incident_alerts).where(
            incident_alerts.c.tenant_id == tenant,
            incident_alerts.c.source_id == source_id,
            incident_alerts.c.firing.is_(False),
            incident_alerts.c.seen_at < now() - FORGOTTEN,
        )
    )


def _same(tenant: str, source_id: str, fingerprint: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        incident_alerts.c.tenant_id == tenant,
        incident_alerts.c.source_id == source_id,
        incident_alerts.c.fingerprint == fingerprint,
    )
