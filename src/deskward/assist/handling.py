"""Handling a ticket: summarize, look into the FAQ, suggest a reply, then what policy lets be done.

Nothing here decides. The reply is proposed as the call `update_ticket` with the desk's own
confidence in it, and policy allows that call, lets it wait for a person, or refuses it; refused
means that a person takes the ticket. Every step is a call of its own through the gate, by the
agent, and the agent counts as having read the ticket from the first one on.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from deskward.assist.reply import Source, SuggestedResponse
from deskward.assist.summary import TicketSummary
from deskward.core.errors import (
    CallInProgress,
    Conflict,
    Forbidden,
    NotFound,
    TimeLimitExceeded,
    Unavailable,
)
from deskward.core.jobs import GiveUp, Job, RetryLater
from deskward.core.logging import bind
from deskward.core.written import Ours, Written
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.effects import DeskKey
from deskward.gate.influence import Influence
from deskward.gate.outcome import Outcome
from deskward.gate.readings import Reading
from deskward.gate.waiting import PendingCall
from deskward.security import tenants
from deskward.security.principals import AGENT, DEFAULT_ROLES, Kind, Principal
from deskward.text.risk import risks_in_time
from deskward.tickets.models import Ticket, TicketId
from deskward.tickets.templates import text_of

log = logging.getLogger(__name__)

JOB = "handle_ticket"
"""The kind of job that handles a new ticket."""
ATTEMPTS = 20
AGAIN = 5.0
"""Seconds between attempts while something that is needed is away."""

STEPS = 5
"""How many steps the caller is told of."""

Decision = Literal["resolved", "asked", "handed_over"]
RISKS = {
    "anger": "anger or complaint",
    "legal": "a legal or public matter",
    "security": "a breach of security",
    "vulnerable": "distress",
    "person": "the wish for a person",
    "injection": "orders to the assistant",
}
_PASSING = (CallInProgress, Unavailable, TimeLimitExceeded)


class Step(BaseModel):
    """One call of the agent, and what policy said of it."""

    tool: Ours = Field(examples=["suggest_response"])
    status: Literal["ok", "pending", "error"]
    verdict: Ours | None = Field(examples=["allow"])
    policies: list[Ours] = Field(description="The policies that decided.")


class Handled(BaseModel):
    """What became of a ticket, and why."""

    ticket_id: TicketId
    decision: Decision = Field(
        description="`resolved`: the reply was sent. `asked`: it waits for a person's approval. "
        "`handed_over`: the ticket is pending, for a person to work on."
    )
    explanation: Annotated[str, Written(by="customer")] = Field(
        examples=[
            "“How long does a transfer take?” (v1, 2026-03-01) answers it, with a confidence of "
            "0.98. Policy lets the reply be sent: support-works-on-tickets."
        ]
    )
    policies: list[Ours] = Field(description="The policies that decided.")
    confidence: float = Field(ge=0, le=1, examples=[0.98])
    summary: Annotated[str, Written(by="customer")] = Field(
        examples=["My card was declined twice at the till."]
    )
    reply: Annotated[str, Written(by=("author", "customer"))] = Field(
        description="The reply that was proposed."
    )
    sources: list[Source] = Field(description="The articles that the reply rests on.")
    approval_id: Ours | None = Field(description="Of the call that waits, where one does.")
    steps: list[Step] = Field(description="All calls in their order; each is in the ledger.")


class _Hand:
    """The agent at work on one ticket."""

    def __init__(self, gate: Gate, ctx: Context, ticket_id: str) -> None:
        self.steps: list[Step] = []
        self._gate = gate
        told = ctx.influence or Influence()
        self._context = Context(
            principal=ctx.principal.with_agent(ctx.principal.agent or AGENT),
            door="agent",
            request_id=ctx.request_id,  # and no session: of a conversation this is one call
            influence=replace(told, said=(*told.said, f"Handle ticket {ticket_id}.")),
            reading=ctx.reading,
        )

    def is_about(self, customer: str) -> None:
        """From now on the agent may look up this customer."""
        told = self._context.influence or Influence()
        about = replace(told, subjects=told.subjects | {customer})
        self._context = replace(self._context, influence=about)

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers.

        Raises:
            DeskwardError: It did not.
        """
        outcome = self._noted(tool, await self._gate.call(tool, arguments, self._context))
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    async def propose(self, ticket: Ticket, found: SuggestedResponse, **update: str) -> Outcome:
        """What policy makes of a change of the ticket as it was read, and of no later one."""
        doubts = tuple(found.signals.doubts)
        context = replace(self._context, confidence=found.confidence, doubts=doubts)
        arguments = {"ticket_id": ticket.id, "update": {**update, "revision": ticket.revision}}
        step = "reply" if update.keys() & {"reply", "template"} else "handover"
        whole = f"{self._context.request_id}:{ticket.id}:{ticket.revision}:{step}"
        key = DeskKey("handling", whole)
        outcome = await self._gate.call("update_ticket", arguments, context, idempotency_key=key)
        return self._noted("update_ticket", outcome)

    def _noted(self, tool: str, outcome: Outcome) -> Outcome:
        decision = outcome.decision
        self.steps.append(
            Step(
                tool=tool,
                status=outcome.status,
                verdict=decision.verdict.value if decision else None,
                policies=list(decision.policies) if decision else [],
            )
        )
        return outcome


async def handle(gate: Gate, ctx: Context, ticket_id: str) -> Handled:
    """Handle a ticket; see above.

    Raises:
        NotFound: There is no such ticket.
        Conflict: A person has it, or it was changed meanwhile.
        DeskwardError: A step failed.
    """
    hand = _Hand(gate, ctx, ticket_id)
    ctx.progress(0, STEPS, "Reading the ticket")
    ticket = Ticket.model_validate(await hand.ask("get_ticket", ticket_id=ticket_id))
    _check_untouched(ticket)
    hand.is_about(ticket.customer_id)
    risks = await risks_in_time(ticket.subject, ticket.words)
    ctx.progress(1, STEPS, "Summarizing it")
    summary = TicketSummary.model_validate(await hand.ask("summarize_ticket", ticket_id=ticket_id))
    ctx.progress(2, STEPS, "Looking into the FAQ")
    if not risks:  # no article is an answer to anger, law, or a theft
        await hand.ask("get_faq", q=ticket.subject)
    ctx.progress(3, STEPS, "Writing a reply")
    reply = SuggestedResponse.model_validate(
        await hand.ask("suggest_response", ticket_id=ticket_id)
    )
    ctx.progress(4, STEPS, "Asking policy")
    answers = reply.kind == "answer"
    if answers:
        outcome = await hand.propose(ticket, reply, status="resolved", reply=reply.response_text)
    else:  # a colleague is announced, in words of the desk's own that nobody has to look at
        outcome = await hand.propose(ticket, reply, status="pending", template="holding")
    decision, because = _decided(outcome, answers)
    tenant = await tenants.find(gate.database.reader, ctx.tenant)
    policies = list(outcome.decision.policies) if outcome.decision else []
    if isinstance(outcome.error, Forbidden):
        outcome = await hand.propose(ticket, reply, **_handed_over(ticket, bool(risks)))
        if outcome.error is not None:
            raise outcome.error
        if outcome.status == "pending":
            decision = "asked"
    return Handled(
        ticket_id=ticket_id,
        decision=decision,
        explanation=f"{_found(reply, risks)} {because}: {', '.join(policies)}.",
        policies=policies,
        confidence=reply.confidence,
        summary=summary.summary,
        reply=reply.response_text if answers else text_of("holding", ticket, tenant),
        sources=reply.sources,
        approval_id=outcome.value["approval_id"] if decision == "asked" else None,
        steps=hand.steps,
    )


def _check_untouched(ticket: Ticket) -> None:
    """Leave a ticket alone that a person has to do with.

    Raises:
        Conflict: One has.
    """
    if ticket.status != "open":
        problem = f"is {ticket.status} already"
    elif ticket.spam:
        problem = "is spam"
    elif ticket.reply is not None:
        problem = "has a reply already"
    elif ticket.heard > 1:
        problem = "has more messages than its first already"
    elif ticket.assignee is not None:
        problem = f"is worked on by {ticket.assignee}"
    else:
        return
    raise Conflict(f"Ticket {ticket.id} {problem}. Only open tickets that nobody has are handled.")


def _decided(outcome: Outcome, answers: bool) -> tuple[Decision, str]:
    """What was decided about the proposal, and that in words."""
    if outcome.status == "pending":
        return "asked", "Policy wants a person to look at the reply first"
    if isinstance(outcome.error, Forbidden):
        return "handed_over", "Policy leaves it to a person"
    if outcome.error is not None:
        raise outcome.error
    return "resolved" if answers else "handed_over", "Policy lets the reply be sent"


def _handed_over(ticket: Ticket, grave: bool) -> dict[str, str]:
    """The change by which a ticket is handed over."""
    raised = grave and ticket.priority in ("low", "normal")
    return {"status": "pending", **({"priority": "high"} if raised else {})}


def _found(reply: SuggestedResponse, risks: list[str]) -> str:
    """What the desk has found out about a ticket, in words."""
    signals = reply.signals
    named = ", ".join(source.cited for source in reply.sources)
    reasons = [
        *(f"it shows signs of {RISKS[risk]}" for risk in risks),
        *(["it wants something done"] if signals.account_action else []),
        *(["it tells of something gone wrong"] if signals.trouble else []),
        *(["it asks about several things"] if signals.several else []),
        *(["not all of it could be read"] if "unread" in signals.doubts else []),
        *([f"no word there of {', '.join(signals.foreign)}"] if named and signals.foreign else []),
    ]
    if named:
        text = f"{named} answers it, with a confidence of {reply.confidence:.2f}"
    else:
        text = f"No article surely answers it (confidence {reply.confidence:.2f})"
    return f"{text}; {', '.join(reasons)}." if reasons else f"{text}."


class Handler:
    """What happens to tickets by itself: new ones are handled, denied replies are handed over."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def denied(self, proposed: PendingCall) -> None:
        """Hand a ticket over whose proposed reply a person has denied.

        Raises:
            RetryLater: Something that it needs is away.
        """
        facts = proposed.came_from.facts
        if "confidence" not in facts:
            return  # somebody else's proposal
        context = Context(
            proposed.came_from.caller,
            "agent",
            influence=Influence(subjects=frozenset({facts["about"]})),
            reading=Reading(facts["taint"]),
            confidence=facts["confidence"],
        )
        asked = proposed.shown
        change = {"status": "pending", "revision": asked["update"]["revision"]}
        arguments = {"ticket_id": asked["ticket_id"], "update": change}
        outcome = await self._gate.call("update_ticket", arguments, context)
        if isinstance(outcome.error, _PASSING):
            raise RetryLater(AGAIN, outcome.error.message)

    async def handle(self, job: Job) -> None:
        """Handle the ticket of a job, as the service `desk`.

        Raises:
            RetryLater: Something that it needs is away.
            GiveUp: It cannot be handled.
        """
        tenant, ticket_id = job.payload["tenant"], job.payload["ticket_id"]
        bind(tenant=tenant)
        roles = (DEFAULT_ROLES[Kind.SERVICE],)
        desk = Principal(Kind.SERVICE, "desk", tenant, roles, agent=AGENT)
        # All attempts are one request: what one of them has proposed, another does not again.
        context = Context(desk, "agent", request_id=job.id)
        outcome = await self._gate.call("handle_ticket", {"ticket_id": ticket_id}, context)
        if outcome.error is None:
            log.info("ticket %s: %s", ticket_id, outcome.value["decision"])
            return
        if isinstance(outcome.error, NotFound | Conflict) and not isinstance(
            outcome.error, CallInProgress
        ):
            return  # a person was faster, or the customer was erased
        if isinstance(outcome.error, _PASSING) and job.attempt < ATTEMPTS:
            raise RetryLater(AGAIN, outcome.error.message)
        raise GiveUp(f"Ticket {ticket_id} is not handled: {outcome.error.message}")
