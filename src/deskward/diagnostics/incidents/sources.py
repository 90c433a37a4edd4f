"""Where alerts come from: each source has an address and a secret of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, NotFound
from deskward.diagnostics.incidents import service
from deskward.diagnostics.incidents.models import (
    IncidentSource,
    incident_alerts,
    incident_sources,
)
from deskward.gate.sealing import Sealing
from deskward.security.hook_signatures import carries, is_signed

MOST = 100
"""Sources that one tenant may have."""
PURPOSE = "incident sources"
"""What their secrets are sealed for."""


@dataclass(frozen=True)
class AlertVault:
    """The port by which tools and doors seal and open the secrets of sources."""

    sealing: Sealing


async def row_of(db: Connection, tenant: str, source_id: str) -> sa.Row[Any]:
    """The row of a source.

    Raises:
        NotFound: The tenant has no such one.
    """
    row = await db.first(sa.select(incident_sources).where(*_same(tenant, source_id)))
    if row is None:
        raise NotFound("source", source_id)
    return row


async def of_address(db: Connection, source_id: str) -> sa.Row[Any] | None:
    """The source that an address names, of whichever tenant; None for none."""
    return await db.first(sa.select(incident_sources).where(incident_sources.c.id == source_id))


def is_from(
    row: sa.Row[Any], vault: AlertVault, headers: Mapping[str, str], body: bytes, seconds: int
) -> bool:
    """Whether a request comes from a source.

    Args:
        headers: In lower case.
        seconds: Now.
    """
    secret = vault.sealing.opened(row.id, row.secret)
    if row.form == "alertmanager":  # it signs nothing, and can send a token
        return carries(secret, headers)
    if "x-hub-signature-256" in headers:  # that form says no time
        return False
    return is_signed(secret, headers, body, seconds)


async def add(db: Connection, tenant: str, values: dict[str, Any]) -> None:
    """Add a source.

    Raises:
        Conflict: There is one of that name, or the tenant has as many as it may.
    """
    await service.lock(db, tenant)
    mine = incident_sources.c.tenant_id == tenant
    names = [row.name for row in await db.all(sa.select(incident_sources.c.name).where(mine))]
    if len(names) >= MOST:
        raise Conflict(f"There are {MOST} sources already. Remove one first.")
    if values["name"] in names:
        raise Conflict(f"There is a source {values['name']!r} already. Choose another name.")
    await db.execute(
        incident_sources.insert(), {"tenant_id": tenant, **values, "created_at": now()}
    )


async def remove(db: Connection, tenant: str, source_id: str) -> None:
    """Take nothing more from a source. Its incidents stay; those that are open, people resolve.

    Raises:
        NotFound: The tenant has no such one.
    """
    await row_of(db, tenant, source_id)
    mine = (incident_alerts.c.tenant_id == tenant) & (incident_alerts.c.source_id == source_id)
    await db.execute(sa.delete(incident_alerts).where(mine))
    await db.execute(sa.delete(incident_sources).where(*_same(tenant, source_id)))


async def listed(db: Connection, tenant: str) -> list[IncidentSource]:
    """The sources of a tenant, the oldest first."""
    mine = incident_sources.c.tenant_id == tenant
    order = (incident_sources.c.created_at, incident_sources.c.id)
    rows = await db.all(sa.select(incident_sources).where(mine).order_by(*order))
    return [
        IncidentSource(
            source_id=row.id,
            name=row.name,
            form=row.form,
            product=row.product,
            address=address_of(row.id),
            added_by=row.added_by,
            created_at=row.created_at,
            heard_at=row.heard_at,
        )
        for row in rows
    ]


def address_of(source_id: str) -> str:
    """The address that a source posts to."""
    return f"/hooks/alerts/{source_id}"


def _same(tenant: str, source_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return incident_sources.c.tenant_id == tenant, incident_sources.c.id == source_id
