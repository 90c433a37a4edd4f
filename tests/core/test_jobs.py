"""Jobs: done once each, again when they failed in passing, by another process when one dies."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from deskward.core import jobs, worker
from deskward.core.database import Database, now
from deskward.core.errors import Conflict, NotFound, Unavailable
from deskward.core.jobs import GiveUp, Job, JobLost, Record, RetryLater
from deskward.core.settings import Settings
from deskward.core.worker import Jobs
from deskward.gate.context import new_id


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = Database(settings.database_location)
    yield opened
    await opened.close()


async def add(database: Database, **payload: Any) -> str:
    job_id = new_id()
    async with database.transaction() as transaction:
        await jobs.add(transaction, job_id, "work", payload)
    return job_id


async def left(database: Database) -> list[tuple[str, int]]:
    rows = await database.reader.all(sa.select(jobs.jobs))
    return [(row.status, row.attempts) for row in rows]


async def until_gone(database: Database) -> None:
    async with asyncio.timeout(10):
        while await left(database):
            await asyncio.sleep(0.02)


async def test_each_job_is_done_once_by_two_workers(database: Database) -> None:
    done: list[int] = []

    async def work(job: Job) -> None:
        await asyncio.sleep(0.005)
        done.append(job.payload["n"])

    for number in range(30):
        await add(database, n=number)
    workers = [Jobs(database, {"work": work}) for _ in range(2)]
    async with workers[0].keep(), workers[1].keep():
        await until_gone(database)
    assert sorted(done) == list(range(30))


async def test_a_job_that_cannot_be_done_now_is_tried_again(database: Database) -> None:
    attempts: list[int] = []

    async def work(job: Job) -> None:
        attempts.append(job.attempt)
        running.wake()
        if job.attempt < 3:
            raise RetryLater(0.0)

    running = Jobs(database, {"work": work})
    await add(database)
    async with running.keep():
        await until_gone(database)
    assert attempts == [1, 2, 3]


async def test_a_job_with_a_bug_is_kept_as_failed(database: Database) -> None:
    async def work(job: Job) -> None:
        raise RuntimeError("a bug")

    await add(database)
    async with Jobs(database, {"work": work}).keep():
        async with asyncio.timeout(30):
            while await left(database) != [("failed", 1)]:
                await asyncio.sleep(0.02)


async def test_jobs_of_other_kinds_are_left_alone(database: Database) -> None:
    await add(database)
    async with Jobs(database, {"other": lambda _job: asyncio.sleep(0)}).keep():
        await asyncio.sleep(0.1)
    assert await left(database) == [("queued", 0)]


async def test_a_lost_job_is_claimed_again(database: Database) -> None:
    attempts: list[int] = []

    async def work(job: Job) -> None:
        attempts.append(job.attempt)

    job_id = await add(database)
    async with database.transaction() as transaction:  # a process claimed it and died
        gone = now() - timedelta(seconds=1)
        await transaction.execute(
            sa.update(jobs.jobs)
            .where(jobs.jobs.c.id == job_id)
            .values(status="running", due_at=gone, attempts=1, lease="theirs")
        )
    async with Jobs(database, {"work": work}).keep():
        await until_gone(database)
    assert attempts == [2]


@pytest.mark.slow
async def test_a_long_job_is_not_claimed_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=5))  # longer than a busy machine stands
    monkeypatch.setattr(worker, "POLL", 0.05)
    begun: list[int] = []

    async def work(job: Job) -> None:
        begun.append(job.attempt)
        await asyncio.sleep(7)

    await add(database)
    async with Jobs(database, {"work": work}).keep(), Jobs(database, {"work": work}).keep():
        async with asyncio.timeout(60):
            while await left(database):
                await asyncio.sleep(0.1)
    assert begun == [1]


async def until(database: Database, *states: tuple[str, int]) -> None:
    async with asyncio.timeout(20):
        while await left(database) != list(states):
            await asyncio.sleep(0.02)


async def reason(database: Database) -> str:
    (row,) = await database.reader.all(sa.select(jobs.jobs))
    return str(row.reason)


async def claimed(database: Database) -> Job:
    """An attempt of a process that is not this one."""
    (row,) = await database.reader.all(sa.select(jobs.jobs))
    async with database.transaction() as transaction:
        job = await jobs.claim(transaction, row)
    assert job is not None
    return job


async def lapse(database: Database) -> None:
    async with database.transaction() as transaction:
        gone = now() - timedelta(seconds=1)
        await transaction.execute(sa.update(jobs.jobs).values(due_at=gone))


@pytest.mark.parametrize(
    "fault",
    [
        Unavailable("The database did not answer."),
        OperationalError("SELECT", {}, Exception("database is locked")),
        TimeoutError(),
        ConnectionResetError(),
    ],
    ids=["away", "locked", "slow", "cut"],
)
async def test_a_fault_that_passes_is_tried_again(
    database: Database, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LONGEST", 0.0)
    attempts: list[int] = []

    async def work(job: Job) -> None:
        attempts.append(job.attempt)
        running.wake()
        if job.attempt < 3:
            raise fault

    await add(database)
    running = Jobs(database, {"work": work})
    async with running.keep():
        await until_gone(database)
    assert attempts == [1, 2, 3]


async def test_a_fault_that_does_not_pass_ends_the_job_with_its_reason(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LONGEST", 0.0)
    monkeypatch.setattr(worker, "FAULTS", 3)
    monkeypatch.setattr(worker, "POLL", 0.02)

    async def work(job: Job) -> None:
        raise Unavailable("The database did not answer.")

    await add(database)
    async with Jobs(database, {"work": work}).keep():
        await until(database, ("failed", 3))
    assert "did not answer" in await reason(database)


async def test_a_handler_cannot_ask_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "ATTEMPTS", 4)
    monkeypatch.setattr(worker, "POLL", 0.02)

    async def work(job: Job) -> None:
        raise RetryLater(0.0, "the server is away")

    await add(database)
    async with Jobs(database, {"work": work}).keep():
        await until(database, ("failed", 4))
    assert await reason(database) == "the server is away"


async def test_what_cannot_be_done_says_why(database: Database) -> None:
    async def work(job: Job) -> None:
        raise GiveUp("The ticket cannot be read.")

    await add(database)
    async with Jobs(database, {"work": work}).keep():
        await until(database, ("failed", 1))
    assert await reason(database) == "The ticket cannot be read."


async def test_the_record_learns_of_a_bug_in_the_same_commit(database: Database) -> None:
    told: list[tuple[str, str]] = []

    async def ended(db: Any, job: Job, why: str) -> None:
        (row,) = await db.all(sa.select(jobs.jobs))
        told.append((row.status, why))

    async def again(db: Any, job: Job) -> None:
        told.append(("again", ""))

    async def work(job: Job) -> None:
        raise RuntimeError("a bug")

    records = {"work": Record(ended, again)}
    job_id = await add(database)
    async with Jobs(database, {"work": work}, records).keep():
        await until(database, ("failed", 1))
    assert told == [("failed", "RuntimeError: a bug")]
    async with database.transaction() as transaction:
        await jobs.retry(transaction, job_id, records)
        await jobs.cancel(transaction, job_id, records)
    assert told[1:] == [("again", ""), ("cancelled", "It was cancelled.")]


async def test_jobs_of_a_kind_that_nobody_knows_do_not_wait_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "NOBODYS", timedelta(0))
    await add(database)
    async with Jobs(database, {"other": lambda _job: asyncio.sleep(0)}).keep():
        await until(database, ("failed", 0))
    assert "kind" in await reason(database)


async def test_a_job_that_kills_its_process_again_and_again_is_given_up(
    database: Database,
) -> None:
    await add(database)
    for _ in range(jobs.LOST + 1):
        await claimed(database)
        await lapse(database)
    done: list[int] = []

    async def work(job: Job) -> None:
        done.append(job.attempt)

    async with Jobs(database, {"work": work}).keep():
        await until(database, ("failed", jobs.LOST + 2))
    assert done == []
    assert "lost" in await reason(database)


async def test_a_job_that_gets_on_may_lose_its_process_often(database: Database) -> None:
    await add(database)
    for _ in range(3 * jobs.LOST):
        job = await claimed(database)
        async with database.transaction() as transaction:
            await job.advance(transaction)
        await lapse(database)
    async with Jobs(database, {"work": lambda _job: asyncio.sleep(0)}).keep():
        await until_gone(database)


async def test_whoever_slept_past_the_lease_changes_nothing(database: Database) -> None:
    await add(database)
    sleeper = await claimed(database)
    await lapse(database)
    async with database.transaction() as transaction:
        await sleeper.hold(transaction)  # nobody else has begun, so it is still the sleeper's
    await lapse(database)
    second = await claimed(database)
    async with database.transaction() as transaction:
        assert not await sleeper.finish(transaction)
        assert not await sleeper.end(transaction, "queued", now(), "")
        assert not await sleeper.end(transaction, "failed", now(), "")
        with pytest.raises(JobLost):
            await sleeper.hold(transaction)
        await second.hold(transaction)
    assert await left(database) == [("running", 2)]


async def test_a_job_is_shown_while_it_runs_and_its_cancellation_stops_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "POLL", 0.05)
    stopped = asyncio.Event()

    async def work(job: Job) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    job_id = await add(database)
    async with Jobs(database, {"work": work}).keep():
        await until(database, ("running", 1))
        (row,) = await jobs.listed(database.reader, ("running",), 10)
        assert (row.id, row.kind) == (job_id, "work")
        async with database.transaction() as transaction:
            await jobs.cancel(transaction, job_id, {})
        await asyncio.wait_for(stopped.wait(), 20)
        assert await left(database) == [("cancelled", 1)]
        with pytest.raises(Conflict):
            async with database.transaction() as transaction:
                await jobs.cancel(transaction, job_id, {})


async def test_only_what_has_ended_is_tried_again(database: Database) -> None:
    job_id = await add(database)
    async with database.transaction() as transaction:
        with pytest.raises(Conflict):
            await jobs.retry(transaction, job_id, {})
        with pytest.raises(NotFound):
            await jobs.retry(transaction, "0" * 32, {})
        await jobs.cancel(transaction, job_id, {})
        await jobs.retry(transaction, job_id, {})
    assert await left(database) == [("queued", 0)]


async def test_what_was_done_is_written_down_though_the_database_fails_at_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "HARDER", (0.0, 0.0, 0.0))
    done: list[int] = []
    finish, failures = Job.finish, iter([True, True])

    async def failing(self: Job, db: Any) -> bool:
        if next(failures, False):
            raise OperationalError("DELETE", {}, Exception("disk I/O error"))
        return await finish(self, db)

    async def work(job: Job) -> None:
        done.append(job.attempt)

    monkeypatch.setattr(Job, "finish", failing)
    await add(database)
    async with Jobs(database, {"work": work}).keep():
        await until_gone(database)
    assert done == [1]


async def test_an_attempt_that_lost_its_lease_may_learn_what_it_did_outside(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "POLL", 0.05)
    answered, learned = asyncio.Event(), asyncio.Event()

    async def work(job: Job) -> None:
        await answered.wait()
        learned.set()

    await add(database)
    running = Jobs(database, {"work": work})
    async with running.keep():
        await until(database, ("running", 1))
        async with database.transaction() as transaction:  # another process takes it over
            gone = now() - timedelta(seconds=1)
            await transaction.execute(sa.update(jobs.jobs).values(due_at=gone))
            (row,) = await transaction.all(sa.select(jobs.jobs))
            second = await jobs.claim(transaction, row)
        assert second is not None
        async with asyncio.timeout(20):
            while running._held:  # until it is known that the lease is lost
                await asyncio.sleep(0.02)
        answered.set()
        await asyncio.wait_for(learned.wait(), 20)
    async with database.transaction() as transaction:
        await second.hold(transaction)
    assert await left(database) == [("running", 2)]
