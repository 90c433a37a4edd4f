"""What a process that ends does with the jobs that are under way."""

import asyncio

import pytest
import sqlalchemy as sa

from deskward.core import jobs, worker
from deskward.core.database import Database
from deskward.core.jobs import Job
from deskward.core.worker import Jobs
from tests.core.test_jobs import add, database, left, reason

__all__ = ["database"]


async def test_a_process_that_ends_lets_its_short_jobs_end(database: Database) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work(job: Job) -> None:
        begun.set()
        await asyncio.sleep(0.3)
        ended.set()

    await add(database)
    async with Jobs(database, {"work": work}).keep():
        await begun.wait()
    assert ended.is_set()
    assert await left(database) == []


async def test_a_process_that_ends_gives_long_jobs_back_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LEAVING", 0.1)
    begun = asyncio.Event()

    async def work(job: Job) -> None:
        begun.set()
        await asyncio.sleep(60)

    for times in ({}, {"work": 100.0}):
        begun.clear()
        await add(database)
        async with Jobs(database, {"work": work}, times=times).keep():
            await begun.wait()
        assert await left(database) == [("queued", 1)]
        assert await reason(database) == "Its process ended."
        async with database.transaction() as transaction:
            await transaction.execute(sa.delete(jobs.jobs))
