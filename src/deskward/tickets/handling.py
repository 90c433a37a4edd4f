"""Handling a ticket: summarize, look into the FAQ, suggest a reply, then what policy lets be done.

Nothing here decides. The reply is proposed as the call `update_ticket` with the desk's own
confidence in it, and policy allows that call, lets it wait for a person, or refuses it; refused
means that a person takes the ticket. Every step is a call of its own through the gate, by the
agent, and the agent counts as having read the ticket from the first one on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, Field

from deskward.core.errors import (
    CallInProgress,
    Conflict,
    Forbidden,
    NotFound,
    TimeLimitExceeded,
    Unavailable,
)
from deskward.core.jobs import Later
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.influence import Influence
from deskward.gate.outcome import Outcome
from deskward.security.principals import AGENT, DEFAULT_ROLES, Kind, Principal
from deskward.tickets.models import Ticket, TicketId
from deskward.tickets.reply import Source, SuggestedResponse
from deskward.tickets.risk import risks_of
from deskward.tickets.sentences import sentences
from deskward.tickets.summary import TicketSummary

log = logging.getLogger(__name__)

JOB = "handle_ticket"
"""The kind of job that handles a new ticket."""
ATTEMPTS = 20
AGAIN = 5.0
"""Seconds between attempts while something that is needed is away."""

Decision = Literal["resolved", "asked", "handed_over"]
RISKS = {
    "anger": "anger or complaint",
    "legal": "a legal or public matter",
    "security": "a breach of security",
    "injection": "orders to the assistant",
}
ENDED = ("resolved", "closed")


class Step(BaseModel):
    """One call of the agent, and what policy said of it."""

    tool: str = Field(examples=["suggest_response"])
    status: Literal["ok", "pending", "error"]
    verdict: str | None = Field(examples=["allow"])
    policies: list[str] = Field(description="The policies that decided.")


class Handled(BaseModel):
    """What became of a ticket, and why."""

    ticket_id: TicketId
    decision: Decision = Field(
        description="`resolved`: the reply was sent. `asked`: it waits for a person's approval. "
        "`handed_over`: the ticket is pending, for a person to work on."
    )
    explanation: str = Field(
        examples=[
            "faq-transfer-time answers it, with a confidence of 0.98. Policy lets that be sent: "
            "support-works-on-tickets."
        ]
    )
    policies: list[str] = Field(description="The policies that decided.")
    confidence: float = Field(ge=0, le=1, examples=[0.98])
    summary: str = Field(examples=["My card was declined twice at the till."])
    reply: str = Field(description="The reply that was proposed.")
    sources: list[Source] = Field(description="The articles that the reply rests on.")
    approval_id: str | None = Field(description="Of the call that waits, where one does.")
    steps: list[Step] = Field(description="All calls in their order; each is in the ledger.")


@dataclass(frozen=True)
class Handling:
    """The port by which tools know whether new tickets are handled at once."""

    automatic: bool


class _Hand:
    """The agent at work on one ticket."""

    def __init__(self, gate: Gate, ctx: Context, ticket_id: str) -> None:
        self.steps: list[Step] = []
        self._gate = gate
        self._ticket_id = ticket_id
        read = ctx.influence or Influence()
        self._context = Context(
            principal=ctx.principal.with_agent(ctx.principal.agent or AGENT),
            door="agent",
            request_id=ctx.request_id,
            session_id=ctx.session_id,
            turn_id=ctx.turn_id,
            influence=replace(read, said=(*read.said, f"Handle ticket {ticket_id}.")),
        )

    def has_read(self, what: str, about: str) -> None:
        """From now on the agent counts as influenced by this."""
        read = self._context.influence or Influence()
        taint, subjects = read.taint | {what}, read.subjects | {about}
        self._context = replace(
            self._context, influence=replace(read, taint=taint, subjects=subjects)
        )

    async def ask(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers.

        Raises:
            DeskwardError: It did not.
        """
        outcome = self._noted(tool, await self._gate.call(tool, arguments, self._context))
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    async def propose(self, update: Mapping[str, Any], sure: float, key: str) -> Outcome:
        """What policy makes of a change of the ticket; the same proposal is made once."""
        context = replace(self._context, confidence=sure)
        first = await self._gate.first_answer("update_ticket", context, key)
        outcome = first or await self._gate.call(
            "update_ticket",
            {"ticket_id": self._ticket_id, "update": dict(update)},
            context,
            idempotency_key=key,
        )
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
        Conflict: It is resolved or closed already.
        DeskwardError: A step failed.
    """
    hand = _Hand(gate, ctx, ticket_id)
    ticket = Ticket.model_validate(await hand.ask("get_ticket", ticket_id=ticket_id))
    if ticket.status in ENDED:
        raise Conflict(f"Ticket {ticket_id} is {ticket.status} already: nothing is left to do.")
    hand.has_read("ticket", ticket.customer_id)
    risks = risks_of(ticket.subject, sentences(ticket.body))
    summary = TicketSummary.model_validate(await hand.ask("summarize_ticket", ticket_id=ticket_id))
    if not risks:  # no article is an answer to anger, law, or a theft
        await hand.ask("get_faq", q=ticket.subject)
        hand.has_read("article", ticket.customer_id)
    reply = SuggestedResponse.model_validate(
        await hand.ask("suggest_response", ticket_id=ticket_id)
    )
    answers = reply.kind == "answer"
    outcome = await hand.propose(
        {"status": "resolved" if answers else "pending", "reply": reply.response_text},
        reply.confidence,
        f"handle:{ticket_id}:{ticket.revision}:{gate.policy.version}",
    )
    decision, policies, because = await _decided(gate, ctx, outcome)
    if outcome.status == "ok" and not answers:
        decision = "handed_over"  # policy let a colleague's reply be announced
    elif decision == "handed_over":
        await _hand_over(hand, ticket, bool(risks), reply.confidence)
    return Handled(
        ticket_id=ticket_id,
        decision=decision,
        explanation=f"{_found(reply, risks)} {because}: {', '.join(policies)}.",
        policies=policies,
        confidence=reply.confidence,
        summary=summary.summary,
        reply=reply.response_text,
        sources=reply.sources,
        approval_id=outcome.value.get("approval_id") if decision == "asked" else None,
        steps=hand.steps,
    )


async def _decided(gate: Gate, ctx: Context, outcome: Outcome) -> tuple[Decision, list[str], str]:
    """What was decided about the proposal, by which policies, and that in words."""
    if outcome.status == "pending":
        asked = outcome.value
        approval = await gate.approvals.get(gate.database.reader, ctx.tenant, asked["approval_id"])
        if approval.status == "denied":
            return "handed_over", asked["policies"], "A colleague did not let the reply be sent"
        return "asked", asked["policies"], "Policy wants a person to look at the reply first"
    policies = list(outcome.decision.policies) if outcome.decision else []
    if outcome.status == "ok":
        return "resolved", policies, "Policy lets the reply be sent"
    if not isinstance(outcome.error, Forbidden):
        assert outcome.error is not None
        raise outcome.error
    return "handed_over", policies, "Policy leaves it to a person"


async def _hand_over(hand: _Hand, ticket: Ticket, grave: bool, sure: float) -> None:
    update: dict[str, str] = {"status": "pending"}
    if grave and ticket.priority in ("low", "normal"):
        update["priority"] = "high"
    outcome = await hand.propose(update, sure, f"hand-over:{ticket.id}:{ticket.revision}")
    if outcome.error is not None:
        raise outcome.error


def _found(reply: SuggestedResponse, risks: list[str]) -> str:
    """What the desk has found out about a ticket, in words."""
    signals = reply.signals
    reasons = [
        *(f"it shows signs of {RISKS[risk]}" for risk in risks),
        *(["it wants something done"] if signals.account_action else []),
        *(["it tells of something gone wrong"] if signals.trouble else []),
        *(["it asks about several things"] if signals.several else []),
    ]
    if reply.sources:
        named = ", ".join(source.id for source in reply.sources)
        text = f"{named} answers it, with a confidence of {reply.confidence:.2f}"
    else:
        text = f"No article surely answers it (confidence {reply.confidence:.2f})"
    return f"{text}; {', '.join(reasons)}." if reasons else f"{text}."


class NewTickets:
    """Handles new tickets, as jobs."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def handle(self, payload: Mapping[str, Any], attempt: int) -> None:
        """Handle the ticket of a job, as the service `desk`.

        Raises:
            Later: Something that it needs is away.
        """
        roles = (DEFAULT_ROLES[Kind.SERVICE],)
        desk = Principal(Kind.SERVICE, "desk", payload["tenant"], roles, agent=AGENT)
        arguments = {"ticket_id": payload["ticket_id"]}
        outcome = await self._gate.call("handle_ticket", arguments, Context(desk, "agent"))
        if outcome.error is None:
            log.info("ticket %s: %s", payload["ticket_id"], outcome.value["decision"])
            return
        if isinstance(outcome.error, NotFound | Conflict):
            return  # a person was faster, or the customer was erased
        passing = isinstance(outcome.error, CallInProgress | Unavailable | TimeLimitExceeded)
        if passing and attempt < ATTEMPTS:
            raise Later(AGAIN)
        log.error("ticket %s is not handled: %s", payload["ticket_id"], outcome.error.message)
