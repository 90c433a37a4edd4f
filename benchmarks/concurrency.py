"""The part `load`: 50 to 500 concurrent requests by k6 and locust, and what 1,000 of them cost."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.crowds import Crowd, k6, locust
from benchmarks.figures import Figure, figure, percent
from benchmarks.libraries import python_of, told
from benchmarks.load import Load, measure
from benchmarks.machine import Cores
from benchmarks.plan import Plan
from benchmarks.processes import CannotMeasure
from benchmarks.report import Block, Cell, Notes, Plot, Section, Table, Text
from benchmarks.targets import FASTAPI_MCP_ROUTE, Target, serving_targets

PACKAGES = ("deskward", "fastapi", "fastmcp", "mcp", "pydantic", "uvicorn")

Generator = Callable[[Target, int, float, Cores, Sequence[str]], Crowd]
GENERATORS: dict[str, Generator] = {"k6": k6, "locust": locust}
WARM_UP = Load(1, 0.5, 0.5)
"""What every server gets of our own generator first."""


def run(folder: Path, cores: Cores, plan: Plan) -> dict[str, Any]:
    """Have every generator send to every subject, in crowds of several sizes.

    Args:
        folder: For databases and logs.
        plan: How much.

    Raises:
        CannotMeasure: A server does not start.
    """
    os.sched_setaffinity(0, {cores.load})
    crowds = {"k6": plan.crowds, "locust": plan.locust_crowds}
    found: list[dict[str, Any]] = []
    with serving_targets(folder, cores) as (all_targets, missing):
        targets = [target for target in all_targets if target.name != FASTAPI_MCP_ROUTE]
        for target in targets:
            with contextlib.suppress(CannotMeasure):  # too late an answer is no reason to end
                measure(target.request(), WARM_UP, target.pid)
        most = max(*plan.crowds, *plan.locust_crowds)
        sessions = {target.name: target.sessions(most) for target in targets}
        for generator in _installed(missing):
            for number in range(1, plan.crowd_rounds + 1):
                for users in crowds[generator]:
                    for target in targets:
                        who = {"generator": generator, "users": users, "subject": target.name}
                        try:
                            crowd = GENERATORS[generator](
                                target, users, plan.crowd_seconds, cores, sessions[target.name]
                            )
                        except CannotMeasure as problem:
                            missing[f"{generator}, {users} users"] = " ".join(str(problem).split())
                            continue
                        found.append(who | asdict(crowd))
                        _tell(f"{number}/{plan.crowd_rounds}  {generator} {users}", target, crowd)
    return {
        "seconds": plan.crowd_seconds,
        "rounds": plan.crowd_rounds,
        "runs": found,
        "missing": missing,
        "versions": told([*GENERATORS, "fastapi_mcp"]),
    }


def _installed(missing: dict[str, str]) -> list[str]:
    """The generators that can be had; why others cannot is added to `missing`."""
    there = []
    for name in GENERATORS:
        try:
            python_of(name)
        except CannotMeasure as problem:
            missing[name] = " ".join(str(problem).split())
        else:
            there.append(name)
    return there


def _tell(what: str, target: Target, crowd: Crowd) -> None:
    rate = crowd.requests / crowd.seconds
    print(
        f"round {what:16} {target.name:30} {rate:8,.0f}/s  p99 {crowd.p99_ms:7.1f} ms"
        f"  {crowd.errors} errors",
        file=sys.stderr,
    )


def section(result: dict[str, Any]) -> Section:
    """The result as a part of the report."""
    runs = _grouped(result["runs"])
    blocks: list[Block] = [
        Text(
            f"As many users as the table says, each with one request under way: {result['rounds']} "
            f"rounds of {result['seconds']:g} s, median (least–most). Every answer was looked at. "
            "`load core` near 100 % means that the generator was the limit, not the server; "
            "its share is of the whole time that it ran, with its start. Where MCP needs sessions, "
            "they are opened beforehand. locust's times are rounded to two digits."
        )
    ]
    header = ["", "users", "requests/s", "p50 ms", "p95 ms", "p99 ms", "errors"]
    for generator in dict.fromkeys(name for name, _, _ in runs):
        blocks.append(Text(f"By {generator}:"))
        rows = [
            _row(subject, users, found)
            for (by, subject, users), found in runs.items()
            if by == generator
        ]
        blocks.append(Table([*header, "server core", "load core"], rows))
        for title, value in (
            ("Requests per second", lambda run: run["requests"] / run["seconds"]),
            ("p99, ms", lambda run: run["p99_ms"]),
        ):
            blocks.append(_plot(f"{title}, by {generator}", runs, generator, value))
    if runs:
        blocks += _costs(runs)
    missing = [f"{name} is left out: {why}" for name, why in result["missing"].items()]
    blocks.append(Notes([*result["versions"], *missing]))
    return Section("Under load: 50 to 500 concurrent requests", blocks)


Runs = dict[tuple[str, str, int], list[dict[str, Any]]]


def _grouped(found: list[dict[str, Any]]) -> Runs:
    """The rounds of each generator, subject and number of users, subjects together."""
    runs: Runs = {}
    order = list(dict.fromkeys(run["subject"] for run in found))
    for run in sorted(found, key=lambda run: (order.index(run["subject"]), run["users"])):
        runs.setdefault((run["generator"], run["subject"], run["users"]), []).append(run)
    return runs


def _row(subject: str, users: int, found: list[dict[str, Any]]) -> list[Cell]:
    total = sum(run["requests"] for run in found)
    return [
        subject,
        users,
        figure(run["requests"] / run["seconds"] for run in found),
        *(figure(run[f"p{part}_ms"] for run in found) for part in (50, 95, 99)),
        f"{100 * sum(run['errors'] for run in found) / total:.2g} %",
        percent(run["server_cpu"] / run["seconds"] for run in found),
        percent(run["load_cpu"] / run["load_wall"] for run in found),
    ]


def _plot(title: str, runs: Runs, generator: str, value: Callable[[dict[str, Any]], float]) -> Plot:
    series: dict[str, list[tuple[str | float, Figure]]] = {}
    for (by, subject, users), found in runs.items():
        if by == generator:
            series.setdefault(subject, []).append((users, figure(map(value, found))))
    return Plot(title, "lines", series, x_title="concurrent requests", log=True)


def _costs(runs: Runs) -> list[Block]:
    """CPU and memory per 1,000 requests, over all runs of a subject by the first generator."""
    by_subject: dict[str, list[dict[str, Any]]] = {}
    first = next(generator for generator, _, _ in runs)
    for (generator, subject, _), found in runs.items():
        if generator != first:
            continue
        by_subject.setdefault(subject, []).extend(found)
    rows: list[list[Cell]] = []
    bars: list[tuple[str | float, Figure]] = []
    for subject, found in by_subject.items():
        cpu = figure(1000 * run["server_cpu"] / run["requests"] for run in found)
        total = sum(run["requests"] for run in found)
        rows.append(
            [
                subject,
                cpu,
                figure(1000 * run["grown_mb"] / run["requests"] for run in found),
                f"{1000 * sum(run['grown_mb'] for run in found) / total:.2f}",
                f"{max(run['peak_mb'] for run in found):.0f}",
                f"{total:,}",
            ]
        )
        bars.append((subject, cpu))
    header = ["per 1,000 requests", "CPU s", "memory MB, by run", "memory MB, over all"]
    return [
        Text(
            f"What 1,000 requests cost the server, over the runs by {first} above: its CPU "
            "time, and by how much its resident memory grew. Memory grows most in the first runs, "
            "and is used again later, so a run can be below 0 or far above the mean over all."
        ),
        Table([*header, "peak MB", "requests"], rows),
        Plot("CPU per 1,000 requests, seconds", "bars", {"CPU s": bars}),
    ]
