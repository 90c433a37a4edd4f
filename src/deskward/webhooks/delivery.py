"""Telling webhooks: in order per ticket, at least once, and a day long where nobody takes it.

What is to be told are rows (`core/events.py`), and they are what counts: each look finds the
webhooks for which some wait, and sees to it that each has its one job. A job tells a few events at
once, never two of one lane, and writes down what came of them in one transaction. A process that
dies in between leaves rows that wait: they are told once more, under the same id.

A webhook that takes nothing is tried more and more rarely, with one event at a time, so that one
that is slow or away costs little; after a day of that it is disabled, and staff are told.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from deskward.core import jobs
from deskward.core.database import Connection, Database, now
from deskward.core.events import events, forget, tell
from deskward.core.fixed import fixed
from deskward.core.jobs import Job
from deskward.core.moments import UtcDateTime
from deskward.core.outside import NotAllowed, NotReached, Outside
from deskward.gate.sealing import Sealing
from deskward.security.hook_signatures import signed
from deskward.webhooks import service
from deskward.webhooks.models import webhooks

JOB = "webhooks.tell"
AT_ONCE = 4
"""Events that one webhook is told at the same time, each of another lane."""
STRETCH = 60.0
"""Seconds after which a job makes room for others."""
RETRIES = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0, 36000.0)
"""Seconds between attempts at one event, a day in all; after the last one it has failed."""
LONGEST = 3600.0
"""Most seconds between attempts at a webhook that takes nothing."""
LASTING = timedelta(days=1)
"""How long a webhook may take nothing before it is disabled."""
KEPT = timedelta(days=14)
"""How long what was told is kept, to be replayed."""
FORGETS = timedelta(hours=1)
"""How often what is no longer kept is deleted."""
GONE = 410

_WAITS = sa.exists().where(
    events.c.tenant_id == webhooks.c.tenant_id,
    events.c.listener == webhooks.c.id,
    events.c.status == "waiting",
    events.c.due_at <= sa.bindparam("moment", type_=UtcDateTime),
)
_LEFT = fixed(
    sa.select(webhooks.c.tenant_id, webhooks.c.id)
    .where(
        webhooks.c.enabled.is_(True),
        webhooks.c.resume_at <= sa.bindparam("moment", type_=UtcDateTime),
        _WAITS,
        ~sa.exists().where(
            jobs.jobs.c.id == webhooks.c.id,
            (jobs.jobs.c.status == "queued")
            | (jobs.jobs.c.status == "running")
            | (jobs.jobs.c.due_at > sa.bindparam("lately", type_=UtcDateTime)),
        ),
    )
    .limit(50)
)
_before = events.alias("before")
_HEADS = fixed(
    sa.select(events)
    .where(
        events.c.tenant_id == sa.bindparam("tenant"),
        events.c.listener == sa.bindparam("webhook_id"),
        events.c.status == "waiting",
        events.c.due_at <= sa.bindparam("moment", type_=UtcDateTime),
        ~sa.exists().where(
            _before.c.tenant_id == events.c.tenant_id,
            _before.c.listener == events.c.listener,
            _before.c.status == "waiting",
            _before.c.lane == events.c.lane,
            _before.c.seq < events.c.seq,
        ),
    )
    .order_by(events.c.seq)
    .limit(AT_ONCE)
)
"""The first of each lane that may be told now."""


class Teller:
    """Tells webhooks of events."""

    def __init__(self, database: Database, outside: Outside, vault: Sealing) -> None:
        """Make one.

        Args:
            outside: Makes the requests.
            vault: Opens the webhooks' secrets.
        """
        self.outside = outside
        self.vault = vault
        self._database = database
        self._forgot: datetime | None = None

    async def look(self) -> None:
        """See to it that each webhook for which something waits has its job.

        Now and then what was told long ago is forgotten.
        """
        if self._forgot is None or self._forgot < now() - FORGETS:
            self._forgot = now()
            async with self._database.transaction() as transaction:
                await forget(transaction, now() - KEPT)
        lately = now() - timedelta(minutes=5)
        for row in await self._database.reader.all(_LEFT, moment=now(), lately=lately):
            async with self._database.transaction() as transaction:
                told = {"tenant": row.tenant_id, "webhook": row.id}
                await jobs.ensure(transaction, row.id, JOB, told)

    async def deliver(self, job: Job) -> None:
        """Do the job of one webhook: tell it what waits.

        Raises:
            JobLost: Another process has the job.
        """
        tenant, webhook_id = job.payload["tenant"], job.payload["webhook"]
        loop = asyncio.get_running_loop()
        until = loop.time() + STRETCH
        while loop.time() < until:
            named = {"tenant": tenant, "webhook_id": webhook_id}
            hook = await self._database.reader.first(service.BY_ID, **named)
            if hook is None or not hook.enabled or hook.resume_at > now():
                return
            heads = await self._database.reader.all(_HEADS, **named, moment=now())
            if not heads:
                return
            heads = heads[:1] if hook.failures else heads
            answers = await asyncio.gather(*(self._tell(hook, head) for head in heads))
            async with self._database.transaction() as transaction:
                await job.hold(transaction)
                await _write_down(transaction, hook, list(zip(heads, answers, strict=True)))

    async def _tell(self, hook: sa.Row[Any], event: sa.Row[Any]) -> tuple[int, str, float]:
        """Tell one event; returns the status (0 for none), what came of it, and when to retry."""
        body = body_of(event)
        try:
            secret = self.vault.opened(hook.id, hook.secret)
            headers = signed(secret, event.id, int(now().timestamp()), body)
            headers |= {"content-type": "application/json", "user-agent": "Deskward"}
            answer = await self.outside.post(hook.url, headers, body)
        except (NotAllowed, NotReached) as error:
            return 0, str(error)[:200], 0.0
        except (InvalidTag, ValueError):
            return 0, "its secret cannot be opened", 0.0
        what = (
            f"{answer.status}"
            if answer.status < 300 or answer.status >= 400
            else (f"{answer.status}, and redirections are not followed")
        )
        return answer.status, what, min(answer.retry_after or 0.0, LONGEST)


def body_of(event: sa.Row[Any]) -> bytes:
    """What is posted: the same at every attempt."""
    data = {
        **event.data,
        "tenant": event.tenant_id,
        "id": event.record,
        **({"about": event.lane} if event.lane != event.record else {}),
        **({"customer_id": event.customer_id} if event.customer_id else {}),
        **({"by": event.by} if event.by else {}),
    }
    at = event.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"type": event.kind, "timestamp": at, "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


Answered = tuple[sa.Row[Any], tuple[int, str, float]]


async def _write_down(db: Connection, hook: sa.Row[Any], answered: Sequence[Answered]) -> None:
    """Write down what came of some attempts."""
    moment = now()
    for event, (status, outcome, _) in answered:
        values = _after(event.attempts + 1, moment, taken=200 <= status < 300)
        same = (events.c.seq == event.seq) & (events.c.status == "waiting")
        await db.execute(sa.update(events).where(same).values(outcome=outcome, **values))
    if any(200 <= status < 300 for _, (status, _, _) in answered):
        if hook.failures:
            await service.change(db, hook, failures=0, failing_since=None, reason=None)
        return
    outcome = answered[0][1][1]
    since = hook.failing_since or moment
    if any(status == GONE for _, (status, _, _) in answered):
        await _disable(db, hook, "its address says that it is gone (410)")
    elif moment - since >= LASTING:
        await _disable(db, hook, f"nothing was taken for a day: {outcome}"[:200])
    else:
        asked = max(seconds for _, (_, _, seconds) in answered)
        pause = max(asked, min(RETRIES[min(hook.failures, len(RETRIES) - 1)], LONGEST))
        await service.change(
            db,
            hook,
            failures=hook.failures + 1,
            failing_since=since,
            resume_at=moment + timedelta(seconds=pause),
            reason=outcome,
        )


def _after(attempts: int, moment: datetime, *, taken: bool) -> dict[str, Any]:
    """What an event's row says after so many attempts."""
    if taken or attempts > len(RETRIES):
        return {"status": "done" if taken else "failed", "due_at": moment, "attempts": attempts}
    return {"due_at": moment + timedelta(seconds=RETRIES[attempts - 1]), "attempts": attempts}


async def _disable(db: Connection, hook: sa.Row[Any], reason: str) -> None:
    await service.disable(db, hook, reason)
    await tell(db, hook.tenant_id, "webhook.disabled", hook.id, {"added_by": hook.added_by})
