"""What rules say of a matter: its facts are put together, and every rule is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from deskward.core.database import now
from deskward.core.written import Ours, Written
from deskward.customers import service as customers
from deskward.escalation import rules as reading
from deskward.escalation.clocks import LIVE
from deskward.escalation.due import ServiceLevels, clocks_of
from deskward.escalation.histories import PRODUCT
from deskward.escalation.rules import NO_CLOCK, EscalationRules
from deskward.gate.context import Context
from deskward.queues import service as queues
from deskward.text.moods import Mood, mood_of
from deskward.text.risk import risks_in_time
from deskward.tickets import service, store
from deskward.tickets.models import Priority, Status, TicketId

REVENUE = "revenue"
"""The field of a customer that says what they pay a year, where the desk has declared it."""
MOMENT = 1.0
"""Seconds in which what a ticket's words show is looked for."""

Line = Annotated[str, Field(max_length=200)]


class TicketData(BaseModel):
    """What is known of a matter; of a ticket of the desk its record counts, not what is said."""

    model_config = ConfigDict(extra="forbid")

    ticket_id: TicketId | None = None
    subject: Line = ""
    description: Annotated[str, Field(max_length=10_000)] = ""
    priority: Priority = "normal"
    status: Status = "open"
    product: Line = ""
    team: Annotated[str, Field(max_length=64)] = ""
    sentiment: Mood | None = Field(
        None, description="How the customer writes; left out, their words show it."
    )
    revenue: Annotated[float, Field(ge=0, le=9e14, allow_inf_nan=False)] | None = Field(
        None, description="What the customer pays a year."
    )
    minutes_left: Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)] | None = Field(
        None, description="Until the first clock of the ticket runs out."
    )


class Attempt(BaseModel):
    """Something that was tried."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[str, Field(min_length=1, max_length=500), Written(by=("customer", "staff"))]
    outcome: Literal["failed", "partly", "helped", "unknown"] = "unknown"
    at: datetime | None = None


Attempts = Annotated[
    list[Attempt | Annotated[str, Field(min_length=1, max_length=500)]],
    Field(
        max_length=100,
        description="What was tried already, each in words or with what came of it.",
        examples=[[{"action": "Restarted the router", "outcome": "failed"}]],
    ),
]


class ComplexityPart(BaseModel):
    """A part of how complex an issue is."""

    part: Ours = Field(examples=["tried-once"])
    condition: Ours = Field(examples=["attempts >= 1"])
    points: int = Field(description="What it counts where it holds.")
    held: bool


class ComplexityShown(BaseModel):
    """How complex an issue is, from 1 to 10, and why."""

    score: int
    given: bool = Field(description="Whether the caller has said it.")
    base: int
    parts: list[ComplexityPart]


class RuleAsked(BaseModel):
    """What came of a rule."""

    rule: Ours = Field(examples=["tried-three-times"])
    title: Ours
    matched: bool
    condition: Ours | None = Field(examples=["attempts >= 3"])
    values: dict[Ours, Annotated[str, Written(by=("customer", "staff"))]] = Field(
        description="What it looked at, each as JSON; of its words those that are said.",
        examples=[{"attempts": "3"}],
    )
    problem: Ours | None = Field(None, description="Why it could not be asked.")
    specialist_type: Ours
    priority_level: int


class EscalationCriteria(BaseModel):
    """Whether a matter should be escalated, to whom, and why."""

    should_escalate: bool
    specialist_type: Ours | None = Field(description="Whose queue it belongs in.")
    priority_level: int | None = Field(description="From 1, the most urgent, to 5.")
    specialist_available: bool = Field(description="Whether one of them has room now.")
    specialists_with_room: int
    reasons: list[Ours] = Field(description="The titles of the rules that match.")
    complexity: ComplexityShown
    rules: list[RuleAsked]


class Rules:
    """The port by which tools know the desk's rules.

    The operator's are read when the desk starts, so that a fault shows then; those that ship alone
    are read when they are first asked: conditions take a fifth of a second to import.
    """

    def __init__(self, own: Path | None, specialists: Sequence[str]) -> None:
        """Take the operator's file.

        Raises:
            WrongFiles: It cannot be used.
        """
        self._own, self._specialists = own, specialists
        if own is not None:
            _ = self.rules

    @cached_property
    def rules(self) -> EscalationRules:
        """The rules."""
        return reading.load(self._own, self._specialists)


@dataclass(frozen=True)
class Matter:
    """The facts of a matter, and what its customer has written."""

    facts: Mapping[str, Any]
    text: str


async def matter_of(
    ctx: Context, data: TicketData, tier: str, attempts: Sequence[Attempt | str]
) -> Matter:
    """The facts of a matter, without how complex it is.

    Raises:
        NotFound: The tenant has no such ticket.
    """
    failed = sum(isinstance(one, Attempt) and one.outcome == "failed" for one in attempts)
    facts: dict[str, Any] = {
        "attempts": len(attempts),
        "failed": failed,
        "escalations": 0,
        "minutes_left": data.minutes_left if data.minutes_left is not None else NO_CLOCK,
        "overdue": data.minutes_left is not None and data.minutes_left < 0,
        "priority": data.priority,
        "product": data.product,
        "revenue": data.revenue or 0.0,
        "status": data.status,
        "team": data.team,
        "tier": tier.strip().casefold(),
    }
    subject, text = data.subject, data.description
    if data.ticket_id is not None:
        ticket = await service.get(ctx.db, ctx.tenant, data.ticket_id)
        subject, text = ticket.subject, await store.heard(ctx.db, ctx.tenant, ticket)
        customer = await customers.find(ctx.db, ctx.tenant, ticket.customer_id)
        facts |= {"priority": ticket.priority, "status": ticket.status, "team": ticket.team or ""}
        facts["product"] = str(ticket.fields.get(PRODUCT) or data.product)
        if customer is not None:
            facts["tier"] = customer.tier.casefold()
            facts["revenue"] = _number(customer.fields.get(REVENUE), facts["revenue"])
        earlier = await queues.of_ticket(ctx.db, ctx.tenant, ticket.id)
        facts["escalations"] = len(earlier)
        found = await clocks_of(ctx.db, ctx.tenant, ticket, ctx.port(ServiceLevels))
        live = [one for one in found if one.how in LIVE]
        moments = [one.due_at for one in live if one.due_at is not None]
        left = [(due - now()) / timedelta(minutes=1) for due in moments]
        facts["minutes_left"] = min(left, default=NO_CLOCK)
        facts["overdue"] = any(one.overdue for one in live)
    facts["signs"] = await risks_in_time(subject, text, limit=MOMENT, but_denied=True)
    facts["sentiment"] = data.sentiment or mood_of([subject, text])
    return Matter(facts, f"{subject}\n{text}")


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


def judged(
    rules: EscalationRules, matter: Matter, complexity: int | None
) -> tuple[ComplexityShown, list[reading.Asked]]:
    """How complex a matter is, and what every rule says of it.

    Args:
        complexity: What the caller says of it; None where it is to be reckoned.
    """
    score = reading.complexity_of(rules.complexity, matter.facts)
    shown = ComplexityShown(
        score=complexity if complexity is not None else score.score,
        given=complexity is not None,
        base=score.base,
        parts=[
            ComplexityPart(
                part=one.part.id, condition=one.part.when, points=one.part.points, held=one.held
            )
            for one in score.parts
        ],
    )
    facts = {**matter.facts, "complexity": shown.score}
    return shown, reading.ask(rules.rules, facts, matter.text)


def shown(asked: reading.Asked) -> RuleAsked:
    """What came of a rule, as it is shown."""
    return RuleAsked(
        rule=asked.rule.id,
        title=asked.rule.title,
        matched=asked.matched,
        condition=asked.rule.when,
        values={
            name: json.dumps(value, ensure_ascii=False) for name, value in asked.values.items()
        },
        problem=asked.problem,
        specialist_type=asked.rule.specialist,
        priority_level=asked.rule.priority_level,
    )
