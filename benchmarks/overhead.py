"""What MCP costs on top of an endpoint: one client that makes the same call over and over.

The client stands for a model that costs nothing: it knows its tool call beforehand.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, differences, figure, ratios
from benchmarks.libraries import told
from benchmarks.load import Load, Measured, measure
from benchmarks.machine import Cores
from benchmarks.plan import Plan
from benchmarks.processes import CannotMeasure
from benchmarks.report import Cell, Notes, Plot, Section, Table, Text
from benchmarks.targets import FASTAPI_MCP, FASTAPI_MCP_ROUTE, ROUTE, serving_targets

PACKAGES = ("deskward", "fastapi", "fastmcp", "mcp", "pydantic", "uvicorn")


def run(folder: Path, cores: Cores, plan: Plan) -> dict[str, Any]:
    """Measure every subject in turn with one connection, in several rounds.

    Args:
        folder: For databases and logs.
        plan: How much.

    Raises:
        CannotMeasure: A server does not start, or answers wrongly.
    """
    os.sched_setaffinity(0, {cores.load})
    load = Load(1, plan.seconds, plan.warm_up)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with serving_targets(folder, cores) as (targets, missing):
        requests = {target.name: target.request() for target in targets}
        for number in range(1, plan.rounds + 1):
            for target in targets:
                measured = measure(requests[target.name], load, target.pid)
                if measured.errors:
                    raise CannotMeasure(f"{target.name} answered: {measured.first_error}")
                found[target.name].append(asdict(measured))
                _tell(number, plan.rounds, target.name, measured)
    return {
        "load": asdict(load),
        "subjects": found,
        "missing": missing,
        "versions": told(["fastapi_mcp"]),
    }


def _tell(number: int, rounds: int, name: str, measured: Measured) -> None:
    line = f"round {number}/{rounds}  {name:36} p50 {measured.p50_ms:6.2f} ms"
    print(line, file=sys.stderr)


def section(result: dict[str, Any]) -> Section:
    """The result as a part of the report."""
    p50s, costs = {}, {}
    rows: list[list[Cell]] = []
    for name, rounds in result["subjects"].items():
        runs = [Measured(**values) for values in rounds]
        p50s[name] = [m.p50_ms for m in runs]
        costs[name] = [1000 * m.server_cpu / m.requests for m in runs]
        # FastAPI-MCP is compared with the route in its own process and with its own packages.
        base = FASTAPI_MCP_ROUTE if name == FASTAPI_MCP else ROUTE
        overhead: list[Cell] = ["", "", ""]
        if name not in (ROUTE, FASTAPI_MCP_ROUTE):
            overhead = [
                differences(p50s[name], p50s[base]),
                differences(costs[name], costs[base]),
                ratios(p50s[name], p50s[base]),
            ]
        rows.append(
            [
                name,
                figure(p50s[name]),
                figure(m.p95_ms for m in runs),
                figure(m.p99_ms for m in runs),
                figure(costs[name]),
                *overhead,
            ]
        )
    load, rounds = result["load"], len(result["subjects"][ROUTE])
    bars: dict[str, list[tuple[str | float, Figure]]] = {
        "p50, ms": [(name, figure(values)) for name, values in p50s.items()],
        "CPU, ms": [(name, figure(values)) for name, values in costs.items()],
    }
    header = ["", "p50 ms", "p95 ms", "p99 ms", "CPU ms/call"]
    return Section(
        "What MCP adds to an endpoint, with a stubbed model",
        [
            Text(
                "One client makes the same tool call over and over, as a model that costs nothing "
                f"would: one connection, {rounds} rounds of {load['seconds']:g} s after "
                f"{load['warm_up']:g} s of warm-up, median (least–most). Overhead is taken round "
                "by round from the bare route; FastAPI-MCP's from the same route in its own "
                "process, because its environment is another. Only Deskward's two check a key, "
                "decide a policy and write a durable ledger row for each call."
            ),
            Table([*header, "+ p50 ms", "+ CPU ms", "p50 ÷ route"], rows),
            Plot("One call by one client: latency and CPU of the server, ms", "bars", bars),
            Notes(
                [
                    *result["versions"],
                    *(f"{name} is left out: {why}" for name, why in result["missing"].items()),
                ]
            ),
        ],
    )
