"""Tickets: the tables, and what is shown of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from deskward.core.database import UtcDateTime, metadata
from deskward.core.numbering import Numbering
from deskward.core.personal import IMPERSONAL, OWNER, TEXT
from deskward.core.schema import not_all_null
from deskward.core.written import Ours, RecordId, Written

Status = Literal["open", "pending", "resolved", "closed"]
Priority = Literal["low", "normal", "high", "urgent"]
MAX_BODY = 10_000
Subject = Annotated[str, Field(min_length=1, max_length=200, examples=["My card was declined"])]
Body = Annotated[
    str, Field(min_length=1, max_length=MAX_BODY, examples=["It was declined twice at the till."])
]
TicketId = Annotated[
    str,
    RecordId("ticket"),
    Field(pattern=r"^T[1-9][0-9]{0,17}$", description="Id of a ticket.", examples=["T1001"]),
]

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("customer_id", sa.String(64), nullable=False, info=OWNER),
    sa.Column("subject", sa.String(200), nullable=False, info=TEXT),
    sa.Column("body", sa.Text, nullable=False, info=TEXT),
    sa.Column("note", sa.Text, info=TEXT),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("priority", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("assignee", sa.String(64), info=IMPERSONAL),
    sa.Column("reply", sa.Text, info=TEXT),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
    sa.Index("ix_tickets_customer_id", "tenant_id", "customer_id"),
)

ticket_numbers = Numbering("ticket_numbers")


class Ticket(BaseModel):
    """A request for support."""

    id: TicketId
    subject: Annotated[Subject, Written(by="customer")]
    body: Annotated[Body, Written(by="customer")]
    note: Annotated[str, Written(by="customer")] | None = Field(
        description="What an agent wrote of the matter; shown to staff only.",
        examples=["The customer asks for a person."],
    )
    status: Status
    priority: Priority
    customer_id: Ours = Field(examples=["user_001"])
    assignee: Annotated[str, Written(by="staff")] | None = Field(examples=["staff_001"])
    reply: Annotated[str, Written(by="staff")] | None = Field(
        description="The answer to the customer.", examples=["Your card was unlocked again."]
    )
    revision: int = Field(description="Grows with every change.", examples=[1])
    created_at: datetime
    updated_at: datetime

    @property
    def words(self) -> str:
        """All that was written of the matter, also in the note."""
        return f"{self.body}\n\n{self.note}" if self.note else self.body


class TicketUpdate(BaseModel):
    """What to change of a ticket; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=not_all_null("revision"))

    status: Status | None = Field(None, examples=["resolved"])
    priority: Priority | None = None
    assignee: str | None = Field(
        None, min_length=1, max_length=64, description="Id of a member of staff."
    )
    reply: Annotated[str, Field(max_length=10_000)] | None = Field(
        None, min_length=1, description="The answer to the customer, who can read it."
    )
    revision: int | None = Field(
        None, ge=1, description="Change it only if the ticket still has this revision."
    )


class TicketChanged(BaseModel):
    """The receipt of a change."""

    success: bool
    message: Ours = Field(examples=["Ticket T1001 is now resolved."])
    ticket: Ticket


class TicketOpened(BaseModel):
    """The receipt of a new ticket."""

    ticket_id: TicketId
    status: Status
    message: Ours = Field(examples=["Ticket T1001 was opened."])


class TicketList(BaseModel):
    """One page of tickets, the newest first."""

    total: int = Field(description="How many there are on all pages.")
    limit: int
    offset: int
    tickets: list[Ticket]
