"""Breaches are prevented: a ticket is escalated before a clock of it runs out.

When to look stands in `sla_watch`; what is so then is read from the ticket's history, on the
ticket's own row, in the transaction that escalates it. So an answer comes before it, and nothing
is escalated, or after it. For one clock a ticket is escalated once, whoever looks and how often.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from deskward.core import events, jobs
from deskward.core.database import Connection, Database, insert_or_ignore, now
from deskward.core.fixed import fixed
from deskward.core.jobs import Job
from deskward.escalation.agreements import Agreements
from deskward.escalation.clocks import LIVE, Clock
from deskward.escalation.due import ServiceLevels, clocks_of, escalated
from deskward.escalation.models import sla_escalations, sla_rules, sla_watch
from deskward.gate.call import Gate
from deskward.queues import service as queue_service
from deskward.queues.routing_in import put_in
from deskward.queues.service import Queues, Wanted
from deskward.tickets import thread, timers
from deskward.tickets.messages import DESK
from deskward.tickets.models import Priority, Ticket, tickets

CHECK = "sla_clocks"
"""The kind of job that looks how the clocks of a ticket stand."""
AT_ONCE = 100
"""How many tickets one look finds."""
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
FAST = timedelta(minutes=1)
"""How far a look may seem to be yet to come, by the clocks of two machines."""
TOO_LATE = timedelta(hours=8)
"""How long after it ran out nobody is told of a clock any more: it came from a file, or from a time
in which there was no such policy, and there may be thousands of them."""
_NAMES = {
    "first_response": "the first answer",
    "next_response": "the next answer",
    "resolution": "its resolution",
}
_LEVELS: Mapping[Priority, int] = {"urgent": 1, "high": 1, "normal": 2, "low": 3}
"""How urgent it is in a queue that a clock of a ticket runs out."""
_DUE = (
    sa.select(sla_watch.c.tenant_id, sla_watch.c.number)
    .where(sla_watch.c.next_at <= sa.bindparam("moment", type_=sla_watch.c.next_at.type))
    .order_by(sla_watch.c.next_at)
    .limit(AT_ONCE)
)
_BY_A_FAST_CLOCK = (
    sa.select(sla_watch.c.tenant_id, sla_watch.c.number)
    .where(sla_watch.c.looked_at > sa.bindparam("moment", type_=sla_watch.c.looked_at.type))
    .order_by(sla_watch.c.looked_at)
    .limit(AT_ONCE)
)
"""What was looked at by a clock that was put back since: what was seen then may be wrong."""
_ONCE = fixed(
    insert_or_ignore(
        sla_escalations, "tenant_id", "number", "clock", "started_at", "policy", "due_at", "at"
    )
)


async def look(gate: Gate) -> None:
    """See of which tickets a clock may be about to run out, and have each looked at."""
    database = gate.database
    rows = [
        *await database.reader.all(_DUE, moment=now()),
        *await database.reader.all(_BY_A_FAST_CLOCK, moment=now() + FAST),
    ]
    for row in rows:
        payload = {"tenant": row.tenant_id, "ticket_id": f"T{row.number}"}
        name = timers.name_of(CHECK, row.tenant_id, payload["ticket_id"])
        async with database.transaction() as db:
            again = (sla_watch.c.next_at <= now()) | (sla_watch.c.looked_at > now() + FAST)
            if await _watch(db, row.tenant_id, row.number, NEVER, again):
                await jobs.put(db, name, CHECK, payload, due=now())


async def check(gate: Gate, job: Job) -> None:
    """Do the job of a ticket of which a clock may be about to run out.

    Raises:
        JobLost: Another process has the job, or the ticket was changed again.
    """
    tenant, ticket_id = job.payload["tenant"], job.payload["ticket_id"]
    async with gate.database.transaction() as db:
        await job.hold(db)
        levels = gate.port(ServiceLevels)
        if any(one.specialist is not None for one in levels.agreements.policies):
            await queue_service.lock(db, tenant)  # before the ticket, as whoever works in queues
        ticket = await timers.held(db, tenant, ticket_id, sa.not_(tickets.c.spam))
        if ticket is None:  # it has ended meanwhile
            return
        found = await clocks_of(db, tenant, ticket, levels)
        told = await escalated(db, tenant, ticket_id)
        left = [one for one in found if one.how in LIVE and one.warn_at is not None]
        left = [one for one in left if (one.which, one.started_at) not in told]
        for clock in left:
            if _is_time(clock):
                await _escalate(db, tenant, ticket, clock, gate.port(Queues))
        await _watch(db, tenant, int(ticket_id[1:]), _next(left))


def _is_time(clock: Clock) -> bool:
    assert clock.warn_at is not None
    moment = now()
    return clock.warn_at <= moment <= (clock.due_at or moment) + TOO_LATE


def _next(left: Sequence[Clock]) -> datetime:
    """When a clock of these is next to be told of."""
    moment = now()
    later = (one.warn_at for one in left if one.warn_at is not None and one.warn_at > moment)
    return min(later, default=NEVER)


async def _watch(
    db: Connection, tenant: str, number: int, next_at: datetime, *where: sa.ColumnElement[bool]
) -> bool:
    changed = await db.execute(
        sa.update(sla_watch)
        .where(sla_watch.c.tenant_id == tenant, sla_watch.c.number == number, *where)
        .values(next_at=next_at, looked_at=now())
    )
    return changed.rowcount == 1


async def _escalate(
    db: Connection, tenant: str, ticket: Ticket, clock: Clock, queues: Queues
) -> None:
    moment, due = now(), clock.due_at or now()
    once = {
        "tenant_id": tenant,
        "number": int(ticket.id[1:]),
        "clock": clock.which,
        "started_at": clock.started_at,
        "policy": clock.policy,
        "due_at": due,
        "at": moment,
    }
    if await db.change(_ONCE, once) != 1:
        return
    at = f"{due:%Y-%m-%d %H:%M} UTC"
    state = f"was due at {at}, and is late" if due < moment else f"is due at {at}"
    text = f"Escalated: {_NAMES[clock.which]} {state} (policy {clock.policy})."
    queued = await queue_service.active_of(db, tenant, ticket.id)
    if clock.specialist is not None and queued is None:
        wanted = Wanted(clock.specialist, _LEVELS[ticket.priority], reason=text)
        await put_in(db, tenant, ticket.id, wanted, queues)
    await thread.note(db, tenant, ticket.id, text, author=DESK, channel="api")
    told = {
        "clock": clock.which,
        "policy": clock.policy,
        "due_at": due.isoformat(),
        "assignee": ticket.assignee,
        "team": ticket.team,
    }
    owner = ticket.customer_id
    await events.tell(db, tenant, "ticket.escalated", ticket.id, told, customer_id=owner)


def digest_of(agreements: Agreements) -> str:
    """What tells these policies from others; the same in every process."""
    return hashlib.sha256(agreements.model_dump_json().encode()).hexdigest()


async def follow_rules(database: Database, agreements: Agreements) -> None:
    """Have all clocks looked at where the policies are others than when the desk last started."""
    digest = digest_of(agreements)
    this = sla_rules.c.name == "policies"
    known = await database.reader.first(sa.select(sla_rules.c.digest).where(this))
    if known is not None and known.digest == digest:
        return
    async with database.transaction() as db:
        await db.execute(sa.delete(sla_rules).where(this))
        await db.change(
            insert_or_ignore(sla_rules, "name", "digest"), {"name": "policies", "digest": digest}
        )
        await db.execute(sa.update(sla_watch).values(next_at=LONG_AGO))
