"""How the clocks of a ticket of the desk stand: its history is read, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from deskward.core.database import Connection, now
from deskward.escalation.agreements import Agreements, Subject
from deskward.escalation.calendars import Calendar, of_tenant
from deskward.escalation.clocks import LIVE, Clock, Find, State, Terms, clocks
from deskward.escalation.histories import Escalated, History, histories
from deskward.escalation.models import TicketClock, TicketDue
from deskward.security import tenants
from deskward.tickets import service
from deskward.tickets.deadlines import Deadline
from deskward.tickets.models import Ticket


@dataclass(frozen=True)
class ServiceLevels:
    """The port by which tools and jobs know the desk's policies."""

    agreements: Agreements = field(default_factory=lambda: Agreements(policies=()))


async def clocks_of(
    db: Connection, tenant: str, ticket: Ticket, levels: ServiceLevels
) -> list[Clock]:
    """How the clocks of a ticket stand now."""
    desk = await hours_of(db, tenant)
    history = await _history(db, tenant, ticket.id)
    return clocks_by(history, terms_of(history, levels, desk)) if history is not None else []


def clocks_by(history: History, find: Find) -> list[Clock]:
    """How clocks stand now, by a ticket's history and its terms."""
    if not history.states:
        return []
    return clocks(history.states, history.said, find, now(), history.by_hand)


async def hours_of(db: Connection, tenant: str) -> Calendar:
    """When a tenant works."""
    return of_tenant(await tenants.find(db, tenant))


def terms_of(history: History, levels: ServiceLevels, desk: Calendar) -> Find:
    """What finds the terms of a ticket by its state; its customer and product are those of now.

    Args:
        desk: The tenant's hours.
    """
    tier, product = history.tier, history.product
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


async def _history(db: Connection, tenant: str, ticket_id: str) -> History | None:
    number = int(ticket_id[1:])
    return (await histories(db, tenant, [number])).get(number)


async def due(db: Connection, tenant: str, ticket_id: str, levels: ServiceLevels) -> TicketDue:
    """How the clocks of a ticket stand, as staff are shown it.

    Raises:
        NotFound: The tenant has no such ticket.
    """
    ticket = await service.get(db, tenant, ticket_id)
    history = await _history(db, tenant, ticket_id)
    assert history is not None  # tickets are never deleted
    find = terms_of(history, levels, await hours_of(db, tenant))
    found = clocks_by(history, find)
    running = [one for one in found if one.how in LIVE]
    moments = [one.due_at for one in running if one.due_at is not None]
    terms = find(State(now(), ticket.status, ticket.priority, ticket.team, ticket.spam))
    return TicketDue(
        ticket_id=ticket_id,
        policy=terms.agreement.id if terms is not None else None,
        next_due_at=min(moments, default=None),
        overdue=any(one.overdue for one in running),
        clocks=[_shown(one, history.told) for one in found],
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
