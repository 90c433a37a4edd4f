"""Mail that came in: the tables, and what is shown of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, get_args

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL, JOINED, OWNER, TEXT, VALUE
from deskward.core.written import Ours, RecordId, Written
from deskward.tickets.models import TicketId

State = Literal["received", "filed", "report", "spam", "ignored", "broken"]
"""`received`: it waits to be read. `filed`: it is a message of a ticket. `report`: it told of the
delivery of another mail. `spam`: the mail server said so. `ignored`: the desk itself sent it.
`broken`: it could not be filed; a person has to look."""
STATES: tuple[State, ...] = get_args(State)

IncomingId = Annotated[
    str,
    RecordId("incoming_mail"),
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a mail that came in.",
        examples=["4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b"],
    ),
]
Letter = Annotated[str, Written(by="customer")]

incoming_mails = sa.Table(
    "incoming_mails",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("key", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("source", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("envelope_from", sa.String(320), info=TEXT),
    sa.Column("envelope_to", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("sender", sa.String(320), nullable=False, info=TEXT),
    sa.Column("subject", sa.String(200), nullable=False, info=TEXT),
    sa.Column("raw", sa.LargeBinary, nullable=False, info=VALUE),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("received_at", UtcDateTime, nullable=False),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("reason", sa.Text, info=TEXT),
    sa.Column("automatic", sa.String(32), info=IMPERSONAL),
    sa.Column("said", sa.String(64), info=IMPERSONAL),
    sa.Column("customer_id", sa.String(64), info=OWNER),
    sa.Column("number", sa.BigInteger),
    sa.Column("left_out", sa.JSON(none_as_null=True), info=DOCUMENT),
    sa.Index("uq_incoming_mails_key", "tenant_id", "key", unique=True),
    sa.Index("ix_incoming_mails_sender", "tenant_id", "sender", "received_at"),
    sa.Index("ix_incoming_mails_status", "tenant_id", "status", "received_at"),
)
"""`key` is what copies of one mail have in common. `envelope_to` are the desk's own addresses
that it was delivered to. `automatic` says why no program answers it, and `said` are digests of
what its sender wrote (`reading/alike.py`). `number` is the ticket's; `left_out` are the files that
were not taken."""

mail_threads = sa.Table(
    "mail_threads",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("customer_id", sa.String(64), primary_key=True, info=OWNER),
    sa.Column("name", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, nullable=False),
    info={JOINED: True},
)
"""Which ticket the mails of a thread belong to, of those that a customer has sent or named: `name`
is the digest of a Message-ID."""

mailboxes = sa.Table(
    "mailboxes",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("name", sa.String(320), primary_key=True, info=IMPERSONAL),
    sa.Column("uid_validity", sa.BigInteger, nullable=False),
    sa.Column("kept", sa.BigInteger, nullable=False),
    sa.Column("settled", sa.BigInteger, nullable=False),
    sa.Column("looked_at", UtcDateTime, nullable=False),
    sa.Column("lease", sa.String(32), info=IMPERSONAL),
    sa.Column("leased_until", UtcDateTime, nullable=False),
    sa.Column("problem", sa.Text, info=IMPERSONAL),
)
"""How far a mailbox on a mail server is read. Up to the UID `kept` its mails are in
`incoming_mails`, and up to `settled` the server was told so. The process with the `lease` reads."""


class Incoming(BaseModel):
    """A mail that came in."""

    incoming_id: IncomingId
    status: State
    reason: Annotated[str, Written(by=("customer", "outside"))] | None = Field(
        description="Why it is where it is.", examples=["It says no sender."]
    )
    sender: Letter = Field(examples=["anna@example.com"])
    subject: Letter = Field(examples=["My card was declined"])
    received_at: datetime
    size: int = Field(description="In bytes.", examples=[20480])
    source: Ours = Field(description="The way in: imap, lmtp, smtp or command.", examples=["imap"])
    automatic: Ours | None = Field(
        description="What shows that a program sent it, so that none answers it.",
        examples=["auto-submitted"],
    )
    ticket_id: TicketId | None = Field(description="The ticket that it is a message of.")
    customer_id: Ours | None = Field(examples=["C1001"])


class IncomingList(BaseModel):
    """One page of mails that came in, the latest first."""

    total: int = Field(description="How many there are on all pages.")
    limit: int
    offset: int
    mails: list[Incoming]


class LetterPart(BaseModel):
    """Lines of a mail's text."""

    kind: Literal["own", "quoted", "signature"]
    text: Letter


class LetterFile(BaseModel):
    """A file that came with a mail."""

    name: Letter
    content_type: Letter
    size: int
    left_out: Letter | None = Field(description="Why it was not kept as a file of the desk.")


class IncomingMail(Incoming):
    """A mail that came in, with all that it says."""

    sender_name: Letter
    to: list[Letter]
    sent_at: datetime | None
    parts: list[LetterPart] = Field(description="Its text, in its order, with what was folded.")
    html: Letter | None = Field(
        description="Its HTML, cleaned: nothing in it acts, and nothing is loaded."
    )
    files: list[LetterFile]
    remarks: list[Ours] = Field(examples=[["signed"]])


class IncomingRetried(BaseModel):
    """The receipt of another try."""

    incoming_id: IncomingId
    message: Ours = Field(examples=["The mail is read again."])
