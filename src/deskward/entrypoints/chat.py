"""Chat over HTTP: one message in, one answer out, whole or streamed (requirement document 002)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json

from deskward.agent.events import ApprovalNeeded, HandedOver, Text, ToolAnswered, ToolCalled
from deskward.app import Desk
from deskward.conversations.service import MAX_MESSAGE, Answered, TurnEvent
from deskward.core.errors import DeskwardError, timestamp
from deskward.entrypoints.identity import identify
from deskward.entrypoints.openapi import error_responses
from deskward.gate.context import Context

MODEL_HEADER = "X-Deskward-Model"

SessionId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="Chosen by the client; the first message with it starts the session.",
        examples=["abc-123-def"],
    ),
]


class ChatRequest(BaseModel):
    """A message of a customer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    session_id: SessionId
    message: Annotated[
        str, Field(min_length=1, max_length=MAX_MESSAGE, examples=["What's my account balance?"])
    ]
    tenant_id: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        pattern="^[A-Za-z0-9_.-]+$",
        description="With an API key: the key's tenant or nothing. In open mode: the tenant.",
        examples=["default"],
    )


class ChatResponse(BaseModel):
    """The answer."""

    session_id: str = Field(examples=["abc-123-def"])
    message: str = Field(examples=["Your current account balance is $5,420.50."])
    timestamp: str = Field(examples=["2026-02-19T10:30:00.000Z"])
    message_count: int = Field(
        description="Messages of the session, the customer's and the assistant's.", examples=[4]
    )
    tenant_id: str = Field(examples=["default"])


def chat_router(desk: Desk) -> APIRouter:
    """The chat endpoints."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["chat"],
        responses=error_responses(400, 401, 403, 405, 409, 413, 500, 503),
    )

    async def begin(
        request: Request, body: ChatRequest
    ) -> tuple[Context, AsyncGenerator[TurnEvent, None]]:
        principal = await identify(desk, request.headers, tenant=body.tenant_id)
        context = Context(principal, "agent", request.state.request_id)
        return context, desk.conversations.send(context, body.session_id, body.message)

    @router.post("/chat")
    async def chat(request: Request, body: ChatRequest, response: Response) -> ChatResponse:
        """Send a message and get the whole answer."""
        context, events = await begin(request, body)
        answered: Answered | None = None
        async for event in events:
            if isinstance(event, Answered):
                answered = event
        assert answered is not None
        response.headers[MODEL_HEADER] = answered.model
        return ChatResponse(
            session_id=body.session_id,
            message=answered.text,
            timestamp=timestamp(),
            message_count=answered.message_count,
            tenant_id=context.tenant,
        )

    @router.post(
        "/chat/stream",
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "Server-sent events: `token` pieces, `tool_call`, `tool_result`, "
                "`approval` and `handover` as they happen, then `done`; or `error`.",
                "content": {
                    "text/event-stream": {
                        "schema": {"type": "string"},
                        "example": 'data: {"type": "token", "content": "Hello", '
                        '"session_id": "abc-123"}\n\n',
                    }
                },
            }
        },
    )
    async def chat_stream(request: Request, body: ChatRequest) -> StreamingResponse:
        """Send a message and get the answer as it is written."""
        _, events = await begin(request, body)
        first = await anext(events)  # what is refused is refused with its status, not in a stream
        return StreamingResponse(
            _render(first, events, body.session_id, request.state.request_id),
            media_type="text/event-stream",
            headers={
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                MODEL_HEADER: desk.conversations.agent.model.name,
            },
        )

    return router


async def _render(
    first: TurnEvent, events: AsyncGenerator[TurnEvent, None], session_id: str, request_id: str
) -> AsyncIterator[bytes]:
    yield _event(first, session_id)
    async with aclosing(events) as rest:
        try:
            async for event in rest:
                yield _event(event, session_id)
        except DeskwardError as error:
            data = {"type": "error", "session_id": session_id, **error.rest_body(request_id)}
            yield b"data: " + to_json(data) + b"\n\n"


def _event(event: TurnEvent, session_id: str) -> bytes:
    return b"data: " + to_json({**event_data(event), "session_id": session_id}) + b"\n\n"


def event_data(event: TurnEvent) -> dict[str, Any]:
    """An event of a turn as JSON data."""
    if isinstance(event, Text):
        return {"type": "token", "content": event.text}
    if isinstance(event, ToolCalled):
        return {"type": "tool_call", "id": event.id, "tool": event.name, "args": event.arguments}
    if isinstance(event, ToolAnswered):
        return {
            "type": "tool_result",
            "id": event.id,
            "tool": event.name,
            "status": event.status,
            "result": event.answer,
        }
    if isinstance(event, ApprovalNeeded):
        return {
            "type": "approval",
            "id": event.id,
            "tool": event.name,
            "approval_id": event.approval_id,
        }
    if isinstance(event, HandedOver):
        return {"type": "handover", "ticket_id": event.ticket_id}
    if isinstance(event, Answered):
        return {"type": "done", "message_count": event.message_count}
    raise TypeError(f"{type(event).__name__} is not shown")
