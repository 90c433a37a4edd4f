"""Calls that are committed together, and what they are told when that fails."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy.exc import DBAPIError

from deskward.core.errors import OutcomeUnknown, Unavailable

LONG = 1.0
"""Seconds after which nobody waits for a commit to end before they queue behind it."""


class Group:
    """The calls that one commit makes durable, with what is to be written just before it."""

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self.broken = False
        """Whether the transaction is lost: nothing of the group may be committed."""
        self.empty = True
        """Whether no call has run in it, so that it holds nothing that others may wait for."""
        self.turns: set[str] = set()
        """The tenants whose turn it has."""
        self._waiting: list[asyncio.Future[None]] = []

    async def durable(self) -> None:
        """Return once the group is committed.

        Each call waits by itself, so that one that is cancelled does not take the others along.

        Raises:
            Unavailable: It was not committed; nothing of it was kept.
            OutcomeUnknown: The server was lost during the commit.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        try:
            await done
        except DBAPIError as error:
            raise not_kept() from error

    def settle(self, error: Exception | None) -> None:
        """Tell all that wait how the commit ended."""
        for done in self._waiting:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)


class Commits:
    """The commits of a file, which others wait for before they begin.

    On SQLite a call's whole transaction mostly waits for nothing. Those who come when none is
    committed do one after the other, without a place in a queue and a timer for each.
    """

    def __init__(self) -> None:
        self._none = asyncio.Event()
        self._none.set()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """While the block runs a commit is under way."""
        self._none.clear()
        long = asyncio.get_running_loop().call_later(LONG, self._none.set)
        try:
            yield
        finally:
            long.cancel()
            self._none.set()

    async def over(self) -> None:
        """Return once none is under way, or one takes long: then the queue is the place to wait."""
        if not self._none.is_set():
            await self._none.wait()


def not_kept() -> Unavailable:
    """The error of calls whose group was not committed."""
    return Unavailable(
        "The database could not store this call, and nothing of it was kept. Try again.",
        retry_after=1,
    )


def unknown() -> OutcomeUnknown:
    """The error of calls whose group may have been committed."""
    return OutcomeUnknown(
        "The database was lost while it stored this call, and whether it did is not known. Look "
        "before you try again; with an idempotency key, trying again is safe."
    )
