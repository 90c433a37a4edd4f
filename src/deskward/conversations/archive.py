"""Sessions as their owners look back at them: a list, and what was said in each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

import sqlalchemy as sa

from deskward.conversations.models import messages, sessions
from deskward.conversations.store import Where
from deskward.core.database import Connection, insert_or_ignore, now
from deskward.core.errors import SessionNotFound
from deskward.gate.confirmations import end_questions
from deskward.tickets.messages import By


@dataclass(frozen=True)
class Session:
    """A session without its messages."""

    id: str
    message_count: int
    created_at: datetime
    last_activity: datetime


@dataclass(frozen=True)
class HistoryLine:
    """What one side said in a turn.

    Attributes:
        by: Who said it: whose session it is; `agent`; or, outside a turn, `staff` or `desk`.
    """

    role: Literal["user", "assistant"]
    content: str
    timestamp: datetime
    by: By


async def sessions_of(
    db: Connection, tenant: str, owner: str, *, limit: int, offset: int
) -> tuple[int, list[Session]]:
    """How many sessions a caller has, and one page of them, the latest active first."""
    mine = (sessions.c.tenant_id == tenant) & (sessions.c.owner == owner)
    total = await db.first(sa.select(sa.func.count()).select_from(sessions).where(mine))
    rows = await db.all(
        sa.select(sessions)
        .where(mine)
        .order_by(sessions.c.last_activity.desc(), sessions.c.id)
        .limit(limit)
        .offset(offset)
    )
    return total[0] if total else 0, [_session(row) for row in rows]


async def session(db: Connection, where: Where) -> Session:
    """One session.

    Raises:
        SessionNotFound: The caller has no such session.
    """
    row = await db.first(
        sa.select(sessions).where(
            sessions.c.tenant_id == where.tenant,
            sessions.c.owner == where.owner,
            sessions.c.id == where.session_id,
        )
    )
    if row is None:
        raise SessionNotFound(where.session_id)
    return _session(row)


async def spoken(db: Connection, where: Where) -> list[HistoryLine]:
    """All that was said in a session, the oldest first; of each turn one answer, in one piece."""
    rows = await db.all(
        sa.select(messages)
        .where(
            messages.c.tenant_id == where.tenant,
            messages.c.owner == where.owner,
            messages.c.session_id == where.session_id,
            messages.c.role.in_(["user", "assistant"]),
        )
        .order_by(messages.c.seq)
    )
    said: list[HistoryLine] = []
    answer: list[str] = []
    asking = cast(By, where.owner.partition(":")[0])
    for row in rows:
        if row.role == "user":
            answer = []
            said.append(HistoryLine("user", row.content, row.created_at, asking))
            continue
        data = row.data or {}
        if by := data.get("by"):  # said beside any turn, perhaps in the middle of one
            said.append(HistoryLine("assistant", row.content, row.created_at, by))
            continue
        answer.append(row.content)
        if not data.get("tool_requests"):
            said.append(HistoryLine("assistant", "".join(answer), row.created_at, "agent"))
            answer = []  # a turn that goes on after an approval begins without a customer's message
    return said


async def heard(db: Connection, tenant: str, owner: str, session_id: str) -> list[str]:
    """What a session's owner said in it, the oldest first."""
    said = await spoken(db, Where(tenant, owner, session_id))
    return [line.content for line in said if line.role == "user"]


async def present_session(db: Connection, tenant: str, owner: str, prefix: str) -> str:
    """The id of a caller's numbered session: the prefix and the highest number, from 1.

    Where that one was ended, it is the next one.
    """
    number = max(1, await _highest(db, tenant, owner, prefix))
    row = await db.first(
        sa.select(sessions.c.ended_at).where(
            sessions.c.tenant_id == tenant,
            sessions.c.owner == owner,
            sessions.c.id == f"{prefix}{number}",
        )
    )
    return f"{prefix}{number + 1 if row is not None and row.ended_at is not None else number}"


async def next_session(db: Connection, where: Where, prefix: str) -> str:
    """Begin the numbered session after the present one, unless that one is still empty.

    Args:
        where: The present one.
        prefix: What its id begins with.
    """
    number = await _highest(db, where.tenant, where.owner, prefix)
    row = await db.first(
        sa.select(sessions.c.message_count).where(
            sessions.c.tenant_id == where.tenant,
            sessions.c.owner == where.owner,
            sessions.c.id == where.session_id,
        )
    )
    if row is None or row.message_count == 0:
        return where.session_id
    await end_questions(db, where.tenant, where.owner, where.session_id)
    moment = now()
    begun = f"{prefix}{number + 1}"
    await db.execute(
        insert_or_ignore(
            sessions, "tenant_id", "owner", "id", "message_count", "created_at", "last_activity"
        ),
        {
            "tenant_id": where.tenant,
            "owner": where.owner,
            "id": begun,
            "message_count": 0,
            "created_at": moment,
            "last_activity": moment,
        },
    )
    return begun


async def _highest(db: Connection, tenant: str, owner: str, prefix: str) -> int:
    rows = await db.all(
        sa.select(sessions.c.id).where(
            sessions.c.tenant_id == tenant,
            sessions.c.owner == owner,
            sessions.c.id.startswith(prefix, autoescape=True),
        )
    )
    numbers = [row.id.removeprefix(prefix) for row in rows]
    return max((int(n) for n in numbers if n.isascii() and n.isdigit() and len(n) < 10), default=0)


def _session(row: Any) -> Session:
    return Session(row.id, row.message_count, row.created_at, row.last_activity)
