"""Looking at long texts beside the event loop, within a time.

A text of the greatest length costs some tenths of a second. In a thread the loop goes on meanwhile:
each of our regular expressions is linear (`tests/text/test_growth.py`), so that none holds the
interpreter's lock for long. A thread cannot be stopped: work that ran out of time goes on to its
end, and nobody waits for it. There is one thread: with two, the loop waits longer for the lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from deskward.core.errors import TimeLimitExceeded

SHORT = 300
"""Characters up to which a text is looked at where one stands: that takes some milliseconds."""
LIMIT = 5.0
"""Seconds that a look may take, waiting for its turn included."""

_T = TypeVar("_T")
_thread = ThreadPoolExecutor(1, thread_name_prefix="texts")


async def aside(work: Callable[[], _T], size: int, *, limit: float | None = None) -> _T:
    """What some work on texts gives.

    Args:
        work: Changes nothing but what belongs to whoever waits for it.
        size: The characters that it looks at.
        limit: Seconds, if not `LIMIT`.

    Raises:
        TimeLimitExceeded: It took too long; whoever asked takes the text for a hostile one.
    """
    if size <= SHORT:
        return work()
    try:
        async with asyncio.timeout(LIMIT if limit is None else limit):
            return await asyncio.get_running_loop().run_in_executor(_thread, work)
    except TimeoutError as error:
        raise TimeLimitExceeded("The text could not be read in time.") from error
