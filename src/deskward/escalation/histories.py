"""What the clocks of tickets follow from, of many tickets at once: a statement for each part.

Clocks are looked at whenever a ticket is opened or changed. Read one ticket after the other, their
histories cost as much as half of what opened them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from deskward.core.among import is_among, numbers_in
from deskward.core.database import Connection
from deskward.core.fixed import fixed
from deskward.customers.models import customers
from deskward.escalation.agreements import Which
from deskward.escalation.clocks import Said, State
from deskward.escalation.models import sla_escalations
from deskward.tickets.messages import ticket_messages
from deskward.tickets.models import tickets
from deskward.tickets.states import ticket_states

PRODUCT = "product"
"""The field of a ticket that names what it is about, where the desk has declared it."""

_SAME = (customers.c.tenant_id == tickets.c.tenant_id) & (customers.c.id == tickets.c.customer_id)


def _of(table: sa.Table) -> sa.ColumnElement[bool]:
    ours = table.c.tenant_id == sa.bindparam("tenant")
    return sa.and_(ours, is_among(table.c.number, "numbers"))


_TICKETS = fixed(
    sa.select(
        tickets.c.number,
        tickets.c.fields,
        tickets.c.answer_due_at,
        tickets.c.resolve_due_at,
        customers.c.tier,
    )
    .select_from(tickets.outerjoin(customers, _SAME))
    .where(_of(tickets))
)
_STATES = fixed(
    sa.select(
        ticket_states.c.number,
        *(ticket_states.c[name] for name in ("at", "status", "priority", "team", "spam")),
        ticket_states.c.messages,
    )
    .where(_of(ticket_states))
    .order_by(ticket_states.c.number, ticket_states.c.seq)
)
_SAID = fixed(
    sa.select(
        ticket_messages.c.number,
        ticket_messages.c.created_at,
        ticket_messages.c.author,
        ticket_messages.c.seq,
        ticket_messages.c.by_moment,
    ).where(_of(ticket_messages), ticket_messages.c.kind == "message")
)
_ESCALATED = fixed(
    sa.select(
        sla_escalations.c.number,
        sla_escalations.c.clock,
        sla_escalations.c.started_at,
        sla_escalations.c.at,
    ).where(_of(sla_escalations))
)

Escalated = Mapping[tuple[str, datetime], datetime]
"""Clock and its start → when the ticket was escalated for it."""


@dataclass(frozen=True)
class History:
    """A ticket's history, as far as its clocks go by it.

    Attributes:
        tier: Its customer's, as of now.
        product: What it is about, as of now.
        by_hand: What staff have set themselves.
        states: Those that it was in, in order.
        said: Its messages without notes.
        told: For which clocks it was escalated.
    """

    tier: str
    product: str
    by_hand: Mapping[Which, datetime]
    states: Sequence[State]
    said: Sequence[Said]
    told: Escalated


async def histories(db: Connection, tenant: str, numbers: Collection[int]) -> dict[int, History]:
    """The histories of a tenant's tickets, by their numbers; what is not there is left out."""
    asked = {"tenant": tenant, "numbers": numbers_in(numbers)}
    states: dict[int, list[State]] = defaultdict(list)
    said: dict[int, list[Said]] = defaultdict(list)
    told: dict[int, dict[tuple[str, datetime], datetime]] = defaultdict(dict)
    for row in await db.all(_STATES, **asked):
        state = State(row.at, row.status, row.priority, row.team, row.spam, row.messages)
        states[row.number].append(state)
    for row in await db.all(_SAID, **asked):
        by = row.author.partition(":")[0]
        said[row.number].append(Said(row.created_at, by, None if row.by_moment else row.seq))
    for row in await db.all(_ESCALATED, **asked):
        told[row.number][row.clock, row.started_at] = row.at
    return {
        row.number: History(
            row.tier or "",
            str((row.fields or {}).get(PRODUCT) or ""),
            _by_hand(row.answer_due_at, row.resolve_due_at),
            states[row.number],
            said[row.number],
            told[row.number],
        )
        for row in await db.all(_TICKETS, **asked)
    }


def _by_hand(answer: datetime | None, resolve: datetime | None) -> dict[Which, datetime]:
    found: dict[Which, datetime] = {}
    if answer is not None:
        found |= {"first_response": answer, "next_response": answer}
    if resolve is not None:
        found["resolution"] = resolve
    return found
