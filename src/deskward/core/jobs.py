"""Work that is done later, by whichever process comes first, and again when it failed in passing.

A job is a row, added in the transaction of what caused it. A process claims it for the length of a
lease; if the process dies, another one claims it after that. Handlers must therefore bear being
called again for the same job.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, Database, UtcDateTime, metadata, now
from deskward.core.tasks import end

LEASE = timedelta(seconds=15)
"""How long a job counts as worked on after its process was last heard of."""
TIMEOUT = 120.0
"""Seconds that one attempt may take."""
POLL = 2.0
"""Seconds between looks for due jobs that other processes added, and between signs of life."""
AT_ONCE = 8
"""How many jobs one process works on at the same time."""

log = logging.getLogger(__name__)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Index("ix_jobs_due", "status", "due_at"),
)
"""`queued` or `failed`; one that is done is gone. While it is worked on, `due_at` is its lease."""

_DUE = (
    sa.select(jobs)
    .where(
        jobs.c.status == "queued",
        jobs.c.due_at <= sa.bindparam("moment", type_=UtcDateTime),
        jobs.c.kind.in_(sa.bindparam("kinds", expanding=True)),
    )
    .order_by(jobs.c.due_at)
    .limit(AT_ONCE)
)
_CLAIM = (
    sa.update(jobs)
    .where(
        jobs.c.id == sa.bindparam("b_id"),
        jobs.c.due_at == sa.bindparam("b_seen", type_=UtcDateTime),
    )
    .values(due_at=sa.bindparam("b_lease"), attempts=jobs.c.attempts + 1)
)


class RetryLater(Exception):
    """The job cannot be done now; try again after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


Handler = Callable[[Mapping[str, Any], int], Awaitable[None]]
"""Given a job's payload and which attempt this is, from 1."""


async def add(db: Connection, job_id: str, kind: str, payload: Mapping[str, Any]) -> None:
    """Queue a job, due at once, in the caller's transaction."""
    moment = now()
    await db.execute(
        jobs.insert(),
        {
            "id": job_id,
            "kind": kind,
            "payload": dict(payload),
            "status": "queued",
            "attempts": 0,
            "due_at": moment,
            "created_at": moment,
        },
    )


class Jobs:
    """Works on due jobs."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        wake: asyncio.Event | None = None,
    ) -> None:
        """Make a worker.

        Args:
            handlers: Kind → what does jobs of that kind.
            wake: Is set when a job was added, so that due ones are looked for at once.
        """
        self._database = database
        self._handlers = handlers
        self._wake = wake or asyncio.Event()
        self._working: dict[str, asyncio.Task[None]] = {}
        self._leased: set[str] = set()

    def wake(self) -> None:
        """Look for due jobs now: one was added."""
        self._wake.set()

    async def idle(self, about: str) -> bool:
        """Whether no job whose payload holds this text is left to do; looks for due ones."""
        self.wake()
        waiting = sa.select(jobs.c.payload).where(jobs.c.status == "queued")
        return not any(
            about in str(row.payload) for row in await self._database.reader.all(waiting)
        )

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Work while the block runs. Jobs under way at its end are left to their leases."""
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            await end(keeper)
            await end(*self._working.values())

    async def _keep(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._renew()
                await self._start_due()
            except Exception:
                log.exception("could not look for jobs")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    await self._wake.wait()

    async def _renew(self) -> None:
        if not self._leased:
            return
        async with self._database.transaction() as transaction:
            # Listed inside: what has ended meanwhile must keep the moment that it was given.
            await transaction.execute(
                sa.update(jobs).where(jobs.c.id.in_(self._leased)).values(due_at=now() + LEASE)
            )

    async def _start_due(self) -> None:
        kinds = list(self._handlers)
        for job in await self._database.reader.all(_DUE, moment=now(), kinds=kinds):
            if len(self._working) >= AT_ONCE:
                return
            if job.id in self._working:
                continue
            async with self._database.transaction() as transaction:
                claimed = await transaction.execute(
                    _CLAIM, {"b_id": job.id, "b_seen": job.due_at, "b_lease": now() + LEASE}
                )
            if claimed.rowcount == 1:
                task = asyncio.create_task(self._do(job))
                self._working[job.id] = task
                self._leased.add(job.id)
                task.add_done_callback(partial(self._done, job.id))

    def _done(self, job_id: str, _task: asyncio.Task[None]) -> None:
        self._working.pop(job_id, None)
        self._leased.discard(job_id)
        self._wake.set()  # there is room for another one

    async def _do(self, job: Any) -> None:
        statement: sa.Executable = sa.delete(jobs).where(jobs.c.id == job.id)
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._handlers[job.kind](job.payload, job.attempts + 1)
        except RetryLater as later:
            again = now() + timedelta(seconds=later.seconds)
            statement = sa.update(jobs).where(jobs.c.id == job.id).values(due_at=again)
        except Exception:
            log.exception("job %s of kind %s failed", job.id, job.kind)
            statement = sa.update(jobs).where(jobs.c.id == job.id).values(status="failed")
        async with self._database.transaction() as transaction:
            self._leased.discard(job.id)
            await transaction.execute(statement)
