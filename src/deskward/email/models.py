"""Mail: the table of the outbox, and the shapes of what goes in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from email_validator import SPECIAL_USE_DOMAIN_NAMES, validate_email
from pydantic import AfterValidator, BaseModel, EmailStr, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL, LABEL, TEXT, VALUE
from deskward.core.written import RecordId, Written

Status = Literal["queued", "sending", "sent", "printed", "failed", "unknown"]
"""`printed`: no mail server is set, so the mail was only printed. `unknown`: the connection broke,
or the process died, when the server had the whole mail and had not said yet whether it took it."""


LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
"""What a text in one line is: no control character, and none that ends a line."""

# What `EmailStr` refuses besides: domains where nobody has a mailbox (RFC 6761, RFC 7686).
# JSON Schema has no flag for letters of either case.
_RESERVED = "[@.]({})$".format(
    "|".join(
        "".join(f"[{letter.upper()}{letter}]" for letter in name)
        for name in sorted(SPECIAL_USE_DOMAIN_NAMES)
    )
)


def _as_sent(address: str) -> str:
    """An address with its domain as the DNS has it (IDNA)."""
    found = validate_email(address, check_deliverability=False)
    return f"{found.local_part}@{found.ascii_domain}"


Address = Annotated[
    EmailStr,
    AfterValidator(_as_sent),
    Field(
        max_length=254,
        json_schema_extra={"not": {"pattern": _RESERVED}},
        description="A mail address. A domain with letters outside of ASCII is taken in its "
        "encoded form; such letters before the @ need a mail server that offers SMTPUTF8.",
        examples=["alice@example.com"],
    ),
]
Addresses = Annotated[list[Address], Field(max_length=50)]
Subject = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern=LINE,
        description="The subject, in one line without control characters.",
        examples=["Your order has been shipped"],
    ),
]
Body = Annotated[
    str,
    Field(
        min_length=1,
        max_length=100_000,
        description="The text.",
        examples=["Your order O1001 is on its way."],
    ),
]
Html = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200_000,
        description="The text as HTML; a plain text part is always sent with it.",
        examples=["<p>Your order <b>O1001</b> is on its way.</p>"],
    ),
]
EmailId = Annotated[
    str,
    RecordId("email"),
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a mail.",
        examples=["4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b"],
    ),
]

emails = sa.Table(
    "emails",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("owner", sa.String(80), nullable=False, info=LABEL),
    sa.Column("recipients", sa.JSON, nullable=False, info=DOCUMENT),
    sa.Column("subject", sa.String(200), nullable=False, info=TEXT),
    sa.Column("text", sa.Text, nullable=False, info=TEXT),
    sa.Column("html", sa.Text, info=TEXT),
    sa.Column("attachments", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("detail", sa.Text, info=TEXT),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("lease", sa.String(32), info=IMPERSONAL),
    sa.Column("refused", sa.JSON(none_as_null=True), info=DOCUMENT),
    sa.Column("headers", sa.JSON(none_as_null=True), info=VALUE),
)
"""`recipients` is `{"to": […], "cc": […], "bcc": […]}`, `refused` recipient → the server's reason.
`headers` are those of an answer to a ticket, whose message has the mail's id.
`lease` is the token of the job's attempt that gave the mail to the server."""


class Letter(BaseModel):
    """A mail that is to be sent."""

    to: list[str]
    cc: list[str] = []
    bcc: list[str] = []
    subject: str
    text: str
    html: str | None = None
    attachments: list[str] = []
    headers: dict[str, str] = {}
    """Such as `In-Reply-To`; of an answer to a ticket there are some."""


class EmailReceipt(BaseModel):
    """What became of a mail."""

    email_id: EmailId
    status: Status
    message: Annotated[str, Written(by="outside")] = Field(examples=["The mail was sent."])
    refused: Annotated[dict[str, str], Written(by="outside")] = Field(
        default={}, description="Recipients that the server did not take, and why."
    )


class Email(EmailReceipt):
    """A mail in the outbox."""

    to: Annotated[list[str], Written(by="staff")] = Field(examples=[["alice@example.com"]])
    subject: Annotated[str, Written(by="staff")] = Field(examples=["Your order has been shipped"])
    created_at: datetime
    updated_at: datetime


class ConnectionTest(BaseModel):
    """What the mail server answered."""

    configured: bool
    success: bool
    message: Annotated[str, Written(by="outside")] = Field(
        examples=["Connected to mail.example.com and signed in."]
    )
