"""Customers: the table, and what is shown of it."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import UtcDateTime, metadata
from deskward.core.personal import IMPERSONAL, OWNER, VALUE
from deskward.core.written import Ours, RecordId, Written

Contact = Annotated[str, Written(by="owner")]

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(64), primary_key=True, info=OWNER),
    sa.Column("name", sa.String(200), nullable=False, info=VALUE),
    sa.Column("email", sa.String(320), nullable=False, info=VALUE),
    sa.Column("phone", sa.String(40), info=VALUE),
    sa.Column("address", sa.String(300), info=VALUE),
    sa.Column("tier", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
)


class Customer(BaseModel):
    """A customer's contact data."""

    customer_id: Annotated[str, RecordId("customer")] = Field(examples=["user_001"])
    name: Contact = Field(examples=["Alex Morgan"])
    email: Contact = Field(examples=["alex.morgan@example.com"])
    phone: Contact | None = Field(examples=["+1 555 010 0001"])
    address: Contact | None = Field(examples=["12 Garden Street, Springfield, IL 62701"])
    tier: Ours = Field(description="Support tier.", examples=["standard"])


class CustomerErased(BaseModel):
    """The receipt of an erasure, without a word of whom."""

    records: int = Field(description="How many rows were deleted.")
    message: Ours = Field(examples=["The customer was erased."])
