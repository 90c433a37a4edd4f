"""The port to a language model: instructions, messages and tools in, a stream of events out."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any, Literal, Protocol

from deskward.core.errors import ModelUnavailable
from deskward.core.tasks import within

OFFLINE = "offline"
"""What the offline model is called, in settings and on record: its answers are templates."""
_FENCE = secrets.token_hex(6)


@dataclass(frozen=True)
class ToolRequest:
    """A model's wish to call a tool. Not trusted: the gate judges it.

    Attributes:
        unsure: Whether the model doubts that this is wanted: the customer is then asked first.
        confirmation: The customer's yes that it is made with. Only the desk gives it, no model.
    """

    id: str
    name: str
    arguments: dict[str, Any]
    unsure: bool = False
    confirmation: str | None = None

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON."""
        found: dict[str, Any] = {"id": self.id, "name": self.name, "arguments": self.arguments}
        if self.unsure:
            found["unsure"] = True
        if self.confirmation is not None:
            found["confirmation"] = self.confirmation
        return found


@dataclass(frozen=True)
class Message:
    """One message of a conversation, as models see it.

    Attributes:
        role: Who speaks; `tool` carries a tool's answer.
        text: What is said; of a tool, its answer as JSON.
        tool_requests: The calls that an assistant's message asks for.
        tool_request_id: Of a tool's answer: the request that it answers.
        untrusted: Of a tool's answer: whose texts it holds, such as `customer, staff`.
        asks: The confirmations that the customer is asked for: of the receipt of such a call, and
            of the assistant's message with the question.
        mark: Of a tool's answer: what a model is to mark a claim with that rests on it.
        state: What a model left behind with its message for its own next step. Opaque to others.
        ours: Whether the desk's own templates made the whole text, of nothing that others wrote.
        dialogue: Of a turn's last message: what the conversation is about by then (`dialogue.py`).
    """

    role: Literal["user", "assistant", "tool"]
    text: str
    tool_requests: tuple[ToolRequest, ...] = ()
    tool_request_id: str | None = None
    untrusted: str | None = None
    asks: tuple[str, ...] = ()
    state: dict[str, Any] | None = None
    mark: str = ""
    ours: bool = False
    dialogue: dict[str, Any] | None = None

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON, without the state."""
        found: dict[str, Any] = {"role": self.role, "text": self.text}
        if self.tool_requests:
            found["tool_requests"] = [request.plain for request in self.tool_requests]
        if self.tool_request_id:
            found["tool_request_id"] = self.tool_request_id
        if self.untrusted:
            found["untrusted"] = self.untrusted
        if self.asks:
            found["asks"] = list(self.asks)
        return found

    @property
    def data(self) -> dict[str, Any]:
        """What is kept of it besides role and text, as JSON."""
        found = {**self.plain, "state": self.state, "dialogue": self.dialogue, "ours": self.ours}
        return {name: v for name, v in found.items() if v and name not in ("role", "text")}

    @classmethod
    def of_data(cls, role: Any, text: str, data: Mapping[str, Any]) -> Message:
        """The message of what is kept, which may say more, such as which person has written it."""
        kept = {name: value for name, value in data.items() if name in _KEPT}
        return cls.of({**kept, "role": role, "text": text})

    @property
    def sources(self) -> list[str]:
        """Whose texts it holds, one by one."""
        return self.untrusted.split(", ") if self.untrusted else []

    @property
    def framed(self) -> str:
        """The text for a language model: that of others between marks that they cannot guess.

        ("Spotlighting", Hines et al., 2024.)
        """
        before = f"{self.mark}\n" if self.mark else ""
        if not self.untrusted:
            return before + self.text
        mark = f"{self.untrusted} {_FENCE}"
        return f"{before}<<data: {mark}>>\n{self.text}\n<<end of data: {mark}>>"

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Message:
        """The message of its JSON."""
        requests = tuple(ToolRequest(**item) for item in plain.get("tool_requests", ()))
        asks = tuple(plain.get("asks", ()))
        return cls(**{**plain, "tool_requests": requests, "asks": asks})


_KEPT = {one.name for one in fields(Message)} - {"role", "text", "mark"}


def with_marks(messages: Sequence[Message]) -> list[Message]:
    """The messages, the answer of each tool with its mark: `[[r1]]` and so on, in their order."""
    number, found = 0, []
    for message in messages:
        if message.role == "tool":
            number += 1
            message = replace(message, mark=f"[[r{number}]]")
        found.append(message)
    return found


@dataclass(frozen=True, eq=False)
class ToolSpec:
    """A tool as a model sees it: without bound parameters."""

    name: str
    description: str
    input_schema: dict[str, Any]


@dataclass(frozen=True)
class ModelRequest:
    """All that a model is given for one step.

    Attributes:
        tools: All that the caller may use.
        tenant: Whose conversation it is; for a model that has learned from tenants, and never sent.
        offered: The names of those tools that a language model is told; None: all.
    """

    instructions: str
    messages: Sequence[Message]
    tools: Sequence[ToolSpec]
    max_tokens: int
    tenant: str = ""
    offered: tuple[str, ...] | None = None

    @property
    def told(self) -> tuple[ToolSpec, ...]:
        """The tools that a language model is told of, in their order."""
        if self.offered is None:
            return tuple(self.tools)
        names = frozenset(self.offered)
        return tuple(tool for tool in self.tools if tool.name in names)

    @property
    def settings(self) -> dict[str, Any]:
        """All but the messages, as the ledger keeps it."""
        found: dict[str, Any] = {
            "instructions_and_tools": _digest(self.instructions, self.told),
            "max_tokens": self.max_tokens,
        }
        return found if self.offered is None else {**found, "offered": list(self.offered)}

    def digest(self, settings: dict[str, Any]) -> str:
        """SHA-256 of the whole request: the same request has the same digest in every process."""
        messages = [message.plain for message in self.messages]
        whole = json.dumps([settings, messages], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(whole.encode()).hexdigest()


@lru_cache(maxsize=256)
def _digest(instructions: str, tools: tuple[ToolSpec, ...]) -> str:
    """SHA-256 of what is the same for many requests; their schemas are long."""
    listed = [(tool.name, tool.description, tool.input_schema) for tool in tools]
    given = json.dumps([instructions, listed], sort_keys=True)
    return hashlib.sha256(given.encode()).hexdigest()


@dataclass(frozen=True)
class TextPiece:
    """The next piece of the answer's text.

    Attributes:
        built: Whether the desk's own templates made it from results and articles; it is not checked
            for claims. No language model's text is.
    """

    text: str
    built: bool = False


@dataclass(frozen=True)
class Finished:
    """The end of a step.

    Attributes:
        model: The name of the model that spoke, for example `anthropic:claude-…` or `offline`.
        tokens: Tokens read and written, as the provider counts them; 0 where it does not say.
        state: See `Message.state`.
        truncated: Whether the answer was cut off at the token limit.
    """

    model: str
    tokens: int = 0
    state: dict[str, Any] | None = field(default=None)
    truncated: bool = False


class Interrupted(ModelUnavailable):
    """A model broke off inside its answer, and another one can be asked instead."""

    def __init__(self, model: str, problem: str) -> None:
        super().__init__(problem)
        self.model = model


ModelEvent = TextPiece | ToolRequest | Finished


class Model(Protocol):
    """Something that can answer. One call of `stream` is one step of a turn."""

    name: str

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Answer: pieces of text and whole tool requests, then `Finished` as the last event.

        Raises:
            ModelUnavailable: The model cannot answer: it is away, refuses the key, or sent
                something that is not of its protocol. Nothing of the answer may be used.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


async def _next_of(events: AsyncIterator[ModelEvent]) -> ModelEvent:
    return await anext(events)


async def with_timeout(
    events: AsyncIterator[ModelEvent], seconds: float, name: str = "The model"
) -> AsyncGenerator[ModelEvent, None]:
    """The events of a model that keeps sending.

    Raises:
        ModelUnavailable: It sent nothing for so many seconds.
    """
    iterator = aiter(events)
    try:
        while True:
            try:
                event = await within(seconds, _next_of(iterator))
            except StopAsyncIteration:
                return
            except TimeoutError as error:
                problem = f"{name} did not answer in time: nothing came for {seconds:g} seconds."
                raise ModelUnavailable(problem) from error
            yield event
    finally:
        # Whoever stops listening also stops the model.
        if close := getattr(iterator, "aclose", None):
            await close()
