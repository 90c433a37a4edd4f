"""What callers do to their sessions through a door, each through the gate."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from deskward.conversations import archive, news, store
from deskward.conversations.store import Where
from deskward.conversations.wording import busy
from deskward.core.errors import SessionNotFound
from deskward.core.written import Written
from deskward.gate.call import Gate
from deskward.gate.confirmations import end_questions
from deskward.gate.context import Context
from deskward.gate.provenance import Record
from deskward.gate.tool import Risk, ToolGroup

acts = ToolGroup("sessions")

SessionId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]

EventId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class Deleted(BaseModel):
    """What was deleted."""

    messages: int


class Begun(BaseModel):
    """The session that is the present one."""

    session_id: Annotated[SessionId, Written(by="desk")] = Field(
        description="As the caller named it."
    )


@acts.tool(scope="sessions:write", risk=Risk.DESTRUCTIVE, rest=None)
async def delete_session(ctx: Context, session_id: SessionId) -> Deleted:
    """Delete a session of the caller's with all its messages.

    Args:
        session_id: The session.
    """
    where = Where(ctx.tenant, ctx.principal.label, session_id)
    turn = await store.open_turn(ctx.db, where)
    if turn is not None and turn.status == "running":
        raise busy()
    count = await store.delete(ctx.db, where)
    if count is None:
        raise SessionNotFound(session_id)
    await end_questions(ctx.db, where.tenant, where.owner, session_id)
    # A later session of this id has read nothing. What was read with a key stays with the key.
    holder = Record("session", session_id, where.owner)
    await ctx.port(Gate).readings.clear(ctx.db, where.tenant, holder)
    return Deleted(messages=count)


@acts.tool(scope="sessions:write", risk=Risk.WRITE, rest=None)
async def begin_session(ctx: Context, session_id: SessionId, prefix: SessionId) -> Begun:
    """Begin the caller's next numbered session.

    Args:
        session_id: The present one.
        prefix: What the ids of both begin with.
    """
    where = Where(ctx.tenant, ctx.principal.label, session_id)
    return Begun(session_id=await archive.next_session(ctx.db, where, prefix))


class CalledOff(BaseModel):
    """The session in which nothing is asked any more."""

    session_id: Annotated[SessionId, Written(by="desk")]


@acts.tool(scope="sessions:write", risk=Risk.WRITE, rest=None)
async def call_off_questions(ctx: Context, session_id: SessionId) -> CalledOff:
    """Take back what the caller is asked in a session: nothing of it is done.

    Args:
        session_id: The session.
    """
    await end_questions(ctx.db, ctx.tenant, ctx.principal.label, session_id)
    return CalledOff(session_id=session_id)


class Had(BaseModel):
    """What the caller has."""

    event_id: Annotated[EventId, Written(by="desk")]


@acts.tool(scope="sessions:write", risk=Risk.WRITE, rest=None)
async def receive_news(ctx: Context, session_id: SessionId, event_id: EventId) -> Had:
    """Say that the caller has an event of a session, and all before it: they are delivered.

    Args:
        session_id: The session.
        event_id: The event.
    """
    await news.received(ctx.db, Where(ctx.tenant, ctx.principal.label, session_id), event_id)
    return Had(event_id=event_id)
