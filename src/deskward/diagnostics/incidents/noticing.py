"""Incidents that the desk itself notices: several customers have seen the same within a short time.

It is proposed to staff, who open it or not; where the operator has said so it is open at once.
Customers are counted, not sessions, so that nobody makes one alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.database import Connection, Database, now
from deskward.core.errors import NotFound
from deskward.core.jobs import Job
from deskward.diagnostics import service as sessions
from deskward.diagnostics.incidents import service
from deskward.diagnostics.incidents.joining import ALIVE
from deskward.diagnostics.incidents.matching import sign_of, signature_of
from deskward.diagnostics.models import diagnoses
from deskward.diagnostics.service import Session

SEEN = "incident_seen"
"""The kind of job that looks whether what several have seen is an incident."""
AGAIN = timedelta(days=1)
"""How long what was proposed, or is over, is not proposed once more."""


@dataclass(frozen=True)
class SeenRules:
    """When what customers see is an incident.

    Attributes:
        customers: By so many different ones; 0 for never.
        within: Within this time.
        opens: Whether it is open at once, and not only proposed.
    """

    customers: int = 0
    within: timedelta = timedelta(hours=1)
    opens: bool = False


async def seen(db: Connection, tenant: str, session: Session, rules: SeenRules) -> None:
    """Have it looked at, in an answer's transaction, if enough customers have seen the same."""
    signature = signature_of(session)
    if not rules.customers or signature is None or session.incident_id is not None:
        return
    if await _customers(db, tenant, signature, rules) < rules.customers:
        return
    name = hashlib.sha256("\0".join((SEEN, tenant, signature)).encode()).hexdigest()[:32]
    told = {"tenant": tenant, "session_id": session.id}
    await jobs.put(db, name, SEEN, told, due=now())


async def noticed(database: Database, rules: SeenRules, job: Job) -> None:
    """Do the job: propose or open an incident, if what was seen is none yet.

    There is one such job of what was seen, so that two answers at once make one incident.

    Raises:
        JobLost: Another process has the job, or it was taken away.
    """
    tenant = job.payload["tenant"]
    async with database.transaction() as db:
        await job.hold(db)
        try:
            session = await sessions.get(db, tenant, job.payload["session_id"])
        except NotFound:  # its customer was erased meanwhile
            return
        signature, sign = signature_of(session), sign_of(session)
        if signature is None or session.incident_id is not None:
            return
        await service.lock(db, tenant)
        count = await _customers(db, tenant, signature, rules)
        known = await service.is_known(db, tenant, sign.digest(), now() - AGAIN)
        if count < rules.customers or known:
            return
        if await service.count_open(db, tenant) >= service.MOST_OPEN:
            return
        what = f"{sign.test} {sign.code}".strip()
        await service.begin(
            db,
            tenant,
            sign,
            title=f"{count} customers have seen the same: {what}",
            by="desk",
            description=f"The latest session is {session.id}.",
            status="open" if rules.opens else "proposed",
        )


async def _customers(db: Connection, tenant: str, signature: str, rules: SeenRules) -> int:
    """How many customers have seen the same lately, and their matter is not settled."""
    found = await db.first(
        sa.select(sa.func.count(sa.distinct(diagnoses.c.customer_id))).where(
            diagnoses.c.tenant_id == tenant,
            diagnoses.c.signature == signature,
            diagnoses.c.status.in_(ALIVE),
            diagnoses.c.updated_at > now() - rules.within,
        )
    )
    return int(found[0]) if found is not None else 0
