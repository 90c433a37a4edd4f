"""Chat over WebSocket: a text frame in, the streamed answer out.

A text frame is a message, or `{"type": "confirm", "confirmation_id": "…", "answer": true}`, which
answers what the customer was asked. Each event of the answer is one text frame of JSON, as in the
server-sent events. Close codes:
1000 the client closed, 1003 a binary frame came, 1009 a frame was too long, 1012 the server stops,
4400 the request is not valid, 4401 no valid key, 4403 not allowed, 4429 too many messages,
4503 the database is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from deskward.conversations.live import Reader
from deskward.conversations.service import Conversations
from deskward.core.errors import DeskwardError, InvalidInput, RateLimited
from deskward.core.lines import json_line
from deskward.core.logging import bind
from deskward.entrypoints.errors import known
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.rest.chat import LOOK_FOR_CLIENT
from deskward.entrypoints.rest.events import error_data, event_data
from deskward.entrypoints.rest.user_chat import user_of
from deskward.gate.context import Context, new_id
from deskward.security.principals import Principal

PROTOCOL = "deskward"
"""Subprotocol that a client may offer, together with its key as `deskward.key.dw_…`."""
KEY_PROTOCOL = "deskward.key."

MAX_FRAME = 64 * 1024
"""Largest frame, in bytes."""

log = logging.getLogger("api.websocket")


class ChatSocket:
    """The endpoint `/ws/{user_id}`; `?session_id=` goes on with a session."""

    def __init__(self, callers: Callers, conversations: Conversations) -> None:
        self._callers, self._conversations = callers, conversations

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection."""
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
        try:
            principal = await self._identify(websocket)
            session_id = websocket.query_params.get("session_id") or f"ws-{new_id()[:12]}"
            if not (len(session_id) <= 128 and session_id.isascii() and session_id.isprintable()):
                raise InvalidInput("A session_id has 1 to 128 printable characters.")
        except (DeskwardError, SQLAlchemyError) as failed:
            error = known(failed)
            await _close(websocket, 4000 + error.status, error.message)
            return
        bind(session=session_id)
        log.info("WebSocket opened")
        await self._talk(websocket, principal, session_id)
        log.info("WebSocket closed")

    async def _identify(self, websocket: WebSocket) -> Principal:
        headers: Mapping[str, str] = websocket.headers
        for name in websocket.scope.get("subprotocols", []):
            if name.startswith(KEY_PROTOCOL):  # browsers cannot set headers on a WebSocket
                headers = {**headers, "x-api-key": name.removeprefix(KEY_PROTOCOL)}
        return await user_of(self._callers, headers, websocket.path_params["user_id"])

    async def _talk(self, websocket: WebSocket, principal: Principal, session_id: str) -> None:
        received: asyncio.Queue[str | None] = asyncio.Queue(maxsize=16)
        listening = asyncio.create_task(_listen(websocket, received))
        try:
            while not (listening.done() and received.empty()):
                text = await received.get()
                if text is None:
                    return
                request_id = new_id()
                bind(request=request_id)
                context = Context(principal, "agent", request_id)
                try:
                    # Asked again for each message: a key may have been revoked since.
                    await self._identify(websocket)
                    reader = await self._begin(context, session_id, text)
                    await _answer(websocket, reader, session_id, listening)
                except (DeskwardError, SQLAlchemyError) as failed:
                    error = known(failed)
                    data = error_data(error, session_id, request_id)
                    await websocket.send_text(json_line(data).decode())
                    if isinstance(error, RateLimited) or error.status in (401, 403):
                        await _close(websocket, 4000 + error.status, error.message)
                        return
        except (WebSocketDisconnect, RuntimeError):
            return  # sending to a client that has gone
        finally:
            listening.cancel()

    async def _begin(self, context: Context, session_id: str, text: str) -> Reader:
        """Begin the turn of a frame, by its kind."""
        for form, begin in KINDS.values():
            try:
                frame = form.validate_json(text) if form is not None else text
            except ValidationError:
                continue
            return await begin(self._conversations, context, session_id, frame)
        raise AssertionError("whatever is of no other kind is a message")


class ConfirmFrame(BaseModel):
    """A frame that answers what the customer was asked."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["confirm"]
    confirmation_id: str
    answer: bool


async def _confirmed(
    conversations: Conversations, context: Context, session_id: str, frame: ConfirmFrame
) -> Reader:
    return await conversations.answer(context, session_id, frame.confirmation_id, frame.answer)


async def _said(
    conversations: Conversations, context: Context, session_id: str, text: str
) -> Reader:
    return await conversations.send(context, session_id, text)


Begin = Callable[[Conversations, Context, str, Any], Awaitable[Reader]]
KINDS: dict[str, tuple[TypeAdapter[Any] | None, Begin]] = {
    "confirm": (TypeAdapter(ConfirmFrame), _confirmed),
    "message": (None, _said),
}
"""Every kind of frame: its form, and what it begins. What is of no other form is a message."""


async def _listen(websocket: WebSocket, received: asyncio.Queue[str | None]) -> None:
    """Put the client's messages into the queue, and None when it has gone."""
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                await _close(websocket, 1003, "Send text frames.")
                return
            await received.put(text)
    finally:
        with contextlib.suppress(asyncio.QueueFull):  # then its reader sees that we are done
            received.put_nowait(None)


async def _answer(
    websocket: WebSocket, reader: Reader, session_id: str, listening: asyncio.Task[None]
) -> None:
    """Send a turn's events, until its end or until the client has gone."""
    try:
        while not listening.done():
            placed = await reader.next(LOOK_FOR_CLIENT)
            data = event_data(placed.event, session_id) if placed is not None else None
            if placed is not None and data is not None:
                await websocket.send_text(json_line(data | {"event_id": str(placed.end)}).decode())
    except StopAsyncIteration:
        return
    finally:
        reader.close()


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    if websocket.application_state is not WebSocketState.DISCONNECTED:
        # A close frame holds 125 bytes, two of them for the code (RFC 6455, section 5.5).
        await websocket.close(code, reason.encode()[:120].decode(errors="ignore"))
