"""Notices: the tables, and what is shown of them."""

from __future__ import annotations

from typing import Literal, get_args

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import metadata
from deskward.core.events import Kind
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL, LABEL
from deskward.core.written import Ours

ForStaff = Literal[
    "assigned",
    "mentioned",
    "approval_waits",
    "handover_waits",
    "due_soon",
    "escalated",
    "incident_seen",
    "webhook_disabled",
]
ForCustomers = Literal[
    "received",
    "answered",
    "password_changed",
    "address_changed",
    "card_blocked",
    "incident_updated",
    "incident_over",
]
Name = ForStaff | ForCustomers
FOR_STAFF: tuple[ForStaff, ...] = get_args(ForStaff)
FOR_CUSTOMERS: tuple[ForCustomers, ...] = get_args(ForCustomers)
NAMES: tuple[Name, ...] = (*FOR_STAFF, *FOR_CUSTOMERS)

USUAL: frozenset[Name] = frozenset((*FOR_STAFF, "received", "incident_updated", "incident_over"))
"""What a desk that sends mail sends without being told to: what staff cannot work without, that a
request has come, and how it stands with an incident that somebody has joined. What answers say
customers read where they are given."""
LISTENER = "notices"
"""The name by which notices listen to events."""
SOURCES: dict[Name, tuple[Kind, ...]] = {
    "assigned": ("ticket.created", "ticket.updated"),
    "mentioned": ("message.created",),
    "approval_waits": ("approval.waiting",),
    "handover_waits": ("conversation.handed_over", "conversation.waiting_long"),
    "due_soon": ("ticket.due_soon",),
    "escalated": ("ticket.escalated",),
    "incident_seen": ("incident.proposed", "incident.opened"),
    "webhook_disabled": ("webhook.disabled",),
    "received": ("ticket.created",),
    "answered": ("message.created",),
    "password_changed": ("customer.updated",),
    "address_changed": ("customer.updated",),
    "card_blocked": ("customer.updated",),
    "incident_updated": ("diagnosis.incident_updated",),
    "incident_over": ("diagnosis.incident_over",),
}
"""Which events each comes of."""

EVERYBODY = ""
"""Whose switches are the tenant's."""

switches = sa.Table(
    "notice_switches",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("person", sa.String(80), primary_key=True, info=LABEL),
    sa.Column("name", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("on", sa.Boolean, nullable=False),
)
"""Of the tenant (an empty `person`) which are sent at all; of a person, which they want or not."""

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("person", sa.String(80), nullable=False, info=LABEL),
    sa.Column("name", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("record", sa.String(128), nullable=False, info=IMPERSONAL),
    sa.Column("data", sa.JSON, nullable=False, info=DOCUMENT),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Index("ix_notices_due", "due_at"),
    sa.Index("ix_notices_person", "tenant_id", "person"),
)
"""What is to be told whom: those that are due at once go into one mail."""

mailed = sa.Table(
    "notice_mails",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("person", sa.String(80), primary_key=True, info=LABEL),
    sa.Column("at", UtcDateTime, nullable=False),
)
"""When somebody last got a mail."""


class Switch(BaseModel):
    """A notice, and whether it is sent."""

    name: Name
    sent: bool = Field(description="Whether the desk sends it at all.")
    wanted: bool = Field(description="Whether the person wants it; what is not sent none gets.")


class Switches(BaseModel):
    """The notices that somebody may get."""

    person: Ours = Field(examples=["staff:anna"])
    notices: list[Switch]


class SwitchesSet(BaseModel):
    """The receipt of a change."""

    message: Ours
