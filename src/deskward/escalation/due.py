"""How the clocks of a ticket of the desk stand: its history is read, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.fixed import fixed
from deskward.customers import service as customers
from deskward.escalation.agreements import Agreements, Subject, Which
from deskward.escalation.calendars import of_tenant
from deskward.escalation.clocks import LIVE, Clock, Find, Said, State, Terms, clocks
from deskward.escalation.models import TicketClock, TicketDue, sla_escalations
from deskward.security import tenants
from deskward.tickets import service
from deskward.tickets.deadlines import Deadline
from deskward.tickets.messages import ticket_messages
from deskward.tickets.models import Ticket
from deskward.tickets.states import states_of

PRODUCT = "product"
"""The field of a ticket that names what it is about, where the desk has declared it."""

_SAID = fixed(
    sa.select(
        ticket_messages.c.created_at,
        ticket_messages.c.author,
        ticket_messages.c.seq,
        ticket_messages.c.by_moment,
    ).where(
        ticket_messages.c.tenant_id == sa.bindparam("tenant"),
        ticket_messages.c.number == sa.bindparam("number"),
        ticket_messages.c.kind == "message",
    )
)
_ESCALATED = fixed(
    sa.select(sla_escalations).where(
        sla_escalations.c.tenant_id == sa.bindparam("tenant"),
        sla_escalations.c.number == sa.bindparam("number"),
    )
)


@dataclass(frozen=True)
class ServiceLevels:
    """The port by which tools and jobs know the desk's policies."""

    agreements: Agreements = field(default_factory=lambda: Agreements(policies=()))


async def clocks_of(
    db: Connection, tenant: str, ticket: Ticket, levels: ServiceLevels
) -> list[Clock]:
    """How the clocks of a ticket stand now."""
    states = [
        State(row.at, row.status, row.priority, row.team, row.spam, row.messages)
        for row in await states_of(db, tenant, ticket.id)
    ]
    if not states:
        return []
    find = await terms_of(db, tenant, ticket, levels)
    said = await _said(db, tenant, ticket.id)
    return clocks(states, said, find, now(), _by_hand(ticket))


async def terms_of(db: Connection, tenant: str, ticket: Ticket, levels: ServiceLevels) -> Find:
    """What finds the terms of a ticket by its state; its customer and product are those of now."""
    customer = await customers.find(db, tenant, ticket.customer_id)
    desk = of_tenant(await tenants.find(db, tenant))
    tier, product = customer.tier if customer else "", str(ticket.fields.get(PRODUCT) or "")
    known: dict[tuple[str, str | None], Terms | None] = {}

    def find(state: State) -> Terms | None:
        key = (state.priority, state.team)
        if key not in known:
            about = Subject(tier=tier, product=product, priority=state.priority, team=state.team)
            agreement = levels.agreements.of(about)
            known[key] = (
                Terms(agreement, levels.agreements.calendar(agreement.calendar, desk))
                if agreement is not None
                else None
            )
        return known[key]

    return find


async def _said(db: Connection, tenant: str, ticket_id: str) -> list[Said]:
    rows = await db.all(_SAID, tenant=tenant, number=int(ticket_id[1:]))
    return [
        Said(row.created_at, row.author.partition(":")[0], None if row.by_moment else row.seq)
        for row in rows
    ]


def _by_hand(ticket: Ticket) -> dict[Which, datetime]:
    """What staff have set themselves."""
    found: dict[Which, datetime] = {}
    if ticket.answer_due_at is not None:
        found |= {"first_response": ticket.answer_due_at, "next_response": ticket.answer_due_at}
    if ticket.resolve_due_at is not None:
        found["resolution"] = ticket.resolve_due_at
    return found


Escalated = Mapping[tuple[str, datetime], datetime]
"""Clock and its start → when the ticket was escalated for it."""


async def escalated(db: Connection, tenant: str, ticket_id: str) -> Escalated:
    """For which clocks a ticket was escalated."""
    rows = await db.all(_ESCALATED, tenant=tenant, number=int(ticket_id[1:]))
    return {(row.clock, row.started_at): row.at for row in rows}


async def due(db: Connection, tenant: str, ticket_id: str, levels: ServiceLevels) -> TicketDue:
    """How the clocks of a ticket stand, as staff are shown it.

    Raises:
        NotFound: The tenant has no such ticket.
    """
    ticket = await service.get(db, tenant, ticket_id)
    found = await clocks_of(db, tenant, ticket, levels)
    told = await escalated(db, tenant, ticket_id)
    running = [one for one in found if one.how in LIVE]
    moments = [one.due_at for one in running if one.due_at is not None]
    find = await terms_of(db, tenant, ticket, levels)
    terms = find(State(now(), ticket.status, ticket.priority, ticket.team, ticket.spam))
    return TicketDue(
        ticket_id=ticket_id,
        policy=terms.agreement.id if terms is not None else None,
        next_due_at=min(moments, default=None),
        overdue=any(one.overdue for one in running),
        clocks=[_shown(one, told) for one in found],
    )


async def deadlines(
    levels: ServiceLevels, db: Connection, tenant: str, ticket: Ticket
) -> list[Deadline]:
    """The clocks of a ticket that are not over, for `tickets/deadlines.py`."""
    return [
        Deadline(one.which, one.how, one.policy, one.due_at, one.overdue)
        for one in await clocks_of(db, tenant, ticket, levels)
        if one.how in LIVE
    ]


def _shown(clock: Clock, told: Escalated) -> TicketClock:
    return TicketClock(
        clock=clock.which,
        policy=clock.policy,
        state=clock.how,
        started_at=clock.started_at,
        target_minutes=_minutes(clock.target),
        spent_minutes=_minutes(clock.spent),
        due_at=clock.due_at,
        warn_at=clock.warn_at,
        ended_at=clock.ended_at,
        overdue=clock.overdue,
        set_by_hand=clock.by_hand,
        escalated_at=told.get((clock.which, clock.started_at)),
    )


def _minutes(length: timedelta) -> int:
    return int(length / timedelta(minutes=1))
