"""What happens once a person has decided on a call: it is made, and its conversation goes on."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic_core import from_json, to_json

from deskward.agent.model import Message, ToolRequest
from deskward.conversations import store
from deskward.conversations.service import Conversations
from deskward.conversations.store import TakenOver, Where
from deskward.core.database import Database
from deskward.core.errors import (
    CallInProgress,
    DeskwardError,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    SessionBusy,
    SessionEnded,
    Unavailable,
    UnknownTool,
)
from deskward.core.jobs import Job, RetryLater
from deskward.core.worker import insist
from deskward.gate import effects
from deskward.gate.approvals import Denied
from deskward.gate.approved import run_approved
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.gate.run import answer_of
from deskward.gate.waiting import PendingCall, Status
from deskward.security.principals import Kind, Principal
from deskward.tickets import service as tickets
from deskward.tickets import store as messages
from deskward.tickets import thread
from deskward.tickets.messages import DESK

log = logging.getLogger(__name__)

ATTEMPTS = 20
"""How often a call is tried while something that it needs is away."""
AGAIN = 5.0
"""Seconds between these attempts."""

_PASSING = (CallInProgress, Unavailable, UnknownTool)
"""What another attempt may find otherwise. A tool that this process lacks, another one may have."""


class Decisions:
    """Carries decisions out. Every step can be done again: a process may die between any two."""

    def __init__(
        self,
        gate: Gate,
        conversations: Conversations,
        database: Database,
        denied: Mapping[str, Denied],
    ) -> None:
        """Make it.

        Args:
            denied: Tool → what is done when a call of it was denied.
        """
        self._gate = gate
        self._conversations = conversations
        self._database = database
        self._denied = denied

    async def carry_out(self, job: Job) -> None:
        """Make the call of a decision, or not, and tell the conversation that it came from.

        Raises:
            RetryLater: Something that it needs is away.
            JobLost: Another process has the job.
        """
        tenant, approval_id = job.payload["tenant"], job.payload["approval_id"]
        try:
            call = await self._gate.approvals.get(self._database.reader, tenant, approval_id)
            if call.status == "approved":
                outcome = await self._run(call)
                if isinstance(outcome.error, _PASSING) and job.attempt < ATTEMPTS:
                    raise RetryLater(AGAIN, outcome.error.message)
                await insist(partial(self._record, job, call, outcome))
                call = await self._gate.approvals.get(self._database.reader, tenant, approval_id)
        except NotFound:  # the call was to erase the customer whom it is about
            return
        if call.status == "denied" and call.tool in self._denied:
            await self._denied[call.tool](call)
        if call.came_from.session_id and call.came_from.turn_id:
            await self._tell(call)

    async def _run(self, call: PendingCall) -> Outcome:
        try:
            return await run_approved(self._gate, call)
        except DeskwardError as error:  # of a row that cannot be believed
            log.error("the approved call %s is not made: %s", call.id, error.message)
            return Outcome("error", "", call.id, error)

    async def _record(self, job: Job, call: PendingCall, outcome: Outcome) -> None:
        status: Status = "done"
        if outcome.error is not None:
            status = "unknown" if isinstance(outcome.error, OutcomeUnknown) else "failed"
        key = call.came_from.key
        async with self._database.transaction() as transaction:
            await job.hold(transaction)
            await self._gate.approvals.finish(transaction, call.id, status, outcome.text)
            if key and status == "done":  # whoever repeats the call is told what came of it
                effect = effects.Effect(call.tenant_id, call.principal, key, "", call.tool, "")
                await effect.finish(transaction, answer_of("ok", outcome.json))

    async def _tell(self, call: PendingCall) -> None:
        session_id, turn_id = call.came_from.session_id, call.came_from.turn_id
        assert session_id is not None
        assert turn_id is not None
        principal = Principal.of_facts({**call.came_from.principal, "agent": None})
        where = Where(call.tenant_id, principal.label, session_id)
        request = await self._request(where, turn_id, call.id)
        if request is None:  # the session was deleted
            return
        answer = call.answered or _denial(call)
        asked = ToolRequest(f"approved-{call.id[:12]}", request.name, request.arguments)
        said = [
            Message("assistant", "", (asked,)),
            Message("tool", json.dumps(answer, ensure_ascii=False), tool_request_id=asked.id),
        ]
        context = Context(principal=principal, door="agent")
        try:
            await self._conversations.follow_up(
                context, where.session_id, said, key=effects.DeskKey("approval", call.id)
            )
        except SessionEnded:
            return  # nobody listens there any more
        except TakenOver:
            await self._note(where, call)
        except (SessionBusy, Unavailable) as error:
            raise RetryLater(AGAIN, error.message) from None

    async def _note(self, where: Where, call: PendingCall) -> None:
        """Tell the person who has a conversation what came of a call of it, once: they answer."""
        named = f"{call.tool} ({call.label})" if call.label else call.tool
        came = {
            "denied": "A colleague has decided that this is not done",
            "done": "It was approved and is done",
        }.get(call.status, f"It was approved, and is {call.status}")
        told = f" The customer is to be told: {call.told}" if call.told else ""
        text = f"{came}: {named}. The agent has not told the customer: you have them.{told}"
        async with self._database.transaction() as db:
            ticket = await tickets.of_conversation(db, where.tenant, where.owner, where.session_id)
            if ticket is None or await messages.by_name(db, where.tenant, call.id) is not None:
                return
            await thread.note(
                *(db, where.tenant, ticket.id, text), author=DESK, channel="chat", name=call.id
            )

    async def _request(self, where: Where, turn_id: str, approval_id: str) -> ToolRequest | None:
        """The agent's request whose call waited."""
        asked: dict[str, ToolRequest] = {}
        for message in await store.messages_of(self._database.reader, where, turn_id):
            if message.tool_requests:
                asked = {request.id: request for request in message.tool_requests}
            elif message.role == "tool" and approval_id in message.text:
                return asked.get(message.tool_request_id or "")
        return None


def _is_customers(call: PendingCall) -> bool:
    """Whether it is a customer who reads the conversation that a call came from."""
    return call.came_from.principal.get("kind") != Kind.STAFF


def _denial(call: PendingCall) -> dict[str, Any]:
    """What a conversation is told: its customer what was meant for them, and no word more."""
    words = [call.told, None if _is_customers(call) else call.comment]
    said = "".join(f" They said: {text}" for text in words if text)
    error = Forbidden(f"A colleague has decided that this is not done.{said}")
    denial: dict[str, Any] = from_json(to_json(error.tool_envelope(call.id)))
    return denial
