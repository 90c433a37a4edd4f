"""Running a statement that was written anew: within limits, and where nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from weakref import WeakValueDictionary

from deskward.core.database import Database
from deskward.core.errors import Unavailable
from deskward.core.query_settings import Queries as Settings
from deskward.core.tasks import to_the_end
from deskward.gate.readable import Readable
from deskward.queries.limits import Found, Limits, Place, Statement

AT_ONCE = 2
"""Statements that one process runs at a time; of one tenant, one."""


class Queries:
    """The port by which tools run statements.

    Attributes:
        readable: What of the desk's tables there is for queries, by name.
        limits: How much a statement may do.
    """

    def __init__(
        self, database: Database, settings: Settings, readable: Iterable[Readable]
    ) -> None:
        self.readable = {each.table.name: each for each in readable}
        self.limits = Limits(settings.rows, settings.seconds, settings.max_kb * 1_000)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tenants: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.place: Place
        if database.is_sqlite:
            from deskward.queries.sqlite_place import SqlitePlace

            self.place = SqlitePlace(str(database.url.database), AT_ONCE)
        else:
            from deskward.queries.postgres_place import PostgresPlace

            apart = settings.database_url
            self.place = PostgresPlace(apart.get_secret_value() if apart else database.url)

    async def run(
        self,
        statement: Statement,
        tenant: str,
        *,
        rows: int | None = None,
        only_check: bool = False,
    ) -> Found:
        """Run a statement; see `Place.run`.

        It keeps its turn to its end, also where nobody waits for it any more: whoever goes away
        again and again makes no more of them run.

        Args:
            rows: At the most so many rows.

        Raises:
            Unavailable: Too many run already.
        """
        limits = replace(self.limits, rows=min(rows or self.limits.rows, self.limits.rows))
        own = self._tenants.setdefault(tenant, asyncio.Lock())
        try:
            async with asyncio.timeout(limits.seconds):
                await own.acquire()
                try:
                    await self._turns.acquire()
                except BaseException:
                    own.release()
                    raise
        except TimeoutError:
            raise Unavailable("Other queries are running. Try again.", retry_after=5) from None
        try:
            return await to_the_end(self.place.run(statement, limits, only_check=only_check))
        finally:
            self._turns.release()
            own.release()
