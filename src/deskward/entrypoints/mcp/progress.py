"""How far a call is, as it goes to the client beside the call's own work."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from deskward.core.tasks import end

MOST_WAITING = 50
"""Steps that wait for a slow client; those that come on top are left out."""


class Step(NamedTuple):
    """One report of a tool."""

    done: float
    total: float | None
    message: str

    def params(self, token: int | str) -> dict[str, Any]:
        """The parameters of `notifications/progress`."""
        found: dict[str, Any] = {"progressToken": token, "progress": self.done}
        if self.total is not None:
            found["total"] = self.total
        return found | ({"message": self.message} if self.message else {})


class Progress:
    """Takes a tool's reports without ever making it wait, and sends them in their order."""

    def __init__(self, send: Callable[[Step], Awaitable[None]]) -> None:
        self._send = send
        self._waiting: asyncio.Queue[Step] = asyncio.Queue(MOST_WAITING)
        self._sending: asyncio.Task[None] | None = None
        self._done = float("-inf")

    def report(self, done: float, total: float | None, message: str) -> None:
        """Take one report; one that does not go forward is left out, as the protocol wants it."""
        if done <= self._done:
            return
        self._done = done
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        with contextlib.suppress(asyncio.QueueFull):
            self._waiting.put_nowait(Step(done, total, message))

    async def close(self, *, abandoned: bool = False) -> bool:
        """Send what waits, or not where it is abandoned; gives whether anything was ever sent."""
        if self._sending is None:
            return False
        if not abandoned:
            await self._waiting.join()
        await end(self._sending)
        return True

    async def _send_all(self) -> None:
        while True:
            step = await self._waiting.get()
            try:
                await self._send(step)
            finally:
                self._waiting.task_done()


def progress_token(meta: Any) -> int | str | None:
    """The token of a request that wants to be told of its progress; None of one that does not."""
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    return token if isinstance(token, int | str) and not isinstance(token, bool) else None
