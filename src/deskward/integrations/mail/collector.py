"""Fetches mail from the mailbox: each is kept in the database before the server is told so.

How far it is stands in a row, in the transaction that keeps the mail. Whoever dies in between is
followed by one who goes on from there: what was kept is only settled, and what was not is fetched.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from deskward.core.database import Connection, Database, insert_or_ignore, now
from deskward.core.tasks import background
from deskward.gate.context import new_id
from deskward.inbox.addresses import meant
from deskward.inbox.intake import arrival, keep
from deskward.inbox.models import mailboxes
from deskward.inbox.rules import InboxRules
from deskward.integrations.mail.imap import Mailbox
from deskward.integrations.mail.sources import Source
from deskward.integrations.mail.tokens import Tokens

LEASE = timedelta(seconds=90)
"""How long a mailbox counts as read by a process that was not heard of since."""
IDLE = 30.0
"""Seconds that one wait for new mail lasts; after it, the lease is renewed."""
PAUSES = (1.0, 5.0, 15.0, 60.0, 120.0)
"""Seconds between tries while the server is away; the last one holds for all later ones."""
BATCH = 20
"""How many mails are kept before the server is told of them."""

T = TypeVar("T")

_INSERT = insert_or_ignore(
    mailboxes,
    *("tenant_id", "name", "uid_validity", "kept", "settled", "looked_at", "leased_until"),
)

log = logging.getLogger(__name__)


class NotHeld(Exception):
    """Another process reads the mailbox."""


@dataclass
class State:
    """How far a mailbox is read; see `mailboxes`."""

    uid_validity: int
    kept: int
    settled: int
    looked_at: datetime


class Collector:
    """Reads one mailbox for one tenant, in a thread of its own: none waits for another's server."""

    def __init__(
        self, database: Database, source: Source, rules: InboxRules, wake: Callable[[], None]
    ) -> None:
        """Make a collector.

        Args:
            wake: Called when there is a mail: jobs are due.
        """
        self._database = database
        self._source = source
        self._tenant = source.tenant
        self._rules = rules
        self._wake = wake
        self._lease = new_id()
        self._open_box: Mailbox | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mailbox")

    @property
    def _mailbox(self) -> Mailbox:
        assert self._open_box is not None
        return self._open_box

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Read the mailbox while the block runs."""
        try:
            async with background(self._run()):
                yield
        finally:
            # A thread that waits for new mail ends when its connection does.
            if self._open_box is not None:
                self._open_box.end()
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def once(self) -> int:
        """Fetch what is there; gives how many mails were new.

        Raises:
            InvalidInput: What is declared of it is not of its form.
            MailboxAway: The mailbox cannot be reached.
            NotHeld: Another process reads it.
        """
        await self._hold()
        try:
            state = await self._open()
            return await self._fetch(state)
        finally:
            if self._open_box is not None:
                await self._call(self._open_box.close)
            await self._let_go()

    async def _run(self) -> None:
        failed = 0
        while True:
            try:
                await self._hold()
                state = await self._open()
                failed = 0
                await self._change(problem=None)
                while True:
                    await self._hold()
                    await self._fetch(state)
                    await self._wait()
            except NotHeld:
                await asyncio.sleep(LEASE.total_seconds() / 3)
            except Exception as error:  # the database, too: nothing ends this but the desk's end
                log.warning("mail cannot be fetched: %s", error)
                with contextlib.suppress(Exception):
                    await self._change(problem=str(error)[:1000])
                await asyncio.sleep(PAUSES[min(failed, len(PAUSES) - 1)])
                failed += 1
            finally:
                if self._open_box is not None:
                    with contextlib.suppress(Exception):
                        self._open_box.close()

    async def _wait(self) -> None:
        poll = self._mailbox.settings.poll
        if not await self._call(partial(self._mailbox.wait, min(IDLE, poll))):
            left = poll
            while left > 0:
                await asyncio.sleep(min(left, IDLE))
                left -= IDLE
                await self._hold()

    async def _call(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def _open(self) -> State:
        """Connect; gives how far the mailbox is read.

        One that was never read begins with the oldest mail that nobody has read. Where the numbers
        of mails are not valid any more it begins a day back: what is kept already is known as such.
        """
        settings = await self._call(self._source.imap)
        if self._open_box is None or self._open_box.settings != settings:
            self._open_box = Mailbox(settings, Tokens(settings))
        validity = await self._call(self._mailbox.open)
        state = await self._state()
        if state is not None and state.uid_validity == validity:
            if state.settled < state.kept:
                await self._settle(state, await self._between(state.settled, state.kept))
            return state
        since = state.looked_at - timedelta(days=1) if state is not None else None
        uids = await self._call(
            partial(self._mailbox.since, since) if since else self._mailbox.unread
        )
        begin = uids[0] - 1 if uids else await self._last()
        await self._change(uid_validity=validity, kept=begin, settled=begin)
        return State(validity, begin, begin, now())

    async def _last(self) -> int:
        found = await self._call(partial(self._mailbox.above, 0))
        return found[-1] if found else 0

    async def _between(self, above: int, last: int) -> list[int]:
        found = await self._call(partial(self._mailbox.above, above))
        return [uid for uid in found if uid <= last]

    async def _fetch(self, state: State) -> int:
        uids = await self._call(partial(self._mailbox.above, state.kept))
        return await self._take(state, uids)

    async def _take(self, state: State, uids: list[int]) -> int:
        """Keep mails, and tell the server of them; gives how many were new."""
        new = 0
        for start in range(0, len(uids), BATCH):
            some = uids[start : start + BATCH]
            sizes = dict(await self._call(partial(self._mailbox.sizes, some)))
            for uid in some:
                new += await self._keep(state, uid, sizes.get(uid))
            await self._settle(state, [uid for uid in some if uid in sizes])
            if new:
                self._wake()
        return new

    async def _keep(self, state: State, uid: int, size: int | None) -> int:
        """Keep one mail, with how far the mailbox is read then; gives how many are new."""
        raw = None
        fits = size is not None and size <= self._rules.largest
        if size is not None:
            raw = await self._call(partial(self._mailbox.fetch, uid, whole=fits))
        problem = None if fits else f"It is over the limit of {self._rules.largest:,} bytes."
        kept = None
        if raw is not None:
            found = await self._call(partial(arrival, raw, "imap", problem=problem))
            tenant = await meant(self._database.reader, self._rules, self._tenant, found.named)
        async with self._database.transaction() as db:
            moment = now()
            await self._still(db, looked_at=moment, kept=uid, leased_until=moment + LEASE)
            if raw is not None:
                kept = await keep(db, tenant, found)
        state.kept = uid
        return int(kept is not None)

    async def _settle(self, state: State, uids: list[int]) -> None:
        await self._call(partial(self._mailbox.settle, uids))
        await self._change(settled=state.kept)
        state.settled = state.kept

    async def _state(self) -> State | None:
        row = await self._database.reader.first(sa.select(mailboxes).where(self._mine))
        if row is None or row.uid_validity == 0:
            return None
        return State(row.uid_validity, row.kept, row.settled, row.looked_at)

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return (mailboxes.c.tenant_id == self._tenant) & (mailboxes.c.name == self._source.label)

    async def _hold(self) -> None:
        """Have the mailbox, for a while.

        Raises:
            NotHeld: Another process has it, or it is not declared so any more.
        """
        moment = now()
        empty = {"uid_validity": 0, "kept": 0, "settled": 0}
        row = {**empty, "looked_at": moment, "leased_until": moment}
        free = (mailboxes.c.lease == self._lease) | (mailboxes.c.leased_until <= moment)
        async with self._database.transaction() as db:
            await db.execute(
                _INSERT, {"tenant_id": self._tenant, "name": self._source.label, **row}
            )
            held = await db.execute(
                sa.update(mailboxes)
                .where(self._mine, free, self._source.stands)
                .values(lease=self._lease, leased_until=moment + LEASE)
            )
        if held.rowcount != 1:
            raise NotHeld

    async def _let_go(self) -> None:
        await self._change(leased_until=now())

    async def _change(self, **values: Any) -> None:
        async with self._database.transaction() as db:
            await self._still(db, **values)

    async def _still(self, db: Connection, **values: Any) -> None:
        """Change the row, if the mailbox is still this process's.

        Raises:
            NotHeld: It is not: whoever has it goes on from what the row says.
        """
        held = await db.execute(
            sa.update(mailboxes)
            .where(self._mine, mailboxes.c.lease == self._lease, self._source.stands)
            .values(**values)
        )
        if held.rowcount != 1:
            raise NotHeld
