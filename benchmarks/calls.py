"""A governed call beside a bare FastAPI route and a bare FastMCP server."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, figure, percent, ratios
from benchmarks.load import Load, Measured, Request, http_request, measure
from benchmarks.machine import Cores, peak_memory
from benchmarks.plan import Plan
from benchmarks.processes import CannotMeasure, desk_command, free_port, serving, serving_desk
from benchmarks.report import Cell, Plot, Section, Table, Text

PACKAGES = ("deskward", "fastapi", "fastmcp", "mcp", "pydantic", "uvicorn", "uvloop", "httptools")

FASTAPI = "FastAPI route"
FASTMCP = "FastMCP, 30 tools, 2026-07-28"
FASTMCP_OLD = "FastMCP, 30 tools, 2025-11-25"
REST_READ = "Deskward REST, read"
REST_WRITE = "Deskward REST, write"
MCP = "Deskward MCP, read, 2026-07-28"
MCP_OLD = "Deskward MCP, read, 2025-11-25"

RATIOS = (
    ("REST read ÷ FastAPI", REST_READ, FASTAPI, 0.55),
    ("REST write ÷ FastAPI", REST_WRITE, FASTAPI, 0.40),
    ("MCP 2026-07-28 ÷ FastAPI", MCP, FASTAPI, 0.50),
    ("MCP 2025-11-25 ÷ FastAPI", MCP_OLD, FASTAPI, 0.50),
    ("MCP ÷ FastMCP, both 2026-07-28", MCP, FASTMCP, 10),
    ("MCP ÷ FastMCP, both 2025-11-25", MCP_OLD, FASTMCP_OLD, None),
)
"""Name, above, below, and the project's goal where there is one."""

_HEADER = (
    "",
    "requests/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "CPU ms/call",
    "server core",
    "load core",
)
_QUESTION = b'{"user_id":"user_001"}'
_TICKET = {
    "customer_id": "user_001",
    "subject": "The invoice is missing",
    "body": "I cannot find last month's invoice in my account.",
}
_EXPECTED = b'"amount":542050'
_PREFIX = "io.modelcontextprotocol/"


@dataclass(frozen=True)
class Subject:
    """One thing to measure: the process that serves it and the request to send."""

    name: str
    pid: int
    request: Request


def run(folder: Path, cores: Cores, plan: Plan) -> dict[str, Any]:
    """Measure every subject in turn, in several rounds.

    Args:
        folder: For databases and logs.
        plan: How much.

    Raises:
        CannotMeasure: A server does not start, or answers wrongly.
    """
    os.sched_setaffinity(0, {cores.load})
    load, rounds = Load(plan.connections, plan.seconds, plan.warm_up), plan.rounds
    found: dict[str, list[Measured]] = defaultdict(list)
    memory: dict[str, float] = {}
    with contextlib.ExitStack() as stack:
        subjects = list(_subjects(stack, folder, cores))
        for number in range(1, rounds + 1):
            for subject in subjects:
                measured = measure(subject.request, load, subject.pid)
                found[subject.name].append(measured)
                memory[subject.name] = peak_memory(subject.pid)
                _tell(number, rounds, subject.name, measured)
                if measured.errors:
                    raise CannotMeasure(f"{subject.name} answered: {measured.first_error}")
    rows = _ledger_rows(folder)
    governed = (REST_READ, REST_WRITE, MCP, MCP_OLD)
    if rows < (calls := sum(m.requests for name in governed for m in found[name])):
        raise CannotMeasure(f"{calls} calls left only {rows} rows in the ledger")
    return {
        "ledger_rows": rows,
        "load": asdict(load) | {"rounds": rounds},
        "subjects": {
            name: {"peak_memory_mb": memory[name], "rounds": [asdict(m) for m in runs]}
            for name, runs in found.items()
        },
    }


def _ledger_rows(folder: Path) -> int:
    """How many rows the ledger has, all of which verify."""
    report = json.loads(desk_command(folder, "ledger", "verify", "--json"))
    return int(report["rows"])


def _subjects(stack: contextlib.ExitStack, folder: Path, cores: Cores) -> Iterator[Subject]:
    """Start the servers; gives what to measure."""
    for name in ("fastapi_route", "fastmcp_server"):
        print(f"starting {name} …", file=sys.stderr)
        port = free_port()
        arguments = [f"benchmarks.subjects.{name}", str(port)]
        pid = stack.enter_context(
            serving(name, arguments, port=port, core=cores.server, folder=folder)
        )
        if name == "fastapi_route":
            data = http_request("POST", "/balance", {}, _QUESTION)
            yield Subject(FASTAPI, pid, Request(port, data, _EXPECTED))
        else:
            yield Subject(FASTMCP, pid, Request(port, mcp_call({}), _EXPECTED))
            old = mcp_call({}, stateless=False)
            yield Subject(FASTMCP_OLD, pid, Request(port, old, _EXPECTED))
    desk = stack.enter_context(serving_desk("benchmarks.subjects.desk", folder, cores))
    access = {"Authorization": f"Bearer {desk.key}"}
    requests = {
        REST_READ: http_request("GET", "/accounts/user_001/balance", access),
        REST_WRITE: http_request("POST", "/tickets", access, json.dumps(_TICKET).encode()),
        MCP: mcp_call(access),
        MCP_OLD: mcp_call(access, stateless=False),
    }
    for name, data in requests.items():
        expected = b'"status":"open"' if name == REST_WRITE else _EXPECTED
        yield Subject(name, desk.pid, Request(desk.port, data, expected))


def mcp_call(access: dict[str, str], *, stateless: bool = True) -> bytes:
    """A `tools/call` of `get_account_balance` over streamable HTTP.

    Args:
        access: Headers that say who calls.
        stateless: Whether in the protocol of 2026-07-28, else in that of 2025-11-25.
    """
    version = "2026-07-28" if stateless else "2025-11-25"
    tool = "get_account_balance"
    headers = {**access, **mcp_headers(version)}
    message = mcp_call_message(tool)
    if stateless:
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": tool}
        message["params"]["_meta"] = {
            f"{_PREFIX}protocolVersion": version,
            f"{_PREFIX}clientCapabilities": {},
            f"{_PREFIX}clientInfo": {"name": "benchmark", "version": "1"},
        }
    return http_request("POST", "/mcp", headers, json.dumps(message).encode())


def mcp_headers(version: str) -> dict[str, str]:
    """What a request of MCP over streamable HTTP carries, in a version of the protocol."""
    return {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": version}


def mcp_call_message(tool: str) -> dict[str, Any]:
    """A `tools/call` that asks for a customer's balance."""
    params = {"name": tool, "arguments": {"user_id": "user_001"}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def _tell(number: int, rounds: int, name: str, measured: Measured) -> None:
    print(
        f"round {number}/{rounds}  {name:32} {measured.requests / measured.seconds:8,.0f}/s"
        f"  p50 {measured.p50_ms:6.1f} ms  p99 {measured.p99_ms:6.1f} ms",
        file=sys.stderr,
    )


def section(result: dict[str, Any]) -> Section:
    """The result as a part of the report."""
    load = result["load"]
    rows: list[list[Cell]] = []
    rates: dict[str, list[float]] = {}
    per_cpu: dict[str, list[float]] = {}
    for name, subject in result["subjects"].items():
        runs = [Measured(**values) for values in subject["rounds"]]
        rates[name] = [m.requests / m.seconds for m in runs]
        per_cpu[name] = [m.requests / m.server_cpu for m in runs]
        rows.append(
            [
                name,
                figure(rates[name]),
                figure(m.p50_ms for m in runs),
                figure(m.p95_ms for m in runs),
                figure(m.p99_ms for m in runs),
                figure(1000 * m.server_cpu / m.requests for m in runs),
                percent(m.server_cpu / m.seconds for m in runs),
                percent(m.load_cpu / m.seconds for m in runs),
                f"{subject['peak_memory_mb']:.0f}",
                sum(m.errors for m in runs),
            ]
        )
    compared: list[list[Cell]] = [
        [
            name,
            ratios(rates[above], rates[below]),
            ratios(per_cpu[above], per_cpu[below]),
            f"≥ {goal}" if goal else "",
        ]
        for name, above, below, goal in RATIOS
    ]
    points: list[tuple[str | float, Figure]] = [(name, figure(r)) for name, r in rates.items()]
    return Section(
        "A governed call",
        [
            Text(
                f"{load['connections']} keep-alive connections, {load['rounds']} rounds of "
                f"{load['seconds']:g} s after {load['warm_up']:g} s of warm-up, median "
                "(least–most). Every answer was checked; the ledger's "
                f"{result['ledger_rows']:,} rows verify."
            ),
            Table([*_HEADER, "peak MB", "errors"], rows),
            Table(["round by round", "requests/s", "requests per CPU second", "goal"], compared),
            Plot("Requests per second", "bars", {"requests/s": points}),
        ],
    )
