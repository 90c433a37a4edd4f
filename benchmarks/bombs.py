"""A desk that reads forty bombs while it serves: `python -m benchmarks.bombs [ROUNDS]`.

A key's holder asks for the FAQ, one request after the other, over HTTP, from the load generator's
core; the desk has all cores, as it has where it is installed. Windows of two seconds before the
folder is added are what is usual; then come those while it is read, whatever that takes.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.knowledge.documents.bombs import lay

from benchmarks.load import Load, Measured, Request, http_request, measure
from benchmarks.machine import choose_cores
from benchmarks.processes import CannotMeasure, Desk, serving_desk
from deskward.core.database import Database
from deskward.core.ids import new_id
from deskward.core.opening import database_url
from deskward.knowledge import sourcing
from deskward.knowledge.facts import Settings

WINDOW = Load(connections=1, seconds=2.0, warm_up=0.2)
BEFORE = Load(connections=1, seconds=2.0, warm_up=8.0)
USUAL = 8
"""Windows before the folder is added."""
LONGEST = 150
"""Windows that reading it may take."""


def main() -> None:
    """Measure, and print a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    print(
        f"{'':8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'worst':>9}{'requests':>10}{'windows':>9}"
    )
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="deskward-bombs-") as parent:
            _round(Path(parent))


def _round(folder: Path) -> None:
    bombs = folder / "bombs"
    count = lay(bombs)
    (bombs / "good.md").write_text("# Good\n\nStill here.", encoding="utf-8")
    cores = choose_cores()
    with serving_desk("deskward", folder, cores) as desk:
        # The child that reads inherits where it may run.
        os.sched_setaffinity(desk.pid, {cores.server, cores.load})
        request = _request(desk)
        measure(request, BEFORE, desk.pid)  # the desk loads what it answers with
        usual = [measure(request, WINDOW, desk.pid) for _ in range(USUAL)]
        data = folder / "data" / "deskward.db"
        asyncio.run(_add(data, bombs))
        during: list[Measured] = []
        while _state(data)[0] not in ("ready", "failed") and len(during) < LONGEST:
            during.append(measure(request, WINDOW, desk.pid))
        state, failed, ready = _state(data)
    if wrong := next((one.first_error for one in (*usual, *during) if one.errors), ""):
        raise CannotMeasure(wrong)
    _print("usual", usual)
    _print("during", during)
    ratio = _p99(during) / _p99(usual)
    print(f"p99 {ratio:.2f} times as long; {state}: {failed} of {count} reported, {ready} read")


def _request(desk: Desk) -> Request:
    headers = {"Authorization": f"Bearer {desk.key}"}
    data = http_request("GET", "/faq/search?q=transfer", headers)
    return Request(desk.port, data, b"articles")


async def _add(data: Path, bombs: Path) -> None:
    """Put the source on record, and let the serving desk do all of the work."""
    database = Database(database_url(f"sqlite:///{data}"))
    try:
        async with database.transaction() as transaction:
            await sourcing.add(
                transaction,
                "default",
                {
                    "id": new_id(),
                    "name": "bombs",
                    "kind": "folder",
                    "location": str(bombs),
                    "settings": Settings().model_dump(mode="json"),
                    "every_minutes": None,
                    "secrets": None,
                    "added_by": "benchmark",
                },
            )
    finally:
        await database.close()


def _state(data: Path) -> tuple[str, int, int]:
    """How the source does: its state, documents that failed, and that are read."""
    link = sqlite3.connect(data, timeout=20)
    try:
        (state,) = link.execute("SELECT state FROM knowledge_sources").fetchone()
        counts = dict(
            link.execute(
                "SELECT state, count(*) FROM knowledge_documents WHERE path <> '' "
                "AND source_id IN (SELECT id FROM knowledge_sources) GROUP BY state"
            )
        )
        return str(state), counts.get("failed", 0), counts.get("ready", 0)
    finally:
        link.close()


def _p99(windows: list[Measured]) -> float:
    """The median of the windows' p99."""
    return median(one.p99_ms for one in windows)


def _print(name: str, windows: list[Measured]) -> None:
    figures = "".join(
        f"{median(getattr(one, part) for one in windows):9.1f}"
        for part in ("p50_ms", "p95_ms", "p99_ms")
    )
    figures += f"{max(one.p99_ms for one in windows):9.1f}"
    print(f"{name:8}{figures}{sum(one.requests for one in windows):10}{len(windows):9}", flush=True)


if __name__ == "__main__":
    main()
