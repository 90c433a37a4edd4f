"""What is known of a customer beside their contact data: the tables, and what is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field, JsonValue

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import ANY_CASE, IMPERSONAL, JOINED, MACHINES, OWNER, VALUE
from deskward.core.written import Ours, Written

customer_products = sa.Table(
    "customer_products",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("customer_id", sa.String(64), primary_key=True, info=OWNER),
    sa.Column("product", sa.String(200), primary_key=True, info=VALUE),
    sa.Column("version", sa.String(100), nullable=False, info=VALUE),
    sa.Column("license_type", sa.String(100), nullable=False, info=VALUE),
    sa.Column("support_tier", sa.String(32), nullable=False, info=VALUE),
    sa.Column("configuration", sa.JSON, nullable=False, info=VALUE),
    sa.Column("usage_stats", sa.JSON, nullable=False, info=VALUE),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    info={JOINED: True, ANY_CASE: ("product",), MACHINES: ("configuration",)},
)

_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*\S[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"
ProductName = Annotated[
    str, Field(min_length=1, max_length=200, pattern=_LINE, examples=["Acme API"])
]
Short = Annotated[str, Field(max_length=100, examples=["2.3.1"])]
Told = Annotated[str, Written(by=("staff", "outside"))]
Values = Annotated[dict[str, JsonValue], Field(max_length=200)]

State = Literal["ok", "partial", "unavailable", "unknown"]
"""`partial`: what of its answer is not of the form that it should be is left out. `unknown`: the
source has no such customer."""


class CustomerProduct(BaseModel):
    """A product that a customer has."""

    product_name: Told = Field(examples=["Acme API"])
    version: Told = Field(examples=["2.3.1"])
    license_type: Told = Field(examples=["annual"])
    configuration: Annotated[dict[str, Any], Written(by=("staff", "outside"))] | None = Field(
        description="Null where the caller may not see it."
    )
    usage_stats: Annotated[dict[str, Any], Written(by=("staff", "outside"))] | None = Field(
        description="Null where the caller may not see it."
    )
    last_updated: datetime | None
    support_tier: Told = Field(examples=["gold"])
    source: Ours = Field(description="Who has told it; `desk` is our own record.")


class SourceHealth(BaseModel):
    """How a system was when it was asked the last time, whoever's data were wanted."""

    state: Literal["ok", "failing"]
    problem: Annotated[str, Written(by="outside")] | None
    checked_at: datetime
    since: datetime = Field(description="Since when it is so.")
    milliseconds: int = Field(description="How long it took to answer.", examples=[12])


class SourceState(BaseModel):
    """Whether a source has answered."""

    source: Ours = Field(examples=["crm"])
    state: State
    problem: Annotated[str, Written(by="outside")] | None
    asked_at: datetime = Field(description="When it was asked; earlier where that is remembered.")
    health: SourceHealth | None = Field(
        None, description="How it was at its last check, where it has a health check."
    )


class ContactPreferences(BaseModel):
    """How a customer is spoken to."""

    language: Ours | None
    time_zone: Ours | None
    channels: list[Literal["email", "phone"]] = Field(description="By what they can be reached.")


class CustomerProductInfo(BaseModel):
    """The products that a customer has."""

    customer_id: Ours = Field(examples=["user_001"])
    products: list[CustomerProduct]
    account_status: Told = Field(examples=["active"])
    contact_preferences: ContactPreferences
    sources: list[SourceState] = Field(
        description="What was asked. Where one is unavailable the answer is a part of the whole."
    )
    complete: bool = Field(description="Whether every source has answered, in order.")


class PastTicket(BaseModel):
    """A ticket of the customer's."""

    ticket_id: Ours
    subject: Annotated[str, Written(by="customer")]
    status: Ours
    priority: Ours
    created_at: datetime
    resolved_at: datetime | None


class ServiceClock(BaseModel):
    """Until when something is to be done about a ticket that is open."""

    ticket_id: Ours = Field(examples=["T1001"])
    clock: Ours = Field(examples=["first_response"])
    state: Ours = Field(examples=["running"])
    policy: Ours = Field(description="The policy of service levels that sets it.")
    due_at: datetime | None = Field(description="Null while it waits for the customer.")
    overdue: bool


class PastDiagnosis(BaseModel):
    """A diagnostic session of the customer's."""

    session_id: Ours
    product_name: Annotated[str, Written(by="customer")]
    workflow_id: Ours
    status: Ours
    cause: Ours | None
    created_at: datetime


class Interaction(BaseModel):
    """What is known of a contact with the customer, here or in another system."""

    source: Ours = Field(description="The system; `desk` of what is kept here.")
    kind: Told
    at: Told
    summary: Told


class History(BaseModel):
    """What was before."""

    tickets_in_all: int
    tickets: list[PastTicket] = Field(description="The newest.")
    diagnoses_in_all: int
    diagnoses: list[PastDiagnosis] = Field(description="The newest.")
    interactions: list[Interaction]


class CustomerContext(CustomerProductInfo):
    """All that is known of a customer, as far as the caller may see it."""

    name: Annotated[str, Written(by="owner")]
    tier: Ours = Field(examples=["gold"])
    tags: list[Annotated[str, Written(by="staff")]]
    fields: Annotated[dict[str, Any], Written(by=("staff", "outside"))] = Field(
        description="Fields of the desk's own, and of other systems as `source.name`."
    )
    service_levels: list[ServiceClock] | None = Field(
        description="The clocks of the customer's newest tickets that are open, what runs out "
        "first coming first; null where the caller may not see them."
    )
    history: History | None = Field(
        description="Null where it was not asked for, or the caller may not see it."
    )


class ProductReceipt(BaseModel):
    """The receipt of a change of a customer's product."""

    customer_id: Ours
    product_name: Told
    message: Ours
