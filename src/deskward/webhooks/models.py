"""Webhooks: the table of those who are told, and the shapes of what is shown of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field, SecretStr

from deskward.core.database import metadata
from deskward.core.events import Kind, State
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL
from deskward.core.written import Ours, Written

webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("url", sa.String(2000), nullable=False, info=IMPERSONAL),
    sa.Column("kinds", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("secret", sa.LargeBinary, nullable=False, info=IMPERSONAL),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("reason", sa.String(200), info=IMPERSONAL),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failing_since", UtcDateTime),
    sa.Column("resume_at", UtcDateTime, nullable=False),
    sa.Column("added_by", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
)
"""`secret` is sealed. `failures` counts rounds in which nothing was taken, `resume_at` is when the
next one may be. `reason` says why it is not enabled."""

WebhookId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a webhook.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    ),
]
Url = Annotated[
    str,
    Field(
        min_length=8,
        max_length=2000,
        description="Address that events are posted to; it is reached over HTTPS.",
        examples=["https://hooks.example.com/deskward"],
    ),
]
Kinds = Annotated[
    list[Kind], Field(min_length=1, max_length=50, description="The kinds of events to tell.")
]
Secret = Annotated[
    SecretStr,
    Field(
        min_length=38,
        max_length=100,
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwsr"],
        description="What events are signed with: `whsec_` and 24 to 64 random bytes as Base64. It "
        "is never shown again.",
    ),
]


class Webhook(BaseModel):
    """Somebody who is told of events."""

    webhook_id: WebhookId
    url: Annotated[str, Written(by="staff")]
    events: list[Kind]
    enabled: bool
    reason: Annotated[str, Written(by="outside")] | None = Field(
        description="Why it is not enabled, or what its address answered last that was no success."
    )
    failing_since: datetime | None = Field(description="Since when nothing was taken.")
    waiting: int = Field(description="Events that are still to be told.")
    added_by: Ours
    created_at: datetime


class WebhookList(BaseModel):
    """The webhooks of the tenant."""

    webhooks: list[Webhook]


class Delivery(BaseModel):
    """An event, and whether a webhook was told of it."""

    delivery_id: int = Field(description="Grows with each event.")
    event_id: Ours = Field(description="What `webhook-id` says; the same at every attempt.")
    kind: Ours
    record: Ours
    status: State
    attempts: int
    outcome: Annotated[str, Written(by="outside")] | None = Field(
        description="What came of the last attempt.", examples=["200"]
    )
    at: datetime = Field(description="When it happened.")


class DeliveryList(BaseModel):
    """Deliveries of a webhook, the newest first."""

    deliveries: list[Delivery]


class WebhookReceipt(BaseModel):
    """The receipt of a change."""

    webhook_id: WebhookId
    message: Ours


class Replayed(WebhookReceipt):
    """The receipt of events that are told again."""

    count: int


Outcome = Literal["taken", "refused", "gone"]
