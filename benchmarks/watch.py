"""Asks at a steady pace while something is broken and mended again, and notes what was answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import percentile

CLIENT_LIMIT = 15.0
"""Seconds after which a client gives up waiting."""
MOST_UNDER_WAY = 200
"""Questions that may wait for answers together; no more are asked until some are answered."""
GOOD = "200"
CALM = 1.0
"""Seconds of good answers only after which all is well again."""
MEND_LIMIT = 30.0
"""Seconds after the mending that may pass until then."""


@dataclass(frozen=True)
class Answer:
    """What one client saw.

    Attributes:
        at: When it asked, in seconds since the watch began.
        took: How long the answer took, in seconds.
        said: The status, and the error's code where it is one.
    """

    at: float
    took: float
    said: str


@dataclass(frozen=True)
class Watched:
    """One outage: all answers, and from when to when it was, on the same clock."""

    answers: list[Answer]
    broken: float
    mended: float
    seen_meanwhile: str = ""


Ask = Callable[[], Awaitable[str]]


async def watch(
    ask: Ask,
    break_it: Callable[[], None],
    mend_it: Callable[[], None],
    *,
    pace: float,
    before: float,
    outage: float,
    look: Ask | None = None,
) -> Watched:
    """Ask, break something, mend it, and ask until all is well or half a minute has passed.

    Args:
        ask: Asks once; gives what was said. An exception is an answer, too: none.
        break_it: Takes away what the outage is about. Runs in a thread.
        mend_it: Brings it back; returns when it works by itself. Runs in a thread.
        pace: Questions per second, whether or not earlier ones were answered.
        before: Seconds before the outage.
        outage: Seconds of it, without the time that mending takes.
        look: Asked once in the middle of the outage, for example the desk's readiness.
    """
    began = time.perf_counter()
    answers: list[Answer] = []
    asking = asyncio.create_task(_ask_on(ask, pace, began, answers))
    try:
        await asyncio.sleep(before)
        broken = time.perf_counter() - began
        await asyncio.to_thread(break_it)
        await asyncio.sleep(outage / 2)
        seen = await _said(look) if look else ""
        await asyncio.sleep(max(0.0, broken + outage - (time.perf_counter() - began)))
        await asyncio.to_thread(mend_it)
        mended = time.perf_counter() - began
        while not _calm(answers, time.perf_counter() - began, mended):
            if time.perf_counter() - began > mended + MEND_LIMIT:
                break
            await asyncio.sleep(0.05)
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    return Watched(sorted(answers, key=lambda a: a.at), broken, mended, seen)


async def _ask_on(ask: Ask, pace: float, began: float, answers: list[Answer]) -> None:
    room = asyncio.Semaphore(MOST_UNDER_WAY)

    async def once() -> None:
        at = time.perf_counter() - began
        said = await _said(ask)
        answers.append(Answer(at, time.perf_counter() - began - at, said))
        room.release()

    async with asyncio.TaskGroup() as group:
        number = 0
        while True:
            await room.acquire()
            group.create_task(once())
            number += 1
            await asyncio.sleep(max(0.0, began + number / pace - time.perf_counter()))


async def _said(ask: Ask) -> str:
    try:
        async with asyncio.timeout(CLIENT_LIMIT):
            return await ask()
    except TimeoutError:
        return f"no answer in {CLIENT_LIMIT:g} s"
    except Exception as error:
        return f"no answer: {type(error).__name__}"


def _calm(answers: list[Answer], now: float, mended: float) -> bool:
    """Whether the last answers were good, for long enough."""
    if now < mended + CALM:
        return False
    lately = [a for a in answers if a.at + a.took > now - CALM and a.at >= mended]
    return bool(lately) and all(a.said.startswith(GOOD) for a in lately)


def summary(watched: Watched) -> dict[str, Any]:
    """The outage in figures; times in seconds, and milliseconds where the name says so."""
    broken, mended = watched.broken, watched.mended
    before = [a for a in watched.answers if a.at + a.took < broken]
    during = [a for a in watched.answers if broken <= a.at < mended]
    after = [a for a in watched.answers if a.at >= mended]
    bad = [a for a in during if not a.said.startswith(GOOD)]
    good_after = [a.at + a.took - mended for a in after if a.said.startswith(GOOD)]
    bad_since = [
        a.at + a.took - mended
        for a in watched.answers
        if a.at + a.took > mended and not a.said.startswith(GOOD)
    ]
    return {
        "away": mended - broken,
        "before_p50_ms": 1000 * percentile([a.took for a in before], 0.5) if before else None,
        "asked": len(during),
        "error_rate": len(bad) / max(1, len(during)),
        "said": dict(Counter(a.said for a in during).most_common()),
        "said_after": dict(Counter(a.said for a in after).most_common()),
        "p50_ms": 1000 * percentile([a.took for a in during], 0.5) if during else None,
        "most_ms": 1000 * max((a.took for a in during), default=0.0),
        "first_good": min(good_after, default=None),
        "last_bad": max(bad_since, default=None),
        "seen_meanwhile": watched.seen_meanwhile,
    }
