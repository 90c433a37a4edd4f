"""Replay: a recorded conversation once more, without network and without effects.

The turn loop is the real one. The model answers what it answered then (or another model answers
anew), and tools answer what they answered then; nothing is called. Every step is compared with the
record, and the first that differs is named.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pydantic_core import from_json

from deskward.agent.claims.check import ClaimCheck
from deskward.agent.dialogue import followed
from deskward.agent.events import MessageAdded, ToolAnswered
from deskward.agent.loop import Agent
from deskward.agent.model import (
    Finished,
    Interrupted,
    Message,
    Model,
    ModelEvent,
    ModelRequest,
    TextPiece,
)
from deskward.agent.offering import AsOffered
from deskward.agent.offline.model import NAME
from deskward.agent.prompt import brand_of
from deskward.agent.turn import Limits, answered_by
from deskward.conversations.store import MAX_HISTORY
from deskward.conversations.transcript import ModelStep, ToolStep, TurnRecord
from deskward.core.answers import PENDING, TO_CONFIRM
from deskward.core.errors import DeskwardError, ModelUnavailable
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.effects import DeskKey, Key
from deskward.gate.judging import refusal
from deskward.gate.outcome import Outcome
from deskward.gate.policy.engine import Decision, Policy, Verdict
from deskward.gate.tool import Tool
from deskward.gate.waiting import canonical
from deskward.security.principals import Principal
from deskward.security.vault import Vault


@dataclass
class Replay:
    """What came of a replay.

    Attributes:
        recorded: The tool calls on record, one canonical JSON line each.
        replayed: Those of the replay.
        divergence: The first difference, or None.
        answers: The replay's answers, one per turn.
        dialogues: What the conversation was about after each turn (`agent/dialogue.py`).
    """

    turns: int = 0
    recorded: list[str] = field(default_factory=list)
    replayed: list[str] = field(default_factory=list)
    divergence: str | None = None
    answers: list[str] = field(default_factory=list)
    dialogues: list[dict[str, Any]] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return self.divergence is None and self.recorded == self.replayed

    def differs(self, what: str) -> None:
        """Note a difference; the first counts."""
        self.divergence = self.divergence or what


async def replay(
    gate: Gate,
    turns: Sequence[TurnRecord],
    *,
    claims: ClaimCheck,
    model: Model | None = None,
    policy: Policy | None = None,
    changed: Mapping[str, Mapping[str, Any]] | None = None,
    limits: Limits | None = None,
) -> Replay:
    """Run recorded turns again, whose answers `claims` checks.

    Args:
        model: Answers anew, instead of what is on record.
        policy: Decides anew, instead of what is on record.
        changed: Tool → what it is to answer instead.
    """
    found = Replay(turns=len(turns))
    messages: list[Message] = []
    for number, turn in enumerate(turns, 1):
        place = f"turn {number}"
        messages += turn.said
        speaker = _Recorded(turn, messages, found, place)
        toolbox = _Toolbox(gate, turn, policy, changed or {}, found, place)
        agent = Agent(
            toolbox,
            model or speaker,
            limits,
            claims=claims,
            confirmed=toolbox.confirmed,
            brand=partial(brand_of, gate.database.reader),
            choosing=None if model else AsOffered(step.offered for step in turn.models),
        )
        context = Context(turn.principal, "agent", session_id="replay", turn_id=turn.id)
        text = ""
        async for event in agent.run(context, Vault(), _window(messages)):
            if isinstance(event, ToolAnswered):
                found.replayed += toolbox.lines(event)
            elif isinstance(event, MessageAdded):
                messages.append(event.message)
                if event.message.role == "assistant" and not event.message.tool_requests:
                    about = followed(messages, gate.tools, event.model or "").plain
                    messages[-1] = replace(event.message, dialogue=about)
                    found.dialogues.append(about)
                # What the customer is asked is the desk's, and stands in no answer of a model.
                if event.message.role == "assistant" and not event.message.asks:
                    text += event.message.text
        found.answers.append(text)
        most = (limits or Limits()).calls
        _compare(turn, text, found, place, _lines(turn, gate.tools, most))
    return found


def _compare(
    turn: TurnRecord, text: str, found: Replay, place: str, recorded: Sequence[str]
) -> None:
    before = len(found.recorded)
    found.recorded += recorded
    replayed = found.replayed[before:]
    for number, (old, new) in enumerate(zip(recorded, replayed, strict=False), 1):
        if old != new:
            found.differs(f"{place}, call {number}: it was {old}, and is {new}")
    if len(recorded) != len(replayed):
        more = recorded[len(replayed) :] or replayed[len(recorded) :]
        what = "is missing" if len(recorded) > len(replayed) else "is new"
        found.differs(f"{place}, call {min(len(recorded), len(replayed)) + 1} {what}: {more[0]}")
    whole = [step for step in turn.models if not (step.withheld or step.interrupted)]
    said = "".join(step.answer.text for step in whole if step.answer)
    if turn.status == "done" and all(not step.error for step in whole) and text != said:
        found.differs(f"{place}: the answer was {said!r}, and is {text!r}")


def _lines(turn: TurnRecord, tools: Mapping[str, Tool], most: int) -> list[str]:
    """The tool calls of a recorded turn.

    Args:
        most: How many calls one step makes.
    """
    made = [
        (request, f"confirmation:{request.confirmation}")
        for message in turn.said
        for request in message.tool_requests
        if f"confirmation:{request.confirmation}" in turn.calls
    ]
    for number, step in enumerate(turn.models, 1):
        answering = answered_by(step.requests, tools, most)
        made += [
            (request, f"{turn.id}:{number}:{index}")
            for index, request in enumerate(step.requests)
            if answering[index] == index
        ]
    lines = []
    for request, key in made:
        call = turn.calls.get(key)
        status, verdict = (call.status, call.verdict) if call else ("error", None)
        lines.append(_line(request.name, request.arguments, status, verdict))
    return lines


def _line(tool: str, arguments: Mapping[str, Any], status: str, verdict: str | None) -> str:
    return canonical({"tool": tool, "arguments": arguments, "status": status, "verdict": verdict})


def _window(messages: Sequence[Message]) -> list[Message]:
    """What of a conversation a model is given, as the store gives it."""
    window = list(messages[-MAX_HISTORY:])
    while window and window[0].role != "user":
        window.pop(0)
    return window or list(messages)


class _Recorded:
    """A model that says what one said, and looks whether it was given the same."""

    def __init__(
        self, turn: TurnRecord, messages: list[Message], found: Replay, place: str
    ) -> None:
        self.name = turn.models[0].model if turn.models else "recorded"
        self._steps = list(turn.models)
        self._messages = messages
        self._found = found
        self._place = place
        self._number = 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self._number += 1
        if self._number > len(self._steps):
            self._found.differs(f"{self._place}, step {self._number}: no model was asked here")
            raise ModelUnavailable("The record has no answer for this.")
        step = self._steps[self._number - 1]
        self._look(step, request)
        if step.answer is None:
            raise ModelUnavailable(step.error or "No model could answer.")
        if text := step.answer.text if step.raw is None else step.raw:
            yield TextPiece(text, built=step.model == NAME)
        if step.interrupted:
            raise Interrupted(step.model, step.error or "It broke off.")
        for wish in step.answer.tool_requests:
            yield wish
        yield Finished(step.model, state=step.answer.state)

    def _look(self, step: ModelStep, request: ModelRequest) -> None:
        where = f"{self._place}, step {self._number}"
        given = list(request.messages[-len(step.given) :]) if step.given else []
        for old, new in zip(step.given, given, strict=False):
            if old.plain != new.plain:
                who = (
                    f"the answer of a tool ({old.tool_request_id})"
                    if old.role == "tool"
                    else old.role
                )
                self._found.differs(
                    f"{where}: the model is given another text of {who}: it was {old.text!r}, and "
                    f"is {new.text!r}"
                )
        if request.digest(request.settings) != step.digest:
            self._found.differs(
                f"{where}: the model is given other instructions, tools or earlier messages"
            )

    async def close(self) -> None:
        """There is nothing to let go of."""


class _Toolbox:
    """Tools that answer what they answered, under the policies of then or of now."""

    def __init__(
        self,
        gate: Gate,
        turn: TurnRecord,
        policy: Policy | None,
        changed: Mapping[str, Mapping[str, Any]],
        found: Replay,
        place: str,
    ) -> None:
        self.tools: dict[str, Tool] = gate.tools
        self._gate = gate
        self._turn = turn
        self._policy = policy
        self._changed = changed
        self._found = found
        self._place = place
        self._answers = turn.answers
        self._called: tuple[str, dict[str, Any], str | None] | None = None

    def tools_for(self, principal: Principal, /) -> list[Tool]:
        return self._gate.tools_for(principal)

    async def first_answer(self, name: str, context: Context, key: Key, /) -> Outcome | None:
        return None

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        context: Context,
        *,
        idempotency_key: Key | None = None,
    ) -> Outcome:
        assert isinstance(idempotency_key, DeskKey)
        key = idempotency_key.value
        step, index = (int(part) for part in key.split(":")[-2:])
        request = self._request(step, index)
        made = self._turn.calls.get(key)
        if request is None or request[0] != name or canonical(request[1]) != canonical(arguments):
            what = f"{name} {canonical(arguments)}"
            self._found.differs(
                f"{self._place}, step {step}: {what} is called, and is not on record"
            )
            self._note(name, arguments, None)
            return _refused("This call is not on record.", context)
        answer = self._answers.get(f"{step}:{request[2]}")
        return self._again(f"step {step}", name, arguments, context, made, answer)

    async def confirmed(self, confirmation_id: str, context: Context) -> Outcome:
        """What came of a call that its customer had confirmed."""
        made = self._turn.calls.get(f"confirmation:{confirmation_id}")
        asked = (request for message in self._turn.said for request in message.tool_requests)
        request = next(one for one in asked if one.confirmation == confirmation_id)
        answer = self._answers.get(f"0:{request.id}")
        return self._again("the answer", request.name, request.arguments, context, made, answer)

    def _again(
        self,
        where: str,
        name: str,
        arguments: Mapping[str, Any],
        context: Context,
        made: ToolStep | None,
        answer: Message | None,
    ) -> Outcome:
        """What a call answered, or what other policies say to it."""
        verdict = made.verdict if made else None
        if made is not None and self._policy is not None and made.facts is not None:
            decision = self._policy.judge_named(name, made.principal, made.facts)
            if decision.verdict.value != made.verdict:
                self._found.differs(
                    f"{self._place}, {where}: {name} was {made.verdict}, and is "
                    f"{decision.verdict.value} ({', '.join(decision.policies) or 'default-deny'})"
                )
                self._note(name, arguments, decision.verdict.value)
                return _decided(decision, made, context)
        self._note(name, arguments, verdict)
        # What no model was given any more (the agent gave up) stands only with the call.
        value = from_json(answer.text) if answer is not None else _of_call(made)
        status = made.status if made else "error"
        if name in self._changed and status != "confirm":  # where it is made, it answers this
            value = dict(self._changed[name])
        sources = made.sources if made is not None else frozenset()
        if answer is not None:
            sources = frozenset(answer.sources)
        if status == "error":
            return replace(_failed(value, context), sources=sources)
        return Outcome(
            "confirm" if status == "confirm" else "pending" if status == "pending" else "ok",
            json.dumps(value, ensure_ascii=False),
            context.request_id,
            sources=sources,
        )

    def lines(self, event: ToolAnswered) -> list[str]:
        """The call that was just answered, to be compared; none where none was made."""
        called, self._called = self._called, None
        return [_line(called[0], called[1], event.status, called[2])] if called else []

    def _note(self, name: str, arguments: Mapping[str, Any], verdict: str | None) -> None:
        self._called = (name, dict(arguments), verdict)

    def _request(self, step: int, index: int) -> tuple[str, dict[str, Any], str] | None:
        """Name, arguments and id of the request on record."""
        if step > len(self._turn.models):
            return None
        requests = self._turn.models[step - 1].requests
        if index >= len(requests):
            return None
        return requests[index].name, requests[index].arguments, requests[index].id


class _Again(DeskwardError):
    """An error that is on record, with its whole envelope."""

    def __init__(self, envelope: dict[str, Any]) -> None:
        super().__init__(str(envelope.get("error", {}).get("message", "")))
        self._envelope = envelope

    def tool_envelope(self, request_id: str) -> dict[str, Any]:
        """What was answered then."""
        return self._envelope


def _of_call(made: ToolStep | None) -> dict[str, Any]:
    if made is None or not isinstance(made.result, dict):
        code = made.code if made else None
        return {"success": False, "error": {"code": code, "message": "It failed."}}
    return made.result


def _failed(envelope: dict[str, Any], context: Context) -> Outcome:
    return Outcome("error", "", context.request_id, _Again(envelope))


def _refused(message: str, context: Context) -> Outcome:
    return Outcome("error", "", context.request_id, DeskwardError(message))


def _decided(decision: Decision, made: ToolStep, context: Context) -> Outcome:
    if decision.verdict is Verdict.DENY:
        problem = refusal(decision, made.principal, made.facts)
        return Outcome("error", "", context.request_id, problem)
    if decision.verdict is Verdict.CONFIRM:
        asked = dict.fromkeys(("tool", "question", "expires_at"), "")
        wants = {"status": TO_CONFIRM, "confirmation_id": "0" * 32, "arguments": {}, **asked}
        return Outcome("confirm", json.dumps(wants), context.request_id)
    receipt = {
        "status": PENDING,
        "approval_id": "0" * 32,
        "message": "A person has to approve this before it is done.",
        "policies": list(decision.policies),
    }
    return Outcome("pending", json.dumps(receipt), context.request_id)
