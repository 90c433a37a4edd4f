"""Answering what one is asked before it is done for one: in a conversation, or outside any."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from deskward.conversations.service import Conversations
from deskward.core.logging import bind
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.openapi import error_responses
from deskward.entrypoints.rest.chat import (
    MODEL_HEADER,
    ChatResponse,
    TenantId,
    chat_response,
    whole,
)
from deskward.entrypoints.rest.sessions import PathSession
from deskward.entrypoints.rest.tools import render
from deskward.gate.call import Gate
from deskward.gate.confirmed import take_answer
from deskward.gate.context import Context

ConfirmationId = Annotated[
    str, Path(pattern="^[0-9a-f]{32}$", examples=["8f14e45fceea167a5a36dedd4bea2543"])
]


class Answer(BaseModel):
    """A yes or a no."""

    model_config = ConfigDict(extra="forbid", strict=True)

    answer: bool = Field(description="True: do exactly this. False: leave it.")
    tenant_id: TenantId | None = None


def confirmations_router(callers: Callers, conversations: Conversations, gate: Gate) -> APIRouter:
    """The endpoints. Who answers is who was asked: no agent, and no other caller."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["confirmations"],
        responses=error_responses(400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503),
    )

    @router.post(
        "/sessions/{session_id:path}/confirmations/{confirmation_id}",
        response_model_exclude_defaults=True,
    )
    async def answer_in_session(
        request: Request,
        session_id: PathSession,
        confirmation_id: ConfirmationId,
        body: Answer,
        response: Response,
    ) -> ChatResponse:
        """Answer what was asked in a conversation, and get what the assistant says to it."""
        principal = await callers.identify(request.headers, tenant=body.tenant_id)
        bind(session=session_id)
        context = Context(principal, "agent", request.state.request_id)
        reader = await conversations.answer(context, session_id, confirmation_id, body.answer)
        answered = await whole(reader, request)
        response.headers[MODEL_HEADER] = answered.model
        return chat_response(session_id, answered, principal.tenant)

    @router.post(
        "/confirmations/{confirmation_id}",
        responses={
            200: {
                "description": "What the tool answers.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    )
    async def answer_directly(
        request: Request, confirmation_id: ConfirmationId, body: Answer
    ) -> Any:
        """Answer what was asked of a call outside any conversation; a yes has it made."""
        principal = await callers.identify(request.headers, tenant=body.tenant_id)
        context = Context(principal, "rest", request.state.request_id)
        return render(await take_answer(gate, confirmation_id, context, body.answer, "button"))

    return router
