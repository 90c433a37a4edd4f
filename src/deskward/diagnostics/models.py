"""Diagnostic sessions: the table, and what is shown of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.numbering import Numbering
from deskward.core.personal import DOCUMENT, IMPERSONAL, MACHINES, OWNER, TEXT, VALUE
from deskward.core.written import Ours, RecordId, Written
from deskward.diagnostics.workflow import Difficulty, Kind

Confirmed = Literal["customer", "staff", "quiet"]
"""How it is known that it helped; `quiet`: nobody said otherwise in time."""
Status = Literal[
    "open", "paused", "to_confirm", "resolved", "handed_over", "ended", "joined_incident"
]
"""`open`: a step waits for its answer. `to_confirm`: a cause was found, what was done helped, or
the incident is over, and the customer has not said so yet. `resolved`: they have, or were quiet for
the set time. `handed_over`: staff have it as a ticket. `ended`: it was given up, or left alone for
too long. `joined_incident`: it is a known incident, and nothing is asked until that is over."""
IncidentId = Annotated[
    str,
    RecordId("incident"),
    Field(pattern=r"^I[1-9][0-9]{0,17}$", description="Id of an incident.", examples=["I1001"]),
]
SessionId = Annotated[
    str,
    RecordId("diagnosis"),
    Field(
        pattern=r"^D[1-9][0-9]{0,17}$",
        description="Id of a diagnostic session.",
        examples=["D1001"],
    ),
]
Issue = Annotated[str, Field(min_length=1, max_length=10_000, examples=["The API answers 429."])]
Product = Annotated[str, Field(min_length=1, max_length=200, examples=["Acme API"])]
GivenAnswer = StrictBool | StrictInt | StrictFloat | Annotated[StrictStr, Field(max_length=2_000)]
"""What a step is answered with, in the form that it asks for."""

diagnoses = sa.Table(
    "diagnoses",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("customer_id", sa.String(64), nullable=False, info=OWNER),
    sa.Column("product", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("issue", sa.Text, nullable=False, info=TEXT),
    sa.Column("workflow", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("plan", sa.JSON, nullable=False, info=DOCUMENT),
    sa.Column("answers", sa.JSON, nullable=False, info=DOCUMENT),
    sa.Column("earlier", sa.JSON(none_as_null=True), info=DOCUMENT),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("confirmed", sa.String(16), info=IMPERSONAL),
    sa.Column("ticket", sa.BigInteger),
    sa.Column("incident", sa.BigInteger),
    sa.Column("declined", sa.JSON, info=IMPERSONAL),
    sa.Column("signature", sa.String(300), info=IMPERSONAL),
    sa.Column("chat", sa.String(128), info=VALUE),
    sa.Column("told", sa.Integer),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_diagnoses_customer", "tenant_id", "customer_id", "number"),
    sa.Index("ix_diagnoses_incident", "tenant_id", "incident", "number"),
    sa.Index("ix_diagnoses_signature", "tenant_id", "signature", "number"),
    info={MACHINES: ("plan", "answers")},
)
"""`plan` is the workflow as it was composed, and `answers` all that was answered; the rest follows
from them (`walking.py`). `confirmed` says how it is known that it helped. `incident` is the one
that it has joined, `declined` those that it was said not to be. `signature` is the same for
sessions that have seen the same (`incidents/matching.py`); null while nothing was seen. `chat` is
the conversation that the customer walks it in, `earlier` what was found and put right before
`answers`, each with what was answered; `told` the revision of its incident that they were
told of last."""

diagnosis_numbers = Numbering("diagnosis_numbers")


class AnswerForm(BaseModel):
    """What a step wants as its answer."""

    type: Literal["yes_no", "choice", "number", "text"]
    choices: dict[Ours, Ours] | None = Field(None, description="Each word, and what it means.")
    unit: Ours | None = None


class StepToDo(BaseModel):
    """The step that waits."""

    step_id: Ours = Field(examples=["status_page"])
    description: Ours = Field(examples=["Does the status page tell of a disturbance?"])
    action_type: Kind
    instructions: Ours
    expected_result: Ours
    failure_actions: list[Ours]
    answer: AnswerForm
    minutes: int = Field(description="How long it takes.", examples=[1])
    test: Ours | None = Field(
        description="The test that can answer it by itself.", examples=["network.dns"]
    )


class AnsweredStep(BaseModel):
    """A step that was answered."""

    step_id: Ours = Field(examples=["status_page"])
    description: Ours
    answer: Annotated[str, Written(by=("customer", "staff"))] = Field(examples=["no"])
    by: Annotated[str, Written(by="customer")] = Field(examples=["customer:user_001"])
    request_id: Ours = Field(description="Of the call that answered it: its row in the ledger.")
    test_run_id: Ours | None = Field(
        description="The run of the step's test, where that has answered it."
    )
    at: datetime


class Support(BaseModel):
    """What an answer says about a cause."""

    step_id: Ours
    supports: bool = Field(description="Whether it speaks for the cause, or else against it.")
    because: Ours = Field(description="The condition that held.", examples=["!status_page"])


class Hypothesis(BaseModel):
    """A cause that the workflow knows, and what speaks for and against it."""

    cause: Ours = Field(examples=["dns"])
    title: Ours = Field(examples=["The service's name is not resolved"])
    state: Literal["possible", "supported", "ruled_out"]
    evidence: list[Support]


class Result(BaseModel):
    """What came out."""

    kind: Literal["cause", "escalate", "solved"]
    cause: Ours | None = None
    title: Ours | None = None
    explanation: Ours | None = None
    fix: Ours | None = None
    specialist: Ours | None = Field(None, description="Who has to look at it.")
    reason: Ours


class PutRight(BaseModel):
    """A cause that was found and put right, after which the issue was still there."""

    cause: Ours = Field(examples=["service_certificate"])
    title: Ours
    answered: list[AnsweredStep] = Field(description="What it was found by.")


class KnownIncident(BaseModel):
    """A known incident that a session may be one of."""

    incident_id: IncidentId
    match: Literal["certain", "possible"] = Field(
        description="`certain`: what was seen in the session is what shows the incident."
    )
    because: Annotated[str, Written(by=("staff", "outside"))] = Field(
        examples=["It is of the same product, and its code 503 was seen."]
    )
    title: Annotated[str, Written(by=("staff", "outside"))] | None = Field(
        description="For staff alone."
    )
    message: Annotated[str, Written(by=("staff", "outside"))] = Field(
        description="What customers are told of it."
    )
    started_at: datetime
    over: bool = Field(description="Whether it is over.")


class TranslatedStep(BaseModel):
    """A step's texts in the customer's language; see `StepToDo`."""

    description: Ours
    instructions: Ours
    expected_result: Ours
    failure_actions: list[Ours]
    choices: dict[Ours, Ours] | None = Field(None, description="Each word, and what it means.")
    unit: Ours | None = None


class TranslatedResult(BaseModel):
    """A cause's texts in the customer's language."""

    title: Ours
    explanation: Ours
    fix: Ours


class Translated(BaseModel):
    """What a session says, in the customer's language."""

    workflow_title: Ours
    step: TranslatedStep | None
    result: TranslatedResult | None


class Diagnosis(BaseModel):
    """A diagnostic session: what is to be done next, what was seen, and what it shows."""

    id: SessionId
    customer_id: Ours = Field(examples=["user_001"])
    product_name: Annotated[str, Written(by="customer")]
    issue_description: Annotated[str, Written(by="customer")]
    workflow_id: Ours = Field(examples=["network-connectivity"])
    workflow_title: Ours
    difficulty_level: Difficulty
    estimated_duration: int = Field(description="Minutes, if every step must be done.")
    status: Status
    step: StepToDo | None = Field(description="The step that waits; null where none does.")
    answered: list[AnsweredStep]
    hypotheses: list[Hypothesis]
    result: Result | None
    language: Ours = Field(
        description="The customer's, in the conversation or on record, as an ISO 639-1 code.",
        examples=["de"],
    )
    translated: Translated | None = Field(
        description="The texts of title, step and result in that language: say these to the "
        "customer. Null where it is English, or has none."
    )
    put_right: list[PutRight] = Field(
        default=[],
        description="Causes that were found and put right before: the issue was still there, and "
        "the steps began anew.",
    )
    confirmed: Confirmed | None = Field(
        description="How it is known that it helped; `quiet`: nobody said otherwise in time."
    )
    ticket_id: Ours | None = Field(description="The ticket that it was handed over as.")
    incident_id: Ours | None = Field(description="The known incident that it has joined.")
    known_incidents: list[KnownIncident] = Field(
        description="Known incidents that it is one of, or may be: ask before its steps, and "
        "`join_incident`."
    )
    why: list[Ours] = Field(description="Which parts of the workflow are in or left out, and why.")
    doubts: list[Annotated[str, Written(by=("customer", "staff"))]] = Field(
        default=[],
        description="Of a session that has just begun: what of its product and version is not on "
        "the customer's record, and the nearest that is. If that was meant, begin anew with it.",
    )
    revision: int = Field(description="Grows with every change.", examples=[1])
    created_at: datetime
    updated_at: datetime


class DiagnosisSummary(BaseModel):
    """A diagnostic session in a list."""

    id: SessionId
    customer_id: Ours
    product_name: Annotated[str, Written(by="customer")]
    workflow_id: Ours
    status: Status
    cause: Ours | None = Field(description="The cause that was found.")
    confirmed: Confirmed | None = Field(description="How it is known that it helped.")
    revision: int
    created_at: datetime
    updated_at: datetime


class Helped(BaseModel):
    """How many sessions are known to have helped, counted apart by how that is known."""

    customer: int = Field(0, description="The customer has said so.")
    staff: int = Field(0, description="Staff have said so.")
    quiet: int = Field(0, description="Nobody said otherwise in time.")


class DiagnosisList(BaseModel):
    """One page of diagnostic sessions, the newest first."""

    total: int = Field(description="How many there are on all pages.")
    limit: int
    offset: int
    helped: Helped = Field(description="How many of them are known to have helped.")
    sessions: list[DiagnosisSummary]


class WorkflowStep(BaseModel):
    """A step of a workflow."""

    step_id: Ours
    description: Ours
    action_type: Kind
    instructions: Ours
    expected_result: Ours
    failure_actions: list[Ours]
    next_step_conditions: dict[Ours, Ours] = Field(
        description="Condition → where it leads; `otherwise` where none before it holds.",
        examples=[{"status_page": "cause outage", "otherwise": "other_sites"}],
    )


class TroubleshootingWorkflow(BaseModel):
    """A workflow as it is composed for somebody."""

    workflow_id: Ours
    title: Ours
    steps: list[WorkflowStep]
    estimated_duration: int = Field(description="Minutes, if every step must be done.")
    difficulty_level: Difficulty
    required_permissions: list[Ours]
    why: list[Ours] = Field(description="Which parts of the workflow are in or left out, and why.")


class FittingWorkflow(BaseModel):
    """A workflow that an issue may be for."""

    workflow_id: Ours
    category: Ours = Field(
        description="Say it in `environment_info` of `start_diagnostic_session`.",
        examples=["network"],
    )
    title: Ours = Field(description="In the customer's language, where it is translated.")


class FittingWorkflows(BaseModel):
    """The workflows that an issue may be for: one, none, or several that are as likely."""

    fits: list[FittingWorkflow]
    by_words: bool = Field(
        description="Whether words alone told it: nothing knows yet what sentences mean."
    )
    language: Ours = Field(description="Of the titles.", examples=["en"])
