"""Runs turns one after another and tells what they cost. Needs the standard library only.

Each `turn_*` module makes an agent with one tool and hands `main` a function that runs one turn.
It is started as: python -m benchmarks.subjects.turn_NAME MODEL_URL ANSWER WARM_UP TURNS
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

QUESTION = "What's my account balance?"
BALANCE = {"user_id": "user_001", "balance": {"amount": 542050, "currency": "USD"}}

Turn = Callable[[], Awaitable[str]]


def main(make: Callable[[str], Turn], packages: tuple[str, ...]) -> None:
    """Measure, and print the figures as JSON.

    Args:
        make: Takes the model's address; gives the function that runs a turn and gives its text.
        packages: The distributions whose versions count.
    """
    url, answer, warm_up, turns = sys.argv[1:]
    found = asyncio.run(_measure(make, url, answer, int(warm_up), int(turns)))
    found["packages"] = {name: version(name) for name in packages}
    print(json.dumps(found))


async def _measure(
    make: Callable[[str], Turn], url: str, answer: str, warm_up: int, turns: int
) -> dict[str, Any]:
    turn = make(url)

    async def checked() -> float:
        began = time.perf_counter()
        said = await turn()
        took = time.perf_counter() - began
        if said != answer:
            sys.exit(f"the turn ended with {said[:200]!r}")
        return took

    for _ in range(warm_up):
        await checked()
    before = _cpu()
    times = [await checked() for _ in range(turns)]
    cpu = _cpu() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu_ms": 1000 * cpu / turns, "times": times, "peak_memory_mb": peak}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
