"""What a turn yields; every streaming door is a rendering of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from deskward.agent.model import Message
from deskward.core.answers import CallStatus


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
    status: CallStatus
    answer: dict[str, Any]


@dataclass(frozen=True)
class ApprovalNeeded:
    """A call waits for a person."""

    id: str
    name: str
    approval_id: str
    label: str | None = None
    """What the call is about, for people: which card, order or account."""


@dataclass(frozen=True)
class ConfirmNeeded:
    """A call waits for the customer's yes.

    Attributes:
        question: What the customer is asked, with the exact values.
        arguments: These values; secrets are masked.
        expires_at: Until when they can answer, ISO 8601.
        label: What the call is about, for people: which card, order or account.
    """

    id: str
    name: str
    confirmation_id: str
    question: str
    arguments: dict[str, Any]
    expires_at: str
    label: str | None = None

    @classmethod
    def of(cls, request_id: str, receipt: dict[str, Any]) -> ConfirmNeeded:
        """The event of a call's receipt."""
        return cls(
            request_id,
            str(receipt.get("tool", "")),
            receipt["confirmation_id"],
            receipt["question"],
            receipt.get("arguments", {}),
            str(receipt.get("expires_at", "")),
            receipt.get("label"),
        )


@dataclass(frozen=True)
class HandedOver:
    """A person takes the conversation over, as the record of that name."""

    reference: str


@dataclass(frozen=True)
class ModelCall:
    """One call of a model, for the record: enough to replay it, and to see where a replay differs.

    Attributes:
        step: Which call of the turn it was, from 1.
        given: The messages that the model was given and no earlier call of the turn was.
        digest: SHA-256 of the whole request.
        settings: What else it was given: the digest of instructions and tools, limits.
        tokens: Read and written, as the provider counts them.
        raw: What the model said, where not all of it was sent.
        error: Why it gave no answer, where it gave none.
    """

    step: int
    given: tuple[Message, ...]
    digest: str
    settings: dict[str, Any]
    tokens: int = 0
    raw: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Withheld:
    """What a model said and nobody was sent. For the record.

    Attributes:
        why: Nothing supports it, or the model broke off and another one answers.
    """

    model: str
    call: ModelCall
    why: Literal["withheld", "interrupted"]


@dataclass(frozen=True)
class MessageAdded:
    """A whole message that now belongs to the conversation. For the record, not for display.

    Attributes:
        model: Who spoke, of an assistant's message.
        call: The call of the model that it came from, or whose failure it answers.
    """

    message: Message
    model: str = ""
    call: ModelCall | None = None


@dataclass(frozen=True)
class Done:
    """The turn has ended. `text` is the whole answer."""

    text: str
    model: str
    tokens: int


Event = (
    Text
    | ToolCalled
    | ToolAnswered
    | ConfirmNeeded
    | ApprovalNeeded
    | HandedOver
    | Withheld
    | MessageAdded
    | Done
)
