"""Answering a turn: its events go to readers, its messages and their record to the store."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Literal

from sqlalchemy.exc import SQLAlchemyError

from deskward.agent.dialogue import followed
from deskward.agent.events import Done, Event, MessageAdded, Text, ToolAnswered, Withheld
from deskward.agent.loop import Agent
from deskward.agent.model import Message, ToolRequest
from deskward.conversations import archive, store
from deskward.conversations.cursors import Answered
from deskward.conversations.live import Running
from deskward.conversations.store import NotHeld, TakenOver, Turn
from deskward.conversations.turn_rows import model_entry, turn_entry
from deskward.conversations.wording import FAILED, stopping, told
from deskward.core.database import Database
from deskward.core.errors import (
    DeskwardError,
    Internal,
    OutcomeUnknown,
    SessionNotFound,
    Unavailable,
)
from deskward.core.logging import bind
from deskward.gate.context import Context
from deskward.gate.ledger.chain import Ledger
from deskward.security.vault import Vaults

log = logging.getLogger(__name__)

_NOT_STORED = (SQLAlchemyError, Unavailable, OutcomeUnknown)


class Answering:
    """Answers turns that are held."""

    def __init__(self, database: Database, agent: Agent, ledger: Ledger, vaults: Vaults) -> None:
        self._database = database
        self._agent = agent
        self._ledger = ledger
        self._vaults = vaults

    async def run(self, running: Running, context: Context, resumed: bool) -> None:
        """Answer a turn; whatever happens, its readers are told how it ended."""
        turn = running.turn
        bind(tenant=turn.where.tenant)
        begun = perf_counter()
        try:
            await self._answer(running, context, resumed)
            _log_answer(running, perf_counter() - begun)
        except asyncio.CancelledError:
            running.finish(stopping())
            if not running.stopping:
                raise
            await self._leave(running)
        except TakenOver:
            await self._taken(running)
        except NotHeld:
            log.warning("turn %s is answered by another process by now", turn.id)
            running.finish(stopping())
        except _NOT_STORED:
            # Left to its lease: whoever reaches the database first goes on with it.
            log.exception("turn %s could not be stored", turn.id)
            running.finish(stopping())
        except Exception as error:
            log.exception("turn %s failed", turn.id)
            try:
                await self.fail(turn)
            except Exception:
                log.exception("turn %s could not be reported as failed", turn.id)
            running.finish(error if isinstance(error, DeskwardError) else Internal(FAILED))

    async def _taken(self, running: Running) -> None:
        """End a turn in which a person has taken the conversation over: they answer."""
        turn = running.turn
        log.info("turn %s is answered by a person", turn.id)
        entry = turn_entry(self._ledger, turn, "done")
        said: list[str] = []
        count = 0
        try:
            said = await self._said(turn)
            async with self._database.transaction([entry]) as transaction:
                await store.hold(transaction, turn)
                count = (await archive.session(transaction, turn.where)).message_count
                await store.end_turn(transaction, turn, "done", count=count)
        except (NotHeld, SessionNotFound, *_NOT_STORED):
            log.exception("turn %s could not be ended", turn.id)
        running.finish(Answered(told("taken", said), "", count))

    async def _leave(self, running: Running) -> None:
        """End a turn that was stopped, or pause one that nobody reads."""
        turn = running.turn
        try:
            if running.unwanted:
                log.info("turn %s was stopped by its customer", turn.id)
                await self.fail(turn, "stopped")
                return
            log.info("turn %s pauses: nobody reads it any more", turn.id)
            entry = turn_entry(self._ledger, turn, "paused")
            async with self._database.transaction([entry]) as transaction:
                await store.pause(transaction, turn)
        except _NOT_STORED:
            log.exception("turn %s could not be paused", turn.id)

    async def _answer(self, running: Running, context: Context, resumed: bool) -> None:
        turn, where = running.turn, running.turn.where
        if await store.is_taken(self._database.reader, where):
            raise TakenOver
        history = await store.history(self._database.reader, where)
        vault = self._vaults.of(where.tenant, where.owner, where.session_id)
        said = [
            placed.event.message
            for placed in running.placed
            if isinstance(placed.event, MessageAdded)
        ]
        count = 0
        async for event in self._agent.run(context, vault, history, resumed=resumed):
            if isinstance(event, Done):
                text = "".join(m.text for m in said if m.role == "assistant")
                running.finish(Answered(text, event.model, count))
                return
            if isinstance(event, Withheld):
                await self._database.append(model_entry(self._ledger, turn, event))
                continue
            if isinstance(event, MessageAdded):
                history.append(event.message)
                said.append(event.message)
                with running.uncut():
                    count = await self._record(turn, context, event, history)
            running.add(event)
            if running.pausing and not running.cannot_stop and _may_end(running, event):
                running.stopping = True
                raise asyncio.CancelledError

    async def _record(
        self, turn: Turn, context: Context, said: MessageAdded, history: Sequence[Message]
    ) -> int:
        """Record a message, and the turn's end with its last one; returns the session's count.

        Args:
            history: The conversation with the message.
        """
        message = said.message
        ends = message.role == "assistant" and not message.tool_requests
        if ends:
            about = followed(history, self._agent.tools, said.model or "")
            message = replace(message, dialogue=about.plain)
        entries = [model_entry(self._ledger, turn, said)] if said.call else []
        if entries:  # what the model was shown besides messages
            entries = [replace(entries[0], read=context.to_keep)]
        async with self._database.transaction(entries) as transaction:
            count = await store.add_message(transaction, turn, message)
            if ends:
                await store.end_turn(transaction, turn, "done", said.model, count)
                entries.append(turn_entry(self._ledger, turn, "done", model=said.model))
        return count

    async def fail(self, turn: Turn, word: Literal["apology", "stopped"] = "apology") -> None:
        """Leave word in the conversation that the turn ended without its answer."""
        said = await store.messages_of(self._database.reader, turn.where, turn.id)
        last_word = Message("assistant", told(word, await self._said(turn)))
        entry = turn_entry(self._ledger, turn, "failed")
        async with self._database.transaction([entry]) as transaction:
            for request in _unanswered(said):
                await store.add_message(transaction, turn, _not_made(request))
            await store.add_message(transaction, turn, last_word)
            ended = "stopped" if word == "stopped" else "failed"
            await store.end_turn(transaction, turn, ended)

    async def _said(self, turn: Turn) -> list[str]:
        """What the customer has said in the conversation, the latest last."""
        history = await store.history(self._database.reader, turn.where)
        return [message.text for message in history if message.role == "user"]


def _log_answer(running: Running, seconds: float) -> None:
    """Say in the log how a turn was answered; nothing of what anybody said."""
    answered = running.answered
    if answered is None:
        return
    events = (placed.event for placed in running.placed)
    tools = [f"{e.name} {e.status}" for e in events if isinstance(e, ToolAnswered)]
    log.info(
        "answered in %d ms: model %s, tools %s, %d characters",
        1000 * seconds,
        answered.model,
        ", ".join(tools) or "none",
        len(answered.text),
    )


def _may_end(running: Running, event: Event) -> bool:
    """Whether a turn may be cut off behind an event.

    One that is over for good first records what a tool has answered; one that pauses asks for that
    answer again.
    """
    return not running.unwanted or isinstance(event, MessageAdded | Text)


def _unanswered(said: Sequence[Message]) -> Sequence[ToolRequest]:
    """The calls that the last message to ask for some asks for, and that have no answer."""
    asking = next((i for i in reversed(range(len(said))) if said[i].tool_requests), None)
    if asking is None:
        return ()
    return said[asking].tool_requests[len(said) - asking - 1 :]


def _not_made(request: ToolRequest) -> Message:
    """The answer to a call that no longer is waited for: providers refuse calls without any."""
    error = Unavailable("The turn ended first. Look before you do this again: it may be done.")
    return Message("tool", json.dumps(error.tool_envelope("")), tool_request_id=request.id)
