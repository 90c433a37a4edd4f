"""The desk's clock: on PostgreSQL that of its server, whatever the process's own says or jumps to.

Processes of one desk run on several machines, whose clocks may be wrong by a day, or be set while
they run. What one of them writes down as a moment another one acts on. So they all go by the
database's clock: it is asked at the start and now and then, and in between the time since is
measured by a clock that nobody can set. SQLite has no clock of its own; its one machine's counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa

from deskward.core.tasks import background

EVERY = 30.0
"""Seconds after which the database is asked again."""
PRECISE = 1.0
"""Seconds that its answer may take: of a later one nobody knows when it was so."""
TOLERATED = timedelta(seconds=0.5)
"""By how much both may differ before the desk's clock is set: it is not to go to and fro."""
_ASK = sa.text("SELECT clock_timestamp()")
_BOOT = getattr(time, "CLOCK_BOOTTIME", None)

log = logging.getLogger(__name__)


class Asked(Protocol):
    """What is asked for its clock."""

    async def first(self, statement: sa.Executable, **parameters: Any) -> sa.Row[Any] | None:
        """Run a statement and give its first row, or None."""
        ...


class Server(Protocol):
    """A database, as its clock needs it."""

    is_sqlite: bool

    @property
    def reader(self) -> Asked:
        """What it is asked with."""
        ...


def process_clock() -> datetime:
    """The clock of the machine that this process runs on. It may be wrong, and jump."""
    return datetime.now(UTC)


def elapsed() -> float:
    """Seconds on a clock that only goes on, also while the machine sleeps where it can tell."""
    return time.clock_gettime(_BOOT) if _BOOT is not None else time.monotonic()


_known: tuple[datetime, float] | None = None
"""What the database's clock said, and what `elapsed` was then."""


def present() -> datetime:
    """The present moment by the desk's clock."""
    if _known is None:
        return process_clock()
    moment, since = _known
    return moment + timedelta(seconds=elapsed() - since)


async def ask(db: Asked) -> None:
    """Set the desk's clock by the server's, where they differ."""
    global _known  # there is one clock in a process
    before = elapsed()
    row = await db.first(_ASK)
    after = elapsed()
    if row is None or (_known is not None and after - before > PRECISE):
        return
    moment = row[0].astimezone(UTC) + timedelta(seconds=(after - before) / 2)
    if _known is None or abs(moment - present()) > TOLERATED:
        own = process_clock()
        right = abs(moment - own) <= TOLERATED
        if not right:
            log.warning("this machine's clock is off by %s; the database's counts", own - moment)
        _known = (own if right else moment, elapsed())


@contextlib.asynccontextmanager
async def kept(database: Server) -> AsyncIterator[None]:
    """Go by the clock of a database's server while the block runs."""
    global _known  # as above
    if database.is_sqlite:
        yield
        return
    await ask(database.reader)
    try:
        async with background(_keep(database)):
            yield
    finally:
        _known = None


async def _keep(database: Server) -> None:
    while True:
        await asyncio.sleep(EVERY)
        try:
            await ask(database.reader)
        except Exception as error:  # it is away: the clock goes on by itself
            log.debug("the database was not asked for its clock: %s", error)
