"""Contacts with customers that were not the desk's own: a call, a visit, a chat elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import Connection, metadata, now
from deskward.core.errors import Conflict
from deskward.core.ids import new_id
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL, OWNER, TEXT
from deskward.core.written import Ours, RecordId, Written
from deskward.customers import service

interactions = sa.Table(
    "interactions",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("customer_id", sa.String(64), nullable=False, info=OWNER),
    sa.Column("channel", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("summary", sa.Text, nullable=False, info=TEXT),
    sa.Column("occurred_at", UtcDateTime, nullable=False),
    sa.Column("saved_by", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("saved_at", UtcDateTime, nullable=False),
    sa.Index("ix_interactions_customer", "tenant_id", "customer_id", "occurred_at"),
)

Channel = Literal["phone", "email", "chat", "meeting", "social", "other"]
CHANNELS = get_args(Channel)
Summary = Annotated[
    str,
    Field(min_length=1, max_length=4_000, examples=["Called: the router works again."]),
]
Said = Written(by=("staff", "outside"))
"""A member of staff or a program wrote it, perhaps of what the customer said."""


class SavedInteraction(BaseModel):
    """A contact with a customer."""

    interaction_id: Annotated[str, RecordId("interaction")]
    customer_id: Ours = Field(examples=["user_001"])
    channel: Ours = Field(examples=["phone"])
    summary: Annotated[str, Said]
    occurred_at: datetime
    saved_by: Ours


async def save(
    db: Connection,
    tenant: str,
    customer_id: str,
    *,
    channel: Channel,
    summary: str,
    at: datetime | None,
    by: str,
) -> SavedInteraction:
    """Keep a contact.

    Args:
        at: When it was; now where that is not said.
        by: Who keeps it.

    Raises:
        NotFound: The tenant has no such customer.
        Conflict: They were merged into another one, or it has not been yet.
    """
    await service.require(db, tenant, customer_id)
    moment = now()
    if at is not None and at > moment:
        raise Conflict("It has not been yet.", details={"field": "occurred_at"})
    row: dict[str, Any] = {
        "tenant_id": tenant,
        "id": new_id(),
        "customer_id": customer_id,
        "channel": channel,
        "summary": summary,
        "occurred_at": at or moment,
        "saved_by": by,
        "saved_at": moment,
    }
    await db.execute(interactions.insert(), row)
    return _shown(row)


async def newest(
    db: Connection, tenant: str, customer_id: str, limit: int
) -> list[SavedInteraction]:
    """The last contacts with a customer, the newest first."""
    rows = await db.all(
        sa.select(interactions)
        .where(interactions.c.tenant_id == tenant, interactions.c.customer_id == customer_id)
        .order_by(interactions.c.occurred_at.desc(), interactions.c.id)
        .limit(limit)
    )
    return [_shown(row._asdict()) for row in rows]


def _shown(row: dict[str, Any]) -> SavedInteraction:
    names = ("customer_id", "channel", "summary", "occurred_at", "saved_by")
    return SavedInteraction(interaction_id=row["id"], **{name: row[name] for name in names})
