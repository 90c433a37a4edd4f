"""Chat: one message in, a turn's events out; whatever happens to the process, no turn is lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from sqlalchemy.exc import IntegrityError

from deskward.agent.events import Done, Event, Said
from deskward.agent.loop import Agent
from deskward.agent.model import Message
from deskward.conversations import store
from deskward.conversations.store import Turn, Where
from deskward.core.database import Database, now
from deskward.core.errors import DeskwardError, Internal, InvalidInput, SessionBusy
from deskward.gate.context import Context
from deskward.security.masking import mask
from deskward.security.vault import Vaults

log = logging.getLogger(__name__)

MAX_MESSAGE = 10_000
"""Longest message, in characters."""
MAX_ATTEMPTS = 3
"""How often a turn is begun before it is reported as failed."""
WAIT_FOR_SESSION = 60.0
"""Seconds that a message waits for the session's earlier message to be answered."""
RENEW_EVERY = 3.0
"""Seconds between signs of life of running turns, and between looks for lost ones."""

APOLOGY = "I am sorry, I could not finish answering your message. Please send it again."


@dataclass(frozen=True)
class Answered:
    """The end of a turn as doors show it."""

    text: str
    model: str
    message_count: int


TurnEvent = Event | Answered


class Conversations:
    """Runs turns, one at a time per session, and finishes those that another process left."""

    def __init__(self, database: Database, agent: Agent) -> None:
        self.agent = agent
        self._database = database
        self._vaults = Vaults()
        self._locks: WeakValueDictionary[Where, asyncio.Lock] = WeakValueDictionary()
        self._running: dict[str, asyncio.Task[None]] = {}

    async def send(
        self, context: Context, session_id: str, text: str
    ) -> AsyncGenerator[TurnEvent, None]:
        """Answer a message. Ends with `Answered`.

        The turn runs to its end even when nobody listens any more.

        Raises:
            InvalidInput: The message is empty or too long.
            SessionBusy: The session's earlier message took too long.
            DeskwardError: The turn failed.
        """
        if not text.strip():
            raise InvalidInput("The message is empty.")
        if "\0" in text:
            raise InvalidInput("The message holds a NUL character, which no text has.")
        if len(text) > MAX_MESSAGE:
            raise InvalidInput(f"The message is longer than {MAX_MESSAGE:,} characters.")
        where = Where(context.tenant, context.principal.label, session_id)
        events: asyncio.Queue[TurnEvent | DeskwardError] = asyncio.Queue()
        async with self._only_one(where):
            turn = await self._begin(context, where, text)
            task = self._start(turn, context, events)
            while True:
                event = await events.get()
                if isinstance(event, DeskwardError):
                    raise event
                yield event
                if isinstance(event, Answered):
                    await task
                    return

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Renew the leases of running turns and finish lost ones, while the block runs."""
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeper.cancel()
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(keeper, *self._running.values(), return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _only_one(self, where: Where) -> AsyncIterator[None]:
        lock = self._locks.setdefault(where, asyncio.Lock())
        try:
            async with asyncio.timeout(WAIT_FOR_SESSION):
                await lock.acquire()
        except TimeoutError as error:
            raise _busy() from error
        try:
            yield
        finally:
            lock.release()

    async def _begin(self, context: Context, where: Where, text: str) -> Turn:
        deadline = asyncio.get_running_loop().time() + WAIT_FOR_SESSION
        while asyncio.get_running_loop().time() < deadline:
            earlier = await store.history(self._database.reader, where)
            last = earlier[-1].text if earlier and earlier[-1].role == "assistant" else ""
            vault = self._vaults.of(where.tenant, where.owner, where.session_id)
            masked = mask(text, vault, asked_by=last)
            try:
                async with self._database.transaction() as transaction:
                    return await store.begin_turn(transaction, where, context.principal, masked)
            except IntegrityError:
                await self._finish_other(where)
        raise _busy()

    async def _finish_other(self, where: Where) -> None:
        """Wait for the session's running turn, which another process has or had."""
        turn = await store.running_turn(self._database.reader, where)
        if turn is not None and turn.id in self._running:
            await asyncio.wait([self._running[turn.id]])
        elif turn is not None:
            await self._resume(turn)
            await asyncio.sleep(0.1)

    def _start(
        self,
        turn: Turn,
        context: Context,
        events: asyncio.Queue[TurnEvent | DeskwardError],
        *,
        resumed: bool = False,
    ) -> asyncio.Task[None]:
        context = replace(context, session_id=turn.where.session_id, turn_id=turn.id)
        task = asyncio.create_task(self._run(turn, context, events, resumed))
        self._running[turn.id] = task
        task.add_done_callback(lambda _: self._running.pop(turn.id, None))
        return task

    async def _run(
        self,
        turn: Turn,
        context: Context,
        events: asyncio.Queue[TurnEvent | DeskwardError],
        resumed: bool,
    ) -> None:
        try:
            await self._answer(turn, context, events, resumed)
        except DeskwardError as error:
            await self._fail(turn)
            await events.put(error)
        except Exception:
            log.exception("turn %s failed", turn.id)
            await self._fail(turn)
            await events.put(Internal("Something went wrong on our side. Please try again."))

    async def _answer(
        self,
        turn: Turn,
        context: Context,
        events: asyncio.Queue[TurnEvent | DeskwardError],
        resumed: bool,
    ) -> None:
        where = turn.where
        history = await store.history(self._database.reader, where)
        vault = self._vaults.of(where.tenant, where.owner, where.session_id)
        count = 0
        last: Message | None = None
        async for event in self.agent.run(context, vault, history, resumed=resumed):
            if isinstance(event, Said):
                last = event.message
                ends = last.role == "assistant" and not last.tool_requests
                async with self._database.transaction() as transaction:
                    count = await store.add_message(transaction, turn, last)
                    if ends:
                        await store.end_turn(transaction, turn, "done")
            elif isinstance(event, Done):
                await events.put(Answered(event.text, event.model, count))
            else:
                await events.put(event)

    async def _fail(self, turn: Turn) -> None:
        """Leave word in the conversation that the turn failed."""
        async with self._database.transaction() as transaction:
            await store.add_message(transaction, turn, Message("assistant", APOLOGY))
            await store.end_turn(transaction, turn, "failed")

    async def _keep(self) -> None:
        while True:
            try:
                if self._running:
                    async with self._database.transaction() as transaction:
                        await store.renew(transaction, list(self._running))
                for turn in await store.lost_turns(self._database.reader):
                    await self._resume(turn)
            except Exception:
                log.exception("could not look after running turns")
            await asyncio.sleep(RENEW_EVERY)

    async def _resume(self, turn: Turn) -> None:
        """Finish a turn whose process is gone, or report it when that failed too often."""
        async with self._database.transaction() as transaction:
            if turn.lease_until > now() or not await store.take_over(transaction, turn):
                return
        if turn.attempts >= MAX_ATTEMPTS:
            log.error("turn %s was given up after %d attempts", turn.id, turn.attempts)
            await self._fail(turn)
            return
        log.warning("turn %s goes on after its process was lost", turn.id)
        context = Context(principal=turn.principal, door="agent")
        task = self._start(turn, context, asyncio.Queue(), resumed=True)
        await asyncio.wait([task])


def _busy() -> SessionBusy:
    return SessionBusy(
        "An earlier message of this session is still being answered. Try again later.",
        retry_after=5,
    )
