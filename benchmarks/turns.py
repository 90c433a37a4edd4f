"""A streamed turn with one tool call beside agent libraries, all with one stub model over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, figure, percentile, ratios
from benchmarks.libraries import AGENTS, python_of
from benchmarks.machine import Cores, cpu_seconds, peak_memory
from benchmarks.plan import Plan
from benchmarks.processes import (
    CannotMeasure,
    Desk,
    environment,
    free_port,
    serving,
    serving_desk,
)
from benchmarks.report import Cell, Notes, Plot, Section, Table, Text
from benchmarks.subjects.stub_model import ANSWER
from benchmarks.subjects.turn_loop import QUESTION

PACKAGES = ("deskward", "openai", "httpx2", "pydantic")
WARM_UP = 10
RUN_LIMIT = 300.0
"""Seconds that one library's round may take."""

DESK = "Deskward, whole: HTTP, key, storage, gate, ledger"
AGENT = "Deskward's agent alone"
PYDANTIC_AI = "pydantic-ai"
AGENT_FRAMEWORK = "agent-framework"

RATIOS = (
    ("Deskward, whole ÷ pydantic-ai", DESK, PYDANTIC_AI, 0.4),
    ("agent alone ÷ pydantic-ai", AGENT, PYDANTIC_AI, None),
    ("Deskward, whole ÷ agent-framework", DESK, AGENT_FRAMEWORK, None),
    ("agent alone ÷ agent-framework", AGENT, AGENT_FRAMEWORK, None),
)

Round = Callable[[int], dict[str, Any]]
"""Runs so many turns; gives `cpu_ms` of each, their `times`, `peak_memory_mb` and `packages`."""


def run(folder: Path, cores: Cores, plan: Plan) -> dict[str, Any]:
    """Measure every subject in turn, in several rounds.

    Args:
        folder: For databases and logs.
        plan: How much.

    Raises:
        CannotMeasure: Deskward or the stub does not start, or a turn ends wrongly.
    """
    os.sched_setaffinity(0, {cores.load})
    turns, rounds = plan.turns, plan.rounds
    found: dict[str, list[dict[str, Any]]] = {}
    with contextlib.ExitStack() as stack:
        port = free_port()
        arguments = ["benchmarks.subjects.stub_model", str(port)]
        stack.enter_context(
            serving("stub_model", arguments, port=port, core=cores.load, folder=folder)
        )
        url = f"http://127.0.0.1:{port}/v1"
        variables = {"MODEL": f"{url}#stub", "OPENAI_API_KEY": "none"}
        desk = stack.enter_context(serving_desk("deskward", folder, cores, variables))
        library = partial(_library_round, url, folder, cores)
        subjects: dict[str, Round] = {
            DESK: partial(_desk_round, desk),
            AGENT: partial(library, Path(sys.executable), "agent"),
        }
        missing = _add_libraries(subjects, library)
        for number in range(1, rounds + 1):
            for name, measure in list(subjects.items()):
                try:
                    measured = measure(turns)
                except CannotMeasure as problem:
                    if name in (DESK, AGENT):
                        raise
                    missing[name] = _left_out(name, problem)
                    del subjects[name]
                    found.pop(name, None)
                    continue
                found.setdefault(name, []).append(measured)
                _tell(number, rounds, name, measured)
    return {"turns": turns, "subjects": found, "missing": missing}


def _add_libraries(subjects: dict[str, Round], library: Callable[..., Any]) -> dict[str, str]:
    """Add those that can be installed; gives why the others cannot."""
    missing = {}
    for name in AGENTS:
        title = name.replace("_", "-")
        try:
            subjects[title] = partial(library, python_of(name), name)
        except CannotMeasure as problem:
            missing[title] = _left_out(title, problem)
    return missing


def _left_out(name: str, problem: CannotMeasure) -> str:
    print(f"{name} is left out: {problem}", file=sys.stderr)
    return " ".join(str(problem).split())


def _library_round(
    url: str, folder: Path, cores: Cores, python: Path, name: str, turns: int
) -> dict[str, Any]:
    """Turns in a process of their own."""
    try:
        done = subprocess.run(
            [
                python,
                "-m",
                f"benchmarks.subjects.turn_{name}",
                url,
                ANSWER,
                str(WARM_UP),
                str(turns),
            ],
            cwd=folder,
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=RUN_LIMIT,
            preexec_fn=lambda: os.sched_setaffinity(0, {cores.server}),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(f"{name} did not end in {RUN_LIMIT:g} s") from error
    if done.returncode != 0:
        raise CannotMeasure(f"{name} failed: {done.stderr.strip()[-600:]}")
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _desk_round(desk: Desk, turns: int) -> dict[str, Any]:
    """Turns over `POST /api/v1/chat/stream`, each in a new session."""
    connection = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=30)
    headers = {"Authorization": f"Bearer {desk.key}", "Content-Type": "application/json"}

    def turn() -> float:
        began = time.perf_counter()
        session = f"s{time.time_ns()}"
        body = json.dumps({"session_id": session, "message": QUESTION})
        connection.request("POST", "/api/v1/chat/stream", body, headers)
        response = connection.getresponse()
        answer = response.read()
        took = time.perf_counter() - began
        if response.status != 200 or _said(answer) != ANSWER:
            raise CannotMeasure(f"the desk answered {response.status}: {answer[-300:]!r}")
        return took

    with contextlib.closing(connection):
        for _ in range(WARM_UP):
            turn()
        before = cpu_seconds(desk.pid)
        times = [turn() for _ in range(turns)]
        cpu = cpu_seconds(desk.pid) - before
    return {"cpu_ms": 1000 * cpu / turns, "times": times, "peak_memory_mb": peak_memory(desk.pid)}


def _said(stream: bytes) -> str:
    """The text of a stream of server-sent events."""
    lines = (line for line in stream.splitlines() if line.startswith(b"data:"))
    events = [json.loads(line[5:]) for line in lines]
    return "".join(event["content"] for event in events if event["type"] == "token")


def _tell(number: int, rounds: int, name: str, measured: dict[str, Any]) -> None:
    cpu, p50 = measured["cpu_ms"], 1000 * percentile(measured["times"], 0.5)
    line = f"round {number}/{rounds}  {name:50} {cpu:6.1f} ms CPU  p50 {p50:6.1f} ms"
    print(line, file=sys.stderr)


def section(result: dict[str, Any]) -> Section:
    """The result as a part of the report."""
    costs: dict[str, list[float]] = {}
    rows: list[list[Cell]] = []
    notes = []
    for name, runs in result["subjects"].items():
        costs[name] = [m["cpu_ms"] for m in runs]
        rows.append(
            [
                name,
                figure(costs[name]),
                *(
                    figure(1000 * percentile(m["times"], p) for m in runs)
                    for p in (0.5, 0.95, 0.99)
                ),
                f"{max(m['peak_memory_mb'] for m in runs):.0f}",
            ]
        )
        if packages := runs[0].get("packages"):
            notes.append(f"{name}: " + ", ".join(f"{k} {v}" for k, v in packages.items()))
    notes += [f"{name} is left out: {why}" for name, why in result["missing"].items()]
    compared: list[list[Cell]] = [
        [name, ratios(costs[above], costs[below]), f"≤ {goal}" if goal else ""]
        for name, above, below, goal in RATIOS
        if above in costs and below in costs
    ]
    points: list[tuple[str | float, Figure]] = [(name, figure(c)) for name, c in costs.items()]
    return Section(
        "A turn with one tool call, streamed, model answering in 0 ms",
        [
            Text(
                f"One turn at a time, {len(result['subjects'][DESK])} rounds of {result['turns']} "
                f"turns after {WARM_UP} of warm-up, median (least–most)."
            ),
            Table(["", "CPU ms/turn", "p50 ms", "p95 ms", "p99 ms", "peak MB"], rows),
            Table(["CPU, round by round", "ratio", "goal"], compared),
            Plot("CPU per turn, ms", "bars", {"CPU ms/turn": points}),
            Notes(notes),
        ],
    )
