"""Incidents: their tables, and what is shown of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field, SecretStr

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.numbering import Numbering
from deskward.core.personal import IMPERSONAL, TEXT
from deskward.core.written import Ours, Written
from deskward.diagnostics.models import IncidentId

IncidentStatus = Literal["proposed", "open", "resolved"]
"""`proposed`: the desk has noticed it, and nobody joins it until staff open it."""
Form = Literal["alertmanager", "signed"]
"""`alertmanager`: Alertmanager's JSON, version 4, with the secret as its bearer token. `signed`: a
generic JSON form, signed as Standard Webhooks says."""

incident_sources = sa.Table(
    "incident_sources",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("name", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("form", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("product", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("secret", sa.LargeBinary, nullable=False, info=IMPERSONAL),
    sa.Column("added_by", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("heard_at", UtcDateTime),
    sa.Index("ix_incident_sources_id", "id"),
)
"""`secret` is sealed. `product` is that of alerts which name none."""

incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("title", sa.String(200), nullable=False, info=TEXT),
    sa.Column("description", sa.Text, nullable=False, info=TEXT),
    sa.Column("customer_message", sa.Text, info=TEXT),
    sa.Column("severity", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("product", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("product_key", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("version", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("test", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("code", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("signature", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("source_id", sa.String(32), info=IMPERSONAL),
    sa.Column("opened_by", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("resolved_at", UtcDateTime),
    sa.Column("resolved_by", sa.String(80), info=IMPERSONAL),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_incidents_product", "tenant_id", "status", "product_key"),
    sa.Index("ix_incidents_signature", "tenant_id", "status", "signature"),
)
"""Of `product`, `version`, `test` and `code` the empty text says: not named. `signature` is the
same for alerts that tell of one disturbance. `source_id` is null where staff reported it."""

incident_alerts = sa.Table(
    "incident_alerts",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("source_id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("fingerprint", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("incident", sa.BigInteger),
    sa.Column("firing", sa.Boolean, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Index("ix_incident_alerts_incident", "tenant_id", "incident"),
)
"""How each alert stands that a source has told of. `started_at` is when its latest occurrence
began, by the clock of the monitoring."""

incident_numbers = Numbering("incident_numbers")

Named = Annotated[str, Field(max_length=200)]
Title = Annotated[str, Field(min_length=1, max_length=200, examples=["The API answers 503"])]
CustomerMessage = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_000,
        description="What customers are told of it. Left out: that there is a disturbance, and "
        "since when.",
    ),
]
Test = Annotated[
    str,
    Field(
        max_length=200,
        examples=["api.status"],
        description="The test, or the step of a workflow, that shows it.",
    ),
]
Code = Annotated[
    str,
    Field(max_length=64, examples=["503"], description="The code or answer that shows it."),
]
Version = Annotated[
    str, Field(max_length=64, description="Only this version of the product, as `2.3`.")
]
SourceId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a source of alerts.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    ),
]
SourceName = Annotated[str, Field(min_length=1, max_length=80, examples=["Production alerts"])]
_WRITTEN = (
    r"^whsec_(?:[A-Za-z0-9+/]{4}){8,20}"
    r"(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{6}==)?$"
)
"""What `secret_bytes` takes, for whoever goes by the schema."""
Secret = Annotated[
    SecretStr,
    Field(
        min_length=38,
        max_length=100,
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwsr"],
        json_schema_extra={"pattern": _WRITTEN},
        description="What alerts are known by: `whsec_` and 24 to 64 random bytes as Base64. It is "
        "never shown again.",
    ),
]


class Incident(BaseModel):
    """A disturbance, and how many it has hit."""

    incident_id: IncidentId
    status: IncidentStatus
    title: Annotated[str, Written(by=("staff", "outside"))]
    description: Annotated[str, Written(by=("staff", "outside"))]
    customer_message: Annotated[str, Written(by=("staff", "outside"))] | None = Field(
        description="What customers are told of it; null: that there is a disturbance."
    )
    severity: Annotated[str, Written(by="outside")]
    product: Annotated[str, Written(by=("staff", "outside"))]
    version: Annotated[str, Written(by=("staff", "outside"))]
    test: Annotated[str, Written(by=("staff", "outside"))]
    code: Annotated[str, Written(by=("staff", "outside"))]
    source_id: Ours | None = Field(description="The source of alerts that has told of it.")
    opened_by: Ours
    firing: int = Field(description="Alerts that tell of it still.")
    sessions: int = Field(description="Diagnostic sessions that have joined it.")
    started_at: datetime
    resolved_at: datetime | None
    resolved_by: Ours | None
    revision: int = Field(description="Grows with every change.", examples=[1])


class IncidentList(BaseModel):
    """One page of incidents, the newest first."""

    total: int = Field(description="How many there are on all pages.")
    limit: int
    offset: int
    incidents: list[Incident]


class IncidentSource(BaseModel):
    """Somewhere that alerts come from."""

    source_id: SourceId
    name: Annotated[str, Written(by="staff")]
    form: Form
    product: Annotated[str, Written(by="staff")]
    address: Ours = Field(description="Where alerts are posted to.")
    added_by: Ours
    created_at: datetime
    heard_at: datetime | None = Field(description="When alerts came last.")


class IncidentSourceList(BaseModel):
    """The sources of alerts."""

    sources: list[IncidentSource]


class SourceChanged(BaseModel):
    """The receipt of a change of a source."""

    source_id: SourceId
    message: Ours


class AlertsTaken(BaseModel):
    """What came of the alerts of one request."""

    opened: list[Ours] = Field(description="Incidents that are new.")
    resolved: list[Ours] = Field(description="Incidents that are over.")
    joined: int = Field(description="Alerts that belong to an incident that is open already.")
    repeated: int = Field(description="Alerts that said what was known.")
    late: int = Field(description="Alerts that something newer has overtaken.")
    refused: int = Field(
        description="Alerts that begin in the future, or for which too many incidents are open."
    )
