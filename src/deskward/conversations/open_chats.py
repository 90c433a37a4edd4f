"""Chats that are open in this process, and what they are told at once.

Whatever process writes news, every process finds it by one query every half second, which it asks
while it has an open chat. Beside that each chat looks at its own rows now and then, so that a clock
that differs, or a transaction that took long, delays news and loses none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

from deskward.conversations import news
from deskward.conversations.news import News
from deskward.conversations.store import Where
from deskward.core.database import Database, now
from deskward.core.errors import RateLimited
from deskward.core.tasks import background

EVERY = 0.5
"""Seconds between looks for news, while a chat is open."""
BEFORE = timedelta(minutes=1)
"""How far back a look goes: processes' clocks differ, and transactions take a while."""
MOST = 20
"""How many chats of one session may be open in one process."""

log = logging.getLogger(__name__)


class Chat:
    """An open chat: `await chat.next()` gives what its customer has not been shown in it."""

    def __init__(self, database: Database, where: Where, after: int) -> None:
        self._database = database
        self._where = where
        self._after = after
        self._told = asyncio.Event()
        self._told.set()
        self.closed = False

    async def next(self, seconds: float | None = None) -> list[News]:
        """The next news; none where nothing came within `seconds`, or the chat was closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._told.wait()
        self._told.clear()
        if self.closed:
            return []
        found = await news.after(self._database.reader, self._where, self._after)
        if found:
            self._after = found[-1].number
        if len(found) == news.MOST:
            self._told.set()
        return found

    def tell(self, number: int) -> None:
        """Say that there is news up to this number."""
        if number > self._after:
            self._told.set()

    def close(self) -> None:
        """Give nothing more, and let who waits go on."""
        self.closed = True
        self._told.set()


class OpenChats:
    """The open chats of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: defaultdict[Where, set[Chat]] = defaultdict(set)
        self._any = asyncio.Event()

    @contextlib.contextmanager
    def _kept(self, where: Where, chat: Chat) -> Iterator[None]:
        self._open[where].add(chat)
        self._any.set()
        try:
            yield
        finally:
            self._open[where].discard(chat)
            if not self._open[where]:
                del self._open[where]
            if not self._open:
                self._any.clear()

    @contextlib.asynccontextmanager
    async def open(self, where: Where, last: str | None = None) -> AsyncIterator[Chat]:
        """Have a chat open while the block runs. It begins with what the customer does not have.

        Args:
            where: The session, which need not have begun.
            last: The id of the last news that the customer's program has.

        Raises:
            NotFound: The session has no news of that id.
            RateLimited: So many chats of it are open that one more is a mistake.
        """
        if len(self._open.get(where, ())) >= MOST:
            raise RateLimited(f"{MOST} windows of this conversation are open.", retry_after=10)
        if last is not None:
            after = await news.number_of(self._database.reader, where, last)
        else:
            after = await news.had(self._database.reader, where)
        chat = Chat(self._database, where, after)
        with self._kept(where, chat):
            yield chat

    def close(self) -> None:
        """End all chats: the process stops, and their customers open them elsewhere."""
        for chats in self._open.values():
            for chat in chats:
                chat.close()

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Look for news while the block runs."""
        async with background(self._look()):
            yield

    async def _look(self) -> None:
        while True:
            await self._any.wait()
            try:
                for where, number in await news.since(self._database.reader, now() - BEFORE):
                    for chat in self._open.get(where, ()):
                        chat.tell(number)
            except Exception as error:
                log.warning("could not look for news: %s", error)
            await asyncio.sleep(EVERY)
