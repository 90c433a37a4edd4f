"""Paying refunds out: a job each, under a lease; each may be asked for again under its own key."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.database import Connection, Database, now
from deskward.core.errors import Conflict
from deskward.core.jobs import Job, Record, RetryLater
from deskward.core.money import decimal_of
from deskward.core.worker import insist
from deskward.orders import paying
from deskward.orders.models import RefundStatus, orders, refunds
from deskward.orders.payments import NotNow, Payments, Payout, Refused, Unclear

JOB = "orders.payout"
RETRIES = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds until the next attempt; the last one again and again."""
GIVE_UP = timedelta(days=1)
"""How long a refund is asked for until a person has to look."""
OPEN = ("queued", "paying")

log = logging.getLogger(__name__)


async def add(db: Connection, tenant: str, refund_id: str) -> None:
    """Have a refund paid out, by whichever process comes first."""
    await jobs.add(db, refund_id, JOB, {"tenant": tenant, "refund_id": refund_id})


@dataclass(frozen=True)
class Payouts:
    """Pays refunds out."""

    database: Database
    payments: Payments

    async def pay(self, job: Job) -> None:
        """Do the job of one refund.

        Raises:
            RetryLater: It is not paid out yet.
            JobLost: Another process has the job.
        """
        row = await _row(self.database.reader, job)
        if row is None or row.status not in OPEN:
            return
        async with self.database.transaction() as transaction:
            await job.hold(transaction)
            await _change(transaction, job, "paying", row.detail)
        payout = Payout(
            key=row.id,
            tenant=row.tenant_id,
            order_id=f"O{row.order_number}",
            amount=decimal_of(row.amount, row.currency),
            currency=row.currency,
        )
        try:
            reference = await self.payments.refund(payout)
        except Refused as error:
            await self._end(job, "failed", str(error))
        except (NotNow, Unclear) as error:
            await self._later(job, row, error)
        else:
            await self._end(job, "paid", None, reference)

    async def _later(self, job: Job, row: Any, error: NotNow | Unclear) -> None:
        late = now() - row.created_at > GIVE_UP
        # What an earlier attempt asked for may still have been paid: only a person can know.
        await self._end(job, "unknown" if late else "paying", str(error))
        if not late:
            after = error.after if isinstance(error, NotNow) else None
            usual = RETRIES[min(job.attempt, len(RETRIES)) - 1]
            raise RetryLater(usual if after is None else max(usual, after), str(error)) from None

    async def _end(
        self, job: Job, status: RefundStatus, detail: str | None, reference: str | None = None
    ) -> None:
        """Record what became of a refund; that it was paid is known whoever has the job."""

        async def write() -> None:
            async with self.database.transaction() as transaction:
                if status != "paid":
                    await job.hold(transaction)
                await _change(transaction, job, status, detail, reference)

        await insist(write)
        log.info("refund %s is %s", job.payload["refund_id"], status)


async def _row(db: Connection, job: Job) -> Any:
    return await db.first(
        sa.select(refunds, orders.c.currency)
        .join(
            orders,
            (orders.c.tenant_id == refunds.c.tenant_id)
            & (orders.c.number == refunds.c.order_number),
        )
        .where(_of(job))
    )


async def _change(
    db: Connection, job: Job, status: RefundStatus, detail: str | None, reference: str | None = None
) -> None:
    changed = {"status": status, "detail": detail[:300] if detail else None}
    may = refunds.c.status != "paid"
    values = {**changed, **({"reference": reference} if reference else {})}
    await db.execute(sa.update(refunds).where(_of(job), may).values(values))


async def _given_up(db: Connection, job: Job, reason: str) -> None:
    """Say of a refund whose job failed or was cancelled what that means for it."""
    outcome = sa.case((refunds.c.status == "paying", "unknown"), else_="failed")
    await db.execute(
        sa.update(refunds)
        .where(_of(job), refunds.c.status.in_(OPEN))
        .values(status=outcome, detail=reason[:300])
    )


async def _again(db: Connection, job: Job) -> None:
    """Have a refund asked for again, under its key, if as much is still to be had.

    Raises:
        Conflict: It is not: others were granted in its place.
    """
    row = await _row(db, job)
    if row is None or row.status not in ("failed", "unknown"):
        return
    number = {"tenant": row.tenant_id, "order_id": f"O{row.order_number}"}
    lock = sa.select(orders.c.number).where(
        orders.c.tenant_id == row.tenant_id, orders.c.number == row.order_number
    )
    await db.first(lock.with_for_update())
    left = await paying.paid(db, **number) - await paying.refunded(db, **number)
    if row.status == "failed" and row.amount > left:
        raise Conflict("Others were refunded in its place: less is left than this refund.")
    await db.execute(sa.update(refunds).where(_of(job)).values(status="queued", detail=None))


def _of(job: Job) -> sa.ColumnElement[bool]:
    tenant, refund_id = job.payload["tenant"], job.payload["refund_id"]
    return sa.and_(refunds.c.tenant_id == tenant, refunds.c.id == refund_id)


RECORD = Record(ended=_given_up, again=_again)
"""How a refund learns what became of its job."""
