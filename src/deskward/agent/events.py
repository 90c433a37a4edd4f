"""What a turn yields; every streaming door is a rendering of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from deskward.agent.model import Message


@dataclass(frozen=True)
class Text:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True)
class ToolCalled:
    """The agent asks for a tool; secrets among the arguments are placeholders."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class ToolAnswered:
    """The gate has answered the call of the same id."""

    id: str
    name: str
    status: Literal["ok", "pending", "error"]
    answer: dict[str, Any]


@dataclass(frozen=True)
class ApprovalNeeded:
    """A call waits for a person."""

    id: str
    name: str
    approval_id: str


@dataclass(frozen=True)
class HandedOver:
    """A person takes the conversation over."""

    ticket_id: str


@dataclass(frozen=True)
class Said:
    """A whole message that now belongs to the conversation. For the record, not for display."""

    message: Message
    model: str = ""
    """Who spoke, of an assistant's message."""


@dataclass(frozen=True)
class Done:
    """The turn has ended. `text` is the whole answer."""

    text: str
    model: str
    tokens: int


Event = Text | ToolCalled | ToolAnswered | ApprovalNeeded | HandedOver | Said | Done
