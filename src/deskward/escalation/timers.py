"""Breaches are prevented: a ticket is escalated before a clock of it runs out.

When to look stands in `sla_watch`; what is so then is read from the ticket's history, on the
ticket's own row, in the transaction that escalates it. So an answer comes before it, and nothing
is escalated, or after it. For one clock a ticket is escalated once, whoever looks and how often.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from deskward.core import events, jobs
from deskward.core.database import Connection, Database, insert_or_ignore, now
from deskward.core.fixed import fixed
from deskward.core.jobs import Job
from deskward.escalation.agreements import Agreements
from deskward.escalation.clocks import LIVE, Clock
from deskward.escalation.due import ServiceLevels, clocks_by, hours_of, terms_of
from deskward.escalation.histories import histories
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
AT_ONCE, ROUNDS = 20, 20
"""How many tickets are looked at in one transaction, and how many of these there are at once."""
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
_MOMENT = sa.bindparam("moment", type_=sla_watch.c.next_at.type)
_ROWS = sa.select(sla_watch.c.tenant_id, sla_watch.c.number).limit(AT_ONCE)
_DUE = _ROWS.where(sla_watch.c.next_at <= _MOMENT).order_by(sla_watch.c.next_at)
_BY_A_FAST_CLOCK = _ROWS.where(sla_watch.c.looked_at > _MOMENT).order_by(sla_watch.c.looked_at)
"""What was looked at by a clock that was put back since: what was seen then may be wrong."""
_LOOKS = [
    (fixed(rows), fixed(rows.with_for_update(skip_locked=True)), margin)
    for rows, margin in ((_DUE, timedelta(0)), (_BY_A_FAST_CLOCK, FAST))
]
"""Each with itself as it locks its rows: those that another process looks at, it leaves alone."""
_WATCH = fixed(
    sa.update(sla_watch)
    .where(
        sla_watch.c.tenant_id == sa.bindparam("b_tenant"),
        sla_watch.c.number == sa.bindparam("b_number"),
    )
    .values(next_at=sa.bindparam("b_next"), looked_at=sa.bindparam("b_now"))
)
_ONCE = fixed(
    insert_or_ignore(
        sla_escalations, "tenant_id", "number", "clock", "started_at", "policy", "due_at", "at"
    )
)

log = logging.getLogger(__name__)


async def look(gate: Gate) -> None:
    """See how the clocks of those tickets stand of which one may be about to run out.

    A job is made for those of which one is. Most are not: of them it is noted when to look again.
    """
    database = gate.database
    for due, held, margin in _LOOKS:
        for _ in range(ROUNDS):
            moment = now() + margin
            if await database.reader.first(due, moment=moment) is None:
                break
            async with database.transaction() as db:
                # Held, so that a change of the ticket has it looked at once more, after this.
                numbers: dict[str, list[int]] = defaultdict(list)
                for row in await db.all(held, moment=moment):
                    numbers[row.tenant_id].append(row.number)
                for tenant, some in numbers.items():
                    await _look_at(db, tenant, some, gate.port(ServiceLevels))


async def _look_at(
    db: Connection, tenant: str, numbers: Sequence[int], levels: ServiceLevels
) -> None:
    try:
        left = await _left(db, tenant, numbers, levels)
    except DBAPIError:
        raise
    except Exception:  # the others' clocks run on, and this one's job says what is wrong
        if len(numbers) > 1:
            for number in numbers:
                await _look_at(db, tenant, [number], levels)
            return
        log.exception("the clocks of a ticket cannot be read")
        left = {}
    for number in numbers:
        clocks = left.get(number)
        later = _next(clocks) if clocks is not None else NEVER
        if clocks is None or any(map(_is_time, clocks)):
            name = f"T{number}"
            payload = {"tenant": tenant, "ticket_id": name}
            await jobs.put(db, timers.name_of(CHECK, tenant, name), CHECK, payload, due=now())
            later = NEVER
        await _watch(db, tenant, number, later)


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
        number = int(ticket_id[1:])
        left = (await _left(db, tenant, [number], levels))[number]
        for clock in left:
            if _is_time(clock):
                await _escalate(db, tenant, ticket, clock, gate.port(Queues))
        await _watch(db, tenant, number, _next(left))


async def _left(
    db: Connection, tenant: str, numbers: Sequence[int], levels: ServiceLevels
) -> dict[int, list[Clock]]:
    """The clocks of each of these tickets that are still to be told of."""
    desk, left = await hours_of(db, tenant), {}
    for number, history in (await histories(db, tenant, numbers)).items():
        left[number] = [
            one
            for one in clocks_by(history, terms_of(history, levels, desk))
            if one.how in LIVE
            and one.warn_at is not None
            and (one.which, one.started_at) not in history.told
        ]
    return left


def _is_time(clock: Clock) -> bool:
    assert clock.warn_at is not None
    moment = now()
    return clock.warn_at <= moment <= (clock.due_at or moment) + TOO_LATE


def _next(left: Sequence[Clock]) -> datetime:
    """When a clock of these is next to be told of."""
    moment = now()
    later = (one.warn_at for one in left if one.warn_at is not None and one.warn_at > moment)
    return min(later, default=NEVER)


async def _watch(db: Connection, tenant: str, number: int, next_at: datetime) -> None:
    values = {"b_tenant": tenant, "b_number": number, "b_next": next_at, "b_now": now()}
    await db.change(_WATCH, values)


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
