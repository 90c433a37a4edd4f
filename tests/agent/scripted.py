"""A model that says what it is told to: for the turn loop's tests, and hostile where they want."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from deskward.agent.model import Finished, ModelEvent, ModelRequest, TextPiece, ToolRequest

Step = Sequence[str | ToolRequest | Exception | float]


class ScriptedModel:
    """Plays its steps in order: text, tool requests, errors to raise, seconds to wait."""

    name = "scripted"

    def __init__(self, *steps: Step, tokens: int = 10) -> None:
        self.steps = list(steps)
        self.tokens = tokens
        self.requests: list[ModelRequest] = []

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        self.requests.append(
            ModelRequest(
                request.instructions, list(request.messages), request.tools, request.max_tokens
            )
        )
        for part in self.steps.pop(0):
            if isinstance(part, Exception):
                raise part
            if isinstance(part, float):
                await asyncio.sleep(part)
            elif isinstance(part, str):
                yield TextPiece(part)
            else:
                yield part
        yield Finished(self.name, tokens=self.tokens, state={"step": len(self.requests)})

    async def close(self) -> None:
        pass


def tool(name: str, key: str = "c1", **arguments: object) -> ToolRequest:
    """A request for a tool."""
    return ToolRequest(key, name, arguments)
