"""Queues: the tables, and what is shown of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.numbering import Numbering
from deskward.core.personal import DOCUMENT, IMPERSONAL, OWNER, TEXT
from deskward.core.written import Ours, RecordId, Written
from deskward.queues.kinds import KindName

ItemStatus = Literal["waiting", "assigned", "claimed", "done", "moved"]
"""`waiting`: for somebody who has room. `assigned`: somebody has it and has not begun. `claimed`:
they have begun. `done`: it has ended. `moved`: a later escalation has taken its place."""
ACTIVE: tuple[ItemStatus, ...] = ("waiting", "assigned", "claimed")
EscalationId = Annotated[
    str,
    RecordId("escalation"),
    Field(pattern=r"^E[1-9][0-9]{0,17}$", description="Id of an escalation.", examples=["E1001"]),
]
StaffId = Annotated[str, Field(min_length=1, max_length=64, examples=["anna"])]
Skill = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", examples=["dns"])]
Words = Annotated[str, Written(by=("customer", "staff"))]

_NO_OTHERS: JsonDict = {"additionalProperties": False}
"""Names of another form are refused, which pydantic does not tell by itself."""
_SPAN = "[a-z]{3}(-[a-z]{3})?=[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}"

specialists = sa.Table(
    "specialists",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("staff_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("kinds", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("skills", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("capacity", sa.Integer, nullable=False),
    sa.Column("hours", sa.String(400), nullable=False, info=IMPERSONAL),
    sa.Column("zone", sa.String(64), info=IMPERSONAL),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)
"""Which members of staff are specialists of which types (`kinds`: type → how far up), when, and how
much each can have at once."""

queue_items = sa.Table(
    "queue_items",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ticket", sa.BigInteger, nullable=False),
    sa.Column("customer_id", sa.String(64), nullable=False, info=OWNER),
    sa.Column("kind", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("escalation_level", sa.Integer, nullable=False),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("assignee", sa.String(64), info=IMPERSONAL),
    sa.Column("beside", sa.String(64), info=IMPERSONAL),
    sa.Column("skills", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("avoids", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("reason", sa.Text, nullable=False, info=TEXT),
    sa.Column("context", sa.JSON, nullable=False, info=DOCUMENT),
    sa.Column("queued_at", UtcDateTime, nullable=False),
    sa.Column("here_since", UtcDateTime, nullable=False),
    sa.Column("begin_by", UtcDateTime, nullable=False),
    sa.Column("stays", sa.JSON, info=IMPERSONAL),
    sa.Column("assigned_at", UtcDateTime),
    sa.Column("claimed_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(
        ["tenant_id", "ticket"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
    ),
    sa.Index("ix_queue_items_active", "tenant_id", "status", "kind"),
    sa.Index("ix_queue_items_status", "status"),
    sa.Index("ix_queue_items_ticket", "tenant_id", "ticket"),
    sa.Index("ix_queue_items_queued", "tenant_id", "queued_at"),
)
"""Tickets that a specialist has to look at. `queued_at` is when it was first queued, `here_since`
when it came to this queue, and `begin_by` until when somebody is to have begun. `stays` tells the
queues that it has left by itself, and when (`[["network", "2026-11-30T12:00:00+00:00"]]`). The
assignee of what somebody has is the ticket's: whoever is given the ticket by hand has it from then
on. `beside` is whose the ticket was when it began to wait; that alone gives them no escalation."""

queue_numbers = Numbering("queue_numbers")


class SpecialistSettings(BaseModel):
    """What somebody is a specialist of, when, and for how much at once."""

    model_config = ConfigDict(extra="forbid")

    kinds: dict[KindName, Annotated[int, Field(ge=1, le=3)]] = Field(
        min_length=1,
        max_length=50,
        description="Types of specialist, and how far up they are in each, from 1 to 3.",
        examples=[{"network": 2}],
        json_schema_extra=_NO_OTHERS,
    )
    skills: list[Skill] = Field(default=[], max_length=50, description="What they know besides.")
    capacity: int = Field(3, ge=1, le=100, description="How many tickets they can have at once.")
    hours: str = Field(
        "",
        max_length=400,
        pattern=rf"^(|{_SPAN}(, ?{_SPAN})*)$",
        description="Their shifts, as `mon-fri=09:00-12:00, mon-fri=13:00-17:00`; empty for the "
        "hours of the tenant.",
        examples=["mon-fri=09:00-17:00"],
    )
    time_zone: str | None = Field(
        None, max_length=64, description="Of the shifts; null for the tenant's."
    )


class SpecialistShown(BaseModel):
    """A specialist."""

    staff_id: Annotated[str, Written(by="staff")] = Field(examples=["anna"])
    kinds: dict[Ours, int] = Field(examples=[{"network": 2}])
    skills: list[Ours]
    capacity: int
    hours: Ours
    time_zone: Ours | None
    load: int = Field(description="How many tickets they have.")
    on_shift: bool
    available: bool = Field(description="Whether they can be given one now.")


class SpecialistList(BaseModel):
    """Specialists, by their ids."""

    specialists: list[SpecialistShown]


class SpecialistChanged(BaseModel):
    """The receipt of a change."""

    staff_id: Annotated[str, Written(by="staff")]
    message: Ours


class QueueItem(BaseModel):
    """A ticket that a specialist has to look at."""

    escalation_id: EscalationId
    ticket_id: Ours = Field(examples=["T1001"])
    specialist_type: Ours = Field(examples=["network"])
    priority_level: int
    escalation_level: int = Field(description="Which escalation of the ticket it is, from 1.")
    status: ItemStatus
    assigned_specialist: Annotated[str, Written(by="staff")] | None
    reason: Words
    queued_at: datetime
    begin_by: datetime = Field(description="Until when somebody is to have begun.")
    assigned_at: datetime | None = None
    claimed_at: datetime | None = None
    ended_at: datetime | None = None
    revision: int


class EscalationShown(QueueItem):
    """An escalation with what whoever gets it should know."""

    context: dict[Ours, Words] = Field(description="What was told along; `summary` is all of it.")


class QueueList(BaseModel):
    """What is in queues, what is to be begun first coming first."""

    total: int
    limit: int
    offset: int
    items: list[QueueItem]


class Routed(BaseModel):
    """The receipt of a ticket that was routed to specialists."""

    escalation_id: EscalationId
    ticket_id: Ours = Field(examples=["T1001"])
    specialist_type: Ours
    priority_level: int
    status: ItemStatus
    assigned_specialist: Annotated[str, Written(by="staff")] | None
    position: int | None = Field(
        description="Its place in the queue, from 1; null where somebody has it."
    )
    estimated_response_time: int | None = Field(
        description="Minutes until somebody is likely to begin; null where nobody works there."
    )
    estimated_from: Ours = Field(description="How that is known.")
    message: Ours


class QueueFigures(BaseModel):
    """How a queue does."""

    specialist_type: Ours
    waiting: int = Field(description="Now.")
    assigned: int = Field(description="Now, to somebody who has not begun.")
    claimed: int = Field(description="Now being worked on.")
    oldest_minutes: int | None = Field(description="How long the oldest one waits now.")
    late_now: int = Field(description="How many are waiting that should have been begun.")
    queued: int = Field(description="In the period.")
    begun: int
    ended: int
    wait_minutes: float | None = Field(description="Median time until somebody began.")
    wait_minutes_90: float | None = Field(description="Nine of ten were begun within that.")
    handling_minutes: float | None = Field(description="Median time from the begin to the end.")
    breaches: int = Field(description="Queued in the period and not begun in time.")


class QueueMetrics(BaseModel):
    """How queues do."""

    hours: int
    queues: list[QueueFigures]


class StaffingEstimate(BaseModel):
    """How many specialists a queue needs, by Erlang C."""

    specialist_type: Ours
    arrivals_per_hour: float
    handling_minutes: float | None
    specialists: int | None = Field(
        description="The fewest who suffice; null where too little is known."
    )
    begun_in_time: float | None = Field(description="The share that is then begun in time.")
    wait_minutes: float | None = Field(description="How long one then waits on average.")
    busy: float | None = Field(description="The share of their time that they are at work.")
    message: Ours


Context = dict[
    Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")],
    bool | int | float | Annotated[str, Field(max_length=500)],
]
CustomerContext = Annotated[
    Context,
    Field(
        max_length=50,
        description="What is known of the customer and the matter, for whoever looks at it.",
        examples=[{"product": "Acme API", "impact": "All orders wait."}],
        json_schema_extra=_NO_OTHERS,
    ),
]
Reason = Annotated[str, Field(min_length=1, max_length=2_000, examples=["The VPN drops packets."])]
