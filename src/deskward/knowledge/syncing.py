"""Syncs: the documents of a source, in the database as the source has them now.

A sync is a job, one per source at most. It may stop anywhere: what it has written stays, and the
next attempt finds by the documents' stamps what is left to do. While it runs, and where it fails,
what is there goes on being found.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from deskward.core import jobs
from deskward.core.database import Connection, Database, now
from deskward.core.fixed import fixed
from deskward.core.jobs import Job, JobLost, Record, RetryLater
from deskward.core.moments import UtcDateTime
from deskward.core.outside import Outside
from deskward.core.tasks import end
from deskward.gate.sealing import Sealing
from deskward.knowledge import filing
from deskward.knowledge.documents import digest, documents, sources
from deskward.knowledge.facts import Settings, Unreadable, facts_of, stored_settings
from deskward.knowledge.filing import Filed
from deskward.knowledge.formats.blocks import Broken
from deskward.knowledge.formats.reading import format_of
from deskward.knowledge.origins import Fetched, Item, Listing, Origin, Origins, Source, Unreachable
from deskward.knowledge.parsing.pool import Parser, too_large
from deskward.security.tenants import tenants

JOB = "knowledge.sync"
TIME = 6 * 3600.0
"""Seconds that one attempt at a sync may take."""
AT_ONCE = 2
"""Syncs that one process does at the same time; others wait for their turn."""
BATCH = 40
"""Documents that are written down together."""
BATCH_TEXT = 1_000_000
"""Characters after which a batch is written down, however few documents it has."""
AHEAD = 8
"""Documents that are read ahead of what is written down."""
EACH = 2.0
"""Seconds after which what was read is written down."""
PAUSES = (60.0, 300.0, 900.0, 3600.0)
"""Seconds after which a source is tried again by itself that could not be read."""
LONGEST_PATH = 1_000

log = logging.getLogger(__name__)

_DUE = fixed(
    sa.select(sources.c.tenant_id, sources.c.id)
    .where(
        sources.c.wanted_at.is_not(None)
        | (sources.c.next_at <= sa.bindparam("moment", type_=UtcDateTime)),
        ~sa.exists().where(
            tenants.c.tenant_id == sources.c.tenant_id, tenants.c.closed_at.is_not(None)
        ),
    )
    .limit(50)
)
_TO_READ_AGAIN = sa.select(documents.c.id).where(documents.c.stamp == "")
_BUSY = sa.select(jobs.jobs.c.id).where(jobs.jobs.c.status.in_(("queued", "running")))


def job_of(tenant: str, source_id: str) -> str:
    """The id of a source's one job."""
    return digest(JOB, tenant, source_id)


@dataclass(frozen=True, slots=True)
class _Step:
    """What reading one document came to: `filed` is None where it is unchanged."""

    filed: Filed | None


class Syncs:
    """Does syncs."""

    def __init__(
        self,
        database: Database,
        parser: Parser,
        outside: Outside,
        origins: Origins,
        vault: Sealing,
    ) -> None:
        """Make one.

        Args:
            parser: Reads documents.
            outside: Says where sources may be.
            origins: Opens sources.
            vault: Opens what is kept under the desk's key.
        """
        self.parser = parser
        self.outside = outside
        self.vault = vault
        self._database = database
        self._origins = origins
        self._room = asyncio.Semaphore(AT_ONCE)

    async def look(self) -> None:
        """See to it that each source that is to be read has its job."""
        due = await self._database.reader.all(_DUE, moment=now())
        ids = {job_of(row.tenant_id, row.id): row for row in due}
        if not ids:
            return
        busy = await self._database.reader.all(_BUSY.where(jobs.jobs.c.id.in_(list(ids))))
        for one in ids.keys() - {row.id for row in busy}:
            told = {"tenant": ids[one].tenant_id, "source": ids[one].id}
            async with self._database.transaction() as transaction:
                await jobs.ensure(transaction, one, JOB, told)

    async def sync(self, job: Job) -> None:
        """Do the job of one source.

        Raises:
            JobLost: Another process has the job, or the source was removed.
            RetryLater: This process has enough to do.
        """
        if self._room.locked():
            raise RetryLater(2.0, "other sources are read before it")
        async with self._room:
            row = await self._begun(job)
            if row is None:
                return
            try:
                source = self.source_of(row)
                async with self._origins(source) as origin:
                    listing = await origin.items(await self._mark(row, source.settings))
                    if listing is not None:
                        await self._read(job, row, source.settings, origin, listing)
                mark = row.mark if listing is None else _marked(source.settings, listing.mark)
                await self._ended(job, row, mark=mark)
            except (Unreachable, Unreadable) as error:
                await self._ended(job, row, reason=str(error))

    def source_of(self, row: sa.Row[Any]) -> Source:
        """A source, as adapters need it.

        Raises:
            Unreadable: Its row is not understood.
            Unreachable: What opens it is sealed under another key.
        """
        try:
            secret = self.vault.opened(row.id, row.secrets).decode() if row.secrets else ""
        except InvalidTag:
            raise Unreachable(
                "What opens it is sealed under another SECRET_KEY. Set its secret anew."
            ) from None
        return Source(
            tenant=row.tenant_id,
            id=row.id,
            name=row.name,
            kind=row.kind,
            location=row.location,
            settings=stored_settings(row.settings),
            secret=secret,
        )

    async def _begun(self, job: Job) -> sa.Row[Any] | None:
        """Write down that a sync begins; the source's row, or None where it is gone."""
        where = _same(job.payload["tenant"], job.payload["source"])
        async with self._database.transaction() as transaction:
            await job.hold(transaction)
            begins = {"state": "syncing", "begun_at": now(), "done": 0, "total": None}
            await transaction.execute(sa.update(sources).where(*where).values(**begins))
            return await transaction.first(sa.select(sources).where(*where))

    async def _mark(self, row: sa.Row[Any], settings: Settings) -> str | None:
        """The mark, where it was made with the settings of now and all was read up to it."""
        if row.mark is None:
            return None
        before, _, mark = row.mark.partition(":")
        again = await self._database.reader.first(_TO_READ_AGAIN.where(*_mine(row)).limit(1))
        return mark if before == settings.print and again is None else None

    async def _ended(
        self, job: Job, row: sa.Row[Any], *, mark: str | None = None, reason: str | None = None
    ) -> None:
        """Write down what came of a sync. One that was wanted meanwhile is still wanted."""
        async with self._database.transaction() as transaction:
            await job.advance(transaction)
            await transaction.execute(
                sa.update(sources)
                .where(*_same(row.tenant_id, row.id))
                .values(**_after(row, mark, reason))
            )
            if row.wanted_at is not None:
                answered = (*_same(row.tenant_id, row.id), sources.c.wanted_at <= row.wanted_at)
                await transaction.execute(
                    sa.update(sources).where(*answered).values(wanted_at=None)
                )

    async def _read(
        self, job: Job, row: sa.Row[Any], settings: Settings, origin: Origin, listing: Listing
    ) -> None:
        tenant, source_id = row.tenant_id, row.id
        known = {
            one.path: one
            for one in await self._database.reader.all(
                sa.select(documents.c.path, documents.c.id, documents.c.stamp).where(*_mine(row))
            )
        }
        items = {one.path: one for one in map(_short, listing.items)}
        gone = [known[path].id for path in known.keys() - items.keys()]
        for at in range(0, len(gone), filing.AT_ONCE):
            async with self._database.transaction() as transaction:
                await job.advance(transaction)
                await filing.remove(transaction, tenant, gone[at : at + filing.AT_ONCE])
        stamps = {path: one.stamp for path, one in known.items()}
        left = [one for one in items.values() if not _unchanged(one, settings, stamps)]
        done, total = len(items) - len(left), len(items)
        steps = self._steps(origin, left, settings, stamps, trusted=row.kind != "web")
        async for batch in _batches(steps):
            filed = [step.filed for step in batch if step.filed is not None]
            done += len(batch)
            async with self._database.transaction() as transaction:
                await job.advance(transaction)
                progress = {"done": done, "total": total}
                where = _same(tenant, source_id)
                seen = await transaction.execute(
                    sa.update(sources).where(*where).values(**progress)
                )
                if seen.rowcount != 1:
                    raise JobLost(job.id)
                await filing.put(transaction, tenant, source_id, filed)

    async def _steps(
        self,
        origin: Origin,
        items: Sequence[Item],
        settings: Settings,
        stamps: Mapping[str, str],
        *,
        trusted: bool,
    ) -> AsyncIterator[_Step]:
        for item in items:
            known = stamps.get(item.path, "")
            start = f"{settings.print}:"
            before = known.removeprefix(start) if known.startswith(start) else ""
            yield _Step(await self._one(origin, item, settings, before, trusted=trusted))

    async def _one(
        self, origin: Origin, item: Item, settings: Settings, known: str, *, trusted: bool
    ) -> Filed | None:
        """Read one document; None where it is unchanged after all."""
        form = format_of(item.path) or ""
        filed = Filed(
            path=item.path,
            address=_address(item, settings),
            stamp=f"{settings.print}:{item.stamp}" if item.stamp else "",
            size=item.size,
            form=form,
            commit=item.commit,
        )
        try:
            if item.problem:
                raise Broken(item.problem)
            if item.size > self.parser.limits.size:
                raise too_large(item.size, self.parser.limits.size)
            fetched = await origin.fetch(item, known)
            if fetched is None:
                return None
            return await self._parsed(filed, item, fetched, settings, trusted=trusted)
        except Broken as error:
            return replace(filed, reason=str(error))
        except Unreachable as error:
            # Without a stamp it is tried again; what was known of it stays.
            return replace(filed, stamp="", chunks=None, reason=str(error))

    async def _parsed(
        self, filed: Filed, item: Item, fetched: Fetched, settings: Settings, *, trusted: bool
    ) -> Filed:
        stamp = f"{settings.print}:{fetched.stamp or item.stamp}"
        form = fetched.form or filed.form
        filed = replace(filed, stamp=stamp, size=len(fetched.data), form=form)
        try:
            if not form:
                raise Broken("files of this kind are not read")
            read = await self.parser.read(form, item.path, fetched.data)
        except Broken as error:
            return replace(filed, reason=str(error))
        facts = facts_of(item.path, settings, read, trusted=trusted)
        doubts = "; ".join(facts.doubts) or None
        return replace(filed, facts=facts, chunks=read.chunks, reason=doubts)


async def _batches(steps: AsyncIterator[_Step]) -> AsyncIterator[list[_Step]]:
    """Steps in batches, each of which is read while the one before is written down."""
    waiting: asyncio.Queue[_Step | None] = asyncio.Queue(AHEAD)

    async def read() -> None:
        try:
            async for step in steps:
                await waiting.put(step)
        finally:
            await waiting.put(None)

    reader = asyncio.create_task(read())
    try:
        batch: list[_Step] = []
        size, begun = 0, asyncio.get_running_loop().time()
        while (step := await waiting.get()) is not None:
            batch.append(step)
            chunks = step.filed.chunks if step.filed is not None else None
            size += sum(len(chunk.text) for chunk in chunks or ())
            late = asyncio.get_running_loop().time() - begun > EACH
            if len(batch) >= BATCH or size > BATCH_TEXT or late:
                yield batch
                batch, size, begun = [], 0, asyncio.get_running_loop().time()
        if batch:
            yield batch
        await reader
    finally:
        await end(reader)


def _unchanged(item: Item, settings: Settings, stamps: Mapping[str, str]) -> bool:
    return bool(item.stamp) and stamps.get(item.path) == f"{settings.print}:{item.stamp}"


def _short(item: Item) -> Item:
    """An item whose path can be kept."""
    if len(item.path) <= LONGEST_PATH:
        return item
    path = f"{item.path[: LONGEST_PATH - 40]}…{digest(item.path)}"
    return replace(item, path=path, problem=f"its path is over {LONGEST_PATH:,} characters long")


def _address(item: Item, settings: Settings) -> str:
    return settings.address.replace("{path}", item.path) if settings.address else item.address


def _marked(settings: Settings, mark: str | None) -> str | None:
    return None if mark is None else f"{settings.print}:{mark}"


def _after(row: sa.Row[Any], mark: str | None, reason: str | None) -> dict[str, Any]:
    """What a source's row says after a sync."""
    moment = now()
    every = timedelta(minutes=row.every_minutes) if row.every_minutes else None
    if reason is None:
        ready = {"state": "ready", "reason": None, "failures": 0, "mark": mark}
        return {**ready, "synced_at": moment, "next_at": moment + every if every else None}
    pause = timedelta(seconds=PAUSES[min(row.failures, len(PAUSES) - 1)])
    again: datetime | None = moment + max(pause, every) if every else None
    failed = {"state": "failed", "reason": reason[:500], "failures": row.failures + 1}
    return {**failed, "next_at": again}


async def _failed(db: Connection, job: Job, reason: str) -> None:
    """A sync was given up or cancelled: its source says so, and is tried again in its time."""
    where = _same(job.payload["tenant"], job.payload["source"])
    row = await db.first(sa.select(sources).where(*where))
    if row is not None:
        values = {**_after(row, None, reason), "wanted_at": None}
        if job.lease:  # it was given up, and not cancelled: it is tried again, whoever asks or not
            pause = PAUSES[min(row.failures, len(PAUSES) - 1)]
            values["next_at"] = now() + timedelta(seconds=pause)
        await db.execute(sa.update(sources).where(*where).values(**values))


async def _again(db: Connection, job: Job) -> None:
    where = _same(job.payload["tenant"], job.payload["source"])
    await db.execute(sa.update(sources).where(*where).values(wanted_at=now()))


RECORD = Record(ended=_failed, again=_again)


def _mine(row: sa.Row[Any]) -> tuple[sa.ColumnElement[bool], ...]:
    """The documents of a source."""
    return documents.c.tenant_id == row.tenant_id, documents.c.source_id == row.id


def _same(tenant: str, source_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return sources.c.tenant_id == tenant, sources.c.id == source_id
