"""A caller's sessions over HTTP: list, history, delete."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from deskward.conversations import archive
from deskward.conversations.archive import HistoryLine, Session
from deskward.conversations.service import Conversations
from deskward.conversations.store import Where
from deskward.core.database import Connection
from deskward.core.errors import iso
from deskward.core.logging import bind
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.openapi import SESSION_NOT_FOUND, error_responses
from deskward.entrypoints.rest.chat import TenantId
from deskward.entrypoints.rest.tools import answer
from deskward.gate.context import Context

Tenant = Annotated[TenantId | SkipJsonSchema[None], Query()]
PathSession = Annotated[
    str,
    Path(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$", examples=["abc-123-def"]),
]
Moment = Annotated[str, Field(examples=["2026-02-19T10:30:00.000Z"])]


class SessionSummary(BaseModel):
    """A session in a list."""

    session_id: str = Field(examples=["abc-123"])
    message_count: int = Field(examples=[6])
    created_at: Moment
    last_activity: Moment


class SessionList(BaseModel):
    """One page of sessions, the latest active first."""

    tenant_id: str = Field(examples=["default"])
    total: int = Field(description="How many there are on all pages.", examples=[3])
    limit: int = Field(examples=[50])
    offset: int = Field(examples=[0])
    sessions: list[SessionSummary]


class HistoryMessage(BaseModel):
    """What one side said in a turn."""

    role: Literal["user", "assistant"]
    content: str = Field(examples=["Hi, I need help with my order"])
    timestamp: Moment
    by: Literal["staff", "desk"] | None = Field(
        None,
        exclude_if=lambda by: by is None,
        description="Who said it, where it was neither the customer nor the agent.",
    )


class History(BaseModel):
    """All that was said in a session, the oldest first."""

    session_id: str = Field(examples=["abc-123-def"])
    tenant_id: str = Field(examples=["default"])
    message_count: int = Field(examples=[6])
    created_at: Moment
    last_activity: Moment
    messages: list[HistoryMessage]


class SessionDeleted(BaseModel):
    """The receipt of a deletion."""

    message: str = Field(examples=["Session deleted successfully"])
    session_id: str = Field(examples=["abc-123-def"])
    messages_deleted: int = Field(examples=[6])


def sessions_router(
    callers: Callers, conversations: Conversations, reader: Connection
) -> APIRouter:
    """The endpoints of sessions. A caller sees their own only."""
    router = APIRouter(
        prefix="/api/v1/sessions",
        tags=["sessions"],
        responses=error_responses(400, 401, 403, 405, 413, 429, 500, 503),
    )

    async def place(request: Request, session_id: str, tenant: str | None) -> Where:
        principal = await callers.identify(request.headers, tenant=tenant)
        bind(session=session_id)
        return Where(principal.tenant, principal.label, session_id)

    @router.get("")
    async def list_sessions(
        request: Request,
        tenant_id: Tenant = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    ) -> SessionList:
        """List the caller's sessions."""
        principal = await callers.identify(request.headers, tenant=tenant_id)
        total, found = await archive.sessions_of(
            reader, principal.tenant, principal.label, limit=limit, offset=offset
        )
        return SessionList(
            tenant_id=principal.tenant,
            total=total,
            limit=limit,
            offset=offset,
            sessions=[summary(session) for session in found],
        )

    @router.get("/{session_id:path}/history", responses=SESSION_NOT_FOUND)
    async def session_history(
        request: Request, session_id: PathSession, tenant_id: Tenant = None
    ) -> History:
        """Show what was said in a session."""
        where = await place(request, session_id, tenant_id)
        session = await archive.session(reader, where)
        said = await archive.spoken(reader, where)
        return History(
            tenant_id=where.tenant,
            **summary(session).model_dump(),
            messages=[shown(item) for item in said],
        )

    @router.delete("/{session_id:path}", responses=SESSION_NOT_FOUND | error_responses(409))
    async def delete_session(
        request: Request, session_id: PathSession, tenant_id: Tenant = None
    ) -> SessionDeleted:
        """Delete a session with all its messages. The ledger of its calls stays."""
        principal = await callers.identify(request.headers, tenant=tenant_id)
        bind(session=session_id)
        context = Context(principal, "rest", request.state.request_id)
        async with conversations.alone(Where(principal.tenant, principal.label, session_id)):
            done = await callers.gate.act("delete_session", {"session_id": session_id}, context)
        return SessionDeleted(
            message="Session deleted successfully",
            session_id=session_id,
            messages_deleted=answer(done)["messages"],
        )

    return router


def shown(said: HistoryLine) -> HistoryMessage:
    """What was said, as a history shows it."""
    return HistoryMessage(
        role=said.role,
        content=said.content,
        timestamp=iso(said.timestamp),
        by=said.by if said.by in ("staff", "desk") else None,
    )


def summary(session: Session) -> SessionSummary:
    """A session, as a list shows it."""
    return SessionSummary(
        session_id=session.id,
        message_count=session.message_count,
        created_at=iso(session.created_at),
        last_activity=iso(session.last_activity),
    )
