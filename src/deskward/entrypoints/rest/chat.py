"""Chat over HTTP: one message in, one answer out, whole or streamed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from deskward.agent.events import ConfirmNeeded
from deskward.conversations.cursors import EVENT_ID, Answered, Position
from deskward.conversations.live import Reader
from deskward.conversations.service import Conversations
from deskward.conversations.wording import MAX_MESSAGE
from deskward.core.errors import InvalidInput, timestamp
from deskward.core.logging import bind
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.openapi import EVENT_SCHEMA, NO_NUL, SESSION_NOT_FOUND, error_responses
from deskward.entrypoints.rest.events import server_sent
from deskward.gate.context import Context

MODEL_HEADER = "X-Deskward-Model"

LOOK_FOR_CLIENT = 1.0
"""Seconds between looks whether a client that waits for a whole answer is still there."""

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
TenantId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern="^[A-Za-z0-9_.-]+$",
        description="With an API key: the key's tenant or nothing. In open mode: the tenant.",
        examples=["default"],
    ),
]
Message = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_MESSAGE,
        json_schema_extra=NO_NUL,
        examples=["What's my account balance?"],
    ),
]
# The pattern is the text's own: of a header that may be left out FastAPI does not tell it.
IdempotencyKey = Annotated[
    Annotated[str, Field(min_length=1, max_length=200, pattern="^[ -~]+$")] | SkipJsonSchema[None],
    Header(
        description="Sending a message again with the same key gives its first answer again.",
    ),
]
LastEventId = Annotated[
    Annotated[str, Field(pattern=f"^({EVENT_ID})?$")] | SkipJsonSchema[None],
    Header(description="Go on behind this event; the message is not sent again."),
]


class ChatRequest(BaseModel):
    """A message of a customer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    session_id: SessionId
    message: Message
    tenant_id: TenantId | None = None


class Asked(BaseModel):
    """What the customer is asked before it is done for them."""

    confirmation_id: str = Field(
        description="Answer it at `/api/v1/sessions/{session_id}/confirmations/{confirmation_id}`, "
        "or say yes or no as the next message.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    )
    question: str = Field(examples=["Shall I send “See you soon” to alex.morgan@example.com?"])
    tool: str = Field(examples=["send_email"])
    arguments: dict[str, Any] = Field(description="The exact values; secrets are masked.")
    label: str | None = Field(
        description="What it is about, for people: which card, order or account.",
        examples=["Visa ••4242"],
    )
    expires_at: str = Field(examples=["2026-02-19T10:40:00.000Z"])

    @classmethod
    def of(cls, event: ConfirmNeeded) -> Asked:
        """What the event says."""
        return cls(
            confirmation_id=event.confirmation_id,
            question=event.question,
            tool=event.name,
            arguments=event.arguments,
            label=event.label,
            expires_at=event.expires_at,
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
    confirmations: list[Asked] = Field(
        default=[], description="What the customer is asked; left out where it is nothing."
    )


def chat_response(session_id: str, answered: Answered, tenant: str) -> ChatResponse:
    """The answer of a turn that has ended."""
    return ChatResponse(
        session_id=session_id,
        message=answered.text,
        timestamp=timestamp(),
        message_count=answered.message_count,
        tenant_id=tenant,
        confirmations=[Asked.of(event) for event in answered.asks],
    )


def chat_router(callers: Callers, conversations: Conversations, heartbeat: float) -> APIRouter:
    """The chat endpoints."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["chat"],
        responses=error_responses(400, 401, 403, 405, 409, 413, 415, 429, 500, 503),
    )

    async def begin(
        request: Request, body: ChatRequest, key: str | None, last_event: str | None
    ) -> tuple[Context, Reader]:
        principal = await callers.identify(request.headers, tenant=body.tenant_id)
        bind(session=body.session_id)
        context = Context(principal, "agent", request.state.request_id)
        if last_event:
            place = Position.parse(last_event)
            return context, await conversations.resume(context, body.session_id, place)
        return context, await conversations.send(context, body.session_id, body.message, key=key)

    @router.post("/chat", response_model_exclude_defaults=True)
    async def chat(
        request: Request,
        body: ChatRequest,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> ChatResponse:
        """Send a message and get the whole answer."""
        context, reader = await begin(request, body, idempotency_key, None)
        answered = await whole(reader, request)
        response.headers[MODEL_HEADER] = answered.model
        return chat_response(body.session_id, answered, context.tenant)

    @router.post(
        "/chat/stream",
        response_class=StreamingResponse,
        responses=SESSION_NOT_FOUND
        | {
            200: {
                "description": "Server-sent events: `token` pieces, `tool_call`, `tool_result`, "
                "`confirm_needed`, `approval` and `handover` as they happen, then `done`; or "
                "`error`. Each has an `id`: send the request again with `Last-Event-ID` to go on "
                "behind it. `replace` then gives the text of the message anew where the model "
                "wrote another one.",
                "content": {
                    "text/event-stream": {
                        "schema": EVENT_SCHEMA,
                        "example": 'data: {"type": "token", "content": "Hello", '
                        '"session_id": "abc-123"}\nid: 4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b.0.5.f7d1'
                        "8982\n\n",
                    }
                },
            }
        },
    )
    async def chat_stream(
        request: Request,
        body: ChatRequest,
        idempotency_key: IdempotencyKey = None,
        last_event_id: LastEventId = None,
    ) -> StreamingResponse:
        """Send a message and get the answer as it is written."""
        _, reader = await begin(request, body, idempotency_key, last_event_id)
        return StreamingResponse(
            server_sent(
                reader,
                body.session_id,
                request.state.request_id,
                heartbeat,
            ),
            media_type="text/event-stream",
            headers={
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
                MODEL_HEADER: conversations.agent.model.name,
            },
        )

    return router


async def whole(reader: Reader, request: Request) -> Answered:
    """The end of a turn, for a client that waits for all of it.

    Raises:
        InvalidInput: The client has gone.
        DeskwardError: The turn failed.
    """
    try:
        while True:
            placed = await reader.next(LOOK_FOR_CLIENT)
            if placed is not None and isinstance(placed.event, Answered):
                return placed.event
            if placed is None and await request.is_disconnected():
                raise InvalidInput("The client has gone.")
    finally:
        reader.close()
