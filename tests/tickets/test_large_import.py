"""Customers and tickets' messages in great numbers, on PostgreSQL, and a process that is killed.

The issue wants 100,000 customers and 1,000,000 messages: these are with `make test-full`.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from tests.customers.test_large_import import most_memory
from tests.rounds import rounds

CUSTOMERS = rounds(2_000, 100_000)
TICKETS = rounds(4_000, 200_000)
IN_A_TICKET = 5
MEGABYTES = 300
WORDS = ["refund", "card", "déjà", "Zürich", "返金", "order", "invoice", "late", "phone", "broken"]


def started(folder: Path, url: str, *words: str) -> subprocess.Popen[str]:
    """A command of the desk's, in a process of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = kept | {
        "DATA_DIR": str(folder),
        "DATABASE_URL": url,
        "SECRET_KEY": "k" * 32,
        "LOG_LEVEL": "WARNING",
        "MODEL": "offline",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "deskward", *words],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def written(folder: Path) -> tuple[Path, Path]:
    """The files: every thousandth line of the tickets is wrong."""
    people, threads = folder / "customers.jsonl", folder / "tickets.jsonl"
    with people.open("w", encoding="utf-8") as out:
        for n in range(CUSTOMERS):
            out.write(json.dumps({"id": f"c{n}", "name": f"Zoë {n}", "email": f"c{n}@x.ch"}) + "\n")
    with threads.open("w", encoding="utf-8") as out:
        for n in range(TICKETS):
            who = {"id": f"c{n % CUSTOMERS}"} if n % 2 else {"email": f"c{n % CUSTOMERS}@x.ch"}
            said = [
                {
                    "by": "customer" if place % 2 == 0 else "staff",
                    "text": " ".join(WORDS[(n * 7 + place * k) % 10] for k in range(20)) + f" n{n}",
                    "created_at": f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}T12:00:0{place}Z",
                }
                for place in range(IN_A_TICKET)
            ]
            line = {"system": "old", "external_id": str(n), "customer": who}
            out.write(json.dumps({**line, "subject": f"Ticket {n}", "messages": said}) + "\n")
            if n % 1000 == 500:
                out.write(json.dumps({**line, "customer": {"id": "nobody"}}) + "\n")
    return people, threads


def ask(url: str, question: str) -> int:
    """A number that the database gives; 0 where there is no such table yet."""

    async def work() -> int:
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval(question))
        except asyncpg.UndefinedTableError:
            return 0
        finally:
            await connection.close()

    return asyncio.run(work())


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str, int]:
    """Exit code, both outputs, and the megabytes that it had at the most."""
    most = 0
    while process.poll() is None:
        most = max(most, most_memory(process))
        time.sleep(0.1)
    out, err = process.communicate()
    return process.returncode, out, err, most


@pytest.mark.slow
@pytest.mark.started_anew
@pytest.mark.timeout(rounds(600, 7_200))
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_tickets_are_streamed_killed_and_resumed(postgres_url: str, tmp_path: Path) -> None:
    url = f"{postgres_url.rpartition('/')[0]}/large_import"
    made = asyncio.run(_made(postgres_url))
    assert made == "CREATE DATABASE"
    people, threads = written(tmp_path)
    began = time.monotonic()
    code, out, err, most = ended(started(tmp_path, url, "customers", "import", str(people)))
    assert (code, out) == (0, f"{CUSTOMERS} created, 0 changed, 0 unchanged, 0 refused.\n"), err
    print(f"customers: {time.monotonic() - began:.0f} s, {most} MB at the most")
    assert 0 < most < MEGABYTES

    began = time.monotonic()
    count = "SELECT count(*) FROM tickets"
    killed = started(tmp_path, url, "tickets", "import", str(threads))
    while ask(url, count) < TICKETS // 3:
        assert killed.poll() is None, killed.communicate()
        most = max(most, most_memory(killed))
        time.sleep(0.3)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = ask(url, count)
    assert TICKETS // 3 <= before < TICKETS
    code, out, err, more = ended(started(tmp_path, url, "tickets", "import", str(threads)))
    refused = len(re.findall("refused: ", err))
    print(f"tickets: {time.monotonic() - began:.0f} s, {max(most, more)} MB at the most")
    before = int(re.findall(r"(\d+) unchanged", out)[0])
    told = (
        f"{TICKETS - before} created, 0 changed, {before} unchanged, {TICKETS // 1000} refused.\n"
    )
    assert (code, out, refused) == (1, told, TICKETS // 1000), err[-500:]
    assert 0 < max(most, more) < MEGABYTES
    for table, rows in (
        ("customers", CUSTOMERS),
        ("tickets", TICKETS),
        ("ticket_sources", TICKETS),
        ("ticket_messages", TICKETS * IN_A_TICKET),
        ("ticket_words", TICKETS * IN_A_TICKET),
    ):
        assert ask(url, f"SELECT count(*) FROM {table}") == rows, table
    assert ask(url, "SELECT count(*) FROM tickets WHERE messages <> 5 OR heard <> 3") == 0
    code, out, err, _ = ended(started(tmp_path, url, "tickets", "search", "n7", "--json"))
    assert code == 0, err
    assert [one["subject"] for one in json.loads(out)["tickets"]] == ["Ticket 7"]
    code, out, err, _ = ended(started(tmp_path, url, "ledger", "verify"))
    assert code == 0, out + err


async def _made(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.execute("CREATE DATABASE large_import"))
    finally:
        await connection.close()
