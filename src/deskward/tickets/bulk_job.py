"""The job that changes many tickets, one by one, each by a call through the gate.

Each call is known by the change and the ticket, so that one that was made before a crash gives its
first answer again: nothing is done twice.
"""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import (
    CallInProgress,
    Conflict,
    DeskwardError,
    NotFound,
    TimeLimitExceeded,
    Unavailable,
)
from deskward.core.jobs import Job, Record, RetryLater
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.effects import DeskKey
from deskward.security.principals import Principal
from deskward.tickets import service
from deskward.tickets.bulk import Became, bulk_changes, bulk_tickets, revisions
from deskward.tickets.models import Ticket

JOB = "change_tickets"
"""The kind of the job."""
STRETCH = 60.0
"""Seconds after which an attempt leaves the rest to the next one."""
_PASSING = (CallInProgress, TimeLimitExceeded, Unavailable)


async def change(gate: Gate, job: Job) -> None:
    """Do the job.

    Raises:
        JobLost: Another process has it.
        RetryLater: It goes on later.
    """
    tenant, change_id = job.payload["tenant"], job.payload["change_id"]
    of_it = (bulk_changes.c.tenant_id == tenant) & (bulk_changes.c.id == change_id)
    row = await gate.database.reader.first(sa.select(bulk_changes).where(of_it))
    if row is None:  # its tenant is gone
        return
    began = time.monotonic()
    while True:
        waiting = await gate.database.reader.all(
            sa.select(bulk_tickets)
            .where(
                bulk_tickets.c.tenant_id == tenant,
                bulk_tickets.c.change_id == change_id,
                bulk_tickets.c.became == "waiting",
            )
            .order_by(bulk_tickets.c.number)
            .limit(100)
        )
        if not waiting:
            break
        for one in waiting:
            async with gate.database.transaction() as db:
                await job.hold(db)
            became, told = await _one(gate, row, one)
            await _note(gate, job, one, became, told)
            if time.monotonic() - began > STRETCH:
                raise RetryLater(0.0, "it goes on")
    async with gate.database.transaction() as db:
        await job.hold(db)
        ended = {"status": "done", "reason": None, "ended_at": now()}
        await db.execute(sa.update(bulk_changes).where(of_it).values(**ended))


async def _note(gate: Gate, job: Job, one: sa.Row[Any], became: Became, told: str | None) -> None:
    """Write down what became of a ticket, and how far the job is."""
    of_it = (
        (bulk_tickets.c.tenant_id == one.tenant_id)
        & (bulk_tickets.c.change_id == one.change_id)
        & (bulk_tickets.c.number <= one.number)
    )
    async with gate.database.transaction() as db:
        await job.hold(db)
        this = of_it & (bulk_tickets.c.number == one.number)
        await db.execute(sa.update(bulk_tickets).where(this).values(became=became, told=told))
        done = await db.first(sa.select(sa.func.count()).select_from(bulk_tickets).where(of_it))
        await job.keep(db, {**job.payload, "done": done[0] if done else 0})


async def _one(gate: Gate, row: sa.Row[Any], one: sa.Row[Any]) -> tuple[Became, str | None]:
    """Change one ticket, if it is as it was."""
    principal = Principal.of_facts(row.principal)
    revision = one.revision
    for step, (tool, _) in enumerate(calls(row.change, None)):
        # The ledger names the change by the request's id: that of each of its calls.
        context = Context(principal, row.door, request_id=row.id, waits=False)
        key = DeskKey("bulk", f"{row.id}:{one.number}:{step}")
        outcome = await gate.first_answer(tool, context, key)
        if outcome is None:
            try:
                ticket = await service.get(gate.database.reader, one.tenant_id, f"T{one.number}")
            except NotFound as gone:
                return "refused", gone.message
            if ticket.revision != revision:
                return "conflict", f"It has revision {ticket.revision}, and had {one.revision}."
            arguments = calls(row.change, ticket)[step][1]
            arguments |= {"ticket_id": ticket.id}
            if tool == "update_ticket":
                arguments["update"]["revision"] = revision
            else:
                arguments["revision"] = revision
            outcome = await gate.call(tool, arguments, context, idempotency_key=key)
        if outcome.error is not None:
            return await _problem(gate, one, revision, outcome.error)
        revision = outcome.value["ticket"]["revision"]
    return "changed", None


async def _problem(
    gate: Gate, one: sa.Row[Any], revision: int, error: DeskwardError
) -> tuple[Became, str]:
    """What kept a call from being made.

    Raises:
        RetryLater: Something that passes.
    """
    if isinstance(error, _PASSING):
        raise RetryLater(5.0, error.message)
    if isinstance(error, Conflict):  # with somebody's change, or only with how the ticket is
        there = await revisions(gate.database.reader, one.tenant_id, [one.number])
        if (one.number, revision) not in there:
            return "conflict", error.message
    return "refused", error.message


def calls(change: dict[str, Any], ticket: Ticket | None) -> list[tuple[str, dict[str, Any]]]:
    """The calls that change a ticket, in their order, with their arguments."""
    found: list[tuple[str, dict[str, Any]]] = []
    if "spam" in change:
        found.append(("mark_spam", {"spam": change["spam"]}))
    if "snoozed_until" in change:
        found.append(("snooze_ticket", {"until": change["snoozed_until"]}))
    names = ("status", "priority", "assignee", "team")
    update = {name: change[name] for name in names if name in change}
    if change.get("add_tags") or change.get("remove_tags"):
        kept = (
            [tag for tag in ticket.tags if tag not in change.get("remove_tags", ())]
            if ticket
            else []
        )
        update["tags"] = list(dict.fromkeys([*kept, *change.get("add_tags", ())]))
    return [*found, ("update_ticket", {"update": update})] if update else found


async def _ended(db: Connection, job: Job, reason: str) -> None:
    await _state(db, job, status="failed", reason=reason, ended_at=now())


async def _again(db: Connection, job: Job) -> None:
    await _state(db, job, status="running", reason=None, ended_at=None)


async def _state(db: Connection, job: Job, **values: Any) -> None:
    of_it = (bulk_changes.c.tenant_id == job.payload["tenant"]) & (
        bulk_changes.c.id == job.payload["change_id"]
    )
    await db.execute(sa.update(bulk_changes).where(of_it).values(**values))


RECORD = Record(ended=_ended, again=_again)
"""What says on a change that its job failed or was cancelled."""
