"""Many diagnostic sessions at once on one process: none is lost or gets the answer of another one.

In full, with 1,000 sessions, the times and the memory are printed: `FULL=1 pytest -s`.
"""

from __future__ import annotations

import asyncio
import resource
import time
from typing import Any

import pytest

from deskward.app import Desk
from tests.conftest import STAFF, Call, caller
from tests.diagnostics.test_sessions import answer
from tests.rounds import rounds

WAYS: dict[str, tuple[Any, ...]] = {
    "rate_limit": (True, 429, 120, 60),
    "wrong_type": (True, 415),
    "quota": (True, 402),
    "solved": (False, False),
}
"""What comes out → the answers that lead there."""
MOST_MEMORY = 500
"""Megabytes by which a process may grow with all of them."""


def peak() -> float:
    """The most memory that this process has taken so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


async def walked(call: Call, number: int, starts: list[float]) -> tuple[int, str, dict[str, Any]]:
    """One session from its first step to its end."""
    end = list(WAYS)[number % len(WAYS)]
    given = {
        "customer_id": f"user_{1 + number % 2:03}",
        "product_name": f"Product {number}",
        "issue_description": f"Call {number} of the API is answered with an error.",
        "environment_info": {"category": "api", "number": number},
    }
    begun = time.perf_counter()
    outcome = await call("start_diagnostic_session", STAFF, **given)
    starts.append(time.perf_counter() - begun)
    assert outcome.status == "ok", outcome.value
    return number, end, await answer(call, outcome.value, *WAYS[end], by=STAFF)


@pytest.mark.slow
async def test_many_sessions_at_once_are_each_walked_to_their_own_end(sqlite_desk: Desk) -> None:
    call, count, before = caller(sqlite_desk), rounds(60, 1_000), peak()
    starts: list[float] = []
    begun = time.perf_counter()
    found = await asyncio.gather(*(walked(call, number, starts) for number in range(count)))
    took = time.perf_counter() - begun
    assert len({session["id"] for _, _, session in found}) == count
    for number, end, session in found:
        assert session["product_name"] == f"Product {number}"
        assert session["customer_id"] == f"user_{1 + number % 2:03}"
        result = session["result"]
        assert (result["cause"] or result["kind"]) == end
        assert len(session["answered"]) == len(WAYS[end])
        read = await call("get_diagnostic_session", STAFF, session_id=session["id"])
        assert read.value == session
    memory = peak() - before
    p95 = sorted(starts)[int(0.95 * len(starts))]
    print(
        f"\n{count} sessions at once in {took:.1f} s; start p95 {p95 * 1_000:.0f} ms; "
        f"{memory:.0f} MB more"
    )
    assert memory < MOST_MEMORY
