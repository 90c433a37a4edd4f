"""What the tests of the providers share: settings, requests, and what is read from a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from deskward.agent.model import (
    Finished,
    Message,
    Model,
    ModelEvent,
    ModelRequest,
    TextPiece,
    ToolRequest,
    ToolSpec,
)
from deskward.core.errors import ModelUnavailable
from deskward.core.settings import Settings

KEY = "sk-test-5f0c2d"
TEXT = "Your order 1001 left our warehouse yesterday, and is on its way to you."
TOOLS = [
    ToolSpec(
        "get_order",
        "Look up an order.",
        {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
    ),
    ToolSpec("list_orders", "List orders.", {"type": "object", "properties": {}}),
]
PROTOCOLS = ("openai", "anthropic")


class Offline:
    """Stands in for the offline model."""

    name = "offline"

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        yield TextPiece("I am here.")
        yield Finished("offline")

    async def close(self) -> None:
        """There is nothing to let go of."""


def settings(**values: Any) -> Settings:
    return Settings(**{"_env_file": None, **values})


Connect = Callable[..., Model]


def asking(text: str, *more: Message) -> ModelRequest:
    return ModelRequest("You help.", [Message("user", text), *more], TOOLS, 200)


async def run(model: Model, request: ModelRequest) -> list[ModelEvent]:
    return [event async for event in model.stream(request)]


def text_of(events: Sequence[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextPiece))


def finish_of(events: Sequence[ModelEvent]) -> Finished:
    assert isinstance(events[-1], Finished)
    assert sum(isinstance(event, Finished) for event in events) == 1
    return events[-1]


def calls_of(events: Sequence[ModelEvent]) -> list[ToolRequest]:
    return [event for event in events if isinstance(event, ToolRequest)]


async def fails(model: Model, request: ModelRequest) -> ModelUnavailable:
    with pytest.raises(ModelUnavailable) as caught:
        await run(model, request)
    assert KEY not in caught.value.message
    assert "secret" not in caught.value.message
    assert model.name.split(",")[0] in caught.value.message
    return caught.value


# Against aimock
