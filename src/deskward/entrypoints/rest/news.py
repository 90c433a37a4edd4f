"""News of a conversation over HTTP: what colleagues say while no turn of the customer's runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema
from sqlalchemy.exc import SQLAlchemyError

from deskward.conversations.open_chats import Chat
from deskward.conversations.service import Conversations
from deskward.conversations.store import Where
from deskward.core.desk_settings import Stream
from deskward.core.errors import DeskwardError
from deskward.core.lines import json_line
from deskward.core.logging import bind
from deskward.entrypoints.errors import known
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.openapi import EVENT_SCHEMA, error_responses
from deskward.entrypoints.rest.chat import SessionId, TenantId
from deskward.entrypoints.rest.events import ALIVE, error_data, news_data
from deskward.entrypoints.rest.sessions import Tenant
from deskward.entrypoints.rest.tools import answer
from deskward.gate.context import Context
from deskward.security.principals import Principal

Seconds = Annotated[
    Annotated[int, Field(ge=0, le=86400)] | SkipJsonSchema[None],
    Query(
        description="How long the stream is to stay open: STREAM_LONGEST at the most, and where it "
        "is left out. 0 gives what is there and ends.",
    ),
]
RETRY = b"retry: 2000\n\n"
"""After how many milliseconds a browser opens a stream again that was cut."""

EventId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="The `id` of an event.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    ),
]
LastEvent = Annotated[
    Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] | SkipJsonSchema[None],
    Header(
        alias="Last-Event-ID",
        description="Go on behind this event, which the client has, with all before it.",
    ),
]


class Received(BaseModel):
    """What a client has."""

    model_config = ConfigDict(extra="forbid", strict=True)

    session_id: SessionId
    event_id: EventId
    tenant_id: TenantId | None = None


def news_router(callers: Callers, conversations: Conversations, stream: Stream) -> APIRouter:
    """The endpoints. A caller learns of their own conversations only."""
    heartbeat, longest = stream.heartbeat, stream.longest
    router = APIRouter(
        prefix="/api/v1/chat",
        tags=["chat"],
        responses=error_responses(400, 401, 403, 404, 405, 413, 415, 429, 500, 503),
    )

    @router.get(
        "/events",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "Server-sent events: `message` is what a colleague said, "
                "`taken_over` and `given_back` that one has come or gone. It begins with what the "
                "client does not have.",
                "content": {
                    "text/event-stream": {
                        "schema": EVENT_SCHEMA,
                        "example": 'data: {"type": "message", "by": "staff", "content": "Hello, '
                        'I am Anna.", "at": "2026-02-19T10:30:00.000Z", "session_id": "abc-123"}\n'
                        "id: 8f14e45fceea167a5a36dedd4bea2543\n\n",
                    }
                },
            }
        },
    )
    async def session_events(
        request: Request,
        session_id: Annotated[SessionId, Query()],
        tenant_id: Tenant = None,
        seconds: Seconds = None,
        last_event_id: LastEvent = None,
    ) -> StreamingResponse:
        """Open a conversation: what colleagues say in it comes at once."""
        principal = await callers.identify(request.headers, tenant=tenant_id)
        bind(session=session_id)
        where = Where(principal.tenant, principal.label, session_id)
        lasting = longest if seconds is None else min(seconds, longest)
        if last_event_id:
            await _has(callers, principal, session_id, last_event_id, request)

        async def still() -> None:
            await callers.identify(request.headers, tenant=tenant_id)

        async def streamed() -> AsyncGenerator[bytes]:
            async with conversations.chats.open(where, last_event_id or None) as chat:
                yield RETRY
                try:
                    async for part in _streamed(chat, session_id, heartbeat, lasting, still):
                        yield part
                except (DeskwardError, SQLAlchemyError) as failed:
                    data = error_data(known(failed), session_id, request.state.request_id)
                    yield b"data: " + json_line(data) + b"\n\n"

        parts = streamed()
        first = await anext(parts)  # what cannot be opened is refused before anything is streamed

        async def whole() -> AsyncIterator[bytes]:
            async with contextlib.aclosing(parts):
                yield first
                async for part in parts:
                    yield part

        return StreamingResponse(
            whole(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    @router.post("/received", status_code=204, response_class=Response)
    async def session_received(request: Request, body: Received) -> None:
        """Say that the client has an event, and all before it: what was said is delivered."""
        principal = await callers.identify(request.headers, tenant=body.tenant_id)
        bind(session=body.session_id)
        await _has(callers, principal, body.session_id, body.event_id, request)

    return router


async def _has(
    callers: Callers, principal: Principal, session_id: str, event_id: str, request: Request
) -> None:
    """Write down that a caller has an event, and all before it."""
    context = Context(principal, "rest", request.state.request_id)
    arguments = {"session_id": session_id, "event_id": event_id}
    answer(await callers.gate.act("receive_news", arguments, context))


async def _streamed(
    chat: Chat,
    session_id: str,
    heartbeat: float,
    seconds: float,
    still: Callable[[], Awaitable[None]],
) -> AsyncIterator[bytes]:
    """An open chat as server-sent events, each with its id.

    Args:
        seconds: How long; 0 for what is there.
        still: Raises where the caller may not read on: their key may have been revoked.
    """
    loop = asyncio.get_running_loop()
    end, pause = loop.time() + seconds, 0.0
    while not chat.closed:
        found = await chat.next(pause)
        await still()
        for one in found:
            data = json_line(news_data(one, session_id))
            yield b"data: " + data + b"\nid: " + one.id.encode() + b"\n\n"
        pause = min(heartbeat, end - loop.time())
        if pause <= 0:
            return
        if not found:
            yield ALIVE
