"""Processes that are stopped past the lease of their job while they send a mail, and then go on."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from deskward.core import jobs, worker
from tests.email.test_end_to_end import environment, staff_key, subject, until_all_ended
from tests.services.mail import mail
from tests.services.server import server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mail"), pytest.mark.timeout(600)]

BRIEF = """\
from datetime import timedelta
from deskward.core import jobs, worker
jobs.LEASE, worker.POLL = timedelta(seconds={lease}), {poll}
"""
"""What Python runs before the desk, so that a test need not wait for the real lease."""

RESERVE, DELAY = 0.15, 0.1
"""Seconds that the mail server takes to greet (twice), and to take a mail."""
SPREAD = 2 * RESERVE + DELAY
"""Seconds after the first greeting within which processes are stopped."""


@pytest.mark.parametrize(("lease", "stops"), [(1.0, 20), (None, 2)], ids=["brief", "real"])
async def test_each_mail_is_sent_once(tmp_path: Path, lease: float | None, stops: int) -> None:
    asleep = (lease or jobs.LEASE.total_seconds()) + worker.POLL
    folder = tmp_path / "desk"
    headers = await staff_key(folder)
    with mail() as smtp:
        smtp.faults.reserve, smtp.faults.delay = RESERVE, DELAY
        settings = environment(smtp)
        if lease:
            (tmp_path / "sitecustomize.py").write_text(
                BRIEF.format(lease=lease, poll=lease / 5), encoding="utf-8"
            )
            settings["PYTHONPATH"] = str(tmp_path)
        async with contextlib.AsyncExitStack() as stack:
            desks = [await stack.enter_async_context(server(folder, **settings)) for _ in range(2)]
            clients = [
                await stack.enter_async_context(
                    httpx2.AsyncClient(base_url=url, headers=headers, timeout=120)
                )
                for url, _ in desks
            ]
            calls = []
            for number in range(stops):
                greeted = smtp.connections
                calls.append(asyncio.create_task(post(clients[number % 2], number)))
                while smtp.connections == greeted:
                    await asyncio.sleep(0.005)
                await asyncio.sleep(SPREAD * number / stops)
                os.kill(desks[number % 2][1], signal.SIGSTOP)
                await asyncio.sleep(asleep)
                os.kill(desks[number % 2][1], signal.SIGCONT)
            await asyncio.gather(*calls)
            ended = await until_all_ended(folder / "deskward.db")
            await asyncio.sleep(asleep)  # for whoever might yet send one again
        arrived = Counter(subject(received.content) for received in smtp.received)
    assert arrived == Counter(f"mail {number}" for number in range(stops))
    assert Counter(ended.values()) == {"sent": stops}


async def post(client: httpx2.AsyncClient, number: int) -> None:
    """Send a mail, and again with the same key while the first call is not answered."""
    mail = {"to": "anna@example.com", "subject": f"mail {number}", "body": "b"}
    keyed = {"Idempotency-Key": f"mail-{number}"}
    await client.post("/email/send-text", json=mail, headers=keyed)
