"""The part `search`: how long it takes to find tickets among very many, on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, figure, percentile
from benchmarks.machine import Cores
from benchmarks.many_tickets import TENANT, fill_postgresql, fill_sqlite
from benchmarks.plan import Plan
from benchmarks.postgres import postgres
from benchmarks.processes import CannotMeasure
from benchmarks.report import Cell, Notes, Plot, Section, Table, Text

PACKAGES = ("deskward", "sqlalchemy", "asyncpg")

ALL = "all"
QUERIES = {
    ALL: [""],
    "a word in nearly all": ["word1", "word2 word3", "wor*"],
    "a frequent word": ["word10", "word30", "word100"],
    "a seldom word": ["word1000", "word5000", "nothing"],
    "a word of one time": ["incident49", "incident25", "incident3"],
    "a field": ["status:open", "status:closed", "team:team3", "assignee:staff3", "tag:tag1"],
    "several values": ["status:open,pending", "-status:closed", "team:none,team1"],
    "fields together": [
        "status:open assignee:staff30",
        "priority:urgent team:team2 status:pending",
        "tag:tag3 priority:urgent channel:chat",
        "customer:C5 -status:open",
    ],
    "a time": ["created:2024-03-01..2024-03-31", "updated:>2025-12-01 team:team1"],
    "words and fields": [
        "word1 status:open team:team2",
        "word10 status:closed tag:tag1",
        "word50 team:team4 status:pending",
        "word1000 status:closed created:<2025-01-01",
    ],
    "what must not be": ["-word1", "status:open -word2 -tag:tag1"],
}
ORDERS = ("newest", "oldest", "updated")
PAGES = 6
"""Pages of each query, one after the other."""


def run(folder: Path, cores: Cores, plan: Plan) -> dict[str, Any]:
    """Fill two databases and look for tickets in them, in every order and some pages deep.

    Args:
        folder: For the SQLite file.
        plan: How many tickets, and how often each is looked for.

    Raises:
        CannotMeasure: Deskward does not open.
    """
    os.sched_setaffinity(0, {cores.load})
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    found["SQLite"] = asyncio.run(_sqlite(folder, plan))
    try:
        with _server(cores) as url:
            found["PostgreSQL"] = asyncio.run(_postgresql(folder, url, plan))
    except CannotMeasure as problem:
        missing["PostgreSQL"] = " ".join(str(problem).split())
    return {"databases": found, "missing": missing}


@contextlib.contextmanager
def _server(cores: Cores) -> Iterator[str]:
    """A server on its own core, with a tenth of this machine's memory for pages."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 10 // 2**20
    os.sched_setaffinity(0, {cores.server})  # who starts it hands that on
    with postgres(f"-c shared_buffers={pages}MB") as server:
        os.sched_setaffinity(0, {cores.load})
        yield server.url


async def _sqlite(folder: Path, plan: Plan) -> dict[str, Any]:
    from deskward.app import open_desk
    from deskward.core.settings import Settings

    settings = Settings.alone(data_dir=folder)
    async with open_desk(settings, chat=False):
        pass
    fill_sqlite(folder / "deskward.db", plan.tickets)
    return await _measured(settings, plan.tickets, plan)


async def _postgresql(folder: Path, url: str, plan: Plan) -> dict[str, Any]:
    from deskward.app import open_desk
    from deskward.core.settings import Settings

    settings = Settings.alone(data_dir=folder, database_url=url, secret_key="k" * 32)
    async with open_desk(settings, chat=False):
        pass
    await fill_postgresql(url, plan.many_tickets)
    return await _measured(settings, plan.many_tickets, plan)


async def _measured(settings: Any, rows: int, plan: Plan) -> dict[str, Any]:
    """Look for everything, several rounds; gives the milliseconds of each call by kind."""
    from deskward.app import open_desk

    rounds: list[dict[str, list[float]]] = []
    async with open_desk(settings, chat=False) as desk:
        for number in range(plan.rounds + 1):  # the first fills caches, and is not kept
            times: dict[str, list[float]] = {}
            for kind, queries in QUERIES.items():
                for query in queries:
                    for order in ORDERS:
                        times.setdefault(kind, []).extend(await _pages(desk, query, order))
            rounds.append(times)
            print(f"{rows:,} tickets: round {number} of {plan.rounds}", file=sys.stderr)
    return {"rows": rows, "rounds": rounds[1:]}


async def _pages(desk: Any, query: str, order: str) -> list[float]:
    """How long each page takes, through the gate.

    Raises:
        CannotMeasure: One was refused.
    """
    from deskward.gate.context import Context
    from deskward.security.principals import Kind, Principal

    anna = Context(Principal(Kind.STAFF, "anna", TENANT, ("support",)), "cli")
    times, cursor = [], None
    for _ in range(PAGES):
        asked = {"query": query, "order": order, "cursor": cursor}
        began = time.perf_counter()
        outcome = await desk.gate.call("search_tickets", asked, anna)
        times.append((time.perf_counter() - began) * 1000)
        if outcome.status != "ok":
            raise CannotMeasure(f"{query!r} was refused: {outcome.value}")
        cursor = outcome.value["cursor"]
        if cursor is None:
            break
    return times


def section(found: dict[str, Any]) -> Section:
    """Show what was found."""
    rows: list[list[Cell]] = []
    series: dict[str, list[tuple[str | float, Figure]]] = {}
    for name, database in found["databases"].items():
        rounds = database["rounds"]
        for kind in QUERIES:
            p50 = figure(percentile(times[kind], 0.5) for times in rounds)
            p95 = figure(percentile(times[kind], 0.95) for times in rounds)
            beside = figure(
                percentile(times[kind], 0.5) / percentile(times[ALL], 0.5) for times in rounds
            )
            rows.append([f"{name}: {kind}", f"{database['rows']:,}", p50, p95, beside])
            series.setdefault(name, []).append((kind, p95))
        whole = [[one for part in times.values() for one in part] for times in rounds]
        p50, p95 = (figure(percentile(times, part) for times in whole) for part in (0.5, 0.95))
        rows.append([f"{name}: everything", f"{database['rows']:,}", p50, p95, ""])
    return Section(
        "search: finding tickets among very many",
        [
            Text(
                "A governed call of `search_tickets` for 20 tickets, in every order, the first "
                f"{PAGES} pages of each. The ratio is to a page of all tickets."
            ),
            Table(("what is looked for", "tickets", "p50 ms", "p95 ms", "p50 ÷ all"), rows),
            Plot("p95, ms", "bars", series),
            Notes([f"{name} is left out: {why}" for name, why in found["missing"].items()]),
        ],
    )
