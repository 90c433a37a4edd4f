"""Rules and queries of webhooks."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, NotFound
from deskward.core.events import Kind, State, event_row, events, listen
from deskward.core.fixed import fixed
from deskward.webhooks.models import Delivery, Webhook, webhooks

MOST = 20
"""Webhooks that one tenant may have."""

BY_ID = fixed(
    sa.select(webhooks).where(
        webhooks.c.tenant_id == sa.bindparam("tenant"), webhooks.c.id == sa.bindparam("webhook_id")
    )
)


async def row_of(db: Connection, tenant: str, webhook_id: str) -> sa.Row[Any]:
    """The webhook's row.

    Raises:
        NotFound: The tenant has no such webhook.
    """
    row = await db.first(BY_ID, tenant=tenant, webhook_id=webhook_id)
    if row is None:
        raise NotFound("webhook", webhook_id)
    return row


async def listed(db: Connection, tenant: str) -> list[Webhook]:
    """The webhooks of a tenant, the oldest first."""
    mine = webhooks.c.tenant_id == tenant
    rows = await db.all(sa.select(webhooks).where(mine).order_by(webhooks.c.created_at))
    return [await _shown(db, row) for row in rows]


async def get(db: Connection, tenant: str, webhook_id: str) -> Webhook:
    """A webhook.

    Raises:
        NotFound: The tenant has no such webhook.
    """
    return await _shown(db, await row_of(db, tenant, webhook_id))


async def add(
    db: Connection,
    tenant: str,
    webhook_id: str,
    url: str,
    kinds: Collection[Kind],
    secret: bytes,
    by: str,
) -> None:
    """Have somebody told of events.

    Args:
        secret: As it is kept: sealed.

    Raises:
        Conflict: The tenant has as many webhooks as it may.
    """
    mine = sa.select(sa.func.count()).where(webhooks.c.tenant_id == tenant)
    count = await db.first(mine)
    if count is not None and count[0] >= MOST:
        raise Conflict(f"There are {MOST} webhooks already. Remove one first.")
    moment = now()
    row = {
        "tenant_id": tenant,
        "id": webhook_id,
        "url": url,
        "kinds": sorted(set(kinds)),
        "secret": secret,
        "enabled": True,
        "failures": 0,
        "resume_at": moment,
        "added_by": by,
        "created_at": moment,
    }
    await db.execute(webhooks.insert(), row)
    await listen(db, tenant, webhook_id, kinds)


async def remove(db: Connection, tenant: str, webhook_id: str) -> None:
    """Tell a webhook nothing more, and forget what it was told.

    Raises:
        NotFound: The tenant has no such webhook.
    """
    await row_of(db, tenant, webhook_id)
    await listen(db, tenant, webhook_id, ())
    await db.execute(sa.delete(events).where(*_of(tenant, webhook_id)))
    await db.execute(sa.delete(webhooks).where(*_same(tenant, webhook_id)))


async def enable(db: Connection, tenant: str, webhook_id: str) -> None:
    """Tell a webhook again of what happens from now on.

    Raises:
        NotFound: The tenant has no such webhook.
    """
    row = await row_of(db, tenant, webhook_id)
    await change(
        db, row, enabled=True, reason=None, failures=0, failing_since=None, resume_at=now()
    )
    await listen(db, tenant, webhook_id, row.kinds)


async def disable(db: Connection, row: sa.Row[Any], reason: str) -> None:
    """Tell a webhook nothing more; what waits for it has failed, and can be replayed."""
    await change(db, row, enabled=False, reason=reason)
    await listen(db, row.tenant_id, row.id, ())
    waiting = (*_of(row.tenant_id, row.id), events.c.status == "waiting")
    failed = {"status": "failed", "due_at": now(), "outcome": "it was disabled"}
    await db.execute(sa.update(events).where(*waiting).values(**failed))


async def change(db: Connection, row: sa.Row[Any], **values: Any) -> None:
    """Change a webhook's row."""
    await db.execute(sa.update(webhooks).where(*_same(row.tenant_id, row.id)).values(**values))


async def try_out(db: Connection, tenant: str, webhook_id: str, by: str) -> str:
    """Tell a webhook, and nobody else, that it is tried out; returns the event's id.

    Raises:
        NotFound: The tenant has no such webhook.
        Conflict: It is not enabled.
    """
    await _enabled(db, tenant, webhook_id)
    row = event_row(tenant, webhook_id, "webhook.test", webhook_id, by=by)
    await db.execute(events.insert(), row)
    return str(row["id"])


async def replay(
    db: Connection, tenant: str, webhook_id: str, event_id: str | None, since: datetime | None
) -> int:
    """Tell a webhook again of one event, or of all that failed, or that happened since a moment.

    Raises:
        NotFound: The tenant has no such webhook.
        Conflict: It is not enabled.
    """
    await _enabled(db, tenant, webhook_id)
    wanted = [*_of(tenant, webhook_id), events.c.status != "waiting"]
    if event_id is not None:
        wanted.append(events.c.id == event_id)
    elif since is not None:
        wanted.append(events.c.at >= since)
    else:
        wanted.append(events.c.status == "failed")
    again = {"status": "waiting", "due_at": now(), "attempts": 0}
    return (await db.execute(sa.update(events).where(*wanted).values(**again))).rowcount


async def deliveries(
    db: Connection,
    tenant: str,
    webhook_id: str,
    *,
    status: State | None,
    before: int | None,
    limit: int,
) -> list[Delivery]:
    """What a webhook was told, or is to be, the newest first.

    Raises:
        NotFound: The tenant has no such webhook.
    """
    await row_of(db, tenant, webhook_id)
    wanted = [*_of(tenant, webhook_id)]
    if status is not None:
        wanted.append(events.c.status == status)
    if before is not None:
        wanted.append(events.c.seq < before)
    rows = await db.all(sa.select(events).where(*wanted).order_by(events.c.seq.desc()).limit(limit))
    return [
        Delivery(
            delivery_id=row.seq,
            event_id=row.id,
            kind=row.kind,
            record=row.record,
            status=row.status,
            attempts=row.attempts,
            outcome=row.outcome,
            at=row.at,
        )
        for row in rows
    ]


async def _enabled(db: Connection, tenant: str, webhook_id: str) -> None:
    if not (await row_of(db, tenant, webhook_id)).enabled:
        raise Conflict("The webhook is not enabled. Enable it first.")


async def _shown(db: Connection, row: sa.Row[Any]) -> Webhook:
    mine = (*_of(row.tenant_id, row.id), events.c.status == "waiting")
    waiting = await db.first(sa.select(sa.func.count()).select_from(events).where(*mine))
    return Webhook(
        webhook_id=row.id,
        url=row.url,
        events=row.kinds,
        enabled=row.enabled,
        reason=row.reason,
        failing_since=row.failing_since,
        waiting=waiting[0] if waiting is not None else 0,
        added_by=row.added_by,
        created_at=row.created_at,
    )


def _of(tenant: str, webhook_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return events.c.tenant_id == tenant, events.c.listener == webhook_id


def _same(tenant: str, webhook_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return webhooks.c.tenant_id == tenant, webhooks.c.id == webhook_id
