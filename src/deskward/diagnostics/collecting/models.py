"""Collectors: the table, what is sent by one, and what is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
)

from deskward.core.database import metadata
from deskward.core.moments import Moment, UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL, LABEL, OWNER
from deskward.core.written import Ours, Written
from deskward.diagnostics.suites.report import Outcome

collectors = sa.Table(
    "collectors",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("diagnosis", sa.BigInteger, nullable=False),
    sa.Column("customer_id", sa.String(64), nullable=False, info=OWNER),
    sa.Column("suite", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("tests", sa.JSON, nullable=False, info=DOCUMENT),
    sa.Column("token", sa.LargeBinary, nullable=False, info=IMPERSONAL),
    sa.Column("made_by", sa.String(80), nullable=False, info=LABEL),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime),
    sa.Index("ix_collectors_id", "id", unique=True),
    sa.Index("ix_collectors_session", "tenant_id", "diagnosis"),
)
"""`tests` are those of the suite as they were filled in, by which what is sent is judged. `token`
is sealed; what is sent is signed with it, once."""

MOST_SENT = 256 * 1024
"""Bytes of what a collector sends."""
Whole = Annotated[StrictInt, Field(ge=-(2**53), le=2**53)]
Real = Annotated[StrictFloat, Field(allow_inf_nan=False)]  # what is none, no database keeps
Value = StrictBool | Whole | Real | Annotated[StrictStr, Field(max_length=500)]
Fact = StrictBool | Whole | Annotated[StrictStr, Field(max_length=200)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Values = Annotated[list[Annotated[StrictStr, Field(max_length=300)]], Field(max_length=50)]
Headers = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")],
        Annotated[StrictStr, Field(max_length=500)],
    ],
    Field(max_length=10),
]
Seen = Annotated[dict[Name, Value | Values | Headers], Field(max_length=30)]


class Collected(BaseModel):
    """What a collector sends.

    Attributes:
        clock: What the machine's clock said.
        facts: What was read of the machine.
        seen: Test → what it saw.
    """

    model_config = ConfigDict(extra="forbid")

    collector: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    session: Annotated[str, Field(pattern=r"^D[1-9][0-9]{0,17}$")]
    suite: Name
    clock: Moment
    facts: Annotated[dict[Name, Fact], Field(max_length=20)]
    seen: Annotated[dict[Name, Seen], Field(max_length=50)]


class MadeCollector(BaseModel):
    """A program for a customer's machine."""

    collector_id: Ours = Field(examples=["8f14e45fceea167a5a36dedd4bea2543"])
    session_id: Ours = Field(examples=["D1001"])
    suite: Ours = Field(examples=["network"])
    file_name: Ours = Field(examples=["deskward-collector-D1001.py"])
    program: Annotated[str, Written(by="customer")] = Field(
        description="The program, one file; it is run with `python3 FILE`, and sends once."
    )
    sha256: Ours = Field(description="Of the program, by which a customer can compare it.")
    signed_by: Ours = Field(description="The desk's public key (Ed25519, Base64).")
    looks_at: list[Ours] = Field(description="The tests that it makes.", examples=[["tcp"]])
    leaves_out: list[Ours] = Field(description="Those of the suite that it cannot make, and why.")
    expires_at: datetime


class CollectedReceipt(BaseModel):
    """The receipt of what a collector has sent."""

    run_id: Ours
    message: Ours


class SessionRun(BaseModel):
    """A run of tests that was made for a session."""

    run_id: Ours
    suite: Ours = Field(examples=["network"])
    step_id: Ours | None
    source: Literal["desk", "collector"] = Field(
        description="Who has looked: the desk, or a program on the customer's machine."
    )
    confidence: float = Field(ge=0, le=1, description="How sure what it saw is, by who looked.")
    counts: dict[Outcome, int]
    run_by: Annotated[str, Written(by="customer")]
    at: datetime


class SessionRuns(BaseModel):
    """The runs of tests of a session, the newest first."""

    session_id: Ours
    runs: list[SessionRun]
