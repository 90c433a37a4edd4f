"""What becomes of a session that nobody touches: confirmed by quiet, or ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from deskward.core import jobs
from deskward.core.database import Connection, Database, now
from deskward.core.errors import Conflict, NotFound
from deskward.core.jobs import Job
from deskward.diagnostics import service
from deskward.diagnostics.models import Status
from deskward.tickets.timers import name_of

QUIET = "diagnosis_quiet"
"""The kind of job that looks whether a session was left alone."""
_AFTER: dict[Status, Status] = {"to_confirm": "resolved", "open": "ended", "paused": "ended"}


@dataclass(frozen=True)
class QuietRules:
    """How long nobody has to say anything.

    Attributes:
        confirms: Until what helped, as far as is known, counts as confirmed.
        ends: Until a session in the middle is ended.
    """

    confirms: timedelta
    ends: timedelta


async def follow(db: Connection, tenant: str, session: service.Session, rules: QuietRules) -> None:
    """Set or take away the timer of a session that was changed, in the same transaction."""
    name = name_of(QUIET, tenant, session.id)
    if session.status not in _AFTER:
        await jobs.drop(db, name)
        return
    waits = rules.confirms if session.status == "to_confirm" else rules.ends
    payload = {"tenant": tenant, "session_id": session.id, "revision": session.revision}
    await jobs.put(db, name, QUIET, payload, due=now() + waits)


async def quiet(database: Database, job: Job) -> None:
    """Do the job of a session that was left alone, if it was: end it, or count it as confirmed.

    Raises:
        JobLost: Another process has the job, or it was taken away.
    """
    tenant, session_id = job.payload["tenant"], job.payload["session_id"]
    async with database.transaction() as db:
        await job.hold(db)
        try:
            session = await service.get(db, tenant, session_id)
            after = _AFTER.get(session.status)
            if after is None:
                return
            await service.set_status(
                db,
                tenant,
                session_id,
                job.payload["revision"],
                after,
                allowed=(session.status,),
                confirmed="quiet" if after == "resolved" else None,
            )
        except (Conflict, NotFound):  # it was changed meanwhile, or erased
            return
