"""`kill -9`: nothing acknowledged is lost, nothing is done twice, the ledger verifies."""

import asyncio
import os
import random
import signal
import sqlite3
from pathlib import Path

import httpx2
import pytest

from deskward.core.database import Database
from deskward.core.settings import Settings
from deskward.gate.ledger.verify import verify
from tests.conftest import settings_in
from tests.services.server import server

ROUNDS = 4
CALLS = 100
WORKERS = 10

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crash"), pytest.mark.timeout(240)]


class Caller:
    """Calls with effects, each under a key of its own, as a careful client makes them."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, str] = {}

    async def run(self, url: str, keys: list[str]) -> None:
        """Make the calls; a call whose answer did not come stays unacknowledged."""
        async with httpx2.AsyncClient(base_url=url, timeout=10) as client:
            queue = list(keys)

            async def work() -> None:
                while queue:
                    key = queue.pop()
                    try:
                        response = await self._call(client, key)
                    except httpx2.HTTPError:
                        continue
                    if response.status_code == 200:
                        ticket = response.json()["ticket_id"]
                        assert self.acknowledged.setdefault(key, ticket) == ticket

            await asyncio.gather(*(work() for _ in range(WORKERS)))

    async def _call(self, client: httpx2.AsyncClient, key: str) -> httpx2.Response:
        body = {"subject": key, "body": "made while processes die"}
        return await client.post("/tickets", json=body, headers={"Idempotency-Key": key})


async def test_killed_processes_lose_and_repeat_nothing(tmp_path: Path) -> None:
    caller = Caller()
    chance = random.Random(3)
    keys = [f"call-{number}" for number in range(CALLS)]
    for _ in range(ROUNDS):
        async with _served(tmp_path) as (url, pid):
            missing = [key for key in keys if key not in caller.acknowledged]
            calls = asyncio.create_task(caller.run(url, chance.sample(keys, 60) + missing[:40]))
            await asyncio.sleep(chance.uniform(0.02, 0.25))
            os.kill(pid, signal.SIGKILL)
            await calls
    async with _served(tmp_path) as (url, _pid):
        await caller.run(url, keys)
    assert set(caller.acknowledged) == set(keys)
    with sqlite3.connect(tmp_path / "deskward.db") as file:
        rows = file.execute(
            "SELECT subject, 'T' || number FROM tickets WHERE number > 1000"
        ).fetchall()
    assert len(rows) == CALLS
    assert dict(rows) == caller.acknowledged
    await _verify(settings_in(tmp_path), at_least=CALLS)


async def _verify(settings: Settings, *, at_least: int) -> None:
    database = Database(settings.database_location)
    try:
        report = await verify(database)
    finally:
        await database.close()
    assert report.findings == []
    assert report.rows >= at_least


async def test_a_killed_turn_is_finished_by_the_next_process(tmp_path: Path) -> None:
    async with _served(tmp_path) as (url, pid), httpx2.AsyncClient(base_url=url) as client:
        body = {"session_id": "s", "message": "hello"}
        assert (await client.post("/api/v1/chat", json=body)).status_code == 200
        turns = [
            asyncio.create_task(
                client.post(
                    "/api/v1/chat",
                    json={"session_id": f"s{n}", "message": "my account balance please"},
                )
            )
            for n in range(30)
        ]
        await asyncio.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
        await asyncio.gather(*turns, return_exceptions=True)
    with sqlite3.connect(tmp_path / "deskward.db") as file:
        file.execute(
            "UPDATE turns SET lease_until = '2026-01-01 00:00:00.000000' WHERE status = 'running'"
        )
        lost = file.execute("SELECT count(*) FROM turns WHERE status = 'running'").fetchone()[0]
        begun = file.execute("SELECT count(*) FROM turns").fetchone()[0]
    async with _served(tmp_path):
        for _ in range(200):
            with sqlite3.connect(tmp_path / "deskward.db") as file:
                done = file.execute("SELECT count(*) FROM turns WHERE status = 'done'").fetchone()[
                    0
                ]
            if done == begun:
                break
            await asyncio.sleep(0.1)
    assert done == begun, f"{lost} turns were lost"
    with sqlite3.connect(tmp_path / "deskward.db") as file:
        answers = file.execute(
            "SELECT content FROM messages WHERE role = 'assistant' AND session_id != 's'"
            " AND content != ''"
        ).fetchall()
    assert {answer for (answer,) in answers} == {"Your current account balance is $5,420.50."}


def _served(folder: Path):
    return server(folder)
