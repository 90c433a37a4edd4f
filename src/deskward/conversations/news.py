"""What customers learn of their conversation beside their turns: colleagues who come, say, and go.

News is a row, added in the transaction of what it tells and numbered under the session's row, so
that no reader can miss one. A customer has it when their program says so, and not when it was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from deskward.conversations.models import messages, news
from deskward.conversations.store import Where
from deskward.core.database import Connection, now
from deskward.core.errors import NotFound
from deskward.core.fixed import fixed
from deskward.core.moments import UtcDateTime
from deskward.gate.context import new_id
from deskward.tickets import store as tickets

Kind = Literal["message", "taken_over", "given_back"]
MOST = 100
"""How many are read at once."""

_HERE = (
    (news.c.tenant_id == sa.bindparam("b_tenant"))
    & (news.c.owner == sa.bindparam("b_owner"))
    & (news.c.session_id == sa.bindparam("b_session"))
)
_SAID = (
    (messages.c.tenant_id == news.c.tenant_id)
    & (messages.c.owner == news.c.owner)
    & (messages.c.session_id == news.c.session_id)
    & (messages.c.seq == news.c.said)
)
_AFTER = fixed(
    sa.select(news, messages.c.content)
    .select_from(news.outerjoin(messages, _SAID))
    .where(_HERE, news.c.number > sa.bindparam("b_after"))
    .order_by(news.c.number)
    .limit(MOST)
)
_LAST = fixed(sa.select(sa.func.max(news.c.number)).where(_HERE))
_HAD = fixed(sa.select(sa.func.max(news.c.number)).where(_HERE, news.c.received_at.is_not(None)))
_BY_ID = fixed(sa.select(news.c.number).where(_HERE, news.c.id == sa.bindparam("b_id")))
_SINCE = fixed(
    sa.select(
        news.c.tenant_id, news.c.owner, news.c.session_id, sa.func.max(news.c.number).label("last")
    )
    .where(news.c.created_at >= sa.bindparam("b_since", type_=UtcDateTime))
    .group_by(news.c.tenant_id, news.c.owner, news.c.session_id)
)


@dataclass(frozen=True)
class News:
    """One piece of news.

    Attributes:
        number: Its place in the session, from 1.
        id: Names it; nobody can guess one.
        by: Who said it: `staff`, `agent` or `desk`.
        text: What was said; None where nothing was, or it is gone.
    """

    number: int
    id: str
    kind: Kind
    by: str
    text: str | None
    at: datetime


async def add(
    db: Connection,
    where: Where,
    kind: Kind,
    *,
    by: str,
    said: int | None = None,
    message_id: str | None = None,
) -> None:
    """Add news to a session whose row the caller's transaction holds.

    Args:
        by: Who comes, says, or goes.
        said: The `seq` of the message.
        message_id: The ticket's message that it is.
    """
    last = await db.first(_LAST, **where.parameters)
    row = {
        "tenant_id": where.tenant,
        "owner": where.owner,
        "session_id": where.session_id,
        "number": ((last[0] if last else None) or 0) + 1,
        "id": new_id(),
        "kind": kind,
        "by": by,
        "said": said,
        "message_id": message_id,
        "created_at": now(),
    }
    await db.execute(news.insert(), row)


async def after(db: Connection, where: Where, number: int) -> list[News]:
    """The next news of a session behind a number, the oldest first."""
    rows = await db.all(_AFTER, **where.parameters, b_after=number)
    return [_news(row) for row in rows]


async def had(db: Connection, where: Where) -> int:
    """The number of the last news that the customer has; 0 for none."""
    row = await db.first(_HAD, **where.parameters)
    return (row[0] if row else None) or 0


async def number_of(db: Connection, where: Where, key: str) -> int:
    """The number of the news of that id.

    Raises:
        NotFound: The session has none.
    """
    row = await db.first(_BY_ID, **where.parameters, b_id=key)
    if row is None:
        raise NotFound("event", key)
    return int(row[0])


async def received(db: Connection, where: Where, key: str) -> None:
    """Write down that the customer has news, and all before it: what was said is delivered.

    Raises:
        NotFound: The session has none of that id.
    """
    number = await number_of(db, where, key)
    have = await db.execute(
        sa.update(news)
        .where(_HERE, news.c.number <= sa.bindparam("b_number"), news.c.received_at.is_(None))
        .values(received_at=sa.bindparam("b_moment", type_=UtcDateTime))
        .returning(news.c.message_id),
        {**where.parameters, "b_number": number, "b_moment": now()},
    )
    for row in have.all():
        if row.message_id is not None:
            await tickets.delivered(db, where.tenant, row.message_id, "delivered")


async def since(db: Connection, moment: datetime) -> Sequence[tuple[Where, int]]:
    """The sessions with news since a moment, and the number of the last of each."""
    rows = await db.all(_SINCE, b_since=moment)
    return [(Where(row.tenant_id, row.owner, row.session_id), row.last) for row in rows]


def _news(row: Any) -> News:
    return News(row.number, row.id, row.kind, row.by, row.content, row.created_at)
