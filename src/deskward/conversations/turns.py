"""The turns that run in this process, and those that another one left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

from deskward.agent.loop import Agent
from deskward.conversations import store
from deskward.conversations.answering import Answering
from deskward.conversations.cursors import Answered, recorded
from deskward.conversations.live import Running
from deskward.conversations.store import NotHeld, Turn, Where
from deskward.conversations.turn_rows import turn_entry
from deskward.conversations.wording import FAILED, stopping
from deskward.core.database import Database, now
from deskward.core.errors import Internal
from deskward.core.tasks import end
from deskward.gate.confirmations import forget_late
from deskward.gate.context import Context
from deskward.gate.ledger.chain import Entry, Ledger
from deskward.gate.readings import Reading

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
"""How often a turn is begun before it is reported as failed."""
RENEW_EVERY = 3.0
"""Seconds between signs of life of running turns, and between looks for lost ones."""

SWEEP_EVERY = 60.0
"""Seconds between looks for questions that nobody can answer any more."""

MAX_TAKEN_OVER = 50
"""Lost turns are taken over while this process answers fewer than that."""


class Turns:
    """Runs turns, keeps their leases, and finishes those that another process left."""

    def __init__(
        self,
        database: Database,
        answering: Answering,
        ledger: Ledger,
        agent: Agent,
    ) -> None:
        """Make it.

        Args:
            ledger: Keeps a record of the turns.
        """
        self._database = database
        self._answering = answering
        self._ledger = ledger
        self._agent = agent
        self.running: dict[str, Running] = {}
        """Turn → it, while it is being answered."""
        self._swept = -SWEEP_EVERY

    async def stop(self, where: Where, turn_id: str | None = None) -> None:
        """End the session's turn for good, because its customer does not want the answer.

        A tool's call that has begun is made to its end first. A turn of another process goes on,
        unless it is named.

        Args:
            turn_id: The turn; one that is paused, or another process's, is taken from there.
        """
        for running in list(self.running.values()):
            if turn_id not in (None, running.turn.id):
                continue
            if running.turn.where == where and running.task is not None:
                running.unwanted = running.pausing = True
                if not running.cannot_stop:  # else `_answer` stops when it can
                    running.stop()
                await asyncio.wait([running.task])
        if turn_id is not None:
            await self._take_and_stop(where, turn_id)

    async def _take_and_stop(self, where: Where, turn_id: str) -> None:
        """End a turn that does not run here. Whoever answers it writes nothing more."""
        while (turn := await store.turn(self._database.reader, where, turn_id)) is not None:
            if turn.status not in ("running", "paused"):
                return
            async with self._database.transaction() as transaction:
                taken = await store.take_over(transaction, turn)
            if taken is not None:  # else its sign of life came between
                with contextlib.suppress(NotHeld):
                    await self._answering.fail(taken, "stopped")

    async def drain(self, seconds: float) -> None:
        """Let turns end, and tell the readers of those that did not in time."""
        tasks = [running.task for running in self.running.values() if running.task]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for running in self.running.values():
            running.finish(stopping())

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Renew the leases of running turns and finish lost ones, while the block runs.

        Turns that run at its end are left for the next process.
        """
        keeper = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            left = list(self.running.values())
            await end(keeper, *(running.task for running in left if running.task))
            if left:
                async with self._database.transaction() as transaction:
                    for running in left:
                        await store.release(transaction, running.turn)

    async def recorded(self, turn: Turn) -> Running:
        """An ended turn, or what there is of one that goes on."""
        running = Running(turn)
        said = await store.messages_of(self._database.reader, turn.where, turn.id)
        running.fill(recorded(turn.id, said[1:], self._agent.handover_tools))
        if turn.status in ("failed", "stopped"):
            running.finish(Internal(FAILED))
        elif turn.status == "done":
            text = "".join(m.text for m in said if m.role == "assistant")
            running.finish(Answered(text, turn.model or "", turn.message_count or 0))
        return running

    def start(
        self,
        turn: Turn,
        context: Context,
        running: Running | None = None,
        *,
        resumed: bool = False,
    ) -> Running:
        """Answer a turn in a task of its own.

        Args:
            running: Has what was said before, of one that is resumed.
        """
        running = running or Running(turn)
        context = replace(
            context, session_id=turn.where.session_id, turn_id=turn.id, reading=Reading()
        )
        self.running[turn.id] = running
        running.task = asyncio.create_task(self._answering.run(running, context, resumed))
        running.task.add_done_callback(lambda _: self.running.pop(turn.id, None))
        return running

    async def _keep(self) -> None:
        while True:
            try:
                await self._renew()
                await self._sweep()
                for turn in await store.lost_turns(self._database.reader):
                    # One that runs here is late with its sign of life, and gives it next time.
                    if len(self.running) < MAX_TAKEN_OVER and turn.id not in self.running:
                        await self.take_over(turn)
            except Exception:
                log.exception("could not look after running turns")
            await asyncio.sleep(RENEW_EVERY)

    async def _sweep(self) -> None:
        """Now and then, forget what customers have left unanswered."""
        moment = asyncio.get_running_loop().time()
        if moment - self._swept >= SWEEP_EVERY:
            self._swept = moment
            await forget_late(self._database)

    async def _renew(self) -> None:
        if not self.running:
            return
        async with self._database.transaction() as transaction:
            # Listed inside, where no turn begins or ends while the list is made.
            await store.renew(transaction, [running.turn for running in self.running.values()])

    async def take_over(self, turn: Turn, context: Context | None = None) -> Running | None:
        """Go on with a turn that is paused or whose process is gone; None where it is neither.

        It is reported in the conversation instead when that failed too often.
        """
        entries: list[Entry] = []
        async with self._database.transaction(entries) as transaction:
            is_lost = turn.status == "running" and turn.lease_until <= now()
            if not (is_lost or turn.status == "paused"):
                return None
            taken = await store.take_over(transaction, turn)
            if taken is not None:
                entries.append(turn_entry(self._ledger, taken, "resumed"))
        if taken is None:
            return None
        turn = taken
        if turn.attempts > MAX_ATTEMPTS:
            log.error("turn %s was given up after %d attempts", turn.id, MAX_ATTEMPTS)
            await self._answering.fail(turn)
            return None
        log.warning("turn %s goes on", turn.id)
        context = context or Context(principal=turn.principal, door="agent")
        context = replace(context, principal=turn.principal)
        return self.start(turn, context, await self.recorded(turn), resumed=True)
