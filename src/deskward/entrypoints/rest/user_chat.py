"""Chat by user id: each user has one conversation at a time (`/api/chat`, `/api/history`, …)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from deskward.conversations import archive
from deskward.conversations.service import Conversations
from deskward.conversations.store import Where
from deskward.core.database import Database
from deskward.core.errors import Forbidden
from deskward.core.logging import bind
from deskward.customers import service as customers
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.openapi import error_responses
from deskward.entrypoints.rest.chat import MODEL_HEADER, Asked, IdempotencyKey, Message, whole
from deskward.entrypoints.rest.sessions import HistoryMessage, shown
from deskward.entrypoints.rest.tools import answer
from deskward.gate.context import Context
from deskward.security.principals import Kind, Principal

USER_ID = r"^[A-Za-z0-9_.-]{1,64}$"
UserId = Annotated[str, Field(pattern=USER_ID, examples=["user_001"])]
PathUser = Annotated[str, Path(pattern=USER_ID, examples=["user_001"])]


class UserMessage(BaseModel):
    """A message of a user."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user_id: UserId
    message: Message


class UserAnswer(BaseModel):
    """The answer."""

    response: str = Field(examples=["Your current account balance is $5,420.50."])
    confirmations: list[Asked] = Field(
        default=[], description="What the user is asked; left out where it is nothing."
    )


class UserReset(BaseModel):
    """Who begins anew."""

    model_config = ConfigDict(extra="forbid", strict=True)

    user_id: UserId


class UserConversation(BaseModel):
    """The conversation that a user is in."""

    message: str = Field(examples=["Conversation reset"])
    user_id: UserId
    session_id: str = Field(examples=["user_001-2"])


class UserHistory(BaseModel):
    """All that was said in a user's present conversation, the oldest first."""

    user_id: UserId
    session_id: str = Field(examples=["user_001-1"])
    message_count: int = Field(examples=[2])
    messages: list[HistoryMessage]


class UserContext(UserConversation):
    """The user for whom the following requests can be made, and their conversation."""

    name: str = Field(examples=["Alice Johnson"])


def user_chat_router(
    callers: Callers, conversations: Conversations, database: Database
) -> APIRouter:
    """The routes of chat by user id."""
    router = APIRouter(
        prefix="/api",
        tags=["chat by user"],
        responses=error_responses(400, 401, 403, 405, 409, 413, 415, 429, 500, 503),
    )

    async def conversation(request: Request, user_id: str) -> tuple[Principal, str]:
        principal = await user_of(callers, request.headers, user_id)
        session_id = await archive.present_session(
            database.reader, principal.tenant, principal.label, f"{user_id}-"
        )
        bind(session=session_id.removeprefix(f"{principal.id}-"))  # ids are not logged
        return principal, session_id

    @router.post("/chat", response_model_exclude_defaults=True)
    async def chat(
        request: Request,
        body: UserMessage,
        response: Response,
        idempotency_key: IdempotencyKey = None,
    ) -> UserAnswer:
        """Send a message for a user and get the whole answer."""
        principal, session_id = await conversation(request, body.user_id)
        context = Context(principal, "agent", request.state.request_id)
        reader = await conversations.send(context, session_id, body.message, key=idempotency_key)
        answered = await whole(reader, request)
        response.headers[MODEL_HEADER] = answered.model
        asks = [Asked.of(event) for event in answered.asks]
        return UserAnswer(response=answered.text, confirmations=asks)

    @router.post("/reset")
    async def reset(request: Request, body: UserReset) -> UserConversation:
        """Begin a new conversation. The old one stays in the list of sessions."""
        principal, session_id = await conversation(request, body.user_id)
        context = Context(principal, "rest", request.state.request_id)
        arguments = {"session_id": session_id, "prefix": f"{body.user_id}-"}
        begun = await callers.gate.act("begin_session", arguments, context)
        session_id = answer(begun)["session_id"]
        return UserConversation(
            message="Conversation reset", user_id=body.user_id, session_id=session_id
        )

    @router.get("/history/{user_id}")
    async def history(request: Request, user_id: PathUser) -> UserHistory:
        """Show what was said in a user's present conversation."""
        principal, session_id = await conversation(request, user_id)
        where = Where(principal.tenant, principal.label, session_id)
        said = await archive.spoken(database.reader, where)
        return UserHistory(
            user_id=user_id,
            session_id=session_id,
            message_count=len(said),
            messages=[shown(item) for item in said],
        )

    @router.put("/user/{user_id}")
    async def switch_user(request: Request, user_id: PathUser) -> UserContext:
        """Check that the caller may speak for a user, and tell in which conversation.

        The server keeps no present user: each request names its own, so that two clients cannot
        switch each other.
        """
        principal, session_id = await conversation(request, user_id)
        customer = await customers.get(database.reader, principal.tenant, user_id)
        return UserContext(
            message=f"Switched to user: {user_id}",
            user_id=user_id,
            session_id=session_id,
            name=customer.name,
        )

    return router


async def user_of(callers: Callers, headers: Mapping[str, str], user_id: str) -> Principal:
    """The customer of that id, if the caller may speak for them.

    Raises:
        Unauthenticated: No valid key, or no such customer.
        Forbidden: The caller may not.
    """
    principal = await callers.identify(headers, user_id=user_id)
    if principal.kind is not Kind.CUSTOMER or principal.id != user_id:
        raise Forbidden("This API key cannot speak for that customer.")
    return principal
