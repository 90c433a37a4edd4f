"""Many tickets changed by one call: the tables, and what is shown of them.

The call names exactly what it changes by a digest: over each ticket with its revision, and over the
change. A job then changes them one by one, each by a call of its own (`bulk_job.py`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from deskward.core.database import Connection, metadata
from deskward.core.moments import Moment, UtcDateTime
from deskward.core.personal import IMPERSONAL, LABEL
from deskward.core.schema import not_all_null
from deskward.core.written import Ours
from deskward.tickets.models import Priority, Status, Tag, Team, TicketId, tickets

MOST = 10_000
"""Tickets that one call changes at the most; policies say how many without another person."""
PAGE = 1_000
Became = Literal["waiting", "changed", "conflict", "refused"]
"""`conflict`: it was changed by somebody meanwhile, and is as they left it."""
State = Literal["running", "done", "failed"]

bulk_changes = sa.Table(
    "bulk_changes",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("by", sa.String(80), nullable=False, info=LABEL),
    sa.Column("principal", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("door", sa.String(8), nullable=False, info=IMPERSONAL),
    sa.Column("digest", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("change", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("reason", sa.Text, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
)
bulk_tickets = sa.Table(
    "bulk_tickets",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("change_id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("became", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("told", sa.Text, info=IMPERSONAL),
    sa.ForeignKeyConstraint(
        ["tenant_id", "change_id"],
        ["bulk_changes.tenant_id", "bulk_changes.id"],
        ondelete="CASCADE",
    ),
    sa.Index("ix_bulk_tickets_became", "tenant_id", "change_id", "became", "number"),
)


SomeTags = Annotated[list[Tag], Field(min_length=1, max_length=50)]
TAKEN_BACK_OF_MANY = frozenset({"assignee", "team", "snoozed_until"})
"""What of many tickets a null takes back."""


class TicketsChange(BaseModel):
    """What to change of each ticket; what is left out stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra=not_all_null(nullable=TAKEN_BACK_OF_MANY)
    )

    status: Status | None = None
    priority: Priority | None = None
    assignee: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        None, description="Id of a member of staff; null takes the assignments back."
    )
    team: Team | None = Field(None, description="The team that works on them; null for none.")
    add_tags: SomeTags | None = None
    remove_tags: SomeTags | None = None
    spam: bool | None = None
    snoozed_until: Moment | None = Field(None, description="Until when they wait; null: no longer.")

    @property
    def given(self) -> dict[str, Any]:
        """What is to be changed, and to what, as JSON."""
        return self.model_dump(mode="json")

    @model_serializer(mode="wrap")
    def _only_what_was_given(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {
            name: value
            for name, value in whole(self).items()
            if name in self.model_fields_set and (value is not None or name in TAKEN_BACK_OF_MANY)
        }


class TicketsChosen(BaseModel):
    """Which tickets a change would be of."""

    tickets: int = Field(description="How many there are.", examples=[12])
    digest: Ours = Field(description="Names exactly these tickets as they are, and this change.")
    first: list[TicketId] = Field(description="The first of them.")


class NotChanged(BaseModel):
    """A ticket that was not changed."""

    ticket_id: TicketId
    became: Became
    told: Ours | None = Field(description="Why.")


class BulkChange(BaseModel):
    """A change of many tickets, and how far it is."""

    change_id: Ours = Field(examples=["4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b"])
    status: State
    reason: Ours | None = Field(description="Why it failed.")
    by: Ours = Field(examples=["staff:anna"])
    digest: Ours
    tickets: int
    waiting: int
    changed: int
    conflicts: int = Field(description="How many somebody else had changed; they were left alone.")
    refused: int
    problems: list[NotChanged] = Field(description="The first of those that were not changed.")
    created_at: datetime
    ended_at: datetime | None


Chosen = Sequence[tuple[int, int]]
"""Numbers of tickets, each with its revision, in order."""


async def revisions(db: Connection, tenant: str, numbers: Sequence[int]) -> Chosen:
    """The tickets of these numbers that there are, with their revisions."""
    found: list[tuple[int, int]] = []
    for start in range(0, len(numbers), PAGE):
        rows = await db.all(
            sa.select(tickets.c.number, tickets.c.revision)
            .where(
                tickets.c.tenant_id == tenant,
                tickets.c.number.in_(numbers[start : start + PAGE]),
            )
            .order_by(tickets.c.number)
        )
        found += [(row.number, row.revision) for row in rows]
    return found


def digest_of(chosen: Chosen, change: TicketsChange) -> str:
    """SHA-256 of exactly these tickets as they are, and of the change, in hexadecimal digits."""
    whole = json.dumps([[list(one) for one in chosen], change.given], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


async def shown(db: Connection, tenant: str, row: sa.Row[Any]) -> BulkChange:
    """A change as it is shown."""
    of_it = (bulk_tickets.c.tenant_id == tenant) & (bulk_tickets.c.change_id == row.id)
    counted = sa.select(bulk_tickets.c.became, sa.func.count()).where(of_it)
    rows = await db.all(counted.group_by(bulk_tickets.c.became))
    counts: dict[str, int] = dict(map(tuple, rows))
    wrong = bulk_tickets.c.became.in_(("conflict", "refused"))
    problems = await db.all(
        sa.select(bulk_tickets).where(of_it, wrong).order_by(bulk_tickets.c.number).limit(100)
    )
    return BulkChange(
        change_id=row.id,
        status=row.status,
        reason=row.reason,
        by=row.by,
        digest=row.digest,
        tickets=sum(counts.values()),
        waiting=counts.get("waiting", 0),
        changed=counts.get("changed", 0),
        conflicts=counts.get("conflict", 0),
        refused=counts.get("refused", 0),
        problems=[
            NotChanged(ticket_id=f"T{one.number}", became=one.became, told=one.told)
            for one in problems
        ],
        created_at=row.created_at,
        ended_at=row.ended_at,
    )
