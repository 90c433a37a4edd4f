"""A conversation's turns as tasks: what other programs ask for, and follow to its end.

A task is a turn that was begun as one, the turns that go on with it, such as an answer to what it
asked, and those in which its conversation is told what a colleague has decided. Nothing more is
kept: which turns it has stands in their keys, and its state follows from the last of them, from
what that asks, and from what waits for a colleague. So a task has the state of its conversation,
whichever door changed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from deskward.agent.events import ApprovalNeeded, ConfirmNeeded
from deskward.agent.model import Message
from deskward.conversations.cursors import TurnEvent, recorded
from deskward.conversations.models import messages, turns
from deskward.conversations.store import Where
from deskward.core.database import Connection, now
from deskward.gate.approvals import approvals
from deskward.gate.confirmations import confirmations
from deskward.gate.effects import DeskKey, stored

State = Literal["working", "asking", "waiting", "done", "failed", "stopped"]
"""`asking`: its customer has to answer. `waiting`: a colleague has to approve something."""
OVER: frozenset[State] = frozenset({"done", "failed", "stopped"})

LONGEST_ID = 150
"""Characters of a message's id: a key has room for it and for the task that it goes on with."""
TOLD_WITHIN = timedelta(minutes=1)
"""How soon a conversation is told what was decided; until then its task goes on."""
ROUNDS = 10
"""How often what a colleague decided can lead to another decision of one task."""

_KEY = "task:"
_SESSION = ("tenant_id", "owner", "session_id")
_OF_TASK = sa.func.substr(turns.c.key, len(_KEY) + 1, 32)


def key_of(message_id: str, task_id: str = "") -> str:
    """The idempotency key of a message that begins a task, or goes on with one."""
    return f"{_KEY}{task_id}:{message_id}"


@dataclass(frozen=True)
class Spoken:
    """A message beside its moment."""

    message: Message
    at: datetime
    by: str | None
    seq: int


@dataclass
class TaskTurn:
    """One of a task's turns.

    Attributes:
        message_id: The id of the message that began it, as its sender named it.
        said: Its messages, in their order.
        events: What made them.
    """

    id: str
    status: str
    begun_at: datetime
    message_id: str | None
    said: list[Spoken] = field(default_factory=list)
    events: Sequence[TurnEvent] = ()


@dataclass
class Task:
    """A task as it stands.

    Attributes:
        id: That of its first turn.
        asks: What its customer has to answer.
        waits: What a colleague has to approve.
        since: What people said in the conversation behind its turns, and before another task.
    """

    id: str
    where: Where
    turns: list[TaskTurn]
    state: State = "working"
    asks: Sequence[ConfirmNeeded] = ()
    waits: Sequence[ApprovalNeeded] = ()
    since: Sequence[Spoken] = ()

    @property
    def last(self) -> TaskTurn:
        """Its latest turn."""
        return self.turns[-1]

    @property
    def updated_at(self) -> datetime:
        """When something of it was last said."""
        return self.last.said[-1].at if self.last.said else self.last.begun_at


class Tasks:
    """Reads tasks."""

    def __init__(self, db: Connection, handover_tools: Callable[[], Mapping[str, str]]) -> None:
        """Make it.

        Args:
            handover_tools: See `Agent.handover_tools`.
        """
        self._db, self._handover_tools = db, handover_tools

    async def find(self, tenant: str, owner: str, task_id: str) -> Task | None:
        """The caller's task of that id; None where they have none."""
        row = await self._db.first(_roots(tenant, owner).where(turns.c.id == task_id))
        if row is None:
            return None
        (task,) = await self.of(tenant, owner, [row])
        task.since = await self._since(task)
        return task

    async def ids(
        self, tenant: str, owner: str, session_id: str | None
    ) -> list[tuple[str, datetime]]:
        """A caller's tasks, by id, each with its last change; the latest changed first."""
        later = turns.alias("later")
        of_root = sa.func.substr(later.c.key, len(_KEY) + 1, 32) == turns.c.id
        same = [messages.c[name] == turns.c[name] for name in ("tenant_id", "owner", "session_id")]
        these = (
            sa.select(later.c.id)
            .where(*(later.c[name] == turns.c[name] for name in _SESSION), of_root)
            .correlate(turns)
        )
        said_last = (
            sa.select(sa.func.max(messages.c.created_at))
            .where(*same, (messages.c.turn_id == turns.c.id) | messages.c.turn_id.in_(these))
            .correlate(turns)
            .scalar_subquery()
        )
        changed = sa.func.coalesce(said_last, turns.c.created_at, type_=turns.c.created_at.type)
        statement = _roots(tenant, owner).with_only_columns(turns.c.id, changed.label("changed"))
        if session_id is not None:
            statement = statement.where(turns.c.session_id == session_id)
        rows = await self._db.all(statement.order_by(sa.desc("changed"), turns.c.id))
        return [(row.id, row.changed) for row in rows]

    async def named(self, tenant: str, owner: str, ids: Sequence[str]) -> list[Task]:
        """A caller's tasks of these ids, in that order."""
        rows = await self._db.all(_roots(tenant, owner).where(turns.c.id.in_(ids)))
        found = {task.id: task for task in await self.of(tenant, owner, rows)}
        return [found[one] for one in ids if one in found]

    async def of(self, tenant: str, owner: str, rows: Iterable[Any]) -> list[Task]:
        """The tasks of these first turns of a caller's."""
        found = {
            row.id: Task(row.id, Where(tenant, owner, row.session_id), [_turn(row)]) for row in rows
        }
        here = (turns.c.tenant_id == tenant) & (turns.c.owner == owner)
        here &= turns.c.session_id.in_({task.where.session_id for task in found.values()})
        for row in await self._db.all(sa.select(turns).where(here, _OF_TASK.in_(found))):
            found[row.key[len(_KEY) :][:32]].turns.append(_turn(row))
        await self._read(found.values())
        waiting: dict[str, Any] = {}
        for _ in range(ROUNDS):
            asked = {
                event.approval_id: task
                for task in found.values()
                for event in _events(task, ApprovalNeeded)
                if event.approval_id not in waiting
            }
            if not asked:
                break
            waiting |= await self._statuses(approvals, tenant, asked)
            waiting |= {key: None for key in asked if key not in waiting}
            keys = {stored(DeskKey("approval", key)): task for key, task in asked.items()}
            told = await self._db.all(sa.select(turns).where(here, turns.c.key.in_(keys)))
            for row in told:
                keys[row.key].turns.append(_turn(row))
                waiting[row.key.rpartition(":")[2]] = None  # it was told
            await self._read({task.id: task for task in keys.values()}.values())
        asked_last = {
            event.confirmation_id
            for task in found.values()
            for event in task.last.events
            if isinstance(event, ConfirmNeeded)
        }
        asking = await self._statuses(confirmations, tenant, asked_last)
        for task in found.values():
            _judge(task, asking, waiting)
        return list(found.values())

    async def _read(self, tasks: Iterable[Task]) -> None:
        """Read what was said in the tasks' turns."""
        unread = {t.id: t for task in tasks for t in task.turns if not t.said}
        if not unread:
            return
        where = [task.where for task in tasks]
        rows = await self._db.all(
            sa.select(messages)
            .where(
                messages.c.tenant_id == where[0].tenant,
                messages.c.owner == where[0].owner,
                messages.c.session_id.in_({one.session_id for one in where}),
                messages.c.turn_id.in_(unread),
            )
            .order_by(messages.c.session_id, messages.c.seq)
        )
        for row in rows:
            unread[row.turn_id].said.append(_spoken(row))
        for turn in unread.values():
            said = [one.message for one in turn.said]
            places = recorded(turn.id, said[1:], self._handover_tools())
            turn.events = [placed.event for placed in places]
        for task in tasks:
            task.turns.sort(key=lambda turn: (turn.begun_at, turn.id))

    async def _statuses(
        self, table: sa.Table, tenant: str, ids: Iterable[str]
    ) -> dict[str, sa.Row[Any]]:
        names = ("id", "status", "expires_at", "decided_at", "comment")
        statement = sa.select(*(table.c[name] for name in names))
        found = await self._db.all(
            statement.where(table.c.tenant_id == tenant, table.c.id.in_(set(ids)))
        )
        return {row.id: row for row in found}

    async def _since(self, task: Task) -> list[Spoken]:
        """What people have said in the conversation since, up to its customer's next words."""
        if not task.turns[0].said:
            return []
        rows = await self._db.all(
            sa.select(messages)
            .where(
                messages.c.tenant_id == task.where.tenant,
                messages.c.owner == task.where.owner,
                messages.c.session_id == task.where.session_id,
                messages.c.seq > task.turns[0].said[0].seq,
            )
            .order_by(messages.c.seq)
        )
        own = {turn.id for turn in task.turns}
        said = []
        for row in rows:
            if row.role == "user" and row.turn_id not in own:
                break
            if (row.data or {}).get("by"):
                said.append(_spoken(row))
        return said


def _roots(tenant: str, owner: str) -> sa.Select[Any]:
    """The turns of a caller that began tasks."""
    return sa.select(turns).where(
        turns.c.tenant_id == tenant,
        turns.c.owner == owner,
        turns.c.key.startswith(key_of(""), autoescape=True),
    )


def _turn(row: Any) -> TaskTurn:
    key = row.key or ""
    message_id = key.split(":", 2)[2] if key.startswith(_KEY) else None
    return TaskTurn(row.id, row.status, row.created_at, message_id)


def _spoken(row: Any) -> Spoken:
    data = row.data or {}
    message = Message.of_data(row.role, row.content, data)
    return Spoken(message, row.created_at, data.get("by"), row.seq)


def _events(task: Task, kind: type[ApprovalNeeded]) -> Iterable[ApprovalNeeded]:
    return (event for turn in task.turns for event in turn.events if isinstance(event, kind))


def _judge(task: Task, asking: Mapping[str, Any], waiting: Mapping[str, Any]) -> None:
    """Say in which state a task is.

    Args:
        asking: What its last turn asked its customer, by id.
        waiting: What waited for a colleague, by id; None of what its conversation was told of.
    """
    if task.last.status in ("running", "paused"):
        return
    if task.last.status in ("failed", "stopped"):
        task.state = "stopped" if task.last.status == "stopped" else "failed"
        return
    moment = now()
    asked = [event for event in task.last.events if isinstance(event, ConfirmNeeded)]
    rows = [asking.get(event.confirmation_id) for event in asked]
    task.asks = [
        event
        for event, row in zip(asked, rows, strict=True)
        if row is not None and row.status == "pending" and row.expires_at > moment
    ]
    if task.asks:
        task.state = "asking"
        return
    waits = [
        (event, row)
        for event in _events(task, ApprovalNeeded)
        if (row := waiting.get(event.approval_id)) is not None
    ]
    task.waits = [e for e, r in waits if r.status == "pending" and r.expires_at > moment]
    if task.waits:
        task.state = "waiting"
    elif any(_is_being_told(row, moment) for _, row in waits):
        task.state = "working"
    elif asked and all(row is None or _is_dropped(row) for row in rows):
        task.state = "stopped"
    else:
        task.state = "done"


def _is_being_told(row: Any, moment: datetime) -> bool:
    """Whether a decision was made of which the conversation is still to be told."""
    decided: datetime | None = row.decided_at
    return row.status != "pending" and decided is not None and decided > moment - TOLD_WITHIN


def _is_dropped(row: Any) -> bool:
    """Whether nobody answered a question, nor can any more."""
    dropped = row.comment in ("passed over", "session ended")
    return row.status == "pending" or (row.status == "denied" and dropped)
