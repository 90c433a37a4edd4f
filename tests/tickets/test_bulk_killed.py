"""A change of many tickets, by a server that is killed and started again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from deskward.app import open_desk
from deskward.security.principals import Kind
from deskward.tickets.models import tickets
from tests.conftest import recorded, settings_in
from tests.rounds import rounds
from tests.services.server import server

TICKETS = rounds(150, 600)
KILLS = rounds(2, 10)

_REVISIONS = sa.select(tickets.c.revision).where(tickets.c.subject.like("Heliotrope %"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(rounds(300, 1_200))]


async def _done(client: httpx2.AsyncClient, change_id: str) -> dict[str, Any]:
    return dict((await client.get(f"/ticket-changes/{change_id}")).json())


async def test_each_ticket_is_changed_once_however_often_the_server_dies(tmp_path: Path) -> None:
    chance = random.Random(7)
    async with open_desk(settings_in(tmp_path), demo=True, chat=False) as desk:
        key, _ = await desk.keys.create(
            tenant_id="default", kind=Kind.STAFF, subject_id="anna", roles=("support",)
        )
    async with AsyncExitStack() as stack:

        async def served() -> tuple[httpx2.AsyncClient, int]:
            url, pid = await stack.enter_async_context(server(tmp_path))
            headers = {"X-API-Key": key}
            client = httpx2.AsyncClient(base_url=url, headers=headers, timeout=30)
            return await stack.enter_async_context(client), pid

        client, pid = await served()
        ids = []
        for number in range(TICKETS):
            told = {"customer_id": "user_001", "subject": f"Heliotrope {number}", "body": "x"}
            ids.append((await client.post("/tickets", json=told)).json()["ticket_id"])
        asked = {"change": {"priority": "low"}, "tickets": ids}
        seen = (await client.post("/ticket-changes/preview", json=asked)).json()
        begun = await client.post("/ticket-changes", json={**asked, "digest": seen["digest"]})
        change_id = begun.json()["change_id"]
        for _ in range(KILLS):
            before = (await _done(client, change_id))["changed"]
            while (found := await _done(client, change_id))["changed"] == before:
                assert found["status"] == "running", "it was over before it was killed"
                await asyncio.sleep(0.02)
            await asyncio.sleep(chance.random() * 0.2)
            os.kill(pid, signal.SIGKILL)
            await stack.aclose()
            client, pid = await served()
        while (found := await _done(client, change_id))["status"] == "running":
            await asyncio.sleep(0.2)
    assert found["status"] == "done"
    assert (found["changed"], found["conflicts"], found["refused"]) == (TICKETS, 0, 0)
    async with open_desk(settings_in(tmp_path), chat=False) as desk:
        rows = [row for row in await recorded(desk) if row["tool"] == "update_ticket"]
        changed = Counter(row["arguments"]["ticket_id"] for row in rows if row["status"] == "ok")
        revisions = await desk.database.reader.all(_REVISIONS)
    assert len(changed) == TICKETS
    assert set(changed.values()) == {1}, "one row of the ledger for each"
    assert [row.revision for row in revisions] == [2] * TICKETS
