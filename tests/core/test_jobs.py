"""Jobs: done once each, again when they failed in passing, by another process when one dies."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.database import Database, now
from deskward.core.jobs import Jobs, RetryLater
from deskward.core.settings import Settings
from deskward.gate.context import new_id


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = Database(settings.database)
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

    async def work(payload: Mapping[str, Any], attempt: int) -> None:
        await asyncio.sleep(0.005)
        done.append(payload["n"])

    for number in range(30):
        await add(database, n=number)
    workers = [Jobs(database, {"work": work}) for _ in range(2)]
    async with workers[0].keep(), workers[1].keep():
        await until_gone(database)
    assert sorted(done) == list(range(30))


async def test_a_job_that_cannot_be_done_now_is_tried_again(database: Database) -> None:
    attempts: list[int] = []

    async def work(payload: Mapping[str, Any], attempt: int) -> None:
        attempts.append(attempt)
        worker.wake()
        if attempt < 3:
            raise RetryLater(0.0)

    worker = Jobs(database, {"work": work})
    await add(database)
    async with worker.keep():
        await until_gone(database)
    assert attempts == [1, 2, 3]


async def test_a_job_with_a_bug_is_kept_as_failed(database: Database) -> None:
    async def work(payload: Mapping[str, Any], attempt: int) -> None:
        raise RuntimeError("a bug")

    await add(database)
    worker = Jobs(database, {"work": work})
    async with worker.keep():
        async with asyncio.timeout(5):
            while await left(database) != [("failed", 1)]:
                await asyncio.sleep(0.02)


async def test_jobs_of_other_kinds_are_left_alone(database: Database) -> None:
    await add(database)
    async with Jobs(database, {"other": lambda _payload, _attempt: asyncio.sleep(0)}).keep():
        await asyncio.sleep(0.1)
    assert await left(database) == [("queued", 0)]


async def test_a_lost_job_is_claimed_again(database: Database) -> None:
    attempts: list[int] = []

    async def work(payload: Mapping[str, Any], attempt: int) -> None:
        attempts.append(attempt)

    job_id = await add(database)
    async with database.transaction() as transaction:  # a process claimed it and died
        gone = now() - timedelta(seconds=1)
        await transaction.execute(
            sa.update(jobs.jobs).where(jobs.jobs.c.id == job_id).values(due_at=gone, attempts=1)
        )
    async with Jobs(database, {"work": work}).keep():
        await until_gone(database)
    assert attempts == [2]


async def test_a_long_job_is_not_claimed_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.3))
    monkeypatch.setattr(jobs, "POLL", 0.05)
    begun: list[int] = []

    async def work(payload: Mapping[str, Any], attempt: int) -> None:
        begun.append(attempt)
        await asyncio.sleep(0.8)

    await add(database)
    async with Jobs(database, {"work": work}).keep(), Jobs(database, {"work": work}).keep():
        await until_gone(database)
    assert begun == [1]
