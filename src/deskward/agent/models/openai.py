"""Chat Completions: OpenAI, Azure OpenAI, and every server that speaks the same protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import uuid4

import httpx2
from openai import AsyncOpenAI, AsyncStream, BadRequestError, OpenAIError
from pydantic_core import to_json

from deskward.agent.model import (
    Finished,
    Message,
    ModelEvent,
    ModelRequest,
    TextPiece,
    ToolRequest,
    ToolSpec,
)
from deskward.agent.models.sse import (
    not_protocol,
    read_events,
    tool_arguments,
    unavailable,
)
from deskward.core.errors import ModelUnavailable


class OpenAIModel:
    """A model behind Chat Completions.

    The SDK signs in, retries and times out; the event stream is read raw, because building the
    SDK's objects for every chunk is most of a turn's CPU.

    Args:
        name: The name that answers are given under.
        model: The provider's name of the model, or Azure's of the deployment.
        client: The SDK's client, which knows the address and the key.
        timeout: Seconds that the stream may take to open, and then each piece of it.
        limit_field: Where the token limit goes: OpenAI's newer models refuse `max_tokens`, and
            many other servers know nothing else.
    """

    def __init__(
        self,
        name: str,
        model: str,
        client: AsyncOpenAI,
        *,
        timeout: float,
        limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens",
    ) -> None:
        self.name = name
        self._model = model
        self._client = client
        self._timeout = timeout
        self._limit_field = limit_field
        self._learned: dict[str, Any] = {}

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """See `Model.stream`."""
        answer = _Answer(self.name)
        response = await self._open(request)
        async with aclosing(read_events(response, self.name, self._timeout)) as events:
            async for event in events:
                if text := answer.add(event):
                    yield TextPiece(text)
        for tool_request in answer.tool_requests():
            yield tool_request
        yield Finished(self.name, tokens=answer.tokens, truncated=answer.truncated)

    async def close(self) -> None:
        """Let go of the connections. The model is not usable afterwards."""
        await self._client.close()

    async def _open(self, request: ModelRequest) -> httpx2.Response:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": _messages(request),
            self._limit_field: request.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            body["tools"] = _tools(request.tools)
        try:
            # Around the retries too, so that a hanging server does not cost three time-outs.
            async with asyncio.timeout(self._timeout):
                return await self._post(body)
        except (
            OpenAIError,
            httpx2.HTTPError,
            httpx2.InvalidURL,
            ValueError,
            TimeoutError,
        ) as error:
            raise unavailable(self.name, error) from error

    async def _post(self, body: dict[str, Any]) -> httpx2.Response:
        try:
            return await self._send(body | self._learned)
        except BadRequestError as error:
            if error.param != "reasoning_effort" or self._learned:
                raise
        # OpenAI's newer models take tools over Chat Completions only where they do not reason
        # first, its older ones refuse the field: so ask again, and remember.
        self._learned = {"reasoning_effort": "none"}
        return await self._send(body | self._learned)

    async def _send(self, body: dict[str, Any]) -> httpx2.Response:
        response = await self._client.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            body=body,
            # A redirect would carry customers' messages to an address that nobody configured.
            options={"security": {"bearer_auth": True}, "follow_redirects": False},
            stream=True,
            stream_cls=AsyncStream[Any],
        )
        # Asked for a bare response, the SDK hands over the open one and not a stream of objects.
        return cast(httpx2.Response, response)


def _messages(request: ModelRequest) -> list[dict[str, Any]]:
    messages = [_message(message) for message in request.messages]
    if request.instructions:
        messages.insert(0, {"role": "system", "content": request.instructions})
    return messages


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {
            "role": "tool",
            "tool_call_id": message.tool_request_id,
            "content": message.framed,
        }
    if not message.tool_requests:
        return {"role": message.role, "content": message.text}
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": to_json(call.arguments).decode()},
        }
        for call in message.tool_requests
    ]
    return {"role": "assistant", "content": message.text or None, "tool_calls": calls}


def _tools(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.input_schema,
            },
        }
        for tool in tools
    ]


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    arguments: str = ""


class _Answer:
    """An answer while its events come in."""

    def __init__(self, model: str) -> None:
        self.tokens = 0
        self._model = model
        self._calls: dict[int, _Call] = {}
        self._finish: str | None = None

    @property
    def truncated(self) -> bool:
        return self._finish == "length"

    def add(self, event: dict[str, Any]) -> str:
        """Take in an event; the text that it brings, or ''."""
        try:
            return self._add(event)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise not_protocol(self._model) from error

    def _add(self, event: dict[str, Any]) -> str:
        if event.get("error"):
            raise ModelUnavailable(f"{self._model} broke off its answer with an error.")
        if usage := event.get("usage"):
            parts = (usage.get("prompt_tokens") or 0) + (usage.get("completion_tokens") or 0)
            self.tokens = int(usage.get("total_tokens") or parts)
        # Empty in the event of the usage, and in Azure's first one about its filters.
        if not (choices := event.get("choices")):
            return ""
        choice = choices[0]
        self._finish = choice.get("finish_reason") or self._finish
        delta = choice.get("delta") or {}
        for part in delta.get("tool_calls") or ():
            self._add_call(part)
        text = delta.get("content") or delta.get("refusal") or ""
        if not isinstance(text, str):
            raise TypeError
        return text

    def _add_call(self, part: dict[str, Any]) -> None:
        index = part.get("index")
        if index is None:
            # Some servers send every call whole and leave the index out.
            index = len(self._calls) if part.get("id") else len(self._calls) - 1
        call = self._calls.setdefault(index, _Call())
        function = part.get("function") or {}
        call.id = call.id or part.get("id") or ""
        call.name = call.name or function.get("name") or ""
        call.arguments += function.get("arguments") or ""

    def tool_requests(self) -> list[ToolRequest]:
        """The calls of an answer that has ended."""
        if self._finish is None:
            raise ModelUnavailable(f"{self._model} ended its stream before its answer.")
        if self._finish == "content_filter":
            raise ModelUnavailable(f"{self._model} withheld its answer (content filter).")
        requests = []
        for call in self._calls.values():
            if not call.name:
                raise not_protocol(self._model)
            arguments = tool_arguments(
                self._model, call.name, call.arguments, truncated=self.truncated
            )
            requests.append(ToolRequest(call.id or f"call_{uuid4().hex}", call.name, arguments))
        return requests
