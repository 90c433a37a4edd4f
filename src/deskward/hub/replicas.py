"""The processes of one server: to which of them a call goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from typing import Any

from deskward.core.bounded import Check
from deskward.core.errors import OutcomeUnknown, TimeLimitExceeded, Unavailable
from deskward.gate.context import Report
from deskward.hub.config import Server
from deskward.hub.connection import Connection, Listing, State, TookTooLong

AGAIN = 0.1
"""Seconds before a call that only reads is made again at the same process."""
DRAINED = 30.0
"""Seconds for which calls under way may end after a server was taken out."""


class Replicas:
    """The connections to all processes of a server."""

    def __init__(self, server: Server) -> None:
        self.name = server.name
        self.connections = [
            Connection(server.name, way, timeout=server.timeout) for way in server.ways
        ]

    @property
    def state(self) -> State:
        """Whether any of them answers; `connecting` while they may be starting."""
        states = [each.state for each in self.connections]
        return next((s for s in ("available", "connecting") if s in states), "away")

    async def tried(self, patience: float) -> None:
        """Wait some seconds for the end of the first attempts."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await asyncio.gather(*(each.tried() for each in self.connections))

    async def listed(self, patience: float) -> bool:
        """Whether one has said what it offers, or does so within some seconds."""
        waiting = [asyncio.create_task(each.listed(patience)) for each in self.connections]
        try:
            for done in asyncio.as_completed(waiting):
                if await done:
                    return True
        finally:
            for task in waiting:
                task.cancel()
        return False

    def start(self, listings: Collection[Listing]) -> None:
        """Open all connections.

        Args:
            listings: What is told of each one's tools, in their order.
        """
        for each, listing in zip(self.connections, listings, strict=True):
            each.start(listing)

    async def stop(self, *, drain: bool = False) -> None:
        """Close all connections.

        Args:
            drain: Whether the calls under way may end before.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAINED if drain else 0):
                while any(each.running for each in self.connections):  # noqa: ASYNC110 it is seldom
                    await asyncio.sleep(0.05)
        await asyncio.gather(*(each.stop() for each in self.connections))

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        *,
        safe: bool,
        at: Collection[Connection] | None = None,
        key: str | None = None,
        check: Check | None = None,
        report: Report | None = None,
    ) -> dict[str, Any]:
        """Call a tool at one of the processes; see `Connection.call`.

        Args:
            safe: Whether the call only reads, so that it is tried a second time.
            at: Those that offer the tool as it was accepted; None: all.

        Raises:
            RemoteFailed: The tool answered with an error.
            Unavailable: The server is away; nothing happened.
            TimeLimitExceeded: A call that only reads took too long.
            OutcomeUnknown: The connection broke in the middle of another call.
        """
        first = self._choose(at, ())
        try:
            return await first.call(tool, arguments, key=key, check=check, report=report)
        except (Unavailable, OutcomeUnknown) as error:
            second = self._choose(at, (first,))
            # What was surely not sent may go elsewhere; what was sent only where it just reads.
            if not safe and (second is first or not isinstance(error, Unavailable)):
                raise
            if second is first and isinstance(error, TookTooLong):
                raise self._too_slow() from error
        if second is first:
            await asyncio.sleep(AGAIN)
        try:
            return await second.call(tool, arguments, key=key, check=check, report=report)
        except TookTooLong as error:
            raise (self._too_slow() if safe else error) from error
        except OutcomeUnknown as error:
            if not safe:
                raise
            raise second.away() from error  # of a call that only reads nothing is unknown

    def _choose(
        self, at: Collection[Connection] | None, tried: Collection[Connection]
    ) -> Connection:
        """The one that answers and has least to do; of those tried before only the last resort."""
        fitting = [each for each in self.connections if at is None or each in at]
        return min(
            fitting or self.connections,
            key=lambda each: (each in tried, not each.available, each.running),
        )

    def _too_slow(self) -> TimeLimitExceeded:
        return TimeLimitExceeded(
            f"The {self.name} service did not answer in time. Nothing was changed; try again later."
        )
