"""Two attempts at one job: one that slept past its lease, and the one that took the job over."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.assist import handling
from deskward.conversations import decisions
from deskward.conversations.decisions import Decisions
from deskward.core import jobs
from deskward.core.database import now
from deskward.core.errors import OutcomeUnknown
from deskward.core.jobs import Job, JobLost
from deskward.core.settings import Settings
from deskward.core.worker import Jobs
from deskward.escalation.timers import CHECK
from deskward.gate.approvals import approvals
from deskward.gate.context import new_id
from deskward.gate.outcome import Outcome
from deskward.security.principals import Kind, Principal
from deskward.tickets.models import Ticket
from tests.conftest import STAFF, caller
from tests.everything import RECORDS

IS_IT = jobs.jobs.c.kind != CHECK
"""That a job is not one that looks at a ticket's clocks: every desk has some of these."""
LEAD = Principal(Kind.STAFF, "lena", "default", ("support-3",))


@pytest.fixture
async def idle(
    settings: Settings, offline: Model, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """A desk that begins no job by itself."""

    async def nothing(self: Jobs) -> None: ...

    monkeypatch.setattr(Jobs, "_start_due", nothing)
    async with open_desk(settings, model=offline) as desk:
        yield desk


async def take(desk: Desk) -> Job:
    """An attempt at the only job; the one before has lost it."""
    async with desk.database.transaction() as transaction:
        await transaction.execute(sa.update(jobs.jobs).where(IS_IT).values(due_at=now()))
    (row,) = await desk.database.reader.all(sa.select(jobs.jobs).where(IS_IT))
    async with desk.database.transaction() as transaction:
        job = await jobs.claim(transaction, row)
    assert job is not None
    return job


async def test_whoever_slept_does_not_write_over_what_came_of_an_approved_call(
    idle: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = caller(idle)
    address = {"user_id": "user_001", "new_address": "1 New Road, Boston"}
    approval_id = (await call("update_address", STAFF, **address)).value["approval_id"]
    await call("approve_call", LEAD, approval_id=approval_id)
    carry_out = Decisions(idle.gate, idle.conversations, idle.database, {}).carry_out
    asleep, wake = asyncio.Event(), asyncio.Event()

    async def sleep(*_: Any) -> Outcome:
        asleep.set()
        await wake.wait()
        return Outcome("error", "", "r", OutcomeUnknown("It slept."))

    with monkeypatch.context() as patched:
        patched.setattr(decisions, "run_approved", sleep)
        sleeper = asyncio.create_task(carry_out(await take(idle)))
        await asleep.wait()
    await carry_out(await take(idle))
    wake.set()
    with pytest.raises(JobLost):
        await sleeper
    row = await idle.gate.approvals.get(idle.database.reader, "default", approval_id)
    assert row.status == "done"


async def test_a_ticket_is_answered_once_though_each_attempt_words_it_anew(
    idle: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    propose, count = handling._Hand.propose, itertools.count(1)

    async def reworded(self: Any, ticket: Ticket, found: Any, **update: str) -> Outcome:
        if "reply" in update:
            update["reply"] += f" ({next(count)})"
        return await propose(self, ticket, found, **update)

    monkeypatch.setattr(handling._Hand, "propose", reworded)
    handle = handling.Handler(idle.gate).handle
    job_id = new_id()
    for attempt, lease in ((1, "a"), (2, "b")):
        payload = {"tenant": "default", "ticket_id": "T918"}
        await handle(Job(job_id, handling.JOB, payload, attempt, lease))
    asked = await idle.database.reader.all(sa.select(approvals))
    assert len(asked) == 1
    assert next(count) == 3  # both have tried


async def test_an_approved_call_whose_job_is_given_up_says_so(idle: Desk) -> None:
    call = caller(idle)
    address = {"user_id": "user_001", "new_address": "1 New Road, Boston"}
    approval_id = (await call("update_address", STAFF, **address)).value["approval_id"]
    await call("approve_call", LEAD, approval_id=approval_id)
    (row,) = await idle.database.reader.all(sa.select(jobs.jobs).where(IS_IT))
    async with idle.database.transaction() as transaction:
        await jobs.cancel(transaction, row.id, RECORDS)
    shown = (await call("get_approval", LEAD, approval_id=approval_id)).value
    assert shown["status"] == "failed"
    assert "cancelled" in shown["answer"]["error"]["message"]
    async with idle.database.transaction() as transaction:
        await jobs.retry(transaction, row.id, RECORDS)
    await Decisions(idle.gate, idle.conversations, idle.database, {}).carry_out(await take(idle))
    shown = (await call("get_approval", LEAD, approval_id=approval_id)).value
    assert shown["status"] == "done"
