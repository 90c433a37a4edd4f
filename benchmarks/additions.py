"""The part `tools`: what it takes to add a tool, counted and timed by adding one."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.calls import mcp_headers
from benchmarks.edits import (
    DESKWARD,
    EXPECTED,
    FASTAPI_MCP,
    FASTMCP,
    NAME,
    Edit,
    added_lines,
    apply,
)
from benchmarks.figures import Figure, figure
from benchmarks.libraries import python_of, told
from benchmarks.machine import Cores
from benchmarks.plan import Plan
from benchmarks.processes import (
    ROOT,
    CannotMeasure,
    desk_settings,
    free_port,
    key_of_a_customer,
    serving,
)
from benchmarks.report import Cell, Notes, Plot, Section, Table, Text
from benchmarks.targets import PROTOCOL, open_session

PACKAGES = ("deskward", "fastapi", "fastmcp", "pydantic")

REST = "/opening-hours?day=weekday"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "results", ".venv")


class Door(NamedTuple):
    """A running subject: its port, and the headers of somebody who may call."""

    port: int
    headers: dict[str, str]


@dataclass(frozen=True)
class Added:
    """What adding the tool once has shown.

    Attributes:
        seconds: From saving the files until the new tool answered over MCP.
        lines: Lines written that are not blank, docstrings included.
        files: Files changed.
        rest: Whether the tool answers at an address of REST, too.
        schema: Whether its output's schema is listed.
        closed: Whether it refuses a caller without a key.
    """

    seconds: float
    lines: int
    files: int
    rest: bool
    schema: bool
    closed: bool


def run(folder: Path, cores: Cores, plan: Plan) -> dict[str, Any]:
    """Add the tool to a fresh copy of every subject, several times.

    Args:
        folder: For the copies.
        plan: How often.

    Raises:
        CannotMeasure: A subject that is installed does not serve the new tool.
    """
    os.sched_setaffinity(0, {cores.load})
    subjects = {
        "FastAPI + FastAPI-MCP": partial(_fastapi_mcp, cores),
        "FastMCP": partial(_fastmcp, cores),
        "Deskward": partial(_desk, cores),
    }
    edits = dict(zip(subjects, (FASTAPI_MCP, FASTMCP, DESKWARD), strict=True))
    found: dict[str, list[dict[str, Any]]] = {}
    missing: dict[str, str] = {}
    for number in range(plan.additions):
        for name, serve in subjects.items():
            place = folder / f"{name.split()[-1]}-{number}"
            shutil.copytree(ROOT / "benchmarks", place / "benchmarks", ignore=_LEFT_OUT)
            shutil.copytree(ROOT / "src", place / "src", ignore=_LEFT_OUT)
            try:
                with serve(place, edits[name]) as (saved, door):
                    added = _seen(saved, door, place, edits[name])
            except CannotMeasure as problem:
                missing[name] = " ".join(str(problem).split())
                continue
            found.setdefault(name, []).append(asdict(added))
            print(f"{name}: {added.lines} lines, {added.seconds:.1f} s", file=sys.stderr)
    return {"subjects": found, "missing": missing, "versions": told(["fastapi_mcp"])}


def _seen(saved: float, door: Door, place: Path, edits: tuple[Edit, ...]) -> Added:
    """Ask the running subject for the new tool, and count what was written."""
    headers = {**door.headers, **mcp_headers(PROTOCOL)}
    with contextlib.suppress(CannotMeasure):  # those without sessions need none
        headers["Mcp-Session-Id"] = open_session(door.port, "/mcp", headers)
    params = {"name": NAME, "arguments": {"day": "weekday"}}
    status, answer = _ask(door.port, "/mcp", headers, _message("tools/call", params))
    seconds = time.perf_counter() - saved
    if status != 200 or EXPECTED not in answer:
        raise CannotMeasure(f"the new tool answered {status}: {answer[:200]}")
    _, listed = _ask(door.port, "/mcp", headers, _message("tools/list", {}))
    (tool,) = (t for t in json.loads(listed)["result"]["tools"] if t["name"] == NAME)
    status, answer = _ask(door.port, REST, door.headers)
    stranger, _ = _ask(door.port, "/mcp", mcp_headers(PROTOCOL), _message("tools/call", params))
    files = sorted({edit.file for edit in edits})
    return Added(
        seconds=seconds,
        lines=sum(
            added_lines(
                (ROOT / f).read_text(encoding="utf-8"), (place / f).read_text(encoding="utf-8")
            )
            for f in files
        ),
        files=len(files),
        rest=status == 200 and EXPECTED in answer,
        schema="outputSchema" in tool,
        closed=stranger == 401,
    )


def _message(method: str, params: dict[str, Any]) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


def _ask(port: int, path: str, headers: dict[str, str], body: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        method = "POST" if body else "GET"
        connection.request(
            method, path, body or None, {**headers, "Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def _paths(place: Path) -> dict[str, str]:
    """The environment in which the copy is what runs."""
    return {"PYTHONPATH": os.pathsep.join((str(place), str(place / "src")))}


Serving = Iterator[tuple[float, Door]]


@contextlib.contextmanager
def _served(
    module: str, python: Path | None, cores: Cores, place: Path, edits: tuple[Edit, ...]
) -> Serving:
    port = free_port()
    saved = time.perf_counter()
    apply(edits, place)
    with serving(
        "server",
        [module, str(port)],
        port=port,
        core=cores.server,
        folder=place,
        variables=_paths(place),
        python=python,
    ):
        yield saved, Door(port, {})


@contextlib.contextmanager
def _fastapi_mcp(cores: Cores, place: Path, edits: tuple[Edit, ...]) -> Serving:
    module = "benchmarks.subjects.fastapi_mcp_server"
    with _served(module, python_of("fastapi_mcp"), cores, place, edits) as served:
        yield served


@contextlib.contextmanager
def _fastmcp(cores: Cores, place: Path, edits: tuple[Edit, ...]) -> Serving:
    with _served("benchmarks.subjects.fastmcp_server", None, cores, place, edits) as served:
        yield served


@contextlib.contextmanager
def _desk(cores: Cores, place: Path, edits: tuple[Edit, ...]) -> Serving:
    paths = _paths(place)
    key = key_of_a_customer(place, paths)
    port = free_port()
    saved = time.perf_counter()
    apply(edits, place)
    with serving(
        "deskward",
        ["deskward", "serve", "--demo"],
        port=port,
        core=cores.server,
        folder=place,
        variables={**desk_settings(place, port), **paths},
    ):
        yield saved, Door(port, {"Authorization": f"Bearer {key}"})


def section(result: dict[str, Any]) -> Section:
    """The result as a part of the report."""
    rows: list[list[Cell]] = []
    lines: list[tuple[str | float, Figure]] = []
    for name, times in result["subjects"].items():
        one = Added(**times[0])
        rows.append(
            [
                name,
                one.lines,
                one.files,
                figure(added["seconds"] for added in times),
                *("yes" if has else "no" for has in (one.rest, one.schema, one.closed)),
            ]
        )
        lines.append((name, figure([one.lines])))
    header = ["", "lines", "files", "save to answer, s", "REST, too", "output schema"]
    text = (
        f"The same tool, `{NAME}`, is written into a fresh copy of each subject, the server is "
        "started, and the tool is called. Lines are those written that are not blank, docstrings "
        "and imports included. The time is from saving the files until the new tool answers over "
        "MCP, with the server's start and one client's session; it is no person's time."
    )
    return Section(
        "Adding a tool",
        [
            Text(text),
            Table([*header, "refuses without key"], rows),
            Plot("Lines to add a tool", "bars", {"lines": lines}),
            Notes(
                [
                    "Minutes: no person was timed, so this report has no figure for writing and "
                    "thinking. `benchmarks/README.md` says how to take that time.",
                    "Deskward's tool is called through the gate: policy, validation and ledger are "
                    "in its lines' price. Its rules also ask for a test (two or three lines) and a "
                    "new snapshot, which are not counted here; the others have no such rule.",
                    *result["versions"],
                    *(f"{name} is left out: {why}" for name, why in result["missing"].items()),
                ]
            ),
        ],
    )
