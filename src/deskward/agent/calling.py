"""The calls that a model asks for: each is made once, through the gate, and answered in order."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol

from deskward.agent.events import (
    ApprovalNeeded,
    ConfirmNeeded,
    Event,
    HandedOver,
    MessageAdded,
    ToolAnswered,
    ToolCalled,
)
from deskward.agent.model import Message, ToolRequest
from deskward.agent.taint import influence_in_time
from deskward.agent.texts import clean
from deskward.agent.turn import Turn, answered_by, masked, masked_in_time, of_receipt, too_many
from deskward.core.answers import status_of
from deskward.core.errors import NotFound
from deskward.gate.context import Context
from deskward.gate.effects import DeskKey, Key
from deskward.gate.outcome import Outcome
from deskward.gate.tool import Tool
from deskward.security.principals import Principal


class Toolbox(Protocol):
    """Where the agent's calls go: the gate, or a client of a remote one. See `Gate`."""

    tools: dict[str, Tool]

    def tools_for(self, principal: Principal, /) -> list[Tool]:
        """The tools that the principal may use."""
        ...

    async def first_answer(self, name: str, context: Context, key: Key, /) -> Outcome | None:
        """The first answer to a key, or None."""
        ...

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        context: Context,
        *,
        idempotency_key: Key | None = None,
    ) -> Outcome:
        """Call a tool. Raises nothing of its own."""
        ...


Confirmed = Callable[[str, Context], Awaitable[Outcome]]
"""Makes a call that its customer has said yes to, by the confirmation's id."""


async def nothing_confirmed(confirmation_id: str, context: Context) -> Outcome:
    """Refuse: nothing waits for a yes here."""
    return Outcome("error", "", context.request_id, NotFound("confirmation", confirmation_id))


class Calls:
    """Makes the calls of a turn."""

    def __init__(self, gate: Toolbox, most: int, confirmed: Confirmed = nothing_confirmed) -> None:
        """Make it.

        Args:
            most: Calls that one step of a model may ask for; the others are not made.
            confirmed: Makes the call that a customer has said yes to.
        """
        self._gate = gate
        self._most = most
        self._confirmed = confirmed

    async def make(self, turn: Turn, resumed: bool) -> AsyncIterator[Event]:
        """Make the calls that the last assistant message asks for and that have no answer yet."""
        asking = next(
            (i for i in range(len(turn.messages) - 1, -1, -1) if turn.messages[i].tool_requests),
            None,
        )
        if asking is None or any(m.role != "tool" for m in turn.messages[asking + 1 :]):
            return
        answered = len(turn.messages) - asking - 1
        requests = turn.messages[asking].tool_requests
        answering = answered_by(requests, self._gate.tools, self._most)
        for number, request in enumerate(requests):
            if number < answered:
                continue
            yield ToolCalled(request.id, request.name, request.arguments)
            if answering[number] != number:
                same = answering[number]
                first = turn.messages[asking + 1 + same] if same >= 0 else None
                for event in self._not_made(turn, request, first):
                    yield event
                continue
            key = DeskKey("turn", f"{turn.context.turn_id}:{turn.step}:{number}")
            outcome = await self._call(turn, request, key, resumed)
            tool = self._gate.tools.get(request.name)
            value = clean(outcome.told)
            secrets = tool is None or tool.keeps_secrets
            answer = value
            if outcome.status in ("confirm", "pending"):
                answer = masked(value, turn.vault) if secrets else value
                answer |= of_receipt(value)
            elif secrets:
                answer = await masked_in_time(value, turn.vault)
            yield ToolAnswered(request.id, request.name, outcome.status, answer)
            asks: tuple[str, ...] = ()
            if outcome.status == "confirm":
                asks = (str(answer["confirmation_id"]),)
                yield ConfirmNeeded.of(request.id, answer)
            elif outcome.status == "pending":
                named = str(answer.get("approval_id", ""))
                yield ApprovalNeeded(request.id, request.name, named, answer.get("label"))
            elif outcome.status == "ok" and tool is not None and tool.hands_over:
                yield HandedOver(str(answer.get(tool.hands_over, "")))
            message = Message(
                "tool",
                json.dumps(answer, ensure_ascii=False),
                tool_request_id=request.id,
                untrusted=", ".join(sorted(outcome.sources)) or None,
                asks=asks,
            )
            turn.messages.append(message)
            yield MessageAdded(message)

    def _not_made(self, turn: Turn, request: ToolRequest, first: Message | None) -> Iterator[Event]:
        """Answer a call that is not made: as the first that is the same, or that it is too many."""
        text = first.text if first is not None else too_many(self._most)
        answer = json.loads(text)
        yield ToolAnswered(request.id, request.name, status_of(answer), answer)
        untrusted = first.untrusted if first is not None else None
        message = Message("tool", text, tool_request_id=request.id, untrusted=untrusted)
        turn.messages.append(message)
        yield MessageAdded(message)

    async def _call(self, turn: Turn, request: ToolRequest, key: Key, resumed: bool) -> Outcome:
        once_more = resumed and request.confirmation is None
        if once_more and (first := await self._gate.first_answer(request.name, turn.context, key)):
            return first
        influence = await influence_in_time(turn.messages, self._gate.tools)
        context = turn.context.completed(influence=influence, unsure=request.unsure)
        if request.confirmation is not None:
            return await self._confirmed(request.confirmation, context)
        return await self._gate.call(request.name, request.arguments, context, idempotency_key=key)
