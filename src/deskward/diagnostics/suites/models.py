"""Runs of tests and where they may go: the tables, and what is shown of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL, LABEL, MACHINES, OWNER
from deskward.core.written import Ours, Written
from deskward.diagnostics.suites.report import Form, TestReport, TestResult

test_runs = sa.Table(
    "test_runs",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("customer_id", sa.String(64), info=OWNER),
    sa.Column("diagnosis", sa.BigInteger),
    sa.Column("step", sa.String(64), info=IMPERSONAL),
    sa.Column("run_by", sa.String(80), nullable=False, info=LABEL),
    sa.Column("request_id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("report", sa.JSON, nullable=False, info=DOCUMENT),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("source", sa.String(16), nullable=False, server_default="desk", info=IMPERSONAL),
    sa.Index("ix_test_runs_at", "tenant_id", "at"),
    sa.Index("ix_test_runs_session", "tenant_id", "diagnosis"),
    info={MACHINES: ("report",)},
)
"""`diagnosis` and `step` where a run was made for a session; the customer is then the session's,
and otherwise the one whose environment it is, where that was said.
`source` is `desk`, or `collector` where a program on the customer's machine has looked."""

test_targets = sa.Table(
    "test_targets",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("target", sa.String(260), nullable=False, info=IMPERSONAL),
    sa.Column("ports", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("added_by", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("added_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("tenant_id", "target", name="uq_test_targets_target"),
)

RunId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a run of tests.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    ),
]
TargetId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a target that may be tested.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    ),
]
TargetName = Annotated[
    str,
    Field(
        pattern=r"^[.:A-Za-z0-9_][A-Za-z0-9_.:-]{0,250}(/[0-9]{1,3})?$",
        description="A host; with a dot in front each host of a domain. Or a network, or an "
        "address: what is not public is reached only where one of these holds its address.",
        examples=["api.example.com"],
    ),
]
Ports = Annotated[
    list[Annotated[int, Field(ge=1, le=65_535)]],
    Field(max_length=50, description="Only these ports; empty for all.", examples=[[443]]),
]


class KnownTest(BaseModel):
    """A test of a suite."""

    test: Ours = Field(description="As it is run alone, `suite.test`.", examples=["network.tls"])
    title: Ours
    kind: Ours = Field(examples=["tls"])
    needs: list[Ours] = Field(
        description="What has to be known of environment and configuration.",
        examples=[["environment.host"]],
    )


class KnownSuite(BaseModel):
    """A suite of tests."""

    suite: Ours = Field(examples=["network"])
    version: int
    title: Ours
    products: list[Ours]
    tests: list[KnownTest]


class SuiteList(BaseModel):
    """The suites of the desk."""

    suites: list[KnownSuite]


class StepTest(BaseModel):
    """What came of a step's test."""

    session_id: Ours = Field(examples=["D1001"])
    step_id: Ours = Field(examples=["resolves"])
    run_id: Ours
    result: TestResult
    answer: Annotated[bool | int | float | str, Written(by="outside")] | None = Field(
        description="What it answers the step with; null where it leaves that open."
    )


class TestRun(BaseModel):
    """A run of tests as it was made."""

    __test__ = False  # it is no class of tests for pytest

    report: TestReport
    session_id: Ours | None
    step_id: Ours | None
    source: Literal["desk", "collector"] = Field(
        description="Who has looked: the desk, or a program on the customer's machine."
    )
    run_by: Annotated[str, Written(by="customer")]
    request_id: Ours = Field(description="Of the call that made it: its row in the ledger.")
    at: datetime
    form: Form
    text: Annotated[str, Written(by="outside")] | None = Field(
        description="The report as JUnit's XML or as a page, where that was asked for."
    )


class TestTarget(BaseModel):
    """Where tests may go."""

    __test__ = False

    target_id: TargetId
    target: Annotated[str, Written(by="staff")]
    ports: list[int]
    added_by: Annotated[str, Written(by="staff")]
    added_at: datetime


class TargetList(BaseModel):
    """Where the tenant's tests may go."""

    targets: list[TestTarget]


class TargetReceipt(BaseModel):
    """The receipt of a change."""

    target_id: TargetId
    message: Ours
