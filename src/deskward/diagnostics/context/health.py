"""Whether the systems that the desk asks are well, asked now and then by a job of each.

What came of the last time is kept with the job, so that every process shows the same.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.database import Connection, Database, now
from deskward.core.jobs import Job
from deskward.diagnostics.context.models import SourceHealth
from deskward.diagnostics.context.sources import Source, SourceFailed, Sources

KIND = "source_health"
"""The kind of job that asks a system how it is."""
LONGEST = 60.0
"""Seconds that asking may take, whatever a system says of itself."""
_ALL = sa.select(jobs.jobs.c.payload, jobs.jobs.c.status).where(jobs.jobs.c.kind == KIND)


class HealthLook:
    """Sees that each system that is to be asked has its job."""

    def __init__(self, database: Database, sources: Sources) -> None:
        self._database = database
        self._sources = sources

    async def look(self) -> None:
        """Give those a job that have none."""
        wanted = self._sources.checked
        if not wanted:
            return
        rows = await self._database.reader.all(_ALL)
        there = {row.payload["source"] for row in rows if row.status in ("queued", "running")}
        for name in wanted.keys() - there:
            async with self._database.transaction() as db:
                await jobs.ensure(db, f"{KIND}:{name}", KIND, {"source": name})


async def check(database: Database, sources: Sources, job: Job) -> None:
    """Do the job of one system: ask it, keep what came of it, and come again in its time.

    Raises:
        JobLost: Another process has the job.
    """
    source = sources.checked.get(job.payload["source"])
    if source is None or source.checked_every is None:  # it was taken out of the file
        return
    told = await _asked(source)
    async with database.transaction() as db:
        await job.hold(db)
        before = job.payload.get("last")
        since = before["since"] if before and before["ok"] == told["ok"] else told["at"]
        payload = {"source": source.name, "last": {**told, "since": since}}
        due = now() + timedelta(seconds=source.checked_every)
        await jobs.put(db, job.id, KIND, payload, due=due)


async def latest(db: Connection, sources: Sources) -> dict[str, SourceHealth]:
    """Name → what came of asking each system the last time; those that were asked yet."""
    if not sources.checked:
        return {}
    found = {}
    for row in await db.all(_ALL):
        name, last = row.payload["source"], row.payload.get("last")
        if last is not None and name in sources.checked:
            found[name] = SourceHealth(
                state="ok" if last["ok"] else "failing",
                problem=last["problem"],
                checked_at=datetime.fromisoformat(last["at"]),
                since=datetime.fromisoformat(last["since"]),
                milliseconds=last["milliseconds"],
            )
    return found


async def _asked(source: Source) -> dict[str, Any]:
    begun = time.monotonic()
    problem: str | None = None
    try:
        async with asyncio.timeout(LONGEST):
            await source.check()
    except SourceFailed as error:
        problem = str(error)
    except TimeoutError:
        problem = f"It did not answer within {LONGEST:g} seconds."
    took = round((time.monotonic() - begun) * 1000)
    return {
        "ok": problem is None,
        "problem": problem,
        "at": now().isoformat(),
        "milliseconds": took,
    }
