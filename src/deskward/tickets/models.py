"""Tickets: the tables, and what is shown of them."""

from __future__ import annotations

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

from deskward.core.custom_fields import Value as FieldValue
from deskward.core.database import metadata
from deskward.core.moments import Moment, UtcDateTime
from deskward.core.numbering import MOST_COUNTED, Numbering
from deskward.core.personal import DOCUMENT, IMPERSONAL, LABEL, OWNER, TEXT, VALUE
from deskward.core.schema import not_all_null, one_of_two, only_with
from deskward.core.written import Ours, RecordId, Written
from deskward.files.models import FileId

Status = Literal["open", "pending", "resolved", "closed"]
Priority = Literal["low", "normal", "high", "urgent"]
Source = Literal["chat", "mail", "api", "mcp", "cli"]
"""The way in by which a ticket, or a message, came."""
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
Team = Annotated[str, Field(min_length=1, max_length=64, examples=["billing"])]
Tag = Annotated[str, Field(min_length=1, max_length=64, examples=["refund"])]
Tags = Annotated[list[Tag], Field(max_length=50)]
Fields = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=64)],
        Annotated[str, Field(max_length=1_000)] | float | None,
    ],
    Field(max_length=50, examples=[{"device": "reader 3"}]),
]
Language = Annotated[
    str,
    Field(
        max_length=35,
        pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$",
        description="A language tag (BCP 47).",
        examples=["de"],
    ),
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
    sa.Column("team", sa.String(64), info=IMPERSONAL),
    sa.Column("tags", sa.JSON(none_as_null=True), info=IMPERSONAL),
    sa.Column("fields", sa.JSON(none_as_null=True), info=VALUE),
    sa.Column("language", sa.String(35), info=IMPERSONAL),
    sa.Column("source", sa.String(16), nullable=False, server_default="api", info=IMPERSONAL),
    sa.Column("answer_due_at", UtcDateTime),
    sa.Column("resolve_due_at", UtcDateTime),
    sa.Column("resolved_at", UtcDateTime),
    sa.Column("snoozed_until", UtcDateTime),
    sa.Column("spam", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("merged_into", sa.BigInteger),
    sa.Column("messages", sa.Integer, nullable=False, server_default="1"),
    sa.Column("heard", sa.Integer, nullable=False, server_default="1"),
    sa.Column("session_owner", sa.String(80), info=LABEL),
    sa.Column("session_id", sa.String(128), info=VALUE),
    sa.ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
    sa.Index("ix_tickets_customer_id", "tenant_id", "customer_id"),
    sa.Index(
        "ix_tickets_session",
        *("tenant_id", "session_owner", "session_id"),
        # On PostgreSQL as well, by its migration: to say it here imports all of that dialect.
        sqlite_where=sa.text("session_owner IS NOT NULL"),
    ),
    sa.Index("ix_tickets_updated", "tenant_id", "updated_at", "number"),
    sa.Index("ix_tickets_status", "tenant_id", "status", "number"),
    sa.Index("ix_tickets_created", "tenant_id", "created_at", "number"),
    *(
        sa.Index(f"ix_tickets_{leader}_{name}", "tenant_id", leader, f"{name}_at", "number")
        for leader in ("status", "assignee", "team")
        for name in ("created", "updated")
    ),
)
"""`body` is the first message and `reply` the last answer; all of them are `ticket_messages`.
`messages` counts these, and `heard` those of customers among them."""

handover_notes = sa.Table(
    "handover_notes",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("told", sa.JSON, nullable=False, info=DOCUMENT),
    sa.ForeignKeyConstraint(
        ["tenant_id", "number"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
    ),
)
"""What is told of the handover that a ticket is, as of the last time it was asked for."""

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
        description="The last answer to the customer.", examples=["Your card was unlocked again."]
    )
    revision: int = Field(description="Grows with every change.", examples=[1])
    created_at: datetime
    updated_at: datetime
    source: Source = "api"
    messages: int = Field(1, description="How many messages and notes it has.")
    heard: int = Field(1, description="How many of them are a customer's.")
    merged_into: TicketId | None = Field(None, description="The ticket that took its messages.")
    resolved_at: datetime | None = None
    language: Annotated[str, Written(by="staff")] | None = Field(None, examples=["de"])
    team: Annotated[str, Written(by="staff")] | None = Field(
        None, description="Shown to no customer, as all that follows.", examples=["billing"]
    )
    tags: Annotated[list[str], Written(by="staff")] = Field(default=[], examples=[["refund"]])
    fields: Annotated[dict[str, FieldValue], Written(by="staff")] = Field(
        default={}, description="Values of the fields that the desk has declared."
    )
    answer_due_at: datetime | None = Field(None, description="Until when it is to be answered.")
    resolve_due_at: datetime | None = Field(None, description="Until when it is to be resolved.")
    snoozed_until: datetime | None = Field(None, description="When it comes back.")
    spam: bool = False
    session_owner: Annotated[str, Written(by="staff")] | None = Field(
        None, description="Whose conversation it came from."
    )
    session_id: Annotated[str, Written(by="customer")] | None = Field(
        None, description="The conversation that it came from."
    )

    @property
    def words(self) -> str:
        """All that was written of the matter, also in the note."""
        return f"{self.body}\n\n{self.note}" if self.note else self.body


TAKEN_BACK = frozenset({"assignee", "team", "language", "answer_due_at", "resolve_due_at"})
"""What of a ticket a null takes back."""


MOST_FILES = 10
"""How many files go with one reply."""


def _change_in_json(schema: dict[str, Any]) -> None:
    not_all_null("revision", nullable=TAKEN_BACK)(schema)
    one_of_two("reply", "template")(schema)
    only_with("files", "reply")(schema)


class TicketUpdate(BaseModel):
    """What to change of a ticket; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_change_in_json)

    status: Status | None = Field(None, examples=["resolved"])
    priority: Priority | None = None
    assignee: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="Id of a member of staff; null takes the assignment back.",
    )
    reply: Annotated[str, Field(max_length=10_000)] | None = Field(
        None, min_length=1, description="The answer to the customer, who can read it."
    )
    files: Annotated[list[FileId], Field(max_length=MOST_FILES)] | None = Field(
        None,
        description="Ids of files to send with the reply: the caller's own, or the customer's.",
    )
    revision: int | None = Field(
        None,
        ge=1,
        le=MOST_COUNTED,
        description="Change it only if the ticket still has this revision.",
    )
    template: Literal["holding"] | None = Field(
        None,
        description="A text of the desk's own to answer with, in the customer's language, instead "
        "of a reply. `holding`: a colleague will look.",
    )
    team: Team | None = Field(None, description="The team that works on it; null for none.")
    tags: Tags | None = Field(None, description="All its tags, instead of those that it had.")
    fields: Fields | None = Field(
        None, description="Values of the fields that the desk has declared; null empties one."
    )
    language: Language | None = None
    answer_due_at: Moment | None = Field(None, description="Until when to answer it.")
    resolve_due_at: Moment | None = Field(None, description="Until when to resolve it.")

    @property
    def given(self) -> dict[str, Any]:
        """What is to be changed, and to what."""
        return {
            name: value
            for name, value in self.__dict__.items()
            if name in self.model_fields_set
            and name not in ("revision", "files")
            and (value is not None or name in TAKEN_BACK)
        }

    def answering(self, text: str) -> TicketUpdate:
        """The same change, with this answer instead of a template."""
        return self.model_copy(update={"reply": text, "template": None})

    @model_serializer(mode="wrap")
    def _only_what_was_given(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A null that was given says something else than what was left out, also on record."""
        return {name: value for name, value in whole(self).items() if name in self.model_fields_set}


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
    hours: Ours | None = Field(
        None,
        description="Of a handover: when people answer, in the customer's language; null where the "
        "tenant has told no hours.",
        examples=["Monday–Friday 9:00 AM–5:00 PM (Berlin)"],
    )


class TicketList(BaseModel):
    """One page of tickets, the newest first."""

    total: int = Field(description="How many there are on all pages.")
    limit: int
    offset: int
    tickets: list[Ticket]
