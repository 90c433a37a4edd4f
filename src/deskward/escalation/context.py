"""All that a specialist should know of a ticket, put together from what is on record.

It is the same for the same record. No model is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import Connection, now
from deskward.core.errors import NotFound
from deskward.core.written import Ours, Written
from deskward.customers import service as customers
from deskward.escalation.clocks import LIVE, Clock
from deskward.queues import service as queues
from deskward.tickets import handover, store
from deskward.tickets.investigated import Investigated
from deskward.tickets.models import Ticket, tickets

LATEST = 5
"""How many of the ticket's latest messages are told; all of them are in its thread."""
LONGEST = 500
"""Characters of each."""
MOST = 20
"""How many attempts are told, the latest."""

Words = Annotated[str, Written(by=("customer", "staff"))]


class PreviousAttempt(BaseModel):
    """Something that was tried before."""

    action: Words = Field(examples=["Diagnosis D1001 along “Network connectivity”"])
    outcome: Words = Field(examples=["failed"])
    at: Ours | None = Field(None, examples=["2026-11-27T10:30:00+00:00"])


@dataclass(frozen=True)
class Known:
    """What there is to know of a ticket.

    Attributes:
        summary: All of it, to read.
        impact: What hangs on it, in a sentence or two.
    """

    summary: str
    attempts: list[PreviousAttempt]
    impact: str


async def known_of(
    db: Connection,
    tenant: str,
    ticket: Ticket,
    *,
    reason: str,
    given: Mapping[str, Any],
    looked: Sequence[Investigated],
    clocks: Sequence[Clock],
) -> Known:
    """What there is to know of a ticket.

    Args:
        reason: Why it is escalated.
        given: What the caller tells of the customer and the matter.
        looked: What was looked into elsewhere in the desk.
        clocks: How its clocks stand.
    """
    customer = await customers.find(db, tenant, ticket.customer_id)
    tier = customer.tier if customer is not None else "unknown"
    told = await _handover(db, tenant, ticket.id)
    messages = await store.latest(db, tenant, ticket.id, LATEST)
    attempts = await _attempts(db, tenant, ticket, looked, told)
    impact = await _impact(db, tenant, ticket, tier, given, clocks)
    parts = [
        f"Why: {_cut(reason)}",
        f"Ticket {ticket.id}: {ticket.subject}",
        f"Customer {ticket.customer_id}, tier {tier}. Priority {ticket.priority}, status "
        f"{ticket.status}.",
        f"Impact: {impact}",
    ]
    if given:
        lines = [f"- {name}: {value}" for name, value in sorted(given.items())]
        parts.append("\n".join(["What was told along:", *lines]))
    said = [f"> {one.by}: {_cut(one.text)}" for one in reversed(messages)]
    parts.append("\n".join(["The latest messages:", *said]))
    if told is not None:
        parts.append(handover.text_of(told))
    parts += [one.text for one in looked]
    if attempts:
        lines = [f"- {one.action}: {one.outcome}" for one in attempts]
        parts.append("\n".join(["Tried before:", *lines]))
    return Known("\n\n".join(parts)[:10_000], attempts, impact)


async def _handover(db: Connection, tenant: str, ticket_id: str) -> handover.Handover | None:
    try:
        return await handover.of(db, tenant, ticket_id)
    except NotFound:
        return None


async def _attempts(
    db: Connection,
    tenant: str,
    ticket: Ticket,
    looked: Sequence[Investigated],
    told: handover.Handover | None,
) -> list[PreviousAttempt]:
    found = [
        PreviousAttempt(action=one.what, outcome=one.outcome, at=one.at.isoformat())
        for one in looked
    ]
    if told is not None:
        found += [
            PreviousAttempt(action=one.tool, outcome=one.code or one.status, at=one.at)
            for one in (*told.tried, *told.looked_into)
        ]
    for row in await queues.of_ticket(db, tenant, ticket.id):
        who = f" by {row.assignee}" if row.assignee else ""
        found.append(
            PreviousAttempt(
                action=f"Escalation E{row.number} to {row.kind}{who}",
                outcome=row.status,
                at=row.queued_at.isoformat(),
            )
        )
    return sorted(found, key=lambda one: one.at or "")[-MOST:]


async def _impact(
    db: Connection,
    tenant: str,
    ticket: Ticket,
    tier: str,
    given: Mapping[str, Any],
    clocks: Sequence[Clock],
) -> str:
    mine = (tickets.c.tenant_id == tenant) & (tickets.c.customer_id == ticket.customer_id)
    waiting = tickets.c.status.in_(("open", "pending")) & sa.not_(tickets.c.spam)
    counted = await db.first(sa.select(sa.func.count()).select_from(tickets).where(mine & waiting))
    open_ = counted[0] if counted is not None else 0
    hours = (now() - ticket.created_at) / timedelta(hours=1)
    parts = [str(given["impact"])] if given.get("impact") else []
    others = f", with {open_} open tickets" if open_ > 1 else ""
    parts.append(f"A customer of tier {tier}{others} has waited for {hours:.1f} hours.")
    late = [one.which.replace("_", " ") for one in clocks if one.how in LIVE and one.overdue]
    if late:
        parts.append(f"Overdue: {', '.join(late)}.")
    return " ".join(parts)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
