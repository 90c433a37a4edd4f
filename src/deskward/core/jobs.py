"""Work that is done later, by whichever process comes first, and again when it failed in passing.

A job is a row, added in the transaction of what caused it. A process claims it for the length of a
lease; if the process dies, another one claims it after that. Handlers must therefore bear being
called again for the same job. A process may also *sleep* past its lease and go on when another one
has the job: each claim has a token of its own, every change of a job is made only under the token
that claimed it, and a handler makes its own changes only where `Job.hold` lets it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import sqlalchemy as sa

from deskward.core.database import Connection, insert_or_ignore, metadata, now
from deskward.core.errors import Conflict, NotFound
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL

LEASE = timedelta(seconds=15)
"""How long a job counts as worked on after its process was last heard of."""
LOST = 5
"""How often a job is begun again whose process was not heard of any more."""

State = Literal["queued", "running", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)

log = logging.getLogger(__name__)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("kind", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("payload", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("lease", sa.String(32), info=IMPERSONAL),
    sa.Column("lost", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reason", sa.Text, info=IMPERSONAL),
    sa.Index("ix_jobs_due", "status", "due_at"),
)
"""One that is done is gone. While a job is `running`, `lease` is the token of the attempt that has
it, and `due_at` is when another one may begin. `reason` says why it waits, failed or was cancelled.
`lost` counts attempts that were never heard of again."""

_CLAIM = (
    sa.update(jobs)
    .where(
        jobs.c.id == sa.bindparam("b_id"),
        jobs.c.status == sa.bindparam("b_status"),
        jobs.c.due_at == sa.bindparam("b_seen", type_=UtcDateTime),
        jobs.c.attempts == sa.bindparam("b_attempts"),
    )
    .values(
        status="running",
        due_at=sa.bindparam("b_until"),
        attempts=jobs.c.attempts + 1,
        lease=sa.bindparam("b_lease"),
        lost=jobs.c.lost + sa.bindparam("b_lost"),
    )
)
_ENSURE = insert_or_ignore(
    jobs, "id", "kind", "payload", "status", "attempts", "due_at", "created_at", "lost"
)
_UNDER = (jobs.c.lease == sa.bindparam("b_lease")) & (jobs.c.status == "running")
_HOLD = sa.update(jobs).where(_UNDER).values(due_at=sa.bindparam("b_until"))
_ADVANCE = sa.update(jobs).where(_UNDER).values(due_at=sa.bindparam("b_until"), lost=0)
_KEEP = sa.update(jobs).where(_UNDER).values(payload=sa.bindparam("b_payload", type_=sa.JSON))
_FINISH = sa.delete(jobs).where(_UNDER)
_END = (
    sa.update(jobs)
    .where(_UNDER)
    .values(
        status=sa.bindparam("b_status"),
        due_at=sa.bindparam("b_due"),
        reason=sa.bindparam("b_reason"),
        lease=None,
    )
)


class RetryLater(Exception):
    """The job cannot be done now; try again after so many seconds."""

    def __init__(self, seconds: float, reason: str = "what it needs is away") -> None:
        super().__init__(reason)
        self.seconds = seconds


class GiveUp(Exception):
    """The job cannot be done; it is kept as failed, with this reason."""


class JobLost(Exception):
    """Another process has the job, or it was cancelled: this attempt must not change anything."""


@dataclass(frozen=True)
class Job:
    """One attempt at a job.

    Attributes:
        payload: What it is about.
        attempt: Which attempt this is, from 1.
        lease: The attempt's token.
    """

    id: str
    kind: str
    payload: Mapping[str, Any]
    attempt: int
    lease: str

    async def holds(self, db: Connection) -> bool:
        """Whether the job is still this attempt's; if so it stays so until `db` commits."""
        held = await db.execute(_HOLD, {"b_lease": self.lease, "b_until": now() + LEASE})
        return held.rowcount == 1

    async def hold(self, db: Connection) -> None:
        """Make sure that the job is still this attempt's, until `db` commits.

        Raises:
            JobLost: It is not.
        """
        if not await self.holds(db):
            raise JobLost(self.id)

    async def advance(self, db: Connection) -> None:
        """Hold the job, and count it as one that gets on: `db` commits a part of it for good.

        What it lost processes by before counts no more, so that long work may be begun again often.

        Raises:
            JobLost: It is not this attempt's any more.
        """
        held = await db.execute(_ADVANCE, {"b_lease": self.lease, "b_until": now() + LEASE})
        if held.rowcount != 1:
            raise JobLost(self.id)

    async def keep(self, db: Connection, payload: Mapping[str, Any]) -> None:
        """Change what the job is about, so that another attempt goes on from here.

        Raises:
            JobLost: It is not this attempt's any more.
        """
        kept = await db.execute(_KEEP, {"b_lease": self.lease, "b_payload": dict(payload)})
        if kept.rowcount != 1:
            raise JobLost(self.id)

    async def finish(self, db: Connection) -> bool:
        """Remove the job: it is done. Returns False where it is not this attempt's any more."""
        return (await db.execute(_FINISH, {"b_lease": self.lease})).rowcount == 1

    async def end(self, db: Connection, state: State, due: datetime, reason: str) -> bool:
        """Leave the job in a state; returns False where it is not this attempt's any more."""
        values = {"b_lease": self.lease, "b_status": state, "b_due": due, "b_reason": reason}
        return (await db.execute(_END, values)).rowcount == 1


Handler = Callable[[Job], Awaitable[None]]
"""Does a job."""


@dataclass(frozen=True)
class Record:
    """How the record that a kind of job is about learns what became of the job.

    Both run in the transaction that changes the job. They get an attempt that holds nothing.

    Attributes:
        ended: Says on the record that the job failed or was cancelled, and why.
        again: Makes the record ready for the job to be tried again.
    """

    ended: Callable[[Connection, Job, str], Awaitable[None]]
    again: Callable[[Connection, Job], Awaitable[None]]


Records = Mapping[str, Record]
"""Kind of job → its record; kinds without one have nobody to tell."""


async def add(
    db: Connection,
    job_id: str,
    kind: str,
    payload: Mapping[str, Any],
    *,
    due: datetime | None = None,
) -> None:
    """Queue a job in the caller's transaction, due at once or at a moment."""
    moment = now()
    await db.execute(
        jobs.insert(),
        {
            "id": job_id,
            "kind": kind,
            "payload": dict(payload),
            "status": "queued",
            "attempts": 0,
            "due_at": due or moment,
            "created_at": moment,
        },
    )


async def ensure(db: Connection, job_id: str, kind: str, payload: Mapping[str, Any]) -> None:
    """Queue a job of which there is one at the most; one that has ended is begun anew."""
    ended = (jobs.c.id == job_id) & jobs.c.status.in_(("failed", "cancelled"))
    await db.execute(sa.delete(jobs).where(ended))
    moment = now()
    values = {"id": job_id, "kind": kind, "payload": dict(payload), "status": "queued"}
    await db.execute(
        _ENSURE, {**values, "attempts": 0, "due_at": moment, "created_at": moment, "lost": 0}
    )


async def put(
    db: Connection, job_id: str, kind: str, payload: Mapping[str, Any], *, due: datetime
) -> None:
    """Queue the one job of that id for a moment, instead of one that is there.

    One that is worked on just now is lost to its attempt, which changes nothing any more.
    """
    await drop(db, job_id)
    await add(db, job_id, kind, payload, due=due)


async def drop(db: Connection, *ids: str) -> None:
    """Take jobs away, where there are any: what they waited for is not to come."""
    if ids:
        await db.execute(sa.delete(jobs).where(jobs.c.id.in_(ids)))


async def due(
    db: Connection, kinds: Sequence[str], limit: int, *, to_claim: bool = False
) -> Sequence[sa.Row[Any]]:
    """Jobs that may be begun now, the longest due first.

    Args:
        to_claim: Whether they are for the caller's transaction to claim. On PostgreSQL it then has
            their rows to itself, and is not given those that another one is claiming (`SKIP
            LOCKED`): many processes that look at once get different ones, and wait for nobody.
    """
    wanted = (
        sa.select(jobs)
        .where(
            jobs.c.status.in_(("queued", "running")), jobs.c.due_at <= now(), jobs.c.kind.in_(kinds)
        )
        .order_by(jobs.c.due_at)
        .limit(limit)
    )
    if to_claim and db.dialect == "postgresql":
        wanted = wanted.with_for_update(skip_locked=True)
    return await db.all(wanted)


async def claim(db: Connection, row: sa.Row[Any]) -> Job | None:
    """Begin an attempt at a job that was seen to be due; None where another one was quicker."""
    lease = uuid.uuid4().hex
    claimed = await db.execute(
        _CLAIM,
        {
            "b_id": row.id,
            "b_status": row.status,
            "b_seen": row.due_at,
            "b_attempts": row.attempts,
            "b_until": now() + LEASE,
            "b_lease": lease,
            "b_lost": int(row.status == "running"),
        },
    )
    if claimed.rowcount != 1:
        return None
    return Job(row.id, row.kind, row.payload, row.attempts + 1, lease)


async def renew(db: Connection, leases: Sequence[str]) -> set[str]:
    """Make leases last; returns those that are still held."""
    held = jobs.c.lease.in_(leases) & (jobs.c.status == "running")
    await db.execute(sa.update(jobs).where(held).values(due_at=now() + LEASE))
    return {row.lease for row in await db.all(sa.select(jobs.c.lease).where(held))}


async def cancelled(db: Connection, ids: Sequence[str]) -> set[str]:
    """Which of these jobs were cancelled."""
    wanted = jobs.c.id.in_(ids) & (jobs.c.status == "cancelled")
    return {row.id for row in await db.all(sa.select(jobs.c.id).where(wanted))}


async def fail_unknown(db: Connection, kinds: Sequence[str], since: datetime) -> int:
    """Fail the jobs of other kinds that have been due since then; returns how many there were."""
    left = (jobs.c.status == "queued") & jobs.c.kind.not_in(kinds) & (jobs.c.due_at <= since)
    reason = "No process knows how to do jobs of this kind."
    failed = await db.execute(sa.update(jobs).where(left).values(status="failed", reason=reason))
    return failed.rowcount


async def listed(db: Connection, states: Sequence[State], limit: int) -> Sequence[sa.Row[Any]]:
    """Jobs in these states, the longest due first."""
    wanted = sa.select(jobs).where(jobs.c.status.in_(states)).order_by(jobs.c.due_at, jobs.c.id)
    return await db.all(wanted.limit(limit))


async def cancel(db: Connection, job_id: str, records: Records) -> None:
    """Cancel a job that waits or is worked on, and tell its record.

    Raises:
        NotFound: There is no such job.
        Conflict: It has ended already.
    """
    reason = "It was cancelled."
    row = await _changed(db, job_id, ("queued", "running"), status="cancelled", reason=reason)
    if row.kind in records:
        await records[row.kind].ended(db, _unheld(row), reason)


async def cancel_of(db: Connection, tenant: str, records: Records) -> int:
    """Cancel all jobs of a tenant; returns how many there were.

    Those that erase customers go on: whoever is erased is erased in a closed tenant, too.
    """
    theirs = (
        jobs.c.status.in_(("queued", "running"))
        & (jobs.c.payload["tenant"].as_string() == tenant)
        & jobs.c.kind.not_like("erase%")
    )
    rows = await db.all(sa.select(jobs.c.id).where(theirs))
    for row in rows:
        await cancel(db, row.id, records)
    return len(rows)


async def retry(db: Connection, job_id: str, records: Records) -> None:
    """Queue a job again that failed or was cancelled.

    Raises:
        NotFound: There is no such job.
        Conflict: It has not ended.
    """
    fresh = {"status": "queued", "attempts": 0, "lost": 0, "reason": None, "due_at": now()}
    row = await _changed(db, job_id, ("failed", "cancelled"), **fresh)
    if row.kind in records:
        await records[row.kind].again(db, _unheld(row))


async def _changed(
    db: Connection, job_id: str, states: Sequence[State], **values: Any
) -> sa.Row[Any]:
    """Change a job in one of these states; returns it as it was."""
    row = await db.first(sa.select(jobs).where(jobs.c.id == job_id))
    if row is None:
        raise NotFound("job", job_id)
    seen = (
        (jobs.c.id == job_id)
        & (jobs.c.status == row.status)
        & (jobs.c.attempts == row.attempts)
        & jobs.c.status.in_(states)
    )
    changed = await db.execute(sa.update(jobs).where(seen).values(lease=None, **values))
    if changed.rowcount != 1:
        raise Conflict(f"The job is {row.status}; it has to be {' or '.join(states)} for that.")
    return row


def _unheld(row: sa.Row[Any]) -> Job:
    return Job(row.id, row.kind, row.payload, row.attempts, "")
