"""Memory that was freed, given back to the system: glibc keeps 100 MB of a model otherwise.

It keeps, too, what loading a desk and indexing its articles took for a moment: of an idle desk's
memory that was a tenth, and of one that has just been filled with articles a third.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes

EVERY = 30.0
"""Seconds after which what is free is given back again: that takes some milliseconds."""


def give_back() -> None:
    """Give back what is free; with another C library than glibc, do nothing."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


async def give_back_now_and_then() -> None:
    """Give back what is free as long as the task lives, in a thread."""
    while True:
        await asyncio.to_thread(give_back)
        await asyncio.sleep(EVERY)
