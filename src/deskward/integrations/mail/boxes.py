"""Has every declared mailbox read by a collector of its own, as soon as it is declared."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from deskward.core.database import Database
from deskward.core.extras import extra
from deskward.core.mail_settings import Imap
from deskward.core.tasks import background
from deskward.inbox import boxes
from deskward.inbox.boxes import Box, BoxVault
from deskward.inbox.rules import InboxRules

LOOK = 5.0
"""Seconds between looks at what is declared."""

log = logging.getLogger(__name__)


@dataclass
class _Read:
    """A box that is being read."""

    revision: int
    reading: contextlib.AsyncExitStack


class Boxes:
    """The declared mailboxes of all tenants. Which process reads one, its lease says."""

    def __init__(
        self,
        own: Imap,
        database: Database,
        rules: InboxRules,
        wake: Callable[[], None],
        vault: BoxVault,
    ) -> None:
        """Make what reads them.

        Args:
            own: The mailbox of the settings, which is read already.
            wake: Called when there is a mail: jobs are due.
        """
        self._own = boxes.place_of(own) if own.server is not None else None
        self._database = database
        self._rules = rules
        self._wake = wake
        self._vault = vault
        self._read: dict[str, _Read] = {}

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Read them while the block runs."""
        try:
            async with background(self._run()):
                yield
        finally:
            for each in self._read.values():
                await each.reading.aclose()
            self._read.clear()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:  # the database is away, say: what is read is read on
                log.warning("the declared mailboxes cannot be looked up: %s", error)
            await asyncio.sleep(LOOK)

    async def look(self) -> None:
        """Begin with what was declared since the last look, and end with what is declared no more.

        Raises:
            ValueError: The part that speaks IMAP is not installed.
        """
        declared = {box.id: box for box in await boxes.listed(self._database.reader)}
        for box_id, read in list(self._read.items()):
            box = declared.get(box_id)
            if box is None or box.revision != read.revision:
                del self._read[box_id]
                await read.reading.aclose()
        for box in declared.values():
            if box.id not in self._read and not self._is_own(box):
                await self._begin(box)

    def _is_own(self, box: Box) -> bool:
        return self._own is not None and box.place == self._own

    async def _begin(self, box: Box) -> None:
        with extra("imap", f"The mailbox {box.name}"):
            from deskward.integrations.mail.collector import Collector
            from deskward.integrations.mail.sources import of_box
        source = of_box(box, self._vault)
        reading = contextlib.AsyncExitStack()
        collector = Collector(self._database, source, self._rules, self._wake)
        await reading.enter_async_context(collector.keep())
        self._read[box.id] = _Read(box.revision, reading)
