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
HEALS = 3.0
"""Seconds for which a call waits while none of several processes answers."""
DRAINED = 30.0
"""Seconds for which calls under way may end after a server was taken out."""


class Replicas:
    """The connections to all processes of a server."""

    def __init__(self, server: Server) -> None:
        self.name = server.name
        self._turn = 0
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
            safe: Whether the call only reads, so that it is tried again: at each of the others, or
                where there is one process, once more at that.
            at: Those that offer the tool as it was accepted; None: all.

        Raises:
            RemoteFailed: The tool answered with an error.
            Unavailable: The server is away; nothing happened.
            TimeLimitExceeded: A call that only reads took too long.
            OutcomeUnknown: The connection broke in the middle of another call.
        """
        tried: list[Connection] = []
        while True:
            chosen = await self._choose(at, tried)
            try:
                return await chosen.call(tool, arguments, key=key, check=check, report=report)
            except (Unavailable, OutcomeUnknown) as error:
                tried.append(chosen)
                others = [each for each in self._fitting(at) if each not in tried]
                # What was surely not sent may go elsewhere; what was sent only where it just reads.
                if not safe and (not others or not isinstance(error, Unavailable)):
                    raise
                slow = isinstance(error, TookTooLong)
                if not others and (slow or len(tried) > max(1, len(self.connections) - 1)):
                    if slow:
                        raise self._too_slow() from error
                    raise chosen.away() from error  # of what only reads nothing is unknown
                if not others:
                    await asyncio.sleep(AGAIN)

    async def _choose(
        self, at: Collection[Connection] | None, tried: Collection[Connection]
    ) -> Connection:
        """The one that answers and has least to do; of those tried before only the last resort.

        Raises:
            Unavailable: Each is away, or left alone for a while.
        """
        if len(self.connections) > 1 and not any(each.fit for each in self._fitting(at)):
            await self.listed(HEALS)
        self._turn += 1
        rank = {
            each: (
                each in tried,
                not each.fit,
                each.running,
                (number + self._turn) % len(at or self.connections),
            )
            for number, each in enumerate(self._fitting(at))
        }
        chosen = min(rank, key=lambda each: rank[each])
        if chosen.available and not chosen.breaker.may_be_asked:
            raise chosen.away()
        return chosen

    def _fitting(self, at: Collection[Connection] | None) -> list[Connection]:
        return [each for each in self.connections if at is None or each in at] or self.connections

    def _too_slow(self) -> TimeLimitExceeded:
        return TimeLimitExceeded(
            f"The {self.name} service did not answer in time. Nothing was changed; try again later."
        )
