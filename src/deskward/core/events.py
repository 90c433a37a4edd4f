"""What has happened, told to whoever listens: a row each, in the transaction of what it tells.

Slices `tell`; webhooks and notifications listen, per tenant and kind. Where nobody listens nothing
is written, and what is rolled back was never told. An event says what happened to which record, and
not what people wrote: whoever is told looks the record up, with what they may see.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Literal, get_args

import sqlalchemy as sa

from deskward.core.database import Connection, insert_or_ignore, metadata, now
from deskward.core.fixed import fixed
from deskward.core.ids import new_id
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL, LABEL, OWNER

Kind = Literal[
    "ticket.created",
    "ticket.updated",
    "ticket.resolved",
    "ticket.reopened",
    "ticket.due_soon",
    "ticket.escalated",
    "message.created",
    "message.delivery",
    "conversation.handed_over",
    "conversation.taken",
    "conversation.given_back",
    "conversation.waiting_long",
    "approval.waiting",
    "approval.decided",
    "customer.created",
    "customer.updated",
    "customer.merged",
    "customer.erased",
    "incident.proposed",
    "incident.opened",
    "incident.resolved",
    "diagnosis.joined",
    "diagnosis.incident_updated",
    "diagnosis.incident_over",
    "webhook.disabled",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

State = Literal["waiting", "done", "failed"]

listeners = sa.Table(
    "listeners",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("kind", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("listener", sa.String(32), primary_key=True, info=IMPERSONAL),
)
"""Who is told of which kind of event of which tenant; of the empty name, of each."""

events = sa.Table(
    "events",
    metadata,
    sa.Column(
        "seq",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("tenant_id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("listener", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("id", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("kind", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("record", sa.String(128), nullable=False, info=IMPERSONAL),
    sa.Column("lane", sa.String(128), nullable=False, info=IMPERSONAL),
    sa.Column("customer_id", sa.String(64), info=OWNER),
    sa.Column("by", sa.String(80), info=LABEL),
    sa.Column("data", sa.JSON, nullable=False, info=DOCUMENT),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("outcome", sa.String(200), info=IMPERSONAL),
    sa.Index("ix_events_due", "status", "due_at"),
    sa.Index("ix_events_lane", "tenant_id", "listener", "status", "lane", "seq"),
    sa.Index("ix_events_listener", "tenant_id", "listener", "status", "seq"),
    sa.Index("ix_events_heard", "listener", "status", "seq"),
    sa.Index("ix_events_customer_id", "tenant_id", "customer_id"),
)
"""One row per event and listener; those of one event have the same `id`. `seq` grows in the order
in which things happened to one record. Within a `lane` one is told after the other. `due_at` says
when it may be tried, or, of one that is `done` or `failed`, when that came about; `outcome` is what
came of the last try. The record of `customer.erased` is the one id of somebody erased that is kept.
"""

EVERY_TENANT = ""
"""As a listener's tenant: it is told of what happens in each."""

_LISTENS = (listeners.c.tenant_id.in_((sa.bindparam("tenant", type_=sa.String), EVERY_TENANT))) & (
    listeners.c.kind == sa.bindparam("kind")
)
_ANYBODY = fixed(sa.select(listeners.c.listener).where(_LISTENS).limit(1))
_WHO = (
    sa.select(listeners.c.listener, listeners.c.kind)
    .where(_LISTENS)
    .group_by(listeners.c.listener, listeners.c.kind)
    .subquery()
)
_TELL = fixed(
    sa.insert(events).from_select(
        [column.name for column in events.c if column.name not in ("seq", "outcome")],
        sa.select(
            sa.bindparam("of_tenant", type_=sa.String),
            _WHO.c.listener,
            sa.bindparam("id", type_=sa.String),
            _WHO.c.kind,
            sa.bindparam("record", type_=sa.String),
            sa.bindparam("lane", type_=sa.String),
            sa.bindparam("customer_id", type_=sa.String),
            sa.bindparam("by", type_=sa.String),
            sa.bindparam("data", type_=sa.JSON),
            sa.bindparam("at", type_=UtcDateTime),
            sa.literal("waiting"),
            sa.bindparam("due_at", type_=UtcDateTime),
            sa.literal(0),
        ),
        include_defaults=False,
    )
)
_LISTEN = insert_or_ignore(listeners, "tenant_id", "kind", "listener")


async def tell(
    db: Connection,
    tenant: str,
    kind: Kind,
    record: str,
    data: Mapping[str, Any] | None = None,
    *,
    customer_id: str | None = None,
    by: str | None = None,
    lane: str | None = None,
) -> None:
    """Tell whoever listens what has happened, once the caller's transaction has committed.

    Args:
        record: The id of the record that it happened to.
        data: What more there is to know: ids and states, and nothing that people wrote.
        customer_id: Whose the record is; the event goes when they are erased.
        by: The label of who did it.
        lane: The record in whose order it is told, where that is another: of a message, its ticket.
    """
    if await db.first(_ANYBODY, tenant=tenant, kind=kind) is None:
        return
    moment = now()
    values = {
        "tenant": tenant,
        "of_tenant": tenant,
        "kind": kind,
        "id": new_id(),
        "record": record,
        "lane": lane or record,
        "customer_id": customer_id,
        "by": by,
        "data": dict(data or {}),
        "at": moment,
        "due_at": moment,
    }
    await db.change(_TELL, values)


def event_row(
    tenant: str, listener: str, kind: str, record: str, *, by: str | None = None
) -> dict[str, Any]:
    """An event's row for one listener alone, whatever else it listens to."""
    moment = now()
    return {
        "tenant_id": tenant,
        "listener": listener,
        "id": new_id(),
        "kind": kind,
        "record": record,
        "lane": record,
        "by": by,
        "data": {},
        "at": moment,
        "status": "waiting",
        "due_at": moment,
        "attempts": 0,
    }


async def forget(db: Connection, before: datetime) -> None:
    """Forget what was told, or failed, before a moment."""
    ended = events.c.status.in_(("done", "failed")) & (events.c.due_at < before)
    await db.execute(sa.delete(events).where(ended))


async def listen(db: Connection, tenant: str, listener: str, kinds: Collection[Kind]) -> None:
    """Have a listener told of exactly these kinds of a tenant's events from now on.

    Args:
        tenant: The tenant; `EVERY_TENANT` for all that there are and will be, besides what it
            hears of single ones.
    """
    mine = (listeners.c.tenant_id == tenant) & (listeners.c.listener == listener)
    await db.execute(sa.delete(listeners).where(mine, listeners.c.kind.not_in(kinds)))
    for kind in kinds:
        await db.execute(_LISTEN, {"tenant_id": tenant, "kind": kind, "listener": listener})
