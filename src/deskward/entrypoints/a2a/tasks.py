"""A task as its A2A clients see it (specification, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deskward.agent.events import ConfirmNeeded, Text
from deskward.agent.model import Message
from deskward.conversations.cursors import Replaced, TurnEvent
from deskward.conversations.tasks import Task, TaskTurn
from deskward.conversations.wording import told
from deskward.core.errors import iso
from deskward.entrypoints.a2a.forms import STATES

Data = dict[str, Any]


class Answering:
    """Which of a turn's texts are its answer, and which ask something: these are told as status."""

    def __init__(self) -> None:
        self._asked = False

    def piece(self, event: TurnEvent) -> str | None:
        """The next piece of the answer."""
        if isinstance(event, ConfirmNeeded):
            self._asked = True
        if isinstance(event, Text | Replaced) and not self._asked:
            return event.text
        return None

    def question(self, event: TurnEvent) -> str | None:
        """The next piece of a question."""
        return event.text if isinstance(event, Text) and self._asked else None


def shown(task: Task, history_length: int | None = None, *, artifacts: bool = True) -> Data:
    """A task.

    Args:
        history_length: How many of its messages, the last ones; None for all.
        artifacts: Whether with what came of it.
    """
    data: Data = {"id": task.id, "contextId": task.where.session_id, "status": status(task)}
    if artifacts:
        data["artifacts"] = [
            artifact(turn, text) for turn in task.turns if (text := _answer(turn, task))
        ]
    history = list(_history(task))
    if history_length is not None:
        history = history[max(0, len(history) - history_length) :]
    return data | ({"history": history} if history else {})


def status(task: Task) -> Data:
    """How a task stands."""
    found: Data = {"state": STATES[task.state], "timestamp": iso(task.updated_at)}
    parts = list(_status_parts(task))
    if parts:
        found["message"] = _message(task, f"{task.last.id}.status", parts)
    return found


def status_update(task: Task) -> Data:
    """That a task stands otherwise."""
    ids = {"taskId": task.id, "contextId": task.where.session_id}
    return {"statusUpdate": {**ids, "status": status(task)}}


def artifact_update(task: Task, turn_id: str, text: str, *, more: bool) -> Data:
    """A piece of an answer; `more` adds it to those before."""
    ids = {"taskId": task.id, "contextId": task.where.session_id}
    piece = {"artifactId": turn_id, "parts": [_text(text)]}
    return {"artifactUpdate": {**ids, "artifact": piece, "append": more}}


def artifact(turn: TaskTurn, text: str) -> Data:
    """What a turn answered."""
    return {"artifactId": turn.id, "parts": [_text(text)]}


def _answer(turn: TaskTurn, task: Task) -> str:
    """The answer of a turn; the word that stands for one that is missing is told as status."""
    reading = Answering()
    pieces = [reading.piece(event) or "" for event in turn.events]
    if turn.status in ("failed", "stopped"):
        pieces = pieces[: _last(turn.events)]
    return "".join(pieces)


def _last(events: Iterable[TurnEvent]) -> int:
    """The place of the last text."""
    places = [place for place, event in enumerate(events) if isinstance(event, Text)]
    return places[-1] if places else 0


def _question(turn: TaskTurn) -> str:
    reading = Answering()
    told = []
    for event in turn.events:
        reading.piece(event)
        told.append(reading.question(event) or "")
    return "".join(told)


def _status_parts(task: Task) -> Iterable[Data]:
    if task.state == "asking":
        yield _text(_question(task.last) or "\n".join(one.question for one in task.asks))
        for one in task.asks:
            about: Data = {"confirmationId": one.confirmation_id, "question": one.question}
            about |= {"tool": one.name, "arguments": one.arguments, "label": one.label}
            yield {"data": about | {"expiresAt": one.expires_at}, "mediaType": "application/json"}
    elif task.state == "waiting":
        yield _text("A colleague has to approve this before it is done.")
        for waits in task.waits:
            named: Data = {"approvalId": waits.approval_id, "tool": waits.name}
            yield {"data": named | {"label": waits.label}, "mediaType": "application/json"}
    elif task.state in ("failed", "stopped") and task.last.status != "done":
        last = next((m for m in _said_by_us(task.last)), None)
        if last is not None and last.text:
            yield _text(last.text)
    elif task.state == "done" and not any(_said_by_us(task.last)):
        said = [one.message.text for one in task.last.said if one.message.role == "user"]
        yield _text(told("taken", said))


def _said_by_us(turn: TaskTurn) -> Iterable[Message]:
    """What the agent said in a turn, the latest first."""
    for one in reversed(turn.said):
        if one.message.role == "assistant" and not one.message.tool_requests:
            yield one.message


def _history(task: Task) -> Iterable[Data]:
    """What was said in a task: what its customer said, what it asked, and what people said."""
    for turn in task.turns:
        for one in turn.said:
            if one.message.role == "user" and one.by is None:
                said = _message(task, turn.message_id or turn.id, [_text(one.message.text)])
                yield said | {"role": "ROLE_USER"}
        if turn is not task.last and (question := _question(turn)):
            yield _message(task, f"{turn.id}.status", [_text(question)])
    for one in task.since:
        said = _message(task, f"said-{one.seq}", [_text(one.message.text)])
        yield said | {"metadata": {"by": one.by, "at": iso(one.at)}}


def _message(task: Task, message_id: str, parts: list[Data]) -> Data:
    ids = {"messageId": message_id, "contextId": task.where.session_id, "taskId": task.id}
    return {**ids, "role": "ROLE_AGENT", "parts": parts}


def _text(text: str) -> Data:
    return {"text": text, "mediaType": "text/plain"}
