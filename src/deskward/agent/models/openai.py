"""Chat Completions: OpenAI, Azure OpenAI, and every server that speaks the same protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

import httpx2
from openai import AsyncOpenAI, AsyncStream, BadRequestError, OpenAIError
from pydantic_core import PydanticSerializationError, to_json

from deskward.agent.model import (
    Finished,
    Message,
    ModelEvent,
    ModelRequest,
    TextPiece,
    ToolRequest,
    ToolSpec,
    with_marks,
)
from deskward.agent.models.faults import NoAnswer
from deskward.agent.models.sse import (
    not_protocol,
    own_id,
    read_events,
    tool_arguments,
    unavailable,
)
from deskward.agent.texts import Pieces, clean, parsed
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
        tools = _tools(request.told) if request.tools else b""
        try:
            # Around the retries too, so that a hanging server does not cost three time-outs.
            async with asyncio.timeout(self._timeout):
                return await self._post(body, tools)
        except (
            OpenAIError,
            httpx2.HTTPError,
            httpx2.InvalidURL,
            ValueError,
            TimeoutError,
        ) as error:
            raise unavailable(self.name, error) from error

    async def _post(self, body: dict[str, Any], tools: bytes) -> httpx2.Response:
        try:
            return await self._send(body | self._learned, tools)
        except BadRequestError as error:
            if error.param != "reasoning_effort" or self._learned:
                raise
        # OpenAI's newer models take tools over Chat Completions only where they do not reason
        # first, its older ones refuse the field: so ask again, and remember.
        self._learned = {"reasoning_effort": "none"}
        return await self._send(body | self._learned, tools)

    async def _send(self, body: dict[str, Any], tools: bytes) -> httpx2.Response:
        response = await self._client.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            # The SDK's own JSON is most of what a request costs: the tools are long.
            content=_json(body, tools),
            # A redirect would carry customers' messages to an address that nobody configured.
            options={"security": {"bearer_auth": True}, "follow_redirects": False},
            stream=True,
            stream_cls=AsyncStream[Any],
        )
        # Asked for a bare response, the SDK hands over the open one and not a stream of objects.
        return cast(httpx2.Response, response)


def _messages(request: ModelRequest) -> list[dict[str, Any]]:
    messages = [_message(message) for message in with_marks(request.messages)]
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
            "function": {
                "name": call.name,
                "arguments": json.dumps(call.arguments, ensure_ascii=False),
            },
        }
        for call in message.tool_requests
    ]
    return {"role": "assistant", "content": message.text or None, "tool_calls": calls}


def _json(body: dict[str, Any], tools: bytes) -> bytes:
    """The body as JSON, with the tools, which are JSON already."""
    try:
        text = to_json(body)
    except PydanticSerializationError:  # half a character in what somebody wrote
        text = to_json(clean(body))
    return b'%s,"tools":%s}' % (text[:-1], tools) if tools else text


@lru_cache(maxsize=16)
def _tools(tools: tuple[ToolSpec, ...]) -> bytes:
    """The tools as JSON: the same for many requests."""
    listed = [
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
    return to_json(clean(listed))


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    text: str = ""
    """The arguments, as JSON."""
    index: Any = None

    @property
    def whole(self) -> bool:
        """Whether the arguments are complete."""
        try:
            return self.text.rstrip().endswith("}") and parsed(self.text) is not None
        except ValueError:
            return False


class _Answer:
    """An answer while its events come in."""

    def __init__(self, model: str) -> None:
        self.tokens = 0
        self._model = model
        self._pieces = Pieces()
        self._calls: list[_Call] = []
        self._finish: str | None = None

    @property
    def truncated(self) -> bool:
        return self._finish == "length"

    def add(self, event: dict[str, Any]) -> str:
        """Take in an event; the text that it brings, or ''."""
        try:
            return self._pieces.next(self._add(event))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
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
        function = part.get("function") or {}
        identity, name, index = part.get("id") or "", function.get("name") or "", part.get("index")
        call = self._continued(identity, name, index)
        if call is None:
            call = _Call(index=index)
            self._calls.append(call)
        call.id = call.id or identity
        call.name = call.name or name
        arguments = function.get("arguments") or ""
        # Some servers send the object itself.
        call.text += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def _continued(self, identity: str, name: str, index: Any) -> _Call | None:
        """The call that a part goes on with, or None where it begins one.

        Servers count wrongly: all calls with the same index, each part with another, or with none;
        ids and names are left out, repeated with every part, or the same for several calls.
        """
        calls = self._calls
        alike = [call for call in calls if index is not None and call.index == index]
        if not alike and index is not None and name:
            named = [call for call in calls if identity and call.id == identity and not call.whole]
            return named[-1] if named and named[-1].name == name and named[-1].text else None
        same = alike or [call for call in calls if identity and call.id == identity]
        if not (same or calls):
            return None
        call = (same or calls)[-1]
        other = identity and call.id and identity != call.id
        again = name and call.name and (name != call.name or call.whole)
        return None if other or again else call

    def tool_requests(self) -> list[ToolRequest]:
        """The calls of an answer that has ended."""
        if self._finish is None:
            raise ModelUnavailable(f"{self._model} ended its stream before its answer.")
        if self._finish == "content_filter":
            raise NoAnswer(f"{self._model} withheld its answer (content filter).")
        requests: dict[str, ToolRequest] = {}
        for call in self._calls:
            if not isinstance(call.name, str) or not call.name:
                raise not_protocol(self._model)
            arguments = tool_arguments(self._model, call.name, call.text, truncated=self.truncated)
            identity = own_id(call.id, requests)
            requests[identity] = ToolRequest(identity, clean(call.name), arguments)
        return list(requests.values())
