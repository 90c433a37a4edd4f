"""Turns that are being answered in this process, and those who read along."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from deskward.agent.events import ConfirmNeeded, Event, ToolAnswered, ToolCalled
from deskward.conversations.cursors import Answered, Placed, Position, Seeker
from deskward.conversations.store import Turn
from deskward.core.errors import DeskwardError


@dataclass(eq=False)
class Running:
    """A turn with all that it has yielded.

    Attributes:
        cannot_stop: Whether a tool is being called or a message stored, which is not cut off.
        pausing: Whether it is to stop when it can, because nobody reads it any more.
        stopping: Whether it does stop, for that reason.
        unwanted: Whether its reader has stopped it for good.
        answered: The turn's end, once it is there.
        error: Why the turn, or reading it, ended without one.
    """

    turn: Turn
    placed: list[Placed] = field(default_factory=list)
    readers: int = 0
    cannot_stop: bool = False
    pausing: bool = False
    stopping: bool = False
    unwanted: bool = False
    answered: Answered | None = None
    error: DeskwardError | None = None
    task: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def end(self) -> Position:
        """The place behind the last event."""
        return self.placed[-1].end if self.placed else Position(self.turn.id)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.answered is not None or self.error is not None

    def fill(self, placed: Iterable[Placed]) -> None:
        """Take over what is recorded of the turn."""
        self.placed.extend(placed)

    def add(self, event: Event) -> None:
        """Take the next event, and hand it to all readers."""
        if isinstance(event, ToolCalled):
            self.cannot_stop = True
        elif isinstance(event, ToolAnswered):
            self.cannot_stop = False
        self.placed.append(Placed(event, self.end.after(event)))
        self.wake()

    @contextlib.contextmanager
    def uncut(self) -> Iterator[None]:
        """A block that is not cut off."""
        before, self.cannot_stop = self.cannot_stop, True
        try:
            yield
        finally:
            self.cannot_stop = before

    def finish(self, end: Answered | DeskwardError) -> None:
        """Take the turn's end; the first one counts."""
        if not self.ended:
            if isinstance(end, Answered):
                events = (placed.event for placed in self.placed)
                asks = tuple(event for event in events if isinstance(event, ConfirmNeeded))
                self.answered = replace(end, asks=asks)
            else:
                self.error = end
        self.wake()

    def stop(self) -> None:
        """Cut the turn off."""
        self.stopping = True
        if self.task is not None:
            self.task.cancel()

    def wake(self) -> None:
        """Let all readers look."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()

    async def changed(self, seconds: float | None) -> None:
        """Wait for `wake`.

        Raises:
            TimeoutError: It did not come in time.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        async with asyncio.timeout(seconds):
            await future


class Reader:
    """Reads a turn from a place on: `async for placed in reader`, the last one is `Answered`."""

    def __init__(
        self, running: Running, place: Position | None, left: Callable[[Running], None]
    ) -> None:
        """Begin to read.

        Args:
            running: The turn.
            place: Where to go on; None for its beginning.
            left: Called when the last reader has gone.
        """
        self._running = running
        self._seeker = Seeker(place)
        self._left = left
        self._next = 0
        self._over = False
        running.readers += 1
        running.pausing = False
        if running.timer is not None:
            running.timer.cancel()
            running.timer = None

    @property
    def turn_id(self) -> str:
        """The turn that is read."""
        return self._running.turn.id

    def __aiter__(self) -> Reader:
        return self

    async def __anext__(self) -> Placed:
        placed = await self.next()
        assert placed is not None
        return placed

    async def next(self, seconds: float | None = None) -> Placed | None:
        """The next event, or None where none came within `seconds`.

        Raises:
            StopAsyncIteration: The turn has ended.
            DeskwardError: The turn failed, or cannot be read to its end.
        """
        running = self._running
        while not self._over:
            if self._next < len(running.placed):
                self._next += 1
                placed = self._seeker.next(running.placed[self._next - 1])
                if placed is not None:
                    return placed
            elif running.error is not None:
                self.close()
                raise running.error
            elif running.answered is not None:
                self.close()
                return Placed(running.answered, running.end)
            else:
                try:
                    await running.changed(seconds)
                except TimeoutError:
                    return None
        raise StopAsyncIteration

    def ready(self) -> Placed | None:
        """The next event, where one is there already; a turn's end comes by `next` alone."""
        while not self._over and self._next < len(self._running.placed):
            self._next += 1
            placed = self._seeker.next(self._running.placed[self._next - 1])
            if placed is not None:
                return placed
        return None

    def close(self) -> None:
        """Read no more."""
        if not self._over:
            self._over = True
            self._running.readers -= 1
            if self._running.readers == 0 and not self._running.ended:
                self._left(self._running)
