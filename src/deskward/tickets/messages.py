"""The messages of a ticket, and its links to others: the tables, and what is shown of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL, LABEL, TEXT, VALUE
from deskward.core.written import Ours, Written
from deskward.security.principals import Kind, Principal
from deskward.tickets.models import Source, TicketId

MessageKind = Literal["message", "note"]
By = Literal["customer", "staff", "agent", "service", "desk"]
Delivery = Literal["none", "queued", "sent", "delivered", "bounced", "failed", "unknown"]
"""`none`: nobody has to bring it anywhere; the customer reads it where they asked. `queued`: it is
on its way. `sent`: it left, or stands in the conversation. `delivered`: they have it. `bounced`: it
came back. `unknown`: it may have left, and is not sent again."""
Link = Literal["linked", "follow_up", "merged", "split"]

ticket_messages = sa.Table(
    "ticket_messages",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("kind", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("author", sa.String(80), nullable=False, info=LABEL),
    sa.Column("channel", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("text", sa.Text, nullable=False, info=TEXT),
    sa.Column("html", sa.Text, info=TEXT),
    sa.Column("whole", sa.Text, info=TEXT),
    sa.Column("files", sa.JSON(none_as_null=True), info=IMPERSONAL),
    sa.Column("delivery", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("detail", sa.Text, info=TEXT),
    sa.Column("message_id", sa.String(998), info=VALUE),
    sa.Column("in_reply_to", sa.String(998), info=VALUE),
    sa.Column("address", sa.String(320), info=VALUE),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("by_moment", sa.Boolean),
    sa.ForeignKeyConstraint(
        ["tenant_id", "number"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
    ),
    sa.Index("uq_ticket_messages_id", "tenant_id", "id", unique=True),
    sa.Index(
        "ix_ticket_messages_message_id",
        *("tenant_id", "message_id"),
        # On PostgreSQL as well, by its migration: to say it here imports all of that dialect.
        sqlite_where=sa.text("message_id IS NOT NULL"),
    ),
)
"""`author` is `kind:id`. `whole` is the text with what was folded out of it (quotes, a signature);
`message_id` and `in_reply_to` are a mail's, with their angle brackets,
and `address` is where it came from, to which it is answered. `by_moment` says that its moment
places it and not its `seq`, because it came from another ticket or from a file."""

ticket_links = sa.Table(
    "ticket_links",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("other", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(
        ["tenant_id", "number"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
    ),
    sa.ForeignKeyConstraint(
        ["tenant_id", "other"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
    ),
    sa.Index("ix_ticket_links_other", "tenant_id", "other"),
)
"""`number` follows up `other`, was merged into it or split off it; or the two belong together."""


class TicketMessage(BaseModel):
    """A message of a ticket, or a note that only staff see."""

    id: Ours = Field(examples=["4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b"])
    ticket_id: TicketId
    seq: int = Field(description="Its place in the ticket, from 1.", examples=[1])
    kind: MessageKind
    by: By = Field(description="Who wrote it.")
    author: Annotated[str, Written(by="staff")] | None = Field(
        description="Their id; of those of the desk it is shown to staff only.",
        examples=["user_001"],
    )
    channel: Source
    text: Annotated[str, Written(by=("customer", "staff"))] = Field(
        examples=["It was declined twice at the till."]
    )
    html: Annotated[str, Written(by=("customer", "staff"))] | None = Field(
        None, description="The text as HTML, without anything that acts or loads."
    )
    whole: Annotated[str, Written(by=("customer", "staff"))] | None = Field(
        None, description="The text with the quotes and the signature that were folded out of it."
    )
    files: list[Ours] = Field(default=[], description="Ids of its files.")
    delivery: Delivery = "none"
    detail: Annotated[str, Written(by="outside")] | None = Field(
        None, description="Why it was not delivered; shown to staff only."
    )
    message_id: Annotated[str, Written(by="customer")] | None = Field(
        None, description="Of a mail its Message-ID."
    )
    in_reply_to: Annotated[str, Written(by="customer")] | None = None
    address: Annotated[str, Written(by="customer")] | None = Field(
        None, description="Of a mail the address that it came from."
    )
    created_at: datetime

    @property
    def row(self) -> dict[str, object]:
        """It as its row, without the tenant and the ticket's number."""
        author = f"{self.by}:{self.author or ''}"
        row = {**self.__dict__, "author": author, "files": self.files or None}
        del row["ticket_id"], row["by"]
        return row


class LinkedTicket(BaseModel):
    """Another ticket that belongs to one."""

    ticket_id: TicketId
    kind: Link = Field(examples=["follow_up"])
    later: bool = Field(description="Whether this one follows, or was split off, the other.")


class TicketMessages(BaseModel):
    """One page of a ticket's messages, the oldest first."""

    total: int = Field(description="How many there are on all pages.")
    limit: int
    offset: int
    messages: list[TicketMessage]
    links: list[LinkedTicket] = []


class MessageReceipt(BaseModel):
    """The receipt of a message or a note."""

    ticket_id: TicketId = Field(description="The ticket that has it.")
    message_id: Ours = Field(examples=["4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b"])
    seq: int = Field(examples=[2])
    message: Ours = Field(examples=["The answer was added to ticket T1001."])


class Author(NamedTuple):
    """Who writes a message."""

    by: By
    id: str = ""

    @classmethod
    def of(cls, principal: Principal) -> Author:
        """The author that a caller is: an agent writes for itself."""
        if principal.agent is not None:
            return cls(by="agent", id=principal.agent)
        return cls(by=principal.kind.value, id=principal.id)

    @classmethod
    def customer(cls, customer_id: str) -> Author:
        """A customer."""
        return cls(by=Kind.CUSTOMER.value, id=customer_id)


DESK = Author(by="desk")
