"""A turn's events as those of AG-UI 1.0, in the order that its clients check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from deskward.agent.events import (
    ApprovalNeeded,
    ConfirmNeeded,
    HandedOver,
    MessageAdded,
    Text,
    ToolAnswered,
    ToolCalled,
)
from deskward.conversations.cursors import Answered, Placed, Replaced
from deskward.conversations.news import News
from deskward.core.errors import DeskwardError, iso
from deskward.core.lines import json_line

VERSION = "1.0"
Data = dict[str, Any]

ANSWER: Data = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}},
    "required": ["approved"],
}
"""What resumes an interrupt (JSON Schema)."""


def encoded(event: Data) -> bytes:
    """An event as a server-sent event."""
    return b"data: " + json_line(event) + b"\n\n"


def text_message(message_id: str, text: str, name: str | None = None) -> Iterator[Data]:
    """A whole message of the assistant's side; `name` is who wrote it, if not the agent."""
    start = {"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"}
    yield start if name is None else start | {"name": name}
    yield {"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": text}
    yield {"type": "TEXT_MESSAGE_END", "messageId": message_id}


def told(one: News) -> Iterator[Data]:
    """What a colleague said or did beside any turn."""
    if one.text is not None:
        yield from text_message(one.id, one.text, one.by)
    else:
        yield _custom(one.kind, {"by": one.by, "at": iso(one.at)})


class Run:
    """Renders the events of a run, of one turn or of several.

    Attributes:
        state: What the client shows beside the messages.
        interrupts: What the user is asked before it is done for them.
    """

    def __init__(self, thread_id: str, run_id: str) -> None:
        self._ids = {"threadId": thread_id, "runId": run_id}
        self._open: str | None = None
        self.state: Data = {"approvals": []}
        self.interrupts: dict[str, Data] = {}

    def started(self) -> Data:
        """The first event."""
        return {"type": "RUN_STARTED", **self._ids, "protocolVersion": VERSION}

    def failed(self, error: DeskwardError) -> Iterator[Data]:
        """The last event of a run that failed."""
        yield from self._close()
        yield {"type": "RUN_ERROR", "message": error.message, "code": error.error_code}

    def finished(self) -> Iterator[Data]:
        """The last events of a run."""
        yield from self._close()
        yield {"type": "STATE_SNAPSHOT", "snapshot": self.state}
        outcome: Data = {"type": "success"}
        if self.interrupts:
            outcome = {"type": "interrupt", "interrupts": list(self.interrupts.values())}
        yield {"type": "RUN_FINISHED", **self._ids, "outcome": outcome}

    def rendered(self, placed: Placed) -> Iterator[Data]:
        """What tells an event; nothing for those that are not shown.

        Messages are named by their turn and their place in it, so that a run that is read again
        gives the same ones.
        """
        event, end = placed.event, placed.end
        if isinstance(event, Text):
            if self._open is None:
                yield self._start(f"{end.turn_id}.{end.message}")
            yield self._content(event.text)
        elif isinstance(event, Replaced):
            yield from self._close()
            yield from text_message(f"{end.turn_id}.{end.message}.anew", event.text)
        elif isinstance(event, MessageAdded):
            yield from self._close()
        elif isinstance(event, ToolCalled):
            yield from self._close()
            yield from _called(event, _call_id(placed))
        elif isinstance(event, ToolAnswered):
            yield _result(event, _call_id(placed))
        elif isinstance(event, ConfirmNeeded):
            self.interrupts[event.confirmation_id] = _interrupt(event, _call_id(placed))
        elif isinstance(event, ApprovalNeeded):
            waits = {"id": event.approval_id, "tool": event.name, "label": event.label}
            self.state["approvals"] = [*self.state["approvals"], waits]
            yield _custom("approval", waits | {"toolCallId": _call_id(placed)})
        elif isinstance(event, HandedOver):
            self.state["ticket"] = event.reference
            yield _custom("handover", {"ticket": event.reference})
        elif isinstance(event, Answered):
            self.state |= {"messageCount": event.message_count, "model": event.model}
            yield from self._close()
        else:
            raise TypeError(f"{type(event).__name__} is not shown")

    def _start(self, message_id: str) -> Data:
        self._open = message_id
        return {"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"}

    def _content(self, text: str) -> Data:
        return {"type": "TEXT_MESSAGE_CONTENT", "messageId": self._open, "delta": text}

    def _close(self) -> Iterator[Data]:
        if self._open is not None:
            yield {"type": "TEXT_MESSAGE_END", "messageId": self._open}
            self._open = None


def _call_id(placed: Placed) -> str:
    """A call's id in the whole conversation: models number theirs anew in each turn."""
    assert isinstance(placed.event, ToolCalled | ToolAnswered | ConfirmNeeded | ApprovalNeeded)
    return f"{placed.end.turn_id}.{placed.event.id}"


def _called(event: ToolCalled, call_id: str) -> Iterator[Data]:
    arguments = json_line(event.arguments).decode()
    yield {"type": "TOOL_CALL_START", "toolCallId": call_id, "toolCallName": event.name}
    yield {"type": "TOOL_CALL_ARGS", "toolCallId": call_id, "delta": arguments}
    yield {"type": "TOOL_CALL_END", "toolCallId": call_id}


def _result(event: ToolAnswered, call_id: str) -> Data:
    return {
        "type": "TOOL_CALL_RESULT",
        "messageId": f"{call_id}.result",
        "toolCallId": call_id,
        "content": json_line(event.answer).decode(),
        "role": "tool",
    }


def _interrupt(event: ConfirmNeeded, call_id: str) -> Data:
    return {
        "id": event.confirmation_id,
        "reason": "confirmation",
        "message": event.question,
        "toolCallId": call_id,
        "responseSchema": ANSWER,
        "expiresAt": event.expires_at,
        "metadata": {"tool": event.name, "arguments": event.arguments, "label": event.label},
    }


def _custom(name: str, value: Data) -> Data:
    return {"type": "CUSTOM", "name": name, "value": value}
