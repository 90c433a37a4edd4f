"""Feeding the index: what changed in the database is brought to it, as often as it takes.

The database is what counts. Each change of a passage leaves a row in `knowledge_changes`, in its
own transaction; here the passages that these rows name are put into the index or taken out of it,
as they then are, and only after that the rows go. Whatever stops in between is done once more. An
index that is new, or that was damaged, is compared with the database as a whole (`rebuild`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.database import Connection, Database
from deskward.core.jobs import Job, JobLost
from deskward.knowledge.documents import changes, digest, documents, passages
from deskward.knowledge.passages import Index, Passage

JOB = "knowledge.index"
JOB_ID = digest(JOB)
"""There is one index, and so one job."""
TIME = 6 * 3600.0
"""Seconds that one attempt may take: the first one has all there is before it."""
AT_ONCE = 1_000
"""Passages that are brought to the index at once."""
JUST_NOW = 100
"""Passages up to which they are brought to the index by whoever searches next."""
COMPARED_EVERY = 30.0
"""Seconds after which the numbers of passages in index and database are compared."""

log = logging.getLogger(__name__)

Vectors = Callable[[Sequence[Passage]], Awaitable[Sequence[Sequence[float]]]]
"""Finds the meaning of passages, each as a vector of length 1."""

_WAITS = sa.select(changes.c.seq).limit(1)
_BUSY = sa.select(jobs.jobs.c.id).where(
    jobs.jobs.c.id == JOB_ID, jobs.jobs.c.status.in_(("queued", "running"))
)
_SOME = sa.select(changes).order_by(changes.c.seq).limit(AT_ONCE)
_MINE = sa.select(changes.c.seq, changes.c.passage_id).order_by(changes.c.seq)
_WAITING = sa.select(changes.c.tenant_id).distinct()
_TENANTS = sa.select(passages.c.tenant_id).distinct()
_LAST = sa.select(sa.func.coalesce(sa.func.max(changes.c.seq), 0).label("seq"))
_COUNT = sa.select(sa.func.count().label("number")).select_from(passages)
_WHOLE = sa.select(
    passages,
    *(documents.c[name] for name in ("title", "product", "versions", "category", "tags")),
    *(documents.c[name] for name in ("language", "audience")),
).join(
    documents,
    (documents.c.tenant_id == passages.c.tenant_id) & (documents.c.id == passages.c.document_id),
)


class Feeder:
    """Brings what changed to the index."""

    def __init__(
        self,
        database: Database,
        index: Index,
        vectors: Vectors | None = None,
        begins_after: float = 0.0,
    ) -> None:
        """Make one.

        Args:
            vectors: Finds the passages' meanings, where the desk has a model for it.
            begins_after: Seconds until it looks by itself for what is to be brought.
        """
        self.index = index
        self._database = database
        self._vectors = vectors
        self._brought: dict[str, int] = {}
        self._compared: set[str] = set()
        self.begins_at = self._compare_at = time.monotonic() + begins_after

    async def look(self) -> None:
        """See to it that there is a job while something waits; now and then, that all is there."""
        if time.monotonic() < self.begins_at:
            return
        if time.monotonic() >= self._compare_at:
            self._compare_at = time.monotonic() + COMPARED_EVERY
            await self.compare()
        reader = self._database.reader
        if await reader.first(_WAITS) is None or await reader.first(_BUSY) is not None:
            return
        async with self._database.transaction() as transaction:
            await jobs.ensure(transaction, JOB_ID, JOB, {})

    async def feed(self, job: Job) -> None:
        """Do the job: bring all that waits to the index.

        Raises:
            JobLost: Another process has the job.
        """
        if self._vectors is not None:
            # Meanings take long to find; by its words all can be found before.
            for row in await self._database.reader.all(_WAITING):
                await self.catch_up(row.tenant_id, whole=True)
        while rows := await self._database.reader.all(_SOME):
            by_tenant: dict[str, list[str]] = {}
            for row in rows:
                by_tenant.setdefault(row.tenant_id, []).append(row.passage_id)
            async with self._database.transaction() as transaction:
                await job.hold(transaction)
            for tenant, ids in by_tenant.items():
                await self._bring(tenant, list(dict.fromkeys(ids)))
            async with self._database.transaction() as transaction:
                if not await job.holds(transaction):
                    await self._again(transaction, rows)
                    raise JobLost(job.id)
                await transaction.execute(
                    sa.delete(changes).where(changes.c.seq.in_([row.seq for row in rows]))
                )

    async def catch_up(self, tenant: str, *, whole: bool = False) -> None:
        """Bring what a tenant has just written at once, so that whoever wrote it finds it.

        The job does so once more, with its meaning.

        Args:
            whole: Bring all that waits; otherwise much is left to the job.
        """
        if tenant not in self._compared:
            self._compared.add(tenant)
            await self._compare(tenant)
        while True:
            brought = self._brought.get(tenant, 0)
            some = _MINE.where(changes.c.tenant_id == tenant, changes.c.seq > brought)
            limit = AT_ONCE if whole else JUST_NOW
            rows = await self._database.reader.all(some.limit(limit + 1))
            if not rows or (len(rows) > limit and not whole):
                return
            try:
                ids = list(dict.fromkeys(row.passage_id for row in rows))
                await self._bring(tenant, ids, at_once=True)
            except Exception as error:  # what is there already is still to be found
                log.warning("What was just written cannot be found yet: %s", error)
            self._brought[tenant] = max(row.seq for row in rows)

    async def fill(self, tenant: str) -> None:
        """Bring all that a tenant has to the index at once, with its meaning: for measuring.

        A desk has its job for that.
        """
        await self._compare(tenant)
        last = await self._database.reader.first(_LAST.where(changes.c.tenant_id == tenant))
        mine = passages.c.tenant_id == tenant
        rows = await self._database.reader.all(sa.select(passages.c.id).where(mine))
        for at in range(0, len(rows), AT_ONCE):
            await self._bring(tenant, [row.id for row in rows[at : at + AT_ONCE]])
        if last is not None:
            # Else whoever searches next would bring it once more, without its meaning.
            self._brought[tenant] = max(self._brought.get(tenant, 0), last.seq)

    async def compare(self) -> None:
        """Have an index filled that has not as many passages as the database, once it is quiet."""
        if await self._database.reader.first(_WAITS) is None:
            for row in await self._database.reader.all(_TENANTS):
                await self._compare(row.tenant_id)

    async def _compare(self, tenant: str) -> None:
        row = await self._database.reader.first(_COUNT.where(passages.c.tenant_id == tenant))
        if row is not None and await self.index.count(tenant) != row.number:
            await self.rebuild(tenant)

    async def rebuild(self, tenant: str) -> int:
        """Compare the index with the database; gives how many passages are to be brought to it."""
        there = await self.index.ids(tenant)
        rows = await self._database.reader.all(
            sa.select(passages.c.id).where(passages.c.tenant_id == tenant)
        )
        wanted = {row.id for row in rows}
        other = sorted(wanted ^ there)
        async with self._database.transaction() as transaction:
            for at in range(0, len(other), AT_ONCE):
                named = [
                    {"tenant_id": tenant, "passage_id": one} for one in other[at : at + AT_ONCE]
                ]
                await transaction.execute(changes.insert(), named)
        return len(other)

    async def _bring(self, tenant: str, ids: list[str], *, at_once: bool = False) -> None:
        found = await read_passages(self._database.reader, tenant, ids)
        if self._vectors is not None and found and not at_once:
            vectors = await self._vectors(found)
            found = [replace(one, vector=v) for one, v in zip(found, vectors, strict=True)]
        there = {one.id for one in found}
        if gone := [one for one in ids if one not in there]:
            await self.index.remove(tenant, gone)
        if found:
            await self.index.put(tenant, found)

    @staticmethod
    async def _again(db: Connection, rows: Sequence[sa.Row[Any]]) -> None:
        """Have what was brought too late be looked at once more: it may be older than what is."""
        again = [{"tenant_id": row.tenant_id, "passage_id": row.passage_id} for row in rows]
        await db.execute(changes.insert(), again)


async def read_passages(db: Connection, tenant: str, ids: Sequence[str]) -> list[Passage]:
    """Passages as the index keeps them, those of them that are there, without their meaning."""
    mine = passages.c.tenant_id == tenant
    rows = await db.all(_WHOLE.where(mine, passages.c.id.in_(ids)))
    return [
        Passage(
            id=row.id,
            document_id=row.document_id,
            title=row.title,
            headings=tuple(row.headings),
            text=row.text,
            language=row.language,
            audience=row.audience,
            product=row.product,
            versions=row.versions,
            category=row.category,
            tags=tuple(row.tags),
        )
        for row in rows
    ]
