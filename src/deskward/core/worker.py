"""What works on jobs, in every process that has a desk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from deskward.core import jobs
from deskward.core.database import Connection, Database, now
from deskward.core.errors import OutcomeUnknown, TimeLimitExceeded, Unavailable
from deskward.core.jobs import GiveUp, Handler, Job, JobLost, Records, RetryLater
from deskward.core.tasks import end

TIMEOUT = 120.0
"""Seconds that one attempt may take."""
POLL = 2.0
"""Seconds between looks for due jobs that other processes added, and between signs of life."""
AT_ONCE = 8
"""How many jobs one process works on at the same time."""
FAULTS = 20
"""How many attempts a job has that meets faults that pass."""
ATTEMPTS = 100
"""How many attempts a job has whose handler asks for another one."""
LONGEST = 300.0
"""Most seconds between attempts after faults."""
LEAVING = 5.0
"""Seconds that a process which ends waits for its short jobs, so that no mail is cut off."""
NOBODYS = timedelta(days=1)
"""How long a job of a kind that this process does not know may wait for one that does."""
HARDER = (0.2, 1.0, 3.0)
"""Seconds between tries to write down what was done, while the database is away."""

Look = Callable[[], Awaitable[None]]
"""Sees whether there is work that has no job yet, and gives it one. It is called every few seconds
in every process, so it asks the database one thing, and writes only where there is something."""

Result = TypeVar("Result")

log = logging.getLogger(__name__)


def passes(error: BaseException) -> bool:
    """Whether a fault is the database's, or another one that passes by itself."""
    if isinstance(error, DBAPIError):
        return isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    # A commit whose outcome is not known may be tried again: handlers bear that.
    return isinstance(
        error, Unavailable | OutcomeUnknown | TimeLimitExceeded | TimeoutError | ConnectionError
    )


async def insist(write: Callable[[], Awaitable[Result]]) -> Result:
    """Write something down that is known now and would be lost; try harder if the database fails.

    Args:
        write: One transaction, which can be repeated.
    """
    for pause in HARDER:
        try:
            return await write()
        except Exception as error:
            if not passes(error):
                raise
            log.warning("the database failed, once more in %g s: %s", pause, error)
        await asyncio.sleep(pause)
    return await write()


class Jobs:
    """Works on due jobs."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        records: Records | None = None,
        wake: asyncio.Event | None = None,
        looks: Sequence[Look] = (),
        times: Mapping[str, float] | None = None,
    ) -> None:
        """Make a worker.

        Args:
            handlers: Kind → what does jobs of that kind.
            records: Kind → the record that is told when a job fails.
            wake: Is set when a job was added, so that due ones are looked for at once.
            looks: Each adds the jobs that it finds to be needed, at every look for due ones.
            times: Kind → seconds that an attempt may take, if not `TIMEOUT`.
        """
        self._database = database
        self._handlers = handlers
        self._records = records or {}
        self._wake = wake or asyncio.Event()
        self._looks = looks
        self._times = times or {}
        self._working: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, str] = {}
        self._leaving = False
        self._swept = float("-inf")

    def wake(self) -> None:
        """Look for due jobs now: one was added."""
        self._wake.set()

    async def idle(self, about: str) -> bool:
        """Whether no job whose payload holds this text is left to do; looks for due ones."""
        self.wake()
        left = jobs.jobs.c.status.in_(("queued", "running"))
        waiting = sa.select(jobs.jobs.c.payload).where(left)
        return not any(
            about in str(row.payload) for row in await self._database.reader.all(waiting)
        )

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Work while the block runs, and let what is under way at its end come to its own end.

        What takes longer is cut off and given back, for the next process to begin again at once.
        """
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            await end(keeper)
            self._leaving = True
            short = [task for task in self._working.values() if task.get_name() not in self._times]
            if short:
                await asyncio.wait(short, timeout=LEAVING)
            await end(*self._working.values())

    async def _keep(self) -> None:
        while True:
            self._wake.clear()
            for step in (self._renew, self._sweep, *self._looks, self._start_due):
                try:
                    await step()
                except Exception as error:
                    if passes(error):
                        log.warning("could not look for jobs: %s", error)
                    else:
                        log.exception("could not look for jobs")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._wake.wait()

    async def _renew(self) -> None:
        if not self._held:
            return
        async with self._database.transaction() as transaction:
            # Listed inside: what has ended meanwhile must keep the moment that it was given.
            leases = dict(self._held)
            kept = await jobs.renew(transaction, list(leases))
            lost = [leases[lease] for lease in leases.keys() - kept if self._held.pop(lease, None)]
            cancelled = await jobs.cancelled(transaction, lost) if lost else set()
        for job_id in lost:
            log.warning("job %s was cancelled, or lost to another process", job_id)
            # One that was only lost goes on: it may learn what became of what it did outside, and
            # changes nothing else.
            if job_id in cancelled and job_id in self._working:
                self._working[job_id].cancel()

    async def _sweep(self) -> None:
        """Once a minute, fail the jobs that no process can do."""
        moment = asyncio.get_running_loop().time()
        if moment - self._swept < 60:
            return
        async with self._database.transaction() as transaction:
            count = await jobs.fail_unknown(transaction, list(self._handlers), now() - NOBODYS)
        self._swept = moment
        if count:
            log.error("%d jobs failed: no process knows their kind", count)

    async def _start_due(self) -> None:
        kinds = list(self._handlers)
        seen = await jobs.due(self._database.reader, kinds, AT_ONCE)
        room = AT_ONCE - len(self._working)
        if room <= 0 or all(row.id in self._working for row in seen):
            return  # what writes nothing begins no transaction
        begun: list[tuple[Job, int]] = []
        async with self._database.transaction() as transaction:
            for row in await jobs.due(transaction, kinds, AT_ONCE, to_claim=True):
                if row.id in self._working or len(begun) == room:
                    continue
                job = await jobs.claim(transaction, row)
                if job is not None:
                    begun.append((job, row.lost + (row.status == "running")))
        for job, lost in begun:
            if lost <= jobs.LOST:
                task = asyncio.create_task(self._do(job), name=job.kind)
                self._working[job.id] = task
                self._held[job.lease] = job.id
                task.add_done_callback(partial(self._done, job))
        for job, lost in begun:
            if lost > jobs.LOST:
                reason = f"Its process was lost {lost} times in the middle of it."
                async with self._database.transaction() as transaction:
                    await self._fail(transaction, job, reason)

    def _done(self, job: Job, task: asyncio.Task[None]) -> None:
        self._working.pop(job.id, None)
        self._held.pop(job.lease, None)
        self._wake.set()  # there is room for another one
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("what became of job %s is not written down: %s", job.id, error)

    async def _do(self, job: Job) -> None:
        again: float | None = None
        try:
            async with asyncio.timeout(self._times.get(job.kind, TIMEOUT)):
                await self._handlers[job.kind](job)
        except JobLost:
            log.warning("job %s was cancelled, or lost to another process", job.id)
            return
        except RetryLater as later:
            reason = str(later)
            again = later.seconds if job.attempt < ATTEMPTS else None
        except GiveUp as error:
            reason = str(error)
            log.error("job %s of kind %s failed: %s", job.id, job.kind, reason)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            if passes(error) and job.attempt < FAULTS:
                again = min(2.0**job.attempt, LONGEST)
                log.warning("job %s again in %g s: %s", job.id, again, reason)
            else:
                log.exception("job %s of kind %s failed", job.id, job.kind)
        except asyncio.CancelledError:
            if self._leaving:
                await insist(lambda: self._write_down(job, 0.0, "Its process ended."))
            raise
        else:
            reason = ""
        await insist(lambda: self._write_down(job, again, reason))

    async def _write_down(self, job: Job, again: float | None, reason: str) -> None:
        """Write down what came of an attempt: nothing to add, another one, or failed."""
        async with self._database.transaction() as transaction:
            self._held.pop(job.lease, None)
            if again is not None:
                await job.end(transaction, "queued", now() + timedelta(seconds=again), reason)
            elif reason:
                await self._fail(transaction, job, reason)
            else:
                await job.finish(transaction)

    async def _fail(self, transaction: Connection, job: Job, reason: str) -> None:
        failed = await job.end(transaction, "failed", now(), reason)
        if failed and (record := self._records.get(job.kind)):
            await record.ended(transaction, job, reason)
