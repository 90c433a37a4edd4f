"""Service levels: the tables, and what is shown of clocks."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL
from deskward.core.written import Ours
from deskward.escalation.agreements import Which
from deskward.escalation.clocks import How
from deskward.tickets.models import TicketId

_OF_TICKET = (["tenant_id", "number"], ["tickets.tenant_id", "tickets.number"])

sla_watch = sa.Table(
    "sla_watch",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("next_at", UtcDateTime, nullable=False),
    sa.Column("looked_at", UtcDateTime),
    sa.ForeignKeyConstraint(*_OF_TICKET, ondelete="CASCADE"),
    sa.Index("ix_sla_watch_next", "next_at"),
    # On PostgreSQL as well, by its migration: to say it here imports all of that dialect.
    sa.Index("ix_sla_watch_looked", "looked_at", sqlite_where=sa.text("looked_at IS NOT NULL")),
)
"""When to look at the clocks of a ticket that is worked on. It is no more than that: what they say
follows from the ticket's history. The database sets it to the past whenever a ticket, its
customer's tier or the tenant's hours change (a migration's triggers). `looked_at` is when somebody
last looked; where that is to come, the clock was fast, and what was seen by it counts for nothing.
"""

sla_escalations = sa.Table(
    "sla_escalations",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("clock", sa.String(16), primary_key=True, info=IMPERSONAL),
    sa.Column("started_at", UtcDateTime, primary_key=True),
    sa.Column("policy", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(*_OF_TICKET, ondelete="CASCADE"),
)
"""Clocks for which a ticket was escalated: each once."""

sla_rules = sa.Table(
    "sla_rules",
    metadata,
    sa.Column("name", sa.String(16), primary_key=True, info=IMPERSONAL),
    sa.Column("digest", sa.String(64), nullable=False, info=IMPERSONAL),
)
"""Which policies were last reckoned with: with others all clocks are looked at anew."""


class TicketClock(BaseModel):
    """A clock of a ticket."""

    clock: Which
    policy: Ours = Field(examples=["premium-urgent"])
    state: How
    started_at: datetime = Field(description="Since when the customer waits.")
    target_minutes: int = Field(description="How long it may run, in the calendar's time.")
    spent_minutes: int = Field(description="How much of that has run, in the calendar's time.")
    due_at: datetime | None = Field(None, description="When it runs out; null while it is paused.")
    warn_at: datetime | None = Field(None, description="When the ticket is escalated.")
    ended_at: datetime | None = None
    overdue: bool = Field(description="Whether it has run for longer than it may.")
    set_by_hand: bool = Field(False, description="Whether staff have set when it runs out.")
    escalated_at: datetime | None = Field(None, description="When the ticket was escalated for it.")


class TicketDue(BaseModel):
    """How the clocks of a ticket stand."""

    ticket_id: TicketId
    policy: Ours | None = Field(description="The one that counts now; null where none fits.")
    next_due_at: datetime | None = Field(description="When the first clock that runs runs out.")
    overdue: bool = Field(description="Whether one that runs, or is paused, is overdue.")
    clocks: list[TicketClock] = Field(description="Those that were stopped, then those that run.")
