"""The examples of a demo desk are old, and nobody is told of them."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from deskward.app import Desk
from deskward.core import jobs
from deskward.core.database import now
from deskward.escalation.models import sla_escalations, sla_watch
from deskward.escalation.timers import CHECK, look


async def test_nobody_is_told_of_the_examples_of_a_demo_desk(sqlite_desk: Desk) -> None:
    watched = sa.select(sla_watch.c.number).where(sla_watch.c.next_at <= now())
    at_work = sa.select(jobs.jobs.c.id).where(jobs.jobs.c.kind == CHECK)
    reader = sqlite_desk.database.reader
    async with asyncio.timeout(30):
        while await reader.all(watched) or await reader.all(at_work):
            await look(sqlite_desk.gate)
            sqlite_desk.jobs.wake()
            await asyncio.sleep(0.05)
    assert len(await reader.all(sa.select(sla_watch))) > 10
    assert await reader.all(sa.select(sla_escalations)) == []
