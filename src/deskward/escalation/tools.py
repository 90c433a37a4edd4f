"""The tools of escalation."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.written import Written
from deskward.escalation import context, due, evaluating
from deskward.escalation import rules as reading
from deskward.escalation.context import PreviousAttempt, Words
from deskward.escalation.due import ServiceLevels
from deskward.escalation.evaluating import (
    Attempts,
    EscalationCriteria,
    Rules,
    TicketData,
)
from deskward.escalation.models import TicketDue
from deskward.escalation.wishes import WISHES
from deskward.gate.context import Context
from deskward.gate.tool import Risk, ToolGroup
from deskward.queues import directory, routing_in
from deskward.queues import service as queue_service
from deskward.queues.kinds import KindName, Level
from deskward.queues.models import CustomerContext, EscalationId, Reason
from deskward.queues.service import Queues, Wanted
from deskward.queues.tools import skills_of
from deskward.tickets.facts import ticket_facts
from deskward.tickets.investigated import Investigations
from deskward.tickets.models import TicketId

tools = ToolGroup("escalation", wishes=WISHES)


class EscalationTicket(BaseModel):
    """An escalation, with all that whoever gets it should know."""

    escalation_id: EscalationId
    assigned_specialist: Annotated[str, Written(by="staff")] | None = Field(
        description="Who has it; null while all who could have it have no room."
    )
    estimated_response_time: int | None = Field(
        description="Minutes until somebody is likely to begin; null where nobody works there. The "
        "summary says how that is known."
    )
    escalation_level: int = Field(description="Which escalation of the ticket it is, from 1.")
    context_summary: Words
    previous_attempts: list[PreviousAttempt]
    customer_impact: Words


@tools.tool(
    scope="escalation:read",
    risk=Risk.READ,
    rest="GET /tickets/{ticket_id}/due",
    facts=ticket_facts,
    keeps_secrets=False,
)
async def get_ticket_due(ctx: Context, ticket_id: TicketId) -> TicketDue:
    """Tell until when a ticket is to be answered and resolved, and how its clocks stand.

    Args:
        ticket_id: The ticket.
    """
    return await due.due(ctx.db, ctx.tenant, ticket_id, ctx.port(ServiceLevels))


@tools.tool(scope="escalation:read", risk=Risk.READ, rest="POST /escalations/evaluate")
async def evaluate_escalation_criteria(
    ctx: Context,
    ticket_data: TicketData,
    customer_tier: Annotated[str, Field(max_length=64, examples=["premium"])] = "standard",
    issue_complexity: Annotated[int, Field(ge=1, le=10)] | None = None,
    previous_attempts: Attempts = [],  # noqa: B006 the gate copies it
) -> EscalationCriteria:
    """Evaluate whether a matter should be escalated, and to whom; every rule says what it saw.

    Args:
        ticket_data: The matter. With a `ticket_id`, what is on record of it counts.
        customer_tier: The customer's tier; of a ticket of the desk that on record counts.
        issue_complexity: How complex it is, from 1 to 10; null where it is to be reckoned.
        previous_attempts: What was tried.
    """
    rules = ctx.port(Rules).rules
    matter = await evaluating.matter_of(ctx, ticket_data, customer_tier, previous_attempts)
    complexity, asked = evaluating.judged(rules, matter, issue_complexity)
    chosen = reading.most_urgent(asked)
    room = 0
    if chosen is not None:
        room, _ = await directory.available(ctx.db, ctx.tenant, chosen.specialist)
    return EscalationCriteria(
        should_escalate=chosen is not None,
        specialist_type=chosen.specialist if chosen is not None else None,
        priority_level=chosen.priority_level if chosen is not None else None,
        specialist_available=room > 0,
        specialists_with_room=room,
        reasons=[one.rule.title for one in asked if one.matched],
        complexity=complexity,
        rules=[evaluating.shown(one) for one in asked],
    )


@tools.tool(scope="queues:route", risk=Risk.WRITE, rest="POST /escalations")
async def create_escalation_ticket(
    ctx: Context,
    original_ticket_id: TicketId,
    escalation_reason: Reason,
    specialist_type: KindName,
    priority_level: Level,
    customer_context: CustomerContext | None = None,
) -> EscalationTicket:
    """Escalate a ticket to specialists, with all that is known of it.

    The thread, what was looked into and tried, and what hangs on it go along, as a note on the
    ticket: the customer goes on in the ticket that they know.

    Args:
        original_ticket_id: The ticket.
        escalation_reason: Why.
        specialist_type: Who is to look at it.
        priority_level: How urgent it is.
        customer_context: What they should know besides; `impact` says what hangs on it, `skill`
            what they should be able to.
    """
    queues, given = ctx.port(Queues), customer_context or {}
    queues.kinds.get(specialist_type)
    await queue_service.lock(ctx.db, ctx.tenant)
    ticket = await queue_service.held_ticket(ctx.db, ctx.tenant, original_ticket_id)
    looked = await ctx.port(Investigations).of(ctx.db, ctx.tenant, ticket.customer_id, ticket.id)
    known = await context.known_of(
        ctx.db,
        ctx.tenant,
        ticket,
        reason=escalation_reason,
        given=given,
        looked=looked,
        clocks=await due.clocks_of(ctx.db, ctx.tenant, ticket, ctx.port(ServiceLevels)),
    )
    wanted = Wanted(
        specialist_type,
        priority_level,
        reason=known.summary,
        skills=skills_of(customer_context),
        context={**given, "summary": known.summary, "impact": known.impact},
    )
    row = await routing_in.put_in(ctx.db, ctx.tenant, ticket.id, wanted, queues)
    minutes, how = await routing_in.response(ctx.db, ctx.tenant, row, queues)
    return EscalationTicket(
        escalation_id=f"E{row.number}",
        assigned_specialist=row.assignee,
        estimated_response_time=minutes,
        escalation_level=row.escalation_level,
        context_summary=f"{known.summary}\n\nThe response time is {how}.",
        previous_attempts=known.attempts,
        customer_impact=known.impact,
    )
