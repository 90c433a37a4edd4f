"""One call over HTTP while it runs: its progress goes out, and it ends when its client goes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from pydantic_core import to_json
from starlette.responses import Response
from starlette.types import Receive, Send

from deskward.core.errors import Cancelled
from deskward.core.lines import one_line
from deskward.core.tasks import end
from deskward.entrypoints.mcp.progress import Progress, Step
from deskward.gate.context import Report

Result = TypeVar("Result")

WATCH_AFTER = 0.2
"""Seconds that a call runs before its connection is watched, which costs as much as a tenth of a
call; most calls end sooner, also where they wait for the disk with many others."""


class Underway:
    """A request under way, which its client can take back."""

    def __init__(self) -> None:
        self._running: asyncio.Task[Any] | None = None
        self._cancelled = False

    async def run(self, call: Coroutine[Any, Any, Result]) -> Result:
        """What comes of the call.

        Raises:
            Cancelled: The client took it back, or went away.
        """
        if self._cancelled:
            call.close()
            raise Cancelled("The call was cancelled.")
        self._running = asyncio.current_task()
        assert self._running is not None
        try:
            return await call
        except asyncio.CancelledError:
            if not self._cancelled:
                raise
            self._running.uncancel()
            raise Cancelled("The call was cancelled.") from None
        finally:
            self._running = None

    def cancel(self) -> None:
        """Have the call end; it ends by itself where it is past what can be stopped."""
        if not self._cancelled:
            self._cancelled = True
            if self._running is not None:
                self._running.cancel()


class Exchange(Underway):
    """A request and its answer: JSON, or a stream of events once the tool has reported progress."""

    def __init__(self, receive: Receive, send: Send, token: int | str | None) -> None:
        """Make one.

        Args:
            token: The request's progress token; None where no progress may be sent.
        """
        super().__init__()
        self._receive = receive
        self._send = send
        self._token = token
        # Only where it is wanted: it refers to this object, which would then wait for the garbage
        # collector with all that the call has.
        self._progress = Progress(self._send_step) if token is not None else None
        self._streams = False
        self._watching: asyncio.Task[None] | None = None
        self._left = False

    @property
    def report(self) -> Report | None:
        """Where a tool says how far it is."""
        return self._progress.report if self._progress is not None else None

    async def run(self, call: Coroutine[Any, Any, Result]) -> Result:
        """What comes of the call.

        Raises:
            Cancelled: The client took it back, or went away.
        """
        timer = asyncio.get_running_loop().call_later(WATCH_AFTER, self._watch)
        try:
            return await super().run(call)
        finally:
            timer.cancel()
            if self._watching is not None:
                await end(self._watching)

    async def ask(self, request: dict[str, Any]) -> None:
        """Send the client a request of ours, in the middle of its own."""
        await self._send_event(to_json({"jsonrpc": "2.0", **request}), more=True)

    async def answer(self, body: bytes, status: int) -> Response | None:
        """The response with a JSON-RPC answer; None where it went out as the last event."""
        if self._progress is not None:
            await self._progress.close()
        if not self._streams:
            return Response(body, status, media_type="application/json")
        await self._send_event(body, more=False)
        return None

    async def give_up(self) -> Response | None:
        """The response to a call that nobody waits for any more, which has no answer."""
        if self._progress is not None:
            await self._progress.close(abandoned=True)
        if not self._streams:
            return Response(status_code=Cancelled.status if self._left else 202)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        return None

    def _watch(self) -> None:
        self._watching = asyncio.create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self.cancel()

    async def _send_step(self, step: Step) -> None:
        assert self._token is not None
        params = step.params(self._token)
        message = {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
        await self._send_event(to_json(message), more=True)

    async def _send_event(self, message: bytes, *, more: bool) -> None:
        if not self._streams:
            self._streams = True
            head = [
                (b"content-type", b"text/event-stream"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ]
            await self._send({"type": "http.response.start", "status": 200, "headers": head})
        event = b"event: message\ndata: " + one_line(message) + b"\n\n"
        await self._send({"type": "http.response.body", "body": event, "more_body": more})
