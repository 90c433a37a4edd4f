"""The Messages API of Anthropic."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

import httpx2
from anthropic import AnthropicError, AsyncAnthropic, AsyncStream, BadRequestError

from deskward.agent.model import (
    Finished,
    Message,
    ModelEvent,
    ModelRequest,
    TextPiece,
    ToolRequest,
    with_marks,
)
from deskward.agent.models.faults import NoAnswer
from deskward.agent.models.sse import not_protocol, own_id, read_events, tool_arguments, unavailable
from deskward.agent.texts import Pieces, clean
from deskward.core.errors import ModelUnavailable

_TOKENS = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)


class AnthropicModel:
    """A model behind the Messages API.

    The SDK signs in, retries and times out; the event stream is read raw, because building the
    SDK's objects for every chunk is most of a turn's CPU.

    Claude's newer models think before they answer, and want their thoughts back, unchanged, for
    as long as the turn goes on: these travel in `state`.

    Args:
        name: The name that answers are given under.
        model: Anthropic's name of the model.
        client: The SDK's client, which knows the address and the key.
        timeout: Seconds that the stream may take to open, and then each piece of it.
    """

    def __init__(self, name: str, model: str, client: AsyncAnthropic, *, timeout: float) -> None:
        self.name = name
        self._model = model
        self._client = client
        self._timeout = timeout

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
        yield Finished(self.name, answer.tokens, answer.state, answer.truncated)

    async def close(self) -> None:
        """Let go of the connections. The model is not usable afterwards."""
        await self._client.close()

    async def _open(self, request: ModelRequest) -> httpx2.Response:
        body: dict[str, Any] = {
            "model": self._model,
            "max_tokens": request.max_tokens,
            "messages": _messages(request.messages, self.name),
            "stream": True,
        }
        if request.instructions:
            body["system"] = request.instructions
        if request.tools:
            body["tools"] = [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "input_schema": tool.input_schema,
                }
                for tool in request.told
            ]
        try:
            # Around the retries too, so that a hanging server does not cost three time-outs.
            async with asyncio.timeout(self._timeout):
                try:
                    return await self._send(body)
                except BadRequestError:
                    forgetful = _messages(request.messages, None)
                    if forgetful == body["messages"]:
                        raise
                # Thoughts are refused where instructions, tools or messages before them changed
                # since, as they may while a turn waits for an approval. It goes on without them.
                return await self._send(body | {"messages": forgetful})
        except (
            AnthropicError,
            httpx2.HTTPError,
            httpx2.InvalidURL,
            ValueError,
            TimeoutError,
        ) as error:
            raise unavailable(self.name, error) from error

    async def _send(self, body: dict[str, Any]) -> httpx2.Response:
        try:
            return await self._request(body)
        except UnicodeEncodeError:  # half a character in what somebody wrote
            return await self._request(clean(body))

    async def _request(self, body: dict[str, Any]) -> httpx2.Response:
        response = await self._client.post(
            "/v1/messages",
            cast_to=httpx2.Response,
            body=body,
            # A redirect would carry customers' messages to an address that nobody configured.
            options={"follow_redirects": False},
            stream=True,
            stream_cls=AsyncStream[Any],
        )
        # Asked for a bare response, the SDK hands over the open one and not a stream of objects.
        return cast(httpx2.Response, response)


def _messages(messages: Sequence[Message], thinker: str | None) -> list[dict[str, Any]]:
    """Alternating messages of user and assistant; of this turn, with the thoughts of `thinker`."""
    turn = max((at for at, one in enumerate(messages) if one.role == "user"), default=-1)
    merged: list[dict[str, Any]] = []
    for at, message in enumerate(with_marks(messages)):
        blocks = _blocks(message, thinker if at > turn else None)
        role = "assistant" if message.role == "assistant" else "user"
        if merged and merged[-1]["role"] == role:
            before = merged[-1]["content"]
            if blocks and before[-1]["type"] == blocks[0]["type"] == "text":
                blocks[0] = {"type": "text", "text": f"\n\n{blocks[0]['text']}"}
            before += blocks
        elif blocks:
            merged.append({"role": role, "content": blocks})
    return merged


def _blocks(message: Message, thinker: str | None) -> list[dict[str, Any]]:
    if message.role == "tool":
        identity = _tool_use_id(message.tool_request_id or "")
        return [{"type": "tool_result", "tool_use_id": identity, "content": message.framed}]
    state = message.state or {}
    if thinker is not None and state.get("model") == thinker:
        return list(state["content"])
    # The API refuses empty texts.
    blocks: list[dict[str, Any]] = (
        [{"type": "text", "text": message.text}] if message.text.strip() else []
    )
    for call in message.tool_requests:
        identity = _tool_use_id(call.id)
        blocks.append(
            {"type": "tool_use", "id": identity, "name": call.name, "input": call.arguments}
        )
    return blocks


def _tool_use_id(text: str) -> str:
    # Of another provider, before a fallback, an id may hold characters that this one refuses.
    return re.sub(r"[^a-zA-Z0-9_-]", "_", text)


class _Answer:
    """An answer while its events come in."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._blocks: list[dict[str, Any]] = []
        self._places: dict[Any, int] = {}
        """Index, as the server counts → the open block that has it."""
        self._arguments: dict[int, str] = {}
        self._pieces = Pieces()
        self._usage: dict[str, int] = {}
        self._stop: str | None = None

    @property
    def truncated(self) -> bool:
        return self._stop in ("max_tokens", "model_context_window_exceeded")

    @property
    def tokens(self) -> int:
        return sum(self._usage.values())

    @property
    def state(self) -> dict[str, Any] | None:
        if all(block["type"] in ("text", "tool_use") for block in self._blocks):
            return None
        # The API refuses empty texts, even its own.
        blocks = [block for block in self._blocks if block.get("text") != ""]
        return {"model": self._model, "content": clean(blocks)}

    def add(self, event: dict[str, Any]) -> str:
        """Take in an event; the text that it brings, or ''."""
        try:
            return self._pieces.next(self._add(event))
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise not_protocol(self._model) from error

    def _add(self, event: dict[str, Any]) -> str:
        match event.get("type"):
            case "message_start":
                self._count(event["message"].get("usage"))
            case "content_block_start":
                self._places[event.get("index")] = len(self._blocks)
                self._blocks.append(dict(event["content_block"]))
                return str(self._blocks[-1].get("text") or "")
            case "content_block_delta":
                # Servers that count wrongly send a block's parts right behind its start.
                place = self._places.get(event.get("index"), len(self._blocks) - 1)
                return self._add_delta(place, event["delta"])
            case "content_block_stop":
                self._places.pop(event.get("index"), None)
            case "message_delta":
                self._stop = event["delta"].get("stop_reason") or self._stop
                self._count(event.get("usage"))
            case "error":
                raise ModelUnavailable(f"{self._model} broke off its answer with an error.")
        return ""

    def _add_delta(self, place: int, delta: dict[str, Any]) -> str:
        block = self._blocks[place]
        match delta["type"]:
            case "text_delta":
                block["text"] = (block.get("text") or "") + delta["text"]
                return str(delta["text"])
            case "input_json_delta":
                part = delta.get("partial_json") or ""
                self._arguments[place] = self._arguments.get(place, "") + part
            case "thinking_delta":
                block["thinking"] += delta["thinking"]
            case "signature_delta":
                block["signature"] = delta["signature"]
        return ""

    def _count(self, usage: dict[str, Any] | None) -> None:
        # The counts of a later event replace those of an earlier one.
        for kind in _TOKENS:
            if (count := (usage or {}).get(kind)) is not None:
                self._usage[kind] = int(count)

    def tool_requests(self) -> list[ToolRequest]:
        """The calls of an answer that has ended."""
        if self._stop is None:
            raise ModelUnavailable(f"{self._model} ended its stream before its answer.")
        if self._stop == "refusal":
            raise NoAnswer(f"{self._model} declined to answer.")
        requests: dict[str, ToolRequest] = {}
        for place, block in enumerate(self._blocks):
            if block["type"] != "tool_use":
                continue
            name = clean(block.get("name"))
            if not isinstance(name, str) or not name:
                raise not_protocol(self._model)
            # Some servers send the arguments with the start of the block.
            given = self._arguments.get(place, "").strip() or block.get("input") or ""
            arguments = tool_arguments(self._model, name, given, truncated=self.truncated)
            identity = own_id(block.get("id"), requests)
            block |= {"id": identity, "name": name, "input": arguments}
            requests[identity] = ToolRequest(identity, name, arguments)
        return list(requests.values())
