"""What is done in queues by itself: what has ended leaves them, and what waits is given out.

It is planned from what is on record, by the functions of `routing.py`, and then done. Whoever does
it holds the tenant's queues, and plans under that lock: two processes give nothing out twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from deskward.core import events
from deskward.core.database import Connection, now
from deskward.gate.call import Gate
from deskward.queues import directory, service
from deskward.queues.models import queue_items
from deskward.queues.routing import (
    Given,
    Kinds,
    Specialist,
    appointed,
    could_pass_on,
    flows_over,
    give,
    is_silent,
)
from deskward.queues.service import ALIVE, Queues, waiting_of
from deskward.tickets import service as ticket_service
from deskward.tickets import thread, timers
from deskward.tickets.messages import DESK
from deskward.tickets.models import tickets
from deskward.tickets.timers import WAITING

ROUNDS = 5
"""How often is planned anew at once: what one round frees, the next one gives out."""


@dataclass
class Plan:
    """What is to be done in a tenant's queues.

    Attributes:
        ended: Rows whose tickets nobody works on any more.
        taken: Rows whose ticket is another one's by hand, or nobody's any more.
        left: Rows of who works here no more.
        silent: Rows of who has not begun for too long, where somebody else could.
        over: Rows that flow over, each with the type whose queue takes them.
        given: What waits and can be given out.
    """

    ended: list[sa.Row[Any]] = field(default_factory=list)
    taken: list[sa.Row[Any]] = field(default_factory=list)
    left: list[sa.Row[Any]] = field(default_factory=list)
    silent: list[sa.Row[Any]] = field(default_factory=list)
    over: list[tuple[sa.Row[Any], str]] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)

    def __bool__(self) -> bool:
        alone = self.ended or self.taken or self.left or self.silent
        return bool(alone or self.over or self.given)


async def plan(db: Connection, tenant: str, queues: Queues) -> Plan:
    """What is to be done in a tenant's queues now."""
    found, kinds, moment = Plan(), queues.kinds.specialists, now()
    here = await directory.all_of(db, tenant)
    at_work = await directory.working_here(db, tenant)
    waits, staffed = [], appointed(here)
    for row in await _alive(db, tenant):
        if row.ticket_status not in WAITING or row.spam:
            found.ended.append(row)
        elif row.kind not in kinds:  # a type that the operator has taken away
            continue
        elif _is_taken(row, here):
            found.taken.append(row)
        elif row.status == "waiting":
            over = flows_over(waiting_of(row), kinds, moment, staffed)
            if over is not None:
                found.over.append((row, over))
            else:
                waits.append(waiting_of(row))
        elif row.assignee not in at_work:
            found.left.append(row)
        elif (
            row.status == "assigned"
            and is_silent(row.assigned_at, kinds[row.kind], moment)
            and could_pass_on(waiting_of(row), row.assignee, here, kinds, moment)
        ):
            found.silent.append(row)
    found.given = give(waits, here, kinds, moment)
    return found


def _is_taken(row: sa.Row[Any], here: Sequence[Specialist]) -> bool:
    """Whether somebody has given the ticket to another one than has its escalation.

    What waits is not taken by whoever had the ticket before, nor by who is no such specialist:
    they look after its customer meanwhile.
    """
    if row.status != "waiting":
        return bool(row.ticket_assignee != row.assignee)
    able = {one.id for one in here if one.takes_as(waiting_of(row)) is not None}
    return row.ticket_assignee != row.beside and row.ticket_assignee in able


async def _alive(db: Connection, tenant: str) -> Sequence[sa.Row[Any]]:
    same = (tickets.c.tenant_id == queue_items.c.tenant_id) & (
        tickets.c.number == queue_items.c.ticket
    )
    state = (
        tickets.c.status.label("ticket_status"),
        tickets.c.assignee.label("ticket_assignee"),
        tickets.c.spam,
        tickets.c.merged_into,
    )
    return await db.all(
        sa.select(queue_items, *state)
        .join(tickets, same)
        .where(queue_items.c.tenant_id == tenant, ALIVE)
        .order_by(queue_items.c.number)
    )


async def drain(db: Connection, tenant: str, queues: Queues) -> None:
    """Do what is to be done in a tenant's queues, which are held."""
    for _ in range(ROUNDS):
        found = await plan(db, tenant, queues)
        if not found:
            return
        await _carry_out(db, tenant, queues, found)


async def settle(db: Connection, tenant: str, queues: Queues) -> None:
    """Have escalations be of those whose tickets are, in a tenant's queues, which are held."""
    for row in (await plan(db, tenant, queues)).taken:
        await _take(db, tenant, row, queues.kinds.specialists)


async def look(gate: Gate) -> None:
    """See in which queues something is to be done, and do it."""
    queues, database = gate.port(Queues), gate.database
    tenants = sa.select(queue_items.c.tenant_id).where(ALIVE).distinct()
    for row in await database.reader.all(tenants):
        if await plan(database.reader, row.tenant_id, queues):
            async with database.transaction() as db:
                await service.lock(db, row.tenant_id)
                await drain(db, row.tenant_id, queues)


async def _carry_out(db: Connection, tenant: str, queues: Queues, found: Plan) -> None:
    for row in found.ended:
        await _end(db, tenant, row)
    kinds = queues.kinds.specialists
    for row in found.taken:
        await _take(db, tenant, row, kinds)
    for row in (*found.left, *found.silent):
        silent = row in found.silent
        why = "has not begun in time" if silent else "works here no more"
        await give_back(db, tenant, row, f"{row.assignee} {why}.", avoid=silent)
    for row, kind in found.over:
        await service.go_to(db, tenant, row, kind, kinds)
        text = f"Escalation E{row.number} has waited too long for {row.kind}: it goes to {kind}."
        await _note(db, tenant, row.ticket, text)
    for one in found.given:
        row = await service.get(db, tenant, one.item)
        await hand(db, tenant, row, one.specialist, "assigned", one.kind, kinds)


async def _end(db: Connection, tenant: str, row: sa.Row[Any]) -> None:
    """What has ended leaves its queue; of a merged ticket the other one takes its place in it."""
    if row.merged_into is not None:
        into = await ticket_service.whole(db, tenant, f"T{row.merged_into}")
        free = await service.active_of(db, tenant, into.id) is None
        if free and into.status in WAITING and not into.spam:
            number = int(into.id[1:])
            await service.change(db, tenant, row.number, ticket=number, beside=into.assignee)
            if row.assignee is not None:
                await _have_ticket(db, tenant, number, row.assignee)
            return
    await service.change(db, tenant, row.number, status="done", ended_at=now())


async def give_back(
    db: Connection, tenant: str, row: sa.Row[Any], why: str, *, avoid: bool
) -> None:
    """Have what somebody had wait again, with its place.

    Args:
        avoid: Whether they are not given it again as long as somebody else could have it.
    """
    avoids = sorted({*row.avoids, row.assignee}) if avoid else row.avoids
    fresh = {"status": "waiting", "assignee": None, "assigned_at": None, "claimed_at": None}
    await service.change(db, tenant, row.number, **fresh, avoids=avoids, beside=None)
    theirs = tickets.c.assignee == row.assignee
    ticket = await ticket_service.set_values(db, tenant, f"T{row.ticket}", theirs, assignee=None)
    if ticket is not None:
        told = {"assignee": None}
        owner = row.customer_id
        await events.tell(db, tenant, "ticket.updated", ticket.id, told, customer_id=owner)
    await _note(db, tenant, row.ticket, f"Escalation E{row.number} waits again: {why}")


async def dismissed(db: Connection, tenant: str, staff_id: str) -> None:
    """Have all wait again that somebody has who is no specialist any more."""
    for row in await _alive(db, tenant):
        if row.assignee == staff_id:
            why = f"{staff_id} is no specialist here any more."
            await give_back(db, tenant, row, why, avoid=False)


async def _take(db: Connection, tenant: str, row: sa.Row[Any], kinds: Kinds) -> None:
    """Have whoever was given the ticket by hand have its escalation; nobody, where it is nobody's.

    Another specialist has to begin, as whoever is given something by the desk. Of anybody else it
    is taken that they have: no machine takes away from them what somebody gave them.
    """
    new, moment = row.ticket_assignee, now()
    if new is None:
        await give_back(db, tenant, row, f"the ticket is no longer {row.assignee}'s.", avoid=True)
        return
    theirs = [one for one in await directory.all_of(db, tenant) if one.id == new]
    able = theirs[0].takes_as(waiting_of(row)) if theirs else None
    values: dict[str, Any] = {"assignee": new}
    if row.status != "claimed":
        values["status"] = "assigned" if able else "claimed"
        values["assigned_at"] = moment if able else row.assigned_at or moment
        values["claimed_at"] = None if able else moment
    await _change(db, tenant, row, able or row.kind, kinds, values)
    text = f"Escalation E{row.number} is {new}'s now: the ticket was given to them."
    await _note(db, tenant, row.ticket, text)


async def hand(
    db: Connection,
    tenant: str,
    row: sa.Row[Any],
    staff_id: str,
    status: str,
    kind: str,
    kinds: Kinds,
) -> None:
    """Have somebody have an escalation, and its ticket.

    Args:
        status: `assigned`, or `claimed` where they begin at once.
        kind: As a specialist of which type: it goes back to that queue where it had left it.
    """
    moment = now()
    values: dict[str, Any] = {"status": status, "assignee": staff_id}
    values["assigned_at"] = row.assigned_at if row.assignee == staff_id else moment
    if status == "claimed":
        values["claimed_at"] = moment
    await _change(db, tenant, row, kind, kinds, values)
    await _have_ticket(db, tenant, row.ticket, staff_id)


async def _change(
    db: Connection,
    tenant: str,
    row: sa.Row[Any],
    kind: str,
    kinds: Kinds,
    values: dict[str, Any],
) -> None:
    if kind == row.kind:
        await service.change(db, tenant, row.number, **values)
        return
    await service.go_to(db, tenant, row, kind, kinds, **values)
    text = (
        f"Escalation E{row.number} is back with {kind}, where somebody has room before {row.kind}."
    )
    await _note(db, tenant, row.ticket, text)


async def _have_ticket(db: Connection, tenant: str, number: int, staff_id: str) -> None:
    ticket_id = f"T{number}"
    other = sa.or_(tickets.c.assignee.is_(None), tickets.c.assignee != staff_id)
    ticket = await ticket_service.set_values(db, tenant, ticket_id, other, assignee=staff_id)
    if ticket is None:  # they have it already
        return
    await timers.follow(db, tenant, ticket)
    told = {"assignee": staff_id}
    owner = ticket.customer_id
    await events.tell(db, tenant, "ticket.updated", ticket_id, told, customer_id=owner)


async def _note(db: Connection, tenant: str, number: int, text: str) -> None:
    await thread.note(db, tenant, f"T{number}", text, author=DESK, channel="api")
