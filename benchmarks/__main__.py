"""The command: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from benchmarks import (
    additions,
    calls,
    concurrency,
    end_to_end,
    failures,
    ingest,
    overhead,
    searching,
    turns,
)
from benchmarks.machine import Cores, choose_cores, describe
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.plots import draw
from benchmarks.processes import CannotMeasure
from benchmarks.report import Notes, Section, Text, html, markdown, plots_of

Number = TypeVar("Number", int, float)
RESULTS = Path(__file__).parent / "results"


class Part(NamedTuple):
    """One part of the benchmarks."""

    run: Callable[[Path, Cores, Plan], dict[str, Any]]
    section: Callable[[dict[str, Any]], Section]
    packages: tuple[str, ...]


PARTS = {
    "overhead": Part(overhead.run, overhead.section, overhead.PACKAGES),
    "calls": Part(calls.run, calls.section, calls.PACKAGES),
    "turns": Part(turns.run, turns.section, turns.PACKAGES),
    "end-to-end": Part(end_to_end.run, end_to_end.section, end_to_end.PACKAGES),
    "load": Part(concurrency.run, concurrency.section, concurrency.PACKAGES),
    "failures": Part(failures.run, failures.section, failures.PACKAGES),
    "search": Part(searching.run, searching.section, searching.PACKAGES),
    "tools": Part(additions.run, additions.section, additions.PACKAGES),
    "ingest": Part(ingest.run, ingest.section, ingest.PACKAGES),
}

ABOUT = """\
Measure Deskward beside others, side by side in one run, on this machine.

  overhead    one client: a bare FastAPI route, FastAPI-MCP and FastMCP over it, and Deskward
  calls       50 clients: a governed call (key checked, policy decided, ledger row on disk; REST
              and MCP) beside a bare FastAPI route and a bare FastMCP server
  turns       a streamed turn with one tool call beside pydantic-ai and agent-framework, all with
              the same stub model over HTTP
  end-to-end  turns with a stub, with the offline model, and with the model that the environment
              configures (MODEL, or a provider's key), if any: a few calls that may cost money
  load        50 to 500 concurrent requests by k6 and locust; CPU and memory of 1,000 requests
  failures    the database, the model or the MCP server goes away, and comes back
  search      finding tickets among 100,000 on SQLite and 1,000,000 on PostgreSQL
  tools       what it takes to add a tool
  ingest      5,000 pages of Markdown read from a folder, and one changed page read again

The measured server has one core to itself and the load generator another; stop what else is
running. Progress goes to standard error, the tables to standard output; the report as HTML with
plots, as Markdown and as raw figures goes to benchmarks/results/. See benchmarks/README.md for how
to read it.
"""

EXAMPLES = """\
examples:
  python -m benchmarks                          everything, about half an hour
  python -m benchmarks --quick                  everything, in about three
  python -m benchmarks calls --seconds 6        calls, with longer rounds
  python -m benchmarks turns load --rounds 5    two parts, with more rounds
"""


def main() -> int:
    """Run the command; gives its exit code."""
    options = _options()
    plan, names = _plan(options), options.what or list(PARTS)
    cores = choose_cores()
    if cores.server == cores.load:
        print(
            "Only one core: server and load generator share it, so trust no rate.", file=sys.stderr
        )
    result: dict[str, Any] = {"plan": asdict(plan), "parts": {}, "failed": {}, "seconds": {}}
    try:
        with tempfile.TemporaryDirectory(prefix="deskward-benchmarks-") as parent:
            packages = dict.fromkeys(p for name in names for p in PARTS[name].packages)
            result["machine"] = describe(Path(parent), packages)
            for name in names:
                _measure(name, Path(parent, name), cores, plan, result)
    except KeyboardInterrupt:
        return 130
    print(_write(result))
    return 1 if result["failed"] else 0


def _measure(name: str, folder: Path, cores: Cores, plan: Plan, result: dict[str, Any]) -> None:
    """Run one part and note what it found, or why it found nothing: the others go on."""
    print(f"== {name}", file=sys.stderr)
    folder.mkdir()
    began = time.monotonic()
    try:
        result["parts"][name] = PARTS[name].run(folder, cores, plan)
    except CannotMeasure as problem:
        print(f"benchmarks: {name}: {problem}", file=sys.stderr)
        result["failed"][name] = " ".join(str(problem).split())
    except Exception as problem:  # what the other parts have found must not be lost
        traceback.print_exc()
        result["failed"][name] = f"{type(problem).__name__}: {problem}"
    result["seconds"][name] = round(time.monotonic() - began)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("what", nargs="*", metavar="PART", help=f"{', '.join(PARTS)} (default: all)")
    add("--quick", action="store_true", help="less of everything: for a look, not for a comparison")
    add("--rounds", type=_count, help="rounds per subject, interleaved (default 3)")
    add("--seconds", type=_seconds, help="overhead, calls: seconds of a round (default 2)")
    add("--warm-up", type=_seconds, help="overhead, calls: seconds before that (default 1)")
    add("--connections", type=_count, help="calls: connections (default 50)")
    add("--turns", type=_count, help="turns, end-to-end: turns per round (default 40)")
    options = parser.parse_args()
    if unknown := set(options.what) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return options


def _plan(options: argparse.Namespace) -> Plan:
    """How much to measure, as the options say."""
    names = ("rounds", "seconds", "warm_up", "connections", "turns")
    asked = {name: getattr(options, name) for name in names}
    given = {name: value for name, value in asked.items() if value is not None}
    return replace(QUICK if options.quick else FULL, **given)


def _count(text: str) -> int:
    return _within(int(text), 1, 1000)


def _seconds(text: str) -> float:
    return _within(float(text), 0.5, 60.0)


def _within(value: Number, least: Number, most: Number) -> Number:
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
    return value


def _write(result: dict[str, Any]) -> str:
    """Keep the result in all forms; gives the Markdown."""
    folder = RESULTS / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    folder.mkdir(parents=True)
    (folder / "figures.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    measured = [PARTS[name].section(found) for name, found in result["parts"].items()]
    drawn: Sequence[str] = ()
    left_out = []
    try:
        drawn = draw(plots_of(measured))
    except CannotMeasure as problem:
        left_out.append(f"Plots are left out: {' '.join(str(problem).split())}")
    title = f"Benchmarks of {result['machine']['at']}"
    sections = [_about(result, left_out), *measured]
    addresses = [f"plot-{number}.svg" for number in range(1, len(drawn) + 1)]
    for address, svg in zip(addresses, drawn, strict=True):
        (folder / address).write_text(svg, encoding="utf-8")
    text = markdown(title, sections, addresses)
    (folder / "report.md").write_text(text, encoding="utf-8")
    (folder / "report.html").write_text(html(title, sections, drawn), encoding="utf-8")
    print(f"The report is {os.path.relpath(folder)}/report.html", file=sys.stderr)
    return text


def _about(result: dict[str, Any], left_out: Sequence[str] = ()) -> Section:
    """What a reader has to know to judge the figures."""
    machine = result["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    seconds = ", ".join(f"{name} {took} s" for name, took in result["seconds"].items())
    return Section(
        "Machine, versions, and what is missing",
        [
            Text(
                f"{machine['processor']}, {machine['cores']} cores (server on core "
                f"{machine['server_core']}, load on core {machine['load_core']}), "
                f"{machine['memory_gb']} GB, {machine['system']}, database on {machine['disk']}, "
                f"load average before the run {machine['load_average']}. Python "
                f"{machine['python']}; {packages}."
            ),
            Text(
                f"It took {seconds}. Figures are medians, with the least and the most in brackets; "
                "compare them within this run only. `benchmarks/README.md` says how they are made."
            ),
            Notes([*(f"{n} has failed: {why}" for n, why in result["failed"].items()), *left_out]),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
