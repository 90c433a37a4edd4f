"""Chat: one message in, a turn's events out; whatever happens to the process, no turn is lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from weakref import WeakValueDictionary

from sqlalchemy.exc import IntegrityError

from deskward.agent.loop import Agent
from deskward.agent.model import Message
from deskward.conversations import store
from deskward.conversations.answering import Answering
from deskward.conversations.asking import Opening, Openings
from deskward.conversations.cursors import Position, recorded
from deskward.conversations.live import Reader, Running
from deskward.conversations.open_chats import OpenChats
from deskward.conversations.store import TakenOver, Turn, Where
from deskward.conversations.turn_rows import turn_entry
from deskward.conversations.turns import Turns
from deskward.conversations.wording import busy, check, stopping
from deskward.core.database import Connection, Database
from deskward.core.errors import (
    Conflict,
    IdempotencyConflict,
    SessionNotFound,
)
from deskward.gate import effects
from deskward.gate.confirmations import Confirmations
from deskward.gate.context import Context
from deskward.gate.effects import Key
from deskward.gate.ledger.chain import Entry, Ledger
from deskward.security.vault import Vaults
from deskward.text.wishes import Wish
from deskward.tickets import service as tickets
from deskward.tickets import thread
from deskward.tickets.messages import Author

log = logging.getLogger(__name__)

WAIT_FOR_SESSION = 60.0
"""Seconds that a message waits for the session's earlier message to be answered."""
Opens = Callable[[], Awaitable[Opening]]
"""Makes what a turn begins with, by what the session is at that moment."""


class Conversations:
    """Runs turns, one at a time per session, and finishes those that another process left."""

    def __init__(
        self,
        database: Database,
        agent: Agent,
        *,
        key: bytes,
        ledger: Ledger,
        confirmations: Confirmations,
        grace: float = 10.0,
    ) -> None:
        """Make them.

        Args:
            ledger: Keeps a record of the turns.
            confirmations: What customers are asked.
            key: Keys the digests of messages that have an idempotency key.
            grace: Seconds for which a turn goes on when nobody reads it any more.
        """
        self.agent = agent
        self._database = database
        self._key = key
        self._ledger = ledger
        self._grace = grace
        self._vaults = Vaults()
        self._openings = Openings(
            database.reader, confirmations, ledger, self._vaults, self._wish_of
        )
        self._answering = Answering(database, agent, ledger, self._vaults)
        self._locks: WeakValueDictionary[Where, asyncio.Lock] = WeakValueDictionary()
        self._turns = Turns(database, self._answering, ledger, agent)
        self.chats = OpenChats(database)
        self._closing = False

    def _wish_of(self, tool: str) -> Wish | None:
        """How the deed of a tool is named; of an outside server's no word counts."""
        known = self.agent.tools.get(tool)
        return known.wish if known is not None and known.server is None else None

    @property
    def running(self) -> int:
        """How many turns are being answered in this process."""
        return len(self._turns.running)

    async def send(
        self, context: Context, session_id: str, text: str, *, key: Key | None = None
    ) -> Reader:
        """Begin to answer a message, after the session's earlier ones.

        A turn whose readers have all gone goes on for a while, then pauses: it spends nothing more
        until somebody reads it again (`resume`) or the session's next message comes.

        Args:
            context: Who speaks.
            session_id: The session; a new one starts with its first message.
            text: The message.
            key: Sending with the same key again reads the first message's turn again.

        Raises:
            InvalidInput: The message is empty or too long.
            SessionBusy: The session's earlier message took too long.
            IdempotencyConflict: The key was used with another message.
            Unavailable: The process is stopping.
        """
        check(text)
        if key is not None:
            effects.stored(key)
        log.info("message received: %d characters", len(text))
        where = Where(context.tenant, context.principal.label, session_id)
        if key is not None and (first := await self._first(where, key, text)):
            return await self._read(first, context, None)
        digest = self._digest(text) if key else None
        spoken = partial(self._openings.spoken, context, where, text)
        running = await self._open(context, where, spoken, key, digest)
        if running is None:
            first = await self._first(where, key or "", text)
            assert first is not None
            return await self._read(first, context, None)
        return self._reader(running, None)

    async def answer(
        self,
        context: Context,
        session_id: str,
        confirmation_id: str,
        yes: bool,
        *,
        key: Key | None = None,
    ) -> Reader:
        """Answer what a session's customer was asked, and begin the turn in which it is done.

        Args:
            context: Who answers; a person and no agent.
            confirmation_id: The question.
            key: Answering with the same key again reads the first answer's turn again.

        Raises:
            NotFound: The session was asked nothing of that id.
            Forbidden: Somebody else answers.
            Conflict: It was answered before, or it is too late.
            SessionBusy: The session's earlier message took too long.
            Unavailable: The process is stopping.
        """
        where = Where(context.tenant, context.principal.label, session_id)
        said = f"{confirmation_id} {yes}"
        if key is not None and (first := await self._first(where, key, said)):
            return await self._read(first, context, None)
        pressed = partial(self._openings.pressed, context, where, confirmation_id, yes)
        digest = self._digest(said) if key else None
        running = await self._open(context, where, pressed, key, digest)
        if running is None:
            first = await self._first(where, key or "", said)
            assert first is not None
            return await self._read(first, context, None)
        return self._reader(running, None)

    async def follow_up(
        self, context: Context, session_id: str, said: Sequence[Message], *, key: Key
    ) -> None:
        """Go on with a conversation after something that happened outside it, once.

        Args:
            context: Whose conversation it is.
            session_id: The session, which must exist.
            said: What happened: a call and its answer.
            key: Names what happened: what has the same key is told once.

        Raises:
            SessionBusy: A message of the session takes too long.
            TakenOver: A person has the conversation, and nothing was told.
            Unavailable: The process is stopping.
        """
        where = Where(context.tenant, context.principal.label, session_id)
        lock = await self._lock(where)
        try:
            begun = await self._begin(context, where, _just(said), key)
            if begun is None:
                return
            running = self._turns.start(begun[0], context)
            assert running.task is not None
            await asyncio.wait([running.task])
        finally:
            lock.release()

    async def resume(self, context: Context, session_id: str, place: Position) -> Reader:
        """Go on reading a turn behind a place, in whatever process it began.

        Raises:
            SessionNotFound: The session has no such turn.
            SessionBusy: Another process has the turn and did not end it in time.
        """
        where = Where(context.tenant, context.principal.label, session_id)
        turn = await store.turn(self._database.reader, where, place.turn_id)
        if turn is None:
            raise SessionNotFound(session_id)
        return await self._read(turn, context, place)

    @contextlib.asynccontextmanager
    async def alone(self, where: Where) -> AsyncIterator[None]:
        """Have a session to oneself while the block runs: no message of it is being answered.

        Raises:
            SessionBusy: One is, and takes too long.
        """
        lock = await self._lock(where)
        try:
            yield
        finally:
            lock.release()

    async def stop(self, where: Where, turn_id: str | None = None) -> None:
        """See `Turns.stop`."""
        await self._turns.stop(where, turn_id)

    async def drain(self, seconds: float) -> None:
        """Take no more messages, let turns end, and tell the readers of those that did not."""
        self._closing = True
        self.chats.close()
        await self._turns.drain(seconds)

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """See `Turns.keep`."""
        async with self._turns.keep(), self.chats.keep():
            try:
                yield
            finally:
                self._closing = True

    async def _lock(self, where: Where) -> asyncio.Lock:
        """The session's lock, taken. Who asks first gets it first."""
        lock = self._locks.setdefault(where, asyncio.Lock())
        try:
            async with asyncio.timeout(WAIT_FOR_SESSION):
                await lock.acquire()
        except TimeoutError as error:
            raise busy() from error
        return lock

    async def _first(self, where: Where, key: Key, text: str) -> Turn | None:
        """The turn that was begun with a key."""
        turn = await store.turn_by_key(self._database.reader, where, effects.stored(key))
        if turn is None:
            return None
        if turn.digest != self._digest(text):
            raise IdempotencyConflict(
                "This idempotency key was used before for another message. Use a new key.",
                details={"key": str(key)},
            )
        return turn

    def _digest(self, text: str) -> str:
        return effects.digest(self._key, "chat", {"message": text})

    async def _open(
        self,
        context: Context,
        where: Where,
        opens: Opens,
        key: Key | None = None,
        digest: str | None = None,
    ) -> Running | None:
        """Begin a turn after the session's earlier ones; None where its key was used before."""
        lock = await self._lock(where)
        try:
            begun = await self._begin(context, where, opens, key, digest)
            if begun is None:
                lock.release()
                return None
            turn, said = begun
            running = Running(turn)
            running.fill(recorded(turn.id, said[1:], self.agent.handover_tools))
            self._turns.start(turn, context, running, resumed=False)
        except BaseException:
            lock.release()
            raise
        assert running.task is not None
        running.task.add_done_callback(lambda _: lock.release())
        return running

    async def _begin(
        self,
        context: Context,
        where: Where,
        opens: Opens,
        key: Key | None,
        digest: str | None = None,
    ) -> tuple[Turn, Sequence[Message]] | None:
        """Record what begins a turn; None where its key was used in the meantime."""
        deadline = asyncio.get_running_loop().time() + WAIT_FOR_SESSION
        stored = effects.stored(key) if key else None
        while asyncio.get_running_loop().time() < deadline:
            if self._closing:
                raise stopping()
            opening = await opens()
            said = opening.said
            try:
                entries: list[Entry] = []
                async with self._database.transaction(entries) as transaction:
                    turn = await store.begin_turn(
                        transaction, where, context.principal, said, key=stored, digest=digest
                    )
                    entries.append(turn_entry(self._ledger, turn, "begun", said=said))
                    here = replace(context, session_id=where.session_id, turn_id=turn.id)
                    entries += await self._openings.record(transaction, opening, here)
                    await _join_handover(transaction, where, said)
                    return turn, said
            except Conflict:  # what it answers was answered in the meantime: looked at once more
                await asyncio.sleep(0)
            except TakenOver:  # of what it answers nothing is done: a person reads it
                if said[0].role != "user" or len(said) == 1:
                    raise
                opens = _just(said[:1])
            except IntegrityError:
                if stored and await store.turn_by_key(self._database.reader, where, stored):
                    return None
                await self._finish_other(where)
        raise busy()

    async def _finish_other(self, where: Where) -> None:
        """Wait for the session's open turn, which is paused or another process's."""
        turn = await store.open_turn(self._database.reader, where)
        if turn is None:
            return
        running = self._turns.running.get(turn.id) or await self._turns.take_over(turn)
        if running is not None and running.task is not None:
            await asyncio.wait([running.task])
        else:
            await asyncio.sleep(0.1)

    async def _read(self, turn: Turn, context: Context, place: Position | None) -> Reader:
        """Read a turn that was begun before."""
        deadline = asyncio.get_running_loop().time() + WAIT_FOR_SESSION
        while asyncio.get_running_loop().time() < deadline:
            if running := self._turns.running.get(turn.id):
                if not running.stopping:
                    return self._reader(running, place)
                assert running.task is not None
                await asyncio.wait([running.task])
            elif turn.status in ("done", "failed", "stopped"):
                return self._reader(await self._turns.recorded(turn), place)
            elif running := await self._turns.take_over(turn, context):
                return self._reader(running, place)
            else:
                await asyncio.sleep(0.1)
            found = await store.turn(self._database.reader, turn.where, turn.id)
            if found is None:
                raise SessionNotFound(turn.where.session_id)
            turn = found
        raise busy()

    def _reader(self, running: Running, place: Position | None) -> Reader:
        return Reader(running, place, self._left_alone)

    def _left_alone(self, running: Running) -> None:
        loop = asyncio.get_running_loop()
        running.timer = loop.call_later(self._grace, self._pause, running)

    def _pause(self, running: Running) -> None:
        if running.readers == 0 and running.task is not None and not running.task.done():
            running.pausing = True
            if not running.cannot_stop:  # else `_answer` stops when it can
                running.stop()


async def _join_handover(db: Connection, where: Where, said: Sequence[Message]) -> None:
    """Add what a customer says to the handover of the conversation, where one waits."""
    kind, _, customer_id = where.owner.partition(":")
    if kind != "customer" or not said or said[0].role != "user":
        return
    ticket = await tickets.handover_of(db, where.tenant, where.owner, where.session_id)
    if ticket is not None:
        author = Author.customer(customer_id)
        await thread.receive(
            db, where.tenant, ticket.id, text=said[0].text, author=author, channel="chat"
        )


def _just(said: Sequence[Message]) -> Opens:
    """What begins a turn without a customer's message."""

    async def opens() -> Opening:
        return Opening(said)

    return opens
