"""Customers: the tables, and what is shown of them.

A customer has one row, and rows of their own for each address (mail or phone) and for each id that
another system knows them by. `email` and `phone` of the row are the first of their addresses.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from deskward.core.custom_fields import Value
from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.numbering import MOST_COUNTED, Numbering
from deskward.core.personal import IMPERSONAL, OWNER, VALUE
from deskward.core.schema import some_given
from deskward.core.written import Ours, RecordId, Written
from deskward.text.folding import folded

Contact = Annotated[str, Written(by="owner")]

EMAIL, PHONE = "email", "phone"
MOST_ADDRESSES = 20
MOST_TAGS = 50

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(64), primary_key=True, info=OWNER),
    sa.Column("name", sa.String(200), nullable=False, info=VALUE),
    sa.Column("folded", sa.String(800), nullable=False, server_default="", info=VALUE),
    sa.Column("email", sa.String(320), info=VALUE),
    sa.Column("phone", sa.String(40), info=VALUE),
    sa.Column("address", sa.String(300), info=VALUE),
    sa.Column("tier", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("language", sa.String(35), info=IMPERSONAL),
    sa.Column("time_zone", sa.String(64), info=IMPERSONAL),
    sa.Column("tags", sa.JSON, nullable=False, default=list, server_default="[]", info=VALUE),
    sa.Column("fields", sa.JSON, nullable=False, default=dict, server_default="{}", info=VALUE),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime),
    sa.Column("revision", sa.Integer, nullable=False, default=1, server_default="1"),
)
"""`folded` is the name without case and accents, by which it is found."""

addresses = sa.Table(
    "customer_addresses",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("customer_id", sa.String(64), primary_key=True, info=OWNER),
    sa.Column("kind", sa.String(8), primary_key=True, info=IMPERSONAL),
    sa.Column("normal", sa.String(320), primary_key=True, info=VALUE),
    sa.Column("value", sa.String(320), nullable=False, info=VALUE),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("verified_at", UtcDateTime),
    sa.ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
    sa.Index("ix_customer_addresses_normal", "tenant_id", "kind", "normal"),
    sa.Index(
        "uq_customer_addresses_email",
        "tenant_id",
        "normal",
        unique=True,
        # On PostgreSQL as well, by its migration: to say it here imports all of that dialect.
        sqlite_where=sa.text("kind = 'email'"),
    ),
)
"""A mail address is one customer's of a tenant; a phone may be shared. `normal` is its one form, by
which it is found; the first `place` is 0, and it is the primary one."""

external_ids = sa.Table(
    "customer_external_ids",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("system", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("external_id", sa.String(200), primary_key=True, info=VALUE),
    sa.Column("customer_id", sa.String(64), nullable=False, info=OWNER),
    sa.ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
    sa.Index("ix_customer_external_ids_customer_id", "tenant_id", "customer_id"),
)
"""By what other systems know customers."""

merged = sa.Table(
    "merged_customers",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(64), primary_key=True, info=VALUE),
    sa.Column("merged_into", sa.String(64), nullable=False, info=OWNER),
    sa.Column("name", sa.String(200), nullable=False, info=VALUE),
    sa.Column("address", sa.String(300), info=VALUE),
    sa.Column("merged_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(["tenant_id", "merged_into"], ["customers.tenant_id", "customers.id"]),
    sa.Index("ix_merged_customers_merged_into", "tenant_id", "merged_into"),
)
"""Customers that turned out to be others: where they went, and how they were called, which erasing
the other one looks for as well."""

customer_numbers = Numbering("customer_numbers")

CUSTOMER_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Line = Field(pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\S[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")
"""One line of text, and not a blank one."""
Name = Annotated[str, Field(min_length=1, max_length=200, examples=["Alex Morgan"]), Line]
MailAddress = Annotated[str, Field(min_length=3, max_length=320, examples=["alex@example.com"])]
Phone = Annotated[str, Field(min_length=3, max_length=40, examples=["+1 555 010 0001"])]
Postal = Annotated[str, Field(min_length=1, max_length=300, examples=["12 Garden Street, Dover"])]
Tier = Annotated[str, Field(min_length=1, max_length=32, examples=["standard"]), Line]
Language = Annotated[str, Field(min_length=2, max_length=35, examples=["pt-BR"])]
TimeZone = Annotated[str, Field(min_length=1, max_length=64, examples=["Europe/Berlin"])]
Tag = Annotated[str, Field(min_length=1, max_length=40, examples=["vip"]), Line]
MailAddresses = Annotated[list[MailAddress], Field(max_length=MOST_ADDRESSES)]
Phones = Annotated[list[Phone], Field(max_length=MOST_ADDRESSES)]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS)]
FieldName = Annotated[str, Field(min_length=1, max_length=64)]
Fields = Annotated[
    dict[FieldName, str | float | None],
    Field(max_length=100, description="Values of the declared fields; null takes one away."),
]
System = Annotated[str, Field(min_length=1, max_length=64, examples=["crm"]), Line]
ExternalKey = Annotated[str, Field(min_length=1, max_length=200, examples=["0031-77"]), Line]


class ExternalId(BaseModel):
    """By what another system knows a customer."""

    model_config = ConfigDict(extra="forbid")

    system: Annotated[System, Written(by="staff")]
    id: Annotated[ExternalKey, Written(by="outside")]


ExternalIds = Annotated[list[ExternalId], Field(max_length=MOST_ADDRESSES)]


class Details(BaseModel):
    """What is told of a customer; what is not set is not told.

    The first of `emails` and of `phones` is the primary one. `verified` names those mail addresses
    that are known to be theirs.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=some_given("verified", "revision"))

    name: Name | None = None
    emails: MailAddresses | None = None
    phones: Phones | None = None
    verified: MailAddresses | None = None
    address: Postal | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    tier: Tier | None = None
    tags: Tags | None = None
    fields: Fields | None = None
    external_ids: ExternalIds | None = None


class Customer(BaseModel):
    """A customer's contact data."""

    customer_id: Annotated[str, RecordId("customer")] = Field(examples=["user_001"])
    name: Contact = Field(examples=["Alex Morgan"])
    email: Contact | None = Field(examples=["alex.morgan@example.com"])
    phone: Contact | None = Field(examples=["+1 555 010 0001"])
    address: Contact | None = Field(examples=["12 Garden Street, Springfield, IL 62701"])
    tier: Ours = Field(description="Support tier.", examples=["standard"])
    language: Ours | None = Field(None, examples=["pt-BR"])
    time_zone: Ours | None = Field(None, examples=["Europe/Berlin"])
    tags: list[Annotated[str, Written(by="staff")]] = Field([], examples=[["vip"]])
    fields: Annotated[dict[str, Value], Written(by="staff")] = Field(
        {}, description="The values of fields that the operator has declared."
    )
    revision: int = Field(1, description="Grows with every change.")
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Address(BaseModel):
    """A mail address or a phone number of a customer."""

    value: Contact = Field(examples=["alex.morgan@example.com"])
    verified: bool = Field(description="Whether it is known to be theirs.")
    primary: bool


class Profile(Customer):
    """A customer with all their addresses, and the ids that other systems know them by."""

    emails: list[Address]
    phones: list[Address]
    external_ids: list[ExternalId]


class CustomerUpdate(Details):
    """What to change of a customer; what is left out stays, and null takes away."""

    revision: int | None = Field(
        None,
        ge=1,
        le=MOST_COUNTED,
        description="Change them only if they still have this revision.",
    )


class CustomerPage(BaseModel):
    """Some customers, and where the list goes on."""

    customers: list[Customer]
    next_cursor: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] | None = Field(
        description="Give it as `cursor` to have the next page; null at the end."
    )


class CustomerErased(BaseModel):
    """The receipt of an erasure, without a word of whom."""

    records: int = Field(description="How many rows were deleted.")
    message: Ours = Field(examples=["The customer was erased."])


def folded_name(name: str) -> str:
    """A name as it is looked for: without case, accents and marks."""
    parts = unicodedata.normalize("NFKD", folded(name))
    return "".join(sign for sign in parts if not unicodedata.combining(sign))[:800]


def shown(row: Any) -> dict[str, Any]:
    """What `Customer` holds of a row."""
    told = dict(row._mapping)
    del told["tenant_id"], told["folded"]
    return {**told, "customer_id": told.pop("id")}
