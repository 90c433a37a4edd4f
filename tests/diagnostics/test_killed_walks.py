"""`kill -9` in the middle of answers: each session goes on where it was, and does nothing twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from deskward.app import open_desk
from deskward.gate.ledger.verify import verify
from tests.conftest import CUSTOMER, STAFF, caller, recorded, settings_in
from tests.diagnostics.test_sessions import ISSUE
from tests.diagnostics.walks import KEY, WAYS, walk

SESSIONS = 20
KILLS = 3

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("crash"), pytest.mark.timeout(600)]


def answers_in(data: Path) -> int:
    """How many answers are noted in all."""
    link = sqlite3.connect(data / "deskward.db", timeout=20)
    try:
        (told,) = link.execute("SELECT sum(revision) - count(*) FROM diagnoses").fetchone()
    finally:
        link.close()
    return int(told)


async def killed(data: Path, after: int) -> None:
    """Walk in a process that is killed as soon as so many more answers are noted."""
    goal = answers_in(data) + after
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.diagnostics.walks", str(data), str(SESSIONS)),
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    while answers_in(data) < goal:
        assert child.returncode is None
        await asyncio.sleep(0.002)
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()


def plain(session: dict[str, Any]) -> dict[str, Any]:
    """What of a session is the same whoever walked it, and however often they began anew."""
    keeps = ("status", "revision", "step", "result", "hypotheses")
    answered = [(one["step_id"], one["answer"]) for one in session["answered"]]
    return {**{name: session[name] for name in keeps}, "answered": answered}


async def test_killed_anywhere_each_session_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, secret_key=KEY)
    async with open_desk(settings, demo=True, chat=False) as desk:
        call = caller(desk)
        for _ in range(SESSIONS + len(WAYS)):
            given = {"product_name": "Acme API", "issue_description": ISSUE}
            assert (await call("start_diagnostic_session", **given)).status == "ok"
        for number in range(SESSIONS, SESSIONS + len(WAYS)):  # these are walked undisturbed
            await walk(desk, number)
    chance = random.Random(13)
    for _ in range(KILLS):
        await killed(tmp_path, chance.randint(2, 15))
    async with open_desk(settings, chat=False) as desk:
        call, read = caller(desk), "get_diagnostic_session"
        left = [(await call(read, session_id=f"D{1001 + n}")).value for n in range(SESSIONS)]
        assert "open" in {one["status"] for one in left}  # they were killed somewhere in between
        await asyncio.gather(*(walk(desk, number) for number in range(SESSIONS)))
        ends = [
            plain((await call(read, session_id=f"D{1001 + number}")).value)
            for number in range(SESSIONS + len(WAYS))
        ]
        for number in range(SESSIONS):
            assert ends[number] == ends[SESSIONS + number % len(WAYS)]
        rows = [one for one in await recorded(desk) if one.get("tool") == "answer_diagnostic_step"]
        done = Counter(one["key"] for one in rows if one["status"] == "ok")
        answers = sum(len(WAYS[n % len(WAYS)]) for n in range(SESSIONS + len(WAYS)))
        assert (len(done), set(done.values())) == (answers, {1})
        listed = (await call("list_tickets", STAFF, customer_id=CUSTOMER.id, limit=100)).value
        about = [one["subject"] for one in listed["tickets"] if ISSUE in one["subject"]]
        assert len(about) == (SESSIONS + len(WAYS)) // len(WAYS)
        assert (await verify(desk.database)).findings == []
