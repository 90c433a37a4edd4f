"""Work in the background, and its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Coroutine, Generator
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


async def within(seconds: float, work: Coroutine[Any, Any, _T]) -> _T:
    """Do work that may wait for so many seconds.

    As `asyncio.timeout` around it, but the clock is set only once the work waits for something:
    most of what a desk does on SQLite never does.

    Raises:
        TimeoutError: It was not done by then.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as done:
        result: _T = done.value
        return result
    async with asyncio.timeout(seconds):
        return await _Rest(work, waits_for)


class _Rest(Awaitable[_T]):
    """The rest of a coroutine that waits for something already."""

    def __init__(self, work: Coroutine[Any, Any, _T], waits_for: Any) -> None:
        self._work = work
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, _T]:
        # What `yield from` does (PEP 380), from the second step on.
        waits_for = self._waits_for
        try:
            while True:
                try:
                    sent = yield waits_for
                except GeneratorExit:
                    self._work.close()
                    raise
                except BaseException as error:
                    waits_for = self._work.throw(error)
                else:
                    waits_for = self._work.send(sent)
        except StopIteration as done:
            result: _T = done.value
            return result


class Stopped(Exception):
    """Whoever waits for some work does not want it any more."""


class Stop:
    """Whether whoever waits for some work does not want it any more, and what stops for that."""

    def __init__(self) -> None:
        self.asked = False
        self._running: asyncio.Task[Any] | None = None

    def ask(self) -> None:
        """Say that the work is not wanted any more."""
        self.asked = True
        if self._running is not None:
            self._running.cancel()

    @contextlib.contextmanager
    def stops(self) -> Generator[None, None, None]:
        """Have the block, of all of the work, end when that is said.

        Raises:
            Stopped: It was said.
        """
        if self.asked:
            raise Stopped
        self._running = asyncio.current_task()
        try:
            yield
        except asyncio.CancelledError:
            if not self.asked or self._running is None:
                raise
            self._running.uncancel()
            raise Stopped from None
        finally:
            self._running = None


async def to_the_end(work: Coroutine[Any, Any, _T], stop: Stop | None = None) -> _T:
    """Do work that must not stop halfway; a cancellation meanwhile, or several, is raised after it.

    What the work raised is then the cancellation's cause.

    Args:
        stop: Told of the cancellation; what of the work can stop by then does.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as cancellation:
        if stop is not None and not task.done():
            stop.ask()
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        raise cancellation from None if task.cancelled() else task.exception()
