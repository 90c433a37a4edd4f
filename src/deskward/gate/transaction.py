"""One call's transaction, and its claim on an idempotency key."""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine, Mapping
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult, Row

from deskward.core.connections import Parameters, Statements
from deskward.core.database import Connection, Database, Transaction
from deskward.core.errors import CallInProgress
from deskward.core.fixed import Plan
from deskward.gate import effects
from deskward.security.key_rows import require_live


class Repeated(Exception):
    """Another call with the same key came first."""

    def __init__(self, first: str) -> None:
        super().__init__()
        self.first = first


async def claim(effect: effects.Effect, connection: Connection, time_limit: float) -> None:
    """Take the effect's key.

    Raises:
        Repeated: The key has its first answer, perhaps in the commit that is being prepared: what
            is written after it is durable only with it.
        CallInProgress: The first call has not ended yet.
    """
    if not await effect.claim(connection, time_limit):
        first = await effect.first_answer(connection)
        if first is None:
            raise CallInProgress("The same call has just failed. Try again.", retry_after=1)
        raise Repeated(first)


class CallTransaction(Statements):
    """A call's transaction, begun with the first statement and not before, ended with its block.

    So a tool that is judged by no record can do slow work first (hash a password) while others use
    the writer.
    """

    def __init__(
        self,
        database: Database,
        time_limit: float,
        key: str | None = None,
        turn: str | None = None,
    ) -> None:
        """Make one.

        Args:
            time_limit: Seconds that the call may run.
            key: The prefix of the caller's API key, which must still count.
            turn: The tenant whose turn it takes.
        """
        self._key = key
        self._turn = turn
        self.dialect = database.reader.dialect
        self.entries: list[Any] = []
        """What goes into the ledger with it."""
        self._database = database
        self._time_limit = time_limit
        self._effect: effects.Effect | None = None
        self._open: Transaction | None = None
        self._block: contextlib.AbstractAsyncContextManager[Transaction] | None = None

    async def __aenter__(self) -> CallTransaction:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._block is not None:
            await self._block.__aexit__(kind, error, at)

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> CursorResult[Any]:
        """Run a statement and give its buffered result."""
        return await (await self.open()).execute(statement, parameters)

    def run(
        self, plan: Plan, parameters: Mapping[str, Any]
    ) -> Coroutine[Any, Any, tuple[list[Row[Any]], int]]:
        """Run a fixed statement; give its rows, and how many it changed."""
        if self._open is not None:
            return self._open.run(plan, parameters)
        return self._begun(plan, parameters)

    async def _begun(self, plan: Plan, parameters: Mapping[str, Any]) -> tuple[list[Row[Any]], int]:
        return await (await self.open()).run(plan, parameters)

    async def claim(self, effect: effects.Effect) -> None:
        """Claim a key: now, or where nothing has begun yet with the first statement.

        Raises:
            Repeated: It has its first answer.
        """
        self._effect = effect
        if self._open is not None:
            await claim(effect, self._open, self._time_limit)

    async def open(self) -> Transaction:
        """The transaction, begun.

        Raises:
            Repeated: The key that was claimed has its first answer.
            Unauthenticated: The caller's API key has ended meanwhile.
        """
        if self._open is None:
            block = self._database.transaction(self.entries, turn=self._turn)
            self._open = await block.__aenter__()
            self._block = block
            self.at_once = self._open.at_once
            if self._key:
                await require_live(self._open, self._key)
            if self._effect:
                await claim(self._effect, self._open, self._time_limit)
        return self._open
