"""The command: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import calls, turns
from benchmarks.load import Load
from benchmarks.machine import choose_cores, describe
from benchmarks.processes import CannotMeasure

Number = TypeVar("Number", int, float)
RESULTS = Path(__file__).parent / "results"

ABOUT = """\
Measure Deskward beside others, side by side in one run, on this machine.

  calls   requests per second, latency and CPU of a governed call (key checked, policy decided,
          ledger row on disk; REST and MCP) beside a bare FastAPI route and a bare FastMCP server
  turns   CPU and time of a streamed turn with one tool call beside pydantic-ai and
          agent-framework, all with the same stub model over HTTP

The measured server has one core to itself and the load generator another; stop what else is
running. Progress goes to standard error, the tables to standard output, and both tables and raw
figures to benchmarks/results/. See benchmarks/README.md for how to read them.
"""

EXAMPLES = """\
examples:
  python -m benchmarks                       everything, about five minutes
  python -m benchmarks calls --seconds 2     a quick look at calls
  python -m benchmarks turns --rounds 5      turns, with more rounds
"""


def main() -> int:
    """Run the command; gives its exit code."""
    options = _options()
    cores = choose_cores()
    if cores.server == cores.load:
        print(
            "Only one core: server and load generator share it, so trust no rate.", file=sys.stderr
        )
    result: dict[str, Any] = {}
    try:
        with tempfile.TemporaryDirectory(prefix="deskward-benchmarks-") as folder:
            result["machine"] = describe(Path(folder), _packages(options.what))
            if options.what in ("all", "calls"):
                load = Load(options.connections, options.seconds, options.warm_up)
                result["calls"] = calls.run(_folder(folder, "calls"), cores, load, options.rounds)
            if options.what in ("all", "turns"):
                place = _folder(folder, "turns")
                result["turns"] = turns.run(place, cores, options.turns, options.rounds)
    except CannotMeasure as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(_write(result))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="?", choices=("all", "calls", "turns"), default="all")
    add = parser.add_argument
    add("--rounds", type=_count, default=3, help="rounds per subject, interleaved (default 3)")
    add(
        "--seconds", type=_seconds, default=6.0, help="calls: seconds of load per round (default 6)"
    )
    add("--warm-up", type=_seconds, default=1.5, help="calls: seconds before that (default 1.5)")
    add("--connections", type=_count, default=50, help="calls: connections (default 50)")
    add("--turns", type=_count, default=100, help="turns: turns per round (default 100)")
    return parser.parse_args()


def _count(text: str) -> int:
    return _within(int(text), 1, 1000)


def _seconds(text: str) -> float:
    return _within(float(text), 0.5, 60.0)


def _within(value: Number, least: Number, most: Number) -> Number:
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
    return value


def _packages(what: str) -> list[str]:
    wanted = {"calls": calls.PACKAGES, "turns": turns.PACKAGES}
    names = wanted[what] if what in wanted else calls.PACKAGES + turns.PACKAGES
    return list(dict.fromkeys(names))


def _folder(parent: str, name: str) -> Path:
    folder = Path(parent, name)
    folder.mkdir()
    return folder


def _write(result: dict[str, Any]) -> str:
    """Keep the result in both forms; gives the Markdown."""
    text = _render(result)
    RESULTS.mkdir(exist_ok=True)
    base = RESULTS / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    base.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    base.with_suffix(".md").write_text(text + "\n")
    return text


def _render(result: dict[str, Any]) -> str:
    machine = result["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    parts = [
        f"# Benchmarks of {machine['at']}",
        f"{machine['processor']}, {machine['cores']} cores (server on core "
        f"{machine['server_core']}, load on core {machine['load_core']}), "
        f"{machine['memory_gb']} GB, {machine['system']}, database on {machine['disk']}, "
        f"load average before the run {machine['load_average']}. Python {machine['python']}; "
        f"{packages}.",
    ]
    if "calls" in result:
        parts.append(calls.render(result["calls"]))
    if "turns" in result:
        parts.append(turns.render(result["turns"]))
    return "\n\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
