"""Work in the background, and its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


@contextlib.asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Run a coroutine as a task while the block runs; it has ended when the block has."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await end(task)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until they have ended, however they ended.

    They are cancelled again and again: a cancellation that comes while a client library is
    failing by itself is lost in the failure, and one cancelled once would then run for ever.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1)
    await asyncio.gather(*tasks, return_exceptions=True)


async def to_the_end(work: Coroutine[Any, Any, _T]) -> _T:
    """Do work that must not stop halfway; a cancellation meanwhile, or several, is raised after it.

    What the work raised is then the cancellation's cause.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as cancellation:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        raise cancellation from None if task.cancelled() else task.exception()
