"""What is kept of conversations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from deskward.agent.model import Message
from deskward.conversations.models import messages, sessions, turns
from deskward.core.database import Connection, insert_or_ignore, now
from deskward.core.errors import SessionEnded
from deskward.core.fixed import fixed
from deskward.gate.context import new_id
from deskward.security.principals import Principal

LEASE = timedelta(seconds=10)
"""How long a turn counts as running after its process was last heard of."""

MAX_HISTORY = 60
"""How many of a session's latest messages a model is given."""

_START_SESSION = fixed(
    insert_or_ignore(
        sessions, "tenant_id", "owner", "id", "message_count", "created_at", "last_activity"
    )
)
_ADD_TURN = fixed(turns.insert())
_HERE = {
    table: (table.c.tenant_id == sa.bindparam("b_tenant"))
    & (table.c.owner == sa.bindparam("b_owner"))
    & ((table.c.id if table is sessions else table.c.session_id) == sa.bindparam("b_session"))
    for table in (sessions, messages, turns)
}
_TOUCH = (
    sa.update(sessions)
    .where(_HERE[sessions], sessions.c.ended_at.is_(None))
    .values(
        last_activity=sa.bindparam("b_now"),
        message_count=sessions.c.message_count + sa.bindparam("b_more"),
    )
    .returning(sessions.c.message_count)
)
_TOUCH_ANY, _TOUCH_FREE = fixed(_TOUCH), fixed(_TOUCH.where(sessions.c.taken_by.is_(None)))
_IS_TAKEN = fixed(sa.select(sessions.c.taken_by).where(_HERE[sessions]))
_NEXT_SEQ = sa.select(sa.func.coalesce(sa.func.max(messages.c.seq), 0) + 1).where(_HERE[messages])
_GIVEN = ("turn_id", "role", "content", "data", "created_at")
_HERE_TOO = {"tenant_id": "b_tenant", "owner": "b_owner", "session_id": "b_session"}
_ADD_MESSAGE = fixed(
    messages.insert()
    .inline()
    .values({name: sa.bindparam(name) for name in _GIVEN} | {"seq": _NEXT_SEQ.scalar_subquery()})
    .values({name: sa.bindparam(where) for name, where in _HERE_TOO.items()})
)
"""The session's row is held by whoever adds one: no two get the same number."""
_HISTORY = fixed(
    sa.select(messages).where(_HERE[messages]).order_by(messages.c.seq.desc()).limit(MAX_HISTORY)
)
_OPEN = fixed(
    sa.select(turns).where(
        _HERE[turns], (turns.c.status == "running") | (turns.c.status == "paused")
    )
)
_TURN = fixed(sa.select(turns).where(_HERE[turns], turns.c.id == sa.bindparam("b_id")))
_TURN_BY_KEY = fixed(sa.select(turns).where(_HERE[turns], turns.c.key == sa.bindparam("b_key")))
_END = fixed(
    sa.update(turns)
    .where(turns.c.id == sa.bindparam("b_id"))
    .values(
        status=sa.bindparam("b_status"),
        model=sa.bindparam("b_model"),
        message_count=sa.bindparam("b_count"),
    )
)
_OF_TURN = fixed(
    sa.select(messages)
    .where(_HERE[messages], messages.c.turn_id == sa.bindparam("b_id"))
    .order_by(messages.c.seq)
)
_DELETE = sa.delete(sessions).where(_HERE[sessions]).returning(sessions.c.message_count)
_LOST = sa.select(turns).where(
    turns.c.status == "running",
    turns.c.lease_until < sa.bindparam("moment", type_=turns.c.lease_until.type),
)
_TAKE_OVER = (
    sa.update(turns)
    .where(
        turns.c.id == sa.bindparam("b_id"),
        turns.c.status.in_(["running", "paused"]),
        turns.c.lease_until == sa.bindparam("b_seen", type_=turns.c.lease_until.type),
    )
    .values(
        status="running",
        lease_until=sa.bindparam("b_until"),
        holder=sa.bindparam("b_holder"),
        attempts=turns.c.attempts + 1,
    )
)
_RENEW = (
    sa.update(turns)
    .where(
        turns.c.holder.in_(sa.bindparam("b_holders", expanding=True)),
        turns.c.status == "running",
    )
    .values(lease_until=sa.bindparam("b_until"))
)
_HOLD = fixed(
    sa.update(turns)
    .where(
        turns.c.id == sa.bindparam("b_id"),
        turns.c.holder == sa.bindparam("b_mine"),
        turns.c.status == "running",
    )
    .values(lease_until=sa.bindparam("b_until"))
)


@dataclass(frozen=True)
class Where:
    """A session: whose, in which tenant, and its id."""

    tenant: str
    owner: str
    session_id: str

    @property
    def parameters(self) -> dict[str, str]:
        """For the statements of this file."""
        return {"b_tenant": self.tenant, "b_owner": self.owner, "b_session": self.session_id}


class TakenOver(Exception):
    """A person has the conversation: the agent says nothing in it."""


class NotHeld(Exception):
    """The turn is another process's by now, or its session is gone."""


@dataclass(frozen=True)
class Turn:
    """A turn's row."""

    id: str
    where: Where
    principal: Principal
    status: str
    attempts: int
    lease_until: datetime
    holder: str | None
    digest: str | None = None
    model: str | None = None
    message_count: int | None = None


async def begin_turn(
    db: Connection,
    where: Where,
    principal: Principal,
    said: Sequence[Message],
    *,
    key: str | None = None,
    digest: str | None = None,
) -> Turn:
    """Record what begins a turn, and that it is being answered; starts the session if need be.

    Args:
        said: A customer's message; or a call that was decided on by a person, with its answer.

    Raises:
        sqlalchemy.exc.IntegrityError: The session has an open turn, or one with that key.
        SessionEnded: It was ended.
    """
    moment = now()
    await db.change(
        _START_SESSION,
        {
            "tenant_id": where.tenant,
            "owner": where.owner,
            "id": where.session_id,
            "message_count": 0,
            "created_at": moment,
            "last_activity": moment,
        },
    )
    turn = Turn(new_id(), where, principal, "running", 1, moment + LEASE, new_id())
    await db.change(
        _ADD_TURN,
        {
            "id": turn.id,
            "tenant_id": where.tenant,
            "owner": where.owner,
            "session_id": where.session_id,
            "principal": principal.facts,
            "status": "running",
            "attempts": 1,
            "lease_until": turn.lease_until,
            "holder": turn.holder,
            "created_at": moment,
            "key": key,
            "digest": digest,
            "model": None,
            "message_count": None,
        },
    )
    for message in said:
        await _add(db, turn, message)
    return turn


async def add_message(db: Connection, turn: Turn, message: Message) -> int:
    """Record a message; returns the session's count of messages that people see.

    Raises:
        NotHeld: Another process answers the turn by now.
    """
    await hold(db, turn)
    return await _add(db, turn, message)


async def hold(db: Connection, turn: Turn) -> None:
    """Go on holding a turn.

    Raises:
        NotHeld: Another process answers it by now.
    """
    held = await db.change(
        _HOLD, {"b_id": turn.id, "b_mine": turn.holder, "b_until": now() + LEASE}
    )
    if held != 1:
        raise NotHeld


async def renew(db: Connection, held: Iterable[Turn]) -> None:
    """Go on holding turns, all but those that another process answers by now."""
    holders = [turn.holder for turn in held]
    await db.execute(_RENEW, {"b_holders": holders, "b_until": now() + LEASE})


async def _add(db: Connection, turn: Turn, message: Message) -> int:
    where = turn.where
    moment = now()
    customers = message.role == "user"
    seen = customers or (message.role == "assistant" and not message.tool_requests)
    # The row is held from here on: who takes the conversation over comes before this or after it.
    touch = _TOUCH_ANY if customers else _TOUCH_FREE
    row = await db.first(touch, **where.parameters, b_now=moment, b_more=int(seen))
    if row is None:
        taken = await db.first(_IS_TAKEN, **where.parameters)
        raise TakenOver if taken is not None and taken.taken_by else SessionEnded
    await db.change(
        _ADD_MESSAGE,
        {
            **where.parameters,
            "turn_id": turn.id,
            "role": message.role,
            "content": message.text,
            "data": message.data or None,
            "created_at": moment,
        },
    )
    return int(row.message_count)


async def history(db: Connection, where: Where) -> list[Message]:
    """The latest messages of a session, the oldest first, from a customer's message on."""
    rows = list(reversed(await db.all(_HISTORY, **where.parameters)))
    found = [_message(row) for row in rows]
    while found and found[0].role != "user":
        found.pop(0)
    if rows and not found:  # the last turn alone is longer than that
        return await messages_of(db, where, rows[-1].turn_id)
    return found


async def messages_of(db: Connection, where: Where, turn_id: str) -> list[Message]:
    """The messages of a turn, the customer's first."""
    return [_message(row) for row in await db.all(_OF_TURN, **where.parameters, b_id=turn_id)]


async def is_taken(db: Connection, where: Where) -> bool:
    """Whether a person has the conversation."""
    row = await db.first(_IS_TAKEN, **where.parameters)
    return row is not None and row.taken_by is not None


async def open_turn(db: Connection, where: Where) -> Turn | None:
    """The turn of a session that is not ended yet."""
    row = await db.first(_OPEN, **where.parameters)
    return _turn(row) if row else None


async def turn(db: Connection, where: Where, turn_id: str) -> Turn | None:
    """The turn of that id, if it is the session's."""
    row = await db.first(_TURN, **where.parameters, b_id=turn_id)
    return _turn(row) if row else None


async def turn_by_key(db: Connection, where: Where, key: str) -> Turn | None:
    """The turn that was begun with that idempotency key."""
    row = await db.first(_TURN_BY_KEY, **where.parameters, b_key=key)
    return _turn(row) if row else None


async def lost_turns(db: Connection) -> list[Turn]:
    """Running turns whose process was not heard of for the length of a lease."""
    return [_turn(row) for row in await db.all(_LOST, moment=now())]


async def take_over(db: Connection, turn: Turn) -> Turn | None:
    """Claim a lost or paused turn; None where another process was quicker."""
    holder, until = new_id(), now() + LEASE
    result = await db.execute(
        _TAKE_OVER,
        {"b_id": turn.id, "b_seen": turn.lease_until, "b_until": until, "b_holder": holder},
    )
    if result.rowcount != 1:
        return None
    return replace(
        turn, status="running", attempts=turn.attempts + 1, lease_until=until, holder=holder
    )


async def release(db: Connection, turn: Turn) -> None:
    """Let the next process go on with a turn at once; stopping in peace is no failed attempt."""
    await _let_go(db, turn, "running")


async def pause(db: Connection, turn: Turn) -> None:
    """Record that a turn waits for a reader; that is no failed attempt."""
    await _let_go(db, turn, "paused")


async def _let_go(db: Connection, turn: Turn, status: str) -> None:
    await db.execute(
        sa.update(turns)
        .where(turns.c.id == turn.id, turns.c.holder == turn.holder, turns.c.status == "running")
        .values(status=status, holder=None, lease_until=now(), attempts=turns.c.attempts - 1)
    )


async def end_turn(
    db: Connection, turn: Turn, status: str, model: str | None = None, count: int | None = None
) -> None:
    """Record how a turn that is held ended: `done`, `failed` or `stopped`, by its customer."""
    ended = {"b_id": turn.id, "b_status": status, "b_model": model, "b_count": count}
    await db.change(_END, ended)


async def delete(db: Connection, where: Where) -> int | None:
    """Delete a session with all that is in it; gives its count of messages, None where none is."""
    row = await db.first(_DELETE, **where.parameters)
    return row.message_count if row else None


def _message(row: Any) -> Message:
    return Message.of_data(row.role, row.content, row.data or {})


def _turn(row: Any) -> Turn:
    where = Where(row.tenant_id, row.owner, row.session_id)
    return Turn(
        id=row.id,
        where=where,
        principal=Principal.of_facts(row.principal),
        status=row.status,
        attempts=row.attempts,
        lease_until=row.lease_until,
        holder=row.holder,
        digest=row.digest,
        model=row.model,
        message_count=row.message_count,
    )
