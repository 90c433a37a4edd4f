"""Looking at clocks is cheap where nothing is to be told; one ticket does not hold up others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.jobs import jobs
from deskward.escalation import timers
from deskward.escalation.models import sla_watch
from deskward.escalation.timers import CHECK, LONG_AGO, look
from tests.conftest import Call
from tests.escalation.test_breaches import opened


async def at_work(desk: Desk) -> Sequence[Any]:
    found = await desk.database.reader.all(sa.select(jobs.c.payload).where(jobs.c.kind == CHECK))
    return [row.payload["ticket_id"] for row in found]


async def due(desk: Desk) -> set[str]:
    watched = sa.select(sla_watch.c.number).where(sla_watch.c.next_at == LONG_AGO)
    return {f"T{row.number}" for row in await desk.database.reader.all(watched)}


async def test_a_ticket_whose_clocks_run_on_gets_no_job(
    sqlite_desk: Desk, sqlite_call: Call
) -> None:
    ticket = await opened(sqlite_call, priority="low")
    await look(sqlite_desk.gate)
    assert ticket not in await due(sqlite_desk)
    assert ticket not in await at_work(sqlite_desk)


async def test_a_ticket_whose_clocks_cannot_be_read_gets_a_job_and_holds_up_no_other(
    sqlite_desk: Desk, sqlite_call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    await look(sqlite_desk.gate)
    damaged, other = await opened(sqlite_call), await opened(sqlite_call, priority="low")
    read = timers._left

    async def left(db: Any, tenant: str, numbers: Sequence[int], levels: Any) -> Any:
        if int(damaged[1:]) in numbers:
            raise ValueError("nobody can read this")
        return await read(db, tenant, numbers, levels)

    monkeypatch.setattr(timers, "_left", left)
    await look(sqlite_desk.gate)
    assert not {damaged, other} & await due(sqlite_desk)
    assert await at_work(sqlite_desk) == [damaged]
