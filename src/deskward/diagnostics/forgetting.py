"""Runs of tests are removed after a set time, and collectors once they can no longer be used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from deskward.core.database import Connection, Database, now
from deskward.diagnostics.collecting.models import collectors
from deskward.diagnostics.suites.models import test_runs

AT_ONCE = 500
"""Runs that are removed in one transaction, so that nobody waits long for it."""
EVERY = timedelta(hours=1)
LEFT = timedelta(days=1)
"""How long a collector that has ended is known still: who is late is told so."""
_OLD = (
    sa.select(test_runs.c.tenant_id, test_runs.c.id)
    .where(test_runs.c.at < sa.bindparam("before"))
    .limit(AT_ONCE)
)


@dataclass(frozen=True)
class RunRules:
    """How long runs of tests are kept."""

    keeps: timedelta


class Forgetting:
    """Removes what is old, now and then."""

    def __init__(self, database: Database, rules: RunRules) -> None:
        self._database = database
        self._keeps = rules.keeps
        self._done: datetime | None = None

    async def look(self) -> None:
        """Remove what is old, where that was not done lately."""
        if self._done is not None and now() - EVERY < self._done <= now():
            return
        self._done = now()
        await forget(self._database, now() - self._keeps)


async def forget(database: Database, before: datetime) -> int:
    """Remove the runs that were made before a moment; returns how many."""
    removed = 0
    while rows := await database.reader.all(_OLD, before=before):
        async with database.transaction() as db:
            for row in rows:
                await _remove(db, row.tenant_id, row.id)
        removed += len(rows)
    ended = collectors.c.expires_at < now() - LEFT
    if await database.reader.first(sa.select(collectors.c.id).where(ended).limit(1)) is not None:
        async with database.transaction() as db:
            await db.execute(sa.delete(collectors).where(ended))
    return removed


async def _remove(db: Connection, tenant: str, run_id: str) -> None:
    this = (test_runs.c.tenant_id == tenant) & (test_runs.c.id == run_id)
    await db.execute(sa.delete(test_runs).where(this))
