"""Something that the desk needs goes away: what clients see meanwhile, and how it comes back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.calls import mcp_call_message, mcp_headers
from benchmarks.figures import Figure, figure, percent
from benchmarks.machine import Cores
from benchmarks.plan import Plan
from benchmarks.postgres import postgres
from benchmarks.processes import CannotMeasure, Desk, free_port, serving, serving_desk
from benchmarks.report import Block, Cell, Notes, Plot, Section, Table, Text
from benchmarks.subjects.stub_model import ANSWER
from benchmarks.subjects.turn_loop import QUESTION
from benchmarks.watch import GOOD, Answer, Watched, summary, watch

PACKAGES = ("deskward", "asyncpg", "httpx2", "mcp")

MODEL_TIMEOUT = "1"
"""Seconds that the desk waits for the model here; 30 unless it is set."""
SLOW, QUICK = 10.0, 40.0
"""Questions per second: turns, and calls of a tool."""


@dataclass(frozen=True)
class Outage:
    """What breaks, and who asks."""

    desk: Desk
    break_it: Callable[[], None]
    mend_it: Callable[[], None]
    ask: Callable[[httpx2.AsyncClient], Awaitable[str]]
    pace: float
    version: str = ""


Scenario = Callable[[Path, Cores], AbstractContextManager[Outage]]


def run(folder: Path, cores: Cores, plan: Plan) -> dict[str, Any]:
    """Let everything fail once after the other, each under a desk of its own.

    Args:
        folder: For databases and logs.
        plan: For how long.

    Raises:
        CannotMeasure: A desk does not start.
    """
    os.sched_setaffinity(0, {cores.load})
    scenarios: dict[str, Scenario] = {
        "database away (PostgreSQL stopped)": _postgres_away,
        "database locked (SQLite, by another process)": _sqlite_locked,
        "model hangs": partial(_model_hangs, ""),
        "model hangs, the offline model behind it": partial(_model_hangs, ",offline"),
        "MCP server killed": _mcp_away,
    }
    found: dict[str, Any] = {}
    missing: dict[str, str] = {}
    versions: list[str] = []
    for number, (name, scenario) in enumerate(scenarios.items()):
        place = folder / str(number)
        place.mkdir()
        try:
            with scenario(place, cores) as outage:
                rounds = [asyncio.run(_watched(outage, plan)) for _ in range(plan.outages)]
        except CannotMeasure as problem:
            missing[name] = " ".join(str(problem).split())
            print(f"{name} is left out: {problem}", file=sys.stderr)
            continue
        if outage.version:
            versions.append(outage.version)
        found[name] = [asdict(watched) for watched in rounds]
        for watched in rounds:
            print(f"{name}: {summary(watched)['said']}", file=sys.stderr)
    return {"outages": found, "missing": missing, "versions": versions}


async def _watched(outage: Outage, plan: Plan) -> Watched:
    desk = outage.desk
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{desk.port}",
        headers={"Authorization": f"Bearer {desk.key}"},
        timeout=None,  # `watch` gives up
        limits=httpx2.Limits(max_connections=None),
    ) as client:

        async def ask() -> str:
            return await outage.ask(client)

        async def look() -> str:
            answer = await client.get("/health/readiness")
            return str(answer.status_code)

        if not (first := await ask()).startswith(GOOD):
            raise CannotMeasure(f"the desk answered {first} before anything was broken")
        return await watch(
            ask,
            outage.break_it,
            outage.mend_it,
            pace=outage.pace,
            before=plan.before,
            outage=plan.outage,
            look=look,
        )


async def _balance(client: httpx2.AsyncClient) -> str:
    answer = await client.get("/accounts/user_001/balance")
    return said(answer.status_code, answer.content)


async def _complaints(client: httpx2.AsyncClient) -> str:
    # Over MCP: an outside server's tools have no REST address.
    message = {**mcp_call_message("search_complaints"), "params": _SEARCH}
    answer = await client.post("/mcp", json=message, headers=mcp_headers("2025-11-25"))
    return said(answer.status_code, answer.content)


async def _turn(client: httpx2.AsyncClient) -> str:
    message = {"session_id": f"s{time.time_ns()}", "message": QUESTION}
    answer = await client.post("/api/v1/chat", json=message)
    if answer.status_code != 200:
        return said(answer.status_code, answer.content)
    if answer.headers.get("X-Deskward-Model") == "offline":
        return "200 by the offline model"
    # The desk says so in words where no model answers, and makes a ticket of it.
    return "200" if answer.json()["message"] == ANSWER else "handed over to a person (200)"


_SEARCH = {"name": "search_complaints", "arguments": {}}


def said(status: int, body: bytes) -> str:
    """An answer of REST or MCP in a few words: its status, and the error's code."""
    with contextlib.suppress(ValueError, AttributeError):
        error = _error(json.loads(body))
        if status == 200:
            return f"MCP error {error} (200)" if error else "200"
        return f"{status} {error}".strip()
    return str(status)


def _error(answer: dict[str, Any]) -> str:
    """The code of the error in an answer; empty where it is none."""
    result = answer.get("result", {})
    if "error" in answer:
        error = answer["error"]
    elif result.get("isError"):
        error = _told(result)
    else:
        return ""
    return str(error.get("code", "")) if isinstance(error, dict) else str(error)


def _told(result: dict[str, Any]) -> Any:
    """The error in a tool's answer, which is the JSON of its text."""
    with contextlib.suppress(LookupError, ValueError, TypeError):
        return json.loads(result["content"][0]["text"])["error"]
    return "unnamed"


@contextlib.contextmanager
def _postgres_away(folder: Path, cores: Cores) -> Iterator[Outage]:
    with postgres() as server:
        variables = {"DATABASE_URL": server.url}
        with serving_desk("deskward", folder, cores, variables) as desk:
            yield Outage(desk, server.stop, server.start, _balance, QUICK, server.version)


@contextlib.contextmanager
def _sqlite_locked(folder: Path, cores: Cores) -> Iterator[Outage]:
    with serving_desk("deskward", folder, cores) as desk:
        file = folder / "data" / "deskward.db"
        # Opened here and used in other threads, one after the other.
        other = sqlite3.connect(file, isolation_level=None, timeout=10, check_same_thread=False)
        with contextlib.closing(other):

            def run(sql: str) -> None:
                other.execute(sql)

            lock, unlock = partial(run, "BEGIN IMMEDIATE"), partial(run, "ROLLBACK")
            yield Outage(desk, lock, unlock, _balance, QUICK)


@contextlib.contextmanager
def _model_hangs(behind_it: str, folder: Path, cores: Cores) -> Iterator[Outage]:
    """A model server that is frozen: it accepts connections, and says nothing."""
    port = free_port()
    arguments = ["benchmarks.subjects.stub_model", str(port)]
    with serving("stub_model", arguments, port=port, core=cores.load, folder=folder) as model:
        variables = {
            "MODEL": f"http://127.0.0.1:{port}/v1#stub{behind_it}",
            "OPENAI_API_KEY": "none",
            "MODEL_TIMEOUT": MODEL_TIMEOUT,
        }
        freeze, thaw = (
            partial(os.kill, model, signal.SIGSTOP),
            partial(os.kill, model, signal.SIGCONT),
        )
        with serving_desk("deskward", folder, cores, variables) as desk:
            try:
                yield Outage(desk, freeze, thaw, _turn, SLOW)
            finally:
                thaw()  # or it could not be ended


@contextlib.contextmanager
def _mcp_away(folder: Path, cores: Cores) -> Iterator[Outage]:
    """The server of complaints is killed and started again at the same address."""
    port = free_port()
    place = folder / "complaints"
    place.mkdir()
    arguments = ["deskward", "mcp", "complaints", "--transport", "http", "--port", str(port)]
    variables = {"DATA_DIR": str(place / "data"), "LOG_LEVEL": "WARNING"}
    with contextlib.ExitStack() as stack:
        running: list[int] = []

        def start() -> None:
            server = serving(
                "complaints",
                arguments,
                port=port,
                core=cores.load,
                folder=place,
                variables=variables,
            )
            running.append(stack.enter_context(server))

        start()
        ours = {"MCP_SERVER_URL": f"http://127.0.0.1:{port}/mcp"}
        desk = stack.enter_context(serving_desk("deskward", folder, cores, ours))
        yield Outage(desk, lambda: os.kill(running[-1], signal.SIGKILL), start, _complaints, QUICK)


def section(result: dict[str, Any]) -> Section:
    """The result as a part of the report."""
    rows: list[list[Cell]] = []
    plots: list[Block] = []
    for name, rounds in result["outages"].items():
        watched = [_read(values) for values in rounds]
        rows.append(_row(name, watched))
        plots.append(_plot(name, watched[0]))
    times = len(next(iter(result["outages"].values()), []))
    header = ["", "away s", "errors", "what clients saw", "p50 ms", "most ms", "readiness"]
    text = (
        "Clients ask at a steady pace, whether or not they are answered: for a balance over REST "
        f"or for complaints over MCP {QUICK:g} times per second, with a message to "
        f"`POST /api/v1/chat` {SLOW:g} times. Then something is taken away, and comes back; "
        f"{times} × each, median (least–most). Counted are the questions asked while it was "
        "away (for servers that includes their start). Recovery is from the moment at which it "
        "works again by itself: until the first good answer to a question asked later, and until "
        f"the last bad answer. MODEL_TIMEOUT is {MODEL_TIMEOUT} s; readiness is the status of "
        "`/health/readiness` in the middle of an outage. Plots show the first outage of each kind; "
        "each mark is one answer."
    )
    return Section(
        "When something fails",
        [
            Text(text),
            Table([*header, "first good after s", "last bad after s"], rows),
            *plots,
            Notes(
                [
                    *result["versions"],
                    *(f"{name} is left out: {why}" for name, why in result["missing"].items()),
                ]
            ),
        ],
    )


def _read(values: dict[str, Any]) -> Watched:
    return Watched(**(values | {"answers": [Answer(**answer) for answer in values["answers"]]}))


def _row(name: str, watched: list[Watched]) -> list[Cell]:
    found = [summary(one) for one in watched]
    seen: Counter[str] = Counter()
    for one in found:
        seen.update(one["said"])
    return [
        name,
        _figure(one["away"] for one in found),
        percent(one["error_rate"] for one in found),
        ", ".join(f"{count} × {what}" for what, count in seen.most_common()),
        _figure(one["p50_ms"] for one in found),
        _figure(one["most_ms"] for one in found),
        ", ".join(sorted({one["seen_meanwhile"] for one in found})),
        _figure(one["first_good"] for one in found),
        _figure(one["last_bad"] for one in found),
    ]


def _figure(values: Iterable[float | None]) -> Cell:
    known = [value for value in values if value is not None]
    return figure(known) if known else "none"


def _plot(name: str, watched: Watched) -> Plot:
    series: dict[str, list[tuple[str | float, Figure]]] = {}
    for answer in watched.answers:
        point = (answer.at, figure([max(answer.took, 0.0005)]))
        series.setdefault(answer.said, []).append(point)
    return Plot(
        f"{name}: when it was asked, and how long the answer took, seconds",
        "answers",
        series,
        x_title="seconds",
        spans=[(watched.broken, watched.mended)],
    )
