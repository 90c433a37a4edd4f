"""Chat over WebSocket: a text frame in, the streamed answer out.

A text frame is a message, or `{"type": "confirm", "confirmation_id": "…", "answer": true}`, which
answers what the customer was asked. Each event of the answer is one text frame of JSON, as in the
server-sent events. What a colleague says comes at once, whatever the client does, and again when it
is opened anew until the client says `{"type": "received", "event_id": "…"}`. Close codes:
1000 the client closed, 1003 a binary frame came, 1009 a frame was too long, 1012 the server stops,
4400 the request is not valid, 4401 no valid key, 4403 not allowed, 4429 too many messages,
4503 the database is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from deskward.conversations.live import Reader
from deskward.conversations.open_chats import Chat
from deskward.conversations.service import Conversations
from deskward.conversations.store import Where
from deskward.core.errors import DeskwardError, InvalidInput, RateLimited
from deskward.core.lines import json_line
from deskward.core.logging import bind
from deskward.core.tasks import background
from deskward.entrypoints.errors import known
from deskward.entrypoints.identity import Callers, with_offered_key
from deskward.entrypoints.rest.chat import LOOK_FOR_CLIENT
from deskward.entrypoints.rest.events import error_data, event_data, news_data
from deskward.entrypoints.rest.tools import answer
from deskward.entrypoints.rest.user_chat import user_of
from deskward.gate.context import Context, new_id
from deskward.security.principals import Principal

PROTOCOL = "deskward"
"""Subprotocol that a client may offer, together with its key as `deskward.key.dw_…`."""

MAX_FRAME = 64 * 1024
"""Largest frame, in bytes."""
LOOK_AGAIN = 15.0
"""Seconds after which a chat that heard nothing looks for itself."""

log = logging.getLogger("api.websocket")


class ChatSocket:
    """The endpoint `/ws/{user_id}`; `?session_id=` goes on with a session."""

    def __init__(self, callers: Callers, conversations: Conversations) -> None:
        self.callers, self.conversations = callers, conversations

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
            await close(websocket, 4000 + error.status, error.message)
            return
        bind(session=session_id)
        log.info("WebSocket opened")
        await self._talk(websocket, principal, session_id)
        log.info("WebSocket closed")

    async def _identify(self, websocket: WebSocket) -> Principal:
        offered = websocket.scope.get("subprotocols", [])
        headers = with_offered_key(websocket.headers, offered)
        return await user_of(self.callers, headers, websocket.path_params["user_id"])

    async def _talk(self, websocket: WebSocket, principal: Principal, session_id: str) -> None:
        received: asyncio.Queue[str | None] = asyncio.Queue(maxsize=16)
        where = Where(principal.tenant, principal.label, session_id)
        async with contextlib.AsyncExitStack() as stack:
            listening = await stack.enter_async_context(background(_listen(websocket, received)))
            try:
                chat = await stack.enter_async_context(self.conversations.chats.open(where))
                await stack.enter_async_context(background(self._tell(websocket, chat, session_id)))
                while not (listening.done() and received.empty()):
                    text = await received.get()
                    if text is None or not await self._take(
                        websocket, where, principal, text, listening
                    ):
                        return
            except (DeskwardError, SQLAlchemyError) as failed:
                error = known(failed)
                await close(websocket, 4000 + error.status, error.message)
            except (WebSocketDisconnect, RuntimeError):
                return  # sending to a client that has gone

    async def _take(
        self,
        websocket: WebSocket,
        where: Where,
        principal: Principal,
        text: str,
        listening: asyncio.Task[None],
    ) -> bool:
        """Do what a frame says; returns whether the talk goes on."""
        request_id = new_id()
        bind(request=request_id)
        context = Context(principal, "agent", request_id)
        try:
            # Asked again for each message: a key may have been revoked since.
            await self._identify(websocket)
            reader = await self._begin(context, where, text)
            if reader is not None:
                await _answer(websocket, reader, where.session_id, listening)
        except (DeskwardError, SQLAlchemyError) as failed:
            error = known(failed)
            data = error_data(error, where.session_id, request_id)
            await websocket.send_text(json_line(data).decode())
            if isinstance(error, RateLimited) or error.status in (401, 403):
                await close(websocket, 4000 + error.status, error.message)
                return False
        return True

    async def _tell(self, websocket: WebSocket, chat: Chat, session_id: str) -> None:
        """Send the conversation's news as it comes, to who may still read it."""
        try:
            while not chat.closed:
                for one in await chat.next(LOOK_AGAIN):
                    await self._identify(websocket)
                    data = {**news_data(one, session_id), "event_id": one.id}
                    await websocket.send_text(json_line(data).decode())
        except (WebSocketDisconnect, RuntimeError):
            return  # the client has gone
        except (DeskwardError, SQLAlchemyError) as failed:
            error = known(failed)
            await close(websocket, 4000 + error.status, error.message)
        except Exception:
            log.exception("news could not be sent")

    async def _begin(self, context: Context, where: Where, text: str) -> Reader | None:
        """Begin the turn of a frame, by its kind; None where it has none."""
        for form, begin in KINDS.values():
            try:
                frame = form.validate_json(text) if form is not None else text
            except ValidationError:
                continue
            return await begin(self, context, where, frame)
        raise AssertionError("whatever is of no other kind is a message")


class ConfirmFrame(BaseModel):
    """A frame that answers what the customer was asked."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["confirm"]
    confirmation_id: str
    answer: bool


class ReceivedFrame(BaseModel):
    """A frame by which a client says that it has an event, and all before it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["received"]
    event_id: str


async def _confirmed(
    door: ChatSocket, context: Context, where: Where, frame: ConfirmFrame
) -> Reader:
    key, yes = frame.confirmation_id, frame.answer
    return await door.conversations.answer(context, where.session_id, key, yes)


async def _received(door: ChatSocket, context: Context, where: Where, frame: ReceivedFrame) -> None:
    arguments = {"session_id": where.session_id, "event_id": frame.event_id}
    answer(await door.callers.gate.act("receive_news", arguments, replace(context, door="rest")))


async def _said(door: ChatSocket, context: Context, where: Where, text: str) -> Reader:
    return await door.conversations.send(context, where.session_id, text)


Begin = Callable[[ChatSocket, Context, Where, Any], Awaitable[Reader | None]]
KINDS: dict[str, tuple[TypeAdapter[Any] | None, Begin]] = {
    "confirm": (TypeAdapter(ConfirmFrame), _confirmed),
    "received": (TypeAdapter(ReceivedFrame), _received),
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
                await close(websocket, 1003, "Send text frames.")
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


async def close(websocket: WebSocket, code: int, reason: str) -> None:
    """Close a connection that is not closed yet, with a reason."""
    if websocket.application_state is not WebSocketState.DISCONNECTED:
        # A close frame holds 125 bytes, two of them for the code (RFC 6455, section 5.5).
        await websocket.close(code, reason.encode()[:120].decode(errors="ignore"))
