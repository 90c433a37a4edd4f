"""Complaints: the tables, and what is shown of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.numbering import Numbering
from deskward.core.personal import IMPERSONAL, OWNER, TEXT
from deskward.core.schema import not_all_null
from deskward.core.written import Ours, RecordId, Written

Status = Literal["open", "in_progress", "resolved", "archived"]
Category = Literal["billing", "delivery", "product", "service", "other"]
Priority = Literal["low", "normal", "high", "urgent"]
ComplaintId = Annotated[
    str,
    RecordId("complaint"),
    Field(pattern=r"^C[1-9][0-9]{0,17}$", description="Id of a complaint.", examples=["C1001"]),
]
Subject = Annotated[str, Field(min_length=1, max_length=200, examples=["Parcel came damaged"])]
Description = Annotated[
    str, Field(min_length=1, max_length=10_000, examples=["The box was open and a cup is broken."])
]
Resolution = Annotated[
    str, Field(min_length=1, max_length=10_000, examples=["We sent a new cup at no cost."])
]
OrderReference = Annotated[
    str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$", examples=["O1001"])
]

complaints = sa.Table(
    "complaints",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("customer_id", sa.String(64), nullable=False, info=OWNER),
    sa.Column("subject", sa.String(200), nullable=False, info=TEXT),
    sa.Column("description", sa.Text, nullable=False, info=TEXT),
    sa.Column("category", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("priority", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("order_id", sa.String(64), info=IMPERSONAL),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("resolution", sa.Text, info=TEXT),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_complaints_customer_id", "tenant_id", "customer_id"),
    sa.Index("ix_complaints_status", "tenant_id", "status"),
)

complaint_numbers = Numbering("complaint_numbers")


class Complaint(BaseModel):
    """What a customer is not content with."""

    id: ComplaintId
    customer_id: Ours = Field(examples=["user_001"])
    subject: Annotated[Subject, Written(by="customer")]
    description: Annotated[Description, Written(by=("customer", "staff"))]
    category: Category
    priority: Priority
    order_id: Annotated[str, Written(by="customer")] | None = Field(examples=["O1001"])
    status: Status
    resolution: Annotated[str, Written(by="staff")] | None = Field(
        description="How it was put right."
    )
    revision: int = Field(description="Grows with every change.", examples=[1])
    created_at: datetime
    updated_at: datetime


class ComplaintUpdate(BaseModel):
    """What to change of a complaint; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=not_all_null())

    description: Description | None = None
    category: Category | None = None
    priority: Priority | None = None
    status: Literal["open", "in_progress"] | None = Field(None, examples=["in_progress"])


class ComplaintRegistered(BaseModel):
    """The receipt of a new complaint."""

    complaint_id: ComplaintId
    status: Status
    message: Ours = Field(examples=["Complaint C1001 was registered."])


class ComplaintChanged(BaseModel):
    """The receipt of a change."""

    success: bool
    message: Ours = Field(examples=["Complaint C1001 is now resolved."])
    complaint: Complaint


class ComplaintList(BaseModel):
    """One page of complaints, the newest first."""

    total: int = Field(description="How many there are on all pages.")
    limit: int
    offset: int
    complaints: list[Complaint]
