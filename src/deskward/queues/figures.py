"""How queues do, from what is on record of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.queues.directory import LATELY
from deskward.queues.models import ACTIVE, QueueFigures, StaffingEstimate, queue_items
from deskward.queues.routing import Kinds
from deskward.queues.service import stays_of
from deskward.queues.staffing import ENOUGH, Past, needed

MOST = 200
"""How many cases of a queue its history is taken from, the latest."""
_MINUTE = timedelta(minutes=1)


async def past_of(db: Connection, tenant: str, kind: str) -> Past:
    """How soon the specialists of a type have begun lately, and how long they worked on it."""
    rows = await db.all(
        sa.select(queue_items.c.assigned_at, queue_items.c.claimed_at, queue_items.c.ended_at)
        .where(
            queue_items.c.tenant_id == tenant,
            queue_items.c.kind == kind,
            queue_items.c.claimed_at.is_not(None),
            queue_items.c.queued_at > now() - LATELY,
        )
        .order_by(queue_items.c.claimed_at.desc())
        .limit(MOST)
    )
    return Past(
        begun=[row.claimed_at - row.assigned_at for row in rows],
        handled=[row.ended_at - row.claimed_at for row in rows if row.ended_at is not None],
    )


async def figures(
    db: Connection, tenant: str, kinds: Kinds, hours: int, only: str | None
) -> list[QueueFigures]:
    """How queues do, by their names.

    Args:
        hours: How far back the period goes.
        only: The one queue that is wanted.
    """
    since = now() - timedelta(hours=hours)
    alive = queue_items.c.status.in_(ACTIVE)
    rows = await db.all(
        sa.select(queue_items).where(
            queue_items.c.tenant_id == tenant, alive | (queue_items.c.queued_at >= since)
        )
    )
    names = sorted({*kinds, *(row.kind for row in rows)}) if only is None else [only]
    return [_of(name, rows, since) for name in names]


def _of(kind: str, everything: Sequence[sa.Row[Any]], since: datetime) -> QueueFigures:
    moment = now()
    rows = [row for row in everything if row.kind == kind]
    came = [row for row in everything if row.queued_at >= since and _was_in(row, kind)]
    waiting = [row for row in rows if row.status == "waiting"]
    lately = [row for row in rows if row.queued_at >= since]
    begun = [row for row in lately if row.claimed_at is not None]
    waits = sorted((row.claimed_at - row.queued_at) / _MINUTE for row in begun)
    ended = [row for row in begun if row.ended_at is not None]
    handling = [(row.ended_at - row.claimed_at) / _MINUTE for row in ended]
    oldest = min((row.queued_at for row in waiting), default=None)
    return QueueFigures(
        specialist_type=kind,
        waiting=len(waiting),
        assigned=sum(row.status == "assigned" for row in rows),
        claimed=sum(row.status == "claimed" for row in rows),
        oldest_minutes=int((moment - oldest) / _MINUTE) if oldest is not None else None,
        late_now=sum(row.begin_by < moment for row in waiting),
        queued=len(came),
        begun=len(begun),
        ended=sum(_is_end(row) for row in lately),
        wait_minutes=_rounded(median(waits)) if waits else None,
        wait_minutes_90=_rounded(waits[(9 * len(waits) - 1) // 10]) if waits else None,
        handling_minutes=_rounded(median(handling)) if handling else None,
        breaches=sum(_is_breach(row, moment) and _broken_in(row) == kind for row in came),
    )


def _was_in(row: sa.Row[Any], kind: str) -> bool:
    return kind == row.kind or any(kind == one for one, _ in stays_of(row))


def _broken_in(row: sa.Row[Any]) -> str:
    """The queue that an escalation was in when its time was over: the breach is that one's."""
    left = (kind for kind, until in stays_of(row) if row.begin_by < until)
    return next(left, str(row.kind))


def _is_end(row: sa.Row[Any]) -> bool:
    """Whether work has ended: what another escalation has replaced before anybody began has not."""
    return row.ended_at is not None and (row.status == "done" or row.claimed_at is not None)


def _is_breach(row: sa.Row[Any], moment: datetime) -> bool:
    """Whether nobody had begun when somebody was to; what ended before that is none."""
    begun: datetime = row.claimed_at or row.ended_at or moment
    return bool(begun > row.begin_by)


def _rounded(minutes: float) -> float:
    return round(minutes, 1)


async def staffing(
    db: Connection, tenant: str, kind: str, hours: int, share: float, within: timedelta
) -> StaffingEstimate:
    """How many specialists of a type are needed, from what came and how long it took."""
    since = now() - timedelta(hours=hours)
    rows = await db.all(
        sa.select(queue_items).where(
            queue_items.c.tenant_id == tenant,
            queue_items.c.kind == kind,
            queue_items.c.queued_at >= since,
        )
    )
    per_hour = len(rows) / hours
    handled = [
        row.ended_at - row.claimed_at
        for row in rows
        if row.claimed_at is not None and row.ended_at is not None
    ]
    if len(handled) < ENOUGH:
        few = f"Only {len(handled)} cases have ended in {hours} hours; {ENOUGH} are needed."
        return _estimate(kind, per_hour, None, few)
    mean = sum(handled, timedelta(0)) / len(handled)
    found = needed(per_hour, mean, within, share) if mean > timedelta(0) else None
    if found is None:
        return _estimate(kind, per_hour, mean, "No number of specialists can be told for that.")
    return StaffingEstimate(
        specialist_type=kind,
        arrivals_per_hour=round(per_hour, 3),
        handling_minutes=_rounded(mean / _MINUTE),
        specialists=found.specialists,
        begun_in_time=round(found.begun, 4),
        wait_minutes=_rounded(found.mean_wait / _MINUTE),
        busy=round(found.busy, 4),
        message=f"From {len(rows)} arrivals of {hours} hours, by Erlang C.",
    )


def _estimate(
    kind: str, per_hour: float, handling: timedelta | None, message: str
) -> StaffingEstimate:
    return StaffingEstimate(
        specialist_type=kind,
        arrivals_per_hour=round(per_hour, 3),
        handling_minutes=_rounded(handling / _MINUTE) if handling is not None else None,
        specialists=None,
        begun_in_time=None,
        wait_minutes=None,
        busy=None,
        message=message,
    )
