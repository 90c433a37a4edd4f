"""What A2A clients ask of the agent (specification, section 3.1), whatever way they say it."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256

from deskward.conversations.cursors import Position
from deskward.conversations.live import Reader
from deskward.conversations.service import Conversations
from deskward.conversations.tasks import OVER, Task, Tasks, key_of
from deskward.conversations.wording import stopping
from deskward.core.database import Connection
from deskward.core.desk_settings import Stream
from deskward.core.errors import DeskwardError
from deskward.core.logging import bind
from deskward.entrypoints.a2a.forms import (
    NEVER,
    NO_STATE,
    STATES,
    Configuration,
    Listing,
    Sending,
    TaskNamed,
)
from deskward.entrypoints.a2a.problems import Problem
from deskward.entrypoints.a2a.tasks import Answering, Data, artifact_update, shown, status_update
from deskward.entrypoints.rest.chat import LOOK_FOR_CLIENT
from deskward.entrypoints.rest.tools import answer
from deskward.gate.call import Gate
from deskward.gate.context import Context

PAGE = 50
"""Tasks of a page where the client does not say."""
AT_ONCE = 100
"""Tasks that are read together."""
EVERY = 1.0
"""Seconds between looks at a task that waits for somebody, for a client that follows it."""

Gone = Callable[[], Awaitable[bool]]
"""Tells whether the client has gone."""
Events = AsyncGenerator[Data | None]
"""What a stream tells; None where nothing was to be told for a while."""


class Operations:
    """The agent as A2A clients know it."""

    def __init__(
        self, gate: Gate, conversations: Conversations, db: Connection, stream: Stream
    ) -> None:
        """Make it.

        Args:
            stream: How streams are kept alive, and for how long.
        """
        self._gate, self._conversations, self._stream = gate, conversations, stream
        self._heartbeat = stream.heartbeat
        self._tasks = Tasks(db, lambda: conversations.agent.handover_tools)

    async def send(self, context: Context, body: Sending, gone: Gone) -> Data:
        """`SendMessage`: the task, when it has ended or waits for somebody.

        Raises:
            Problem, DeskwardError: It cannot be done.
        """
        task_id, reader = await self._begin(context, body)
        wanted = body.configuration or Configuration()
        try:
            while not wanted.return_immediately:
                placed = await reader.next(LOOK_FOR_CLIENT)
                if placed is None and await gone():
                    break
        except StopAsyncIteration:
            pass
        except DeskwardError:
            if (await self._of(context, task_id)).state == "working":
                raise
        finally:
            reader.close()
        return {"task": shown(await self._of(context, task_id), wanted.history_length)}

    async def stream(self, context: Context, body: Sending) -> Events:
        """`SendStreamingMessage`: the task, and what comes of it as it happens.

        Raises:
            Problem, DeskwardError: It cannot be done.
        """
        task_id, reader = await self._begin(context, body)
        wanted = body.configuration or Configuration()
        async for event in self._read(context, task_id, reader, wanted.history_length):
            yield event

    async def get(self, context: Context, body: TaskNamed) -> Data:
        """`GetTask`. Who asks reads: a task that nobody followed any more goes on.

        Raises:
            Problem: The caller has no such task.
        """
        task = await self._of(context, body.id)
        if task.last.status == "paused":
            (await self._resume(context, task)).close()
        return shown(task, body.history_length)

    async def subscribe(self, context: Context, body: TaskNamed) -> Events:
        """`SubscribeToTask`: the task as it stands, and what comes of it until it has ended.

        Raises:
            Problem: The caller has no such task, or it has ended.
        """
        task = await self._of(context, body.id)
        if task.state in OVER:
            problem = "This task has ended: nothing more comes of it. Get it instead."
            raise Problem("UNSUPPORTED_OPERATION", problem, taskId=task.id)
        first = True
        now = asyncio.get_running_loop().time
        until = now() + self._stream.longest
        while task.state not in OVER and now() < until:
            if task.last.status in ("running", "paused"):
                reader = await self._resume(context, task)
                async for event in self._read(context, task.id, reader, None):
                    if first or event is None or "task" not in event:
                        yield event
                    first = False
                task = await self._of(context, task.id)
            elif first:
                yield {"task": shown(task)}
                first = False
            else:
                task = await self._changed(context, task)
                if task.last.status in ("running", "paused"):
                    continue
                yield None if task.state not in OVER else status_update(task)

    async def cancel(self, context: Context, body: TaskNamed) -> Data:
        """`CancelTask`: nothing more is done; what a tool has begun is made to its end.

        Raises:
            Problem: The caller has no such task, it has ended, or waits for a colleague.
        """
        task = await self._of(context, body.id)
        if task.last.status in ("running", "paused"):
            await self._conversations.stop(task.where, task.last.id)
        elif task.state == "asking":
            asked = {"session_id": task.where.session_id}
            answer(await self._gate.act("call_off_questions", asked, context))
        elif task.state == "waiting":
            problem = "A colleague has been asked to approve this, and decides."
            raise Problem("TASK_NOT_CANCELABLE", problem, taskId=task.id)
        elif task.state == "stopped":
            return shown(task)  # as it was asked
        task = await self._of(context, task.id)
        if task.state != "stopped":
            problem = f"This task is {STATES[task.state]}, and cannot be called off any more."
            raise Problem("TASK_NOT_CANCELABLE", problem, taskId=task.id)
        return shown(task)

    async def list_tasks(self, context: Context, body: Listing) -> Data:
        """`ListTasks`: a page of the caller's tasks, the latest changed first.

        Raises:
            Problem: The state or the page is none.
        """
        wanted = _state(body.status)
        size = body.page_size or PAGE
        owner = context.principal.label
        ids = await self._tasks.ids(context.tenant, owner, body.context_id)
        if body.status_timestamp_after is not None:
            after = body.status_timestamp_after
            after = after if after.tzinfo else after.replace(tzinfo=UTC)
            ids = [(one, at) for one, at in ids if at >= after]
        if wanted is not None:
            fit = await self._in_state(context, ids, wanted)
            ids = [one for one in ids if one[0] in fit]
        behind = _place(body.page_token)
        rest = [one for one in ids if behind is None or _order(one) > behind]
        page = rest[:size]
        tasks = await self._tasks.named(context.tenant, owner, [one for one, _ in page])
        history = 0 if body.history_length is None else body.history_length
        return {
            "tasks": [
                shown(task, history, artifacts=bool(body.include_artifacts)) for task in tasks
            ],
            "nextPageToken": _token(page[-1]) if len(rest) > size else "",
            "pageSize": size,
            "totalSize": len(ids),
        }

    async def _in_state(
        self, context: Context, ids: list[tuple[str, datetime]], wanted: str
    ) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(ids), AT_ONCE):
            these = [one for one, _ in ids[start : start + AT_ONCE]]
            tasks = await self._tasks.named(context.tenant, context.principal.label, these)
            found |= {task.id for task in tasks if STATES[task.state] == wanted}
        return found

    async def _begin(self, context: Context, body: Sending) -> tuple[str, Reader]:
        """Begin to answer a message; gives its task, and what reads the turn."""
        (body.configuration or Configuration()).check()
        message = body.message
        text = message.text
        if message.task_id is None:
            if text is None:
                raise Problem("INVALID_PARAMS", "Name the task that is answered, in taskId.")
            session_id = message.context_id or _new_session(message.message_id)
            bind(session=session_id)
            key = key_of(message.message_id)
            reader = await self._conversations.send(context, session_id, text, key=key)
            return reader.turn_id, reader
        task = await self._of(context, message.task_id)
        where = task.where
        if message.context_id not in (None, where.session_id):
            problem = "The task is of another context. Leave contextId out, or taskId."
            raise Problem("INVALID_PARAMS", problem, field="message.contextId")
        key = key_of(message.message_id, task.id)
        is_new = message.message_id not in {turn.message_id for turn in task.turns}
        if is_new and task.state in OVER:
            problem = "This task has ended. Send the message with its contextId and no taskId."
            raise Problem("UNSUPPORTED_OPERATION", problem, taskId=task.id)
        if is_new and task.state == "working":
            problem = "This task is being worked on. Wait for it, or leave taskId out."
            raise Problem("UNSUPPORTED_OPERATION", problem, taskId=task.id)
        if not is_new and message.message_id == task.turns[0].message_id:
            key = key_of(message.message_id)  # the first one, by a client that now knows its task
        if text is not None:
            reader = await self._conversations.send(context, where.session_id, text, key=key)
            return task.id, reader
        given = message.answer
        assert given is not None
        asked = given.confirmation_id
        if asked is None and is_new:
            if len(task.asks) != 1:
                problem = "Name what is answered: confirmationId is in the data of the status."
                raise Problem("INVALID_PARAMS", problem, field="message.parts.0.data")
            asked = task.asks[0].confirmation_id
        answering = self._conversations.answer
        session = where.session_id
        return task.id, await answering(context, session, asked or "", given.approved, key=key)

    async def _read(
        self, context: Context, task_id: str, reader: Reader, history_length: int | None
    ) -> Events:
        """The task, then the events of the turn that is read, then how it stands."""
        failed: DeskwardError | None = None
        answering, pieces = Answering(), 0
        try:
            task = await self._of(context, task_id)
            begun = task.state == "working"
            yield {"task": shown(task, history_length, artifacts=not begun)}
            while begun:
                placed = await reader.next(self._heartbeat)
                if placed is None:
                    yield None
                elif (text := answering.piece(placed.event)) is not None:
                    yield artifact_update(task, reader.turn_id, text, more=pieces > 0)
                    pieces += 1
        except StopAsyncIteration:
            pass
        except DeskwardError as error:
            failed = error
        finally:
            reader.close()
        if not begun:
            return
        task = await self._of(context, task_id)
        if failed is not None and task.state == "working":
            raise failed
        yield status_update(task)

    async def _changed(self, context: Context, task: Task) -> Task:
        """A task that waits for somebody, when it has changed, or the heartbeat is due."""
        now = asyncio.get_running_loop().time
        due = now() + self._heartbeat
        async with self._conversations.chats.open(task.where) as chat:
            while (left := due - now()) > 0:
                await chat.next(min(EVERY, left))
                if chat.closed:
                    raise stopping()
                found = await self._of(context, task.id)
                if (found.state, found.last.id) != (task.state, task.last.id):
                    return found
        return task

    async def _resume(self, context: Context, task: Task) -> Reader:
        place = Position(task.last.id)
        return await self._conversations.resume(context, task.where.session_id, place)

    async def _of(self, context: Context, task_id: str) -> Task:
        """The caller's task.

        Raises:
            Problem: They have none of that id.
        """
        task = await self._tasks.find(context.tenant, context.principal.label, task_id)
        if task is None:
            raise Problem("TASK_NOT_FOUND", "You have no task of that id.", taskId=task_id)
        bind(session=task.where.session_id)
        return task


def _new_session(message_id: str) -> str:
    """The session of a message that names none: a message that is sent again has the same."""
    return f"a2a-{sha256(message_id.encode()).hexdigest()[:32]}"


def _state(given: str | int | None) -> str | None:
    """The state that is asked for, by its name or its number.

    Raises:
        Problem: There is none of that name.
    """
    if given is None or given in (0, "0", NO_STATE):
        return None
    if given in (*STATES.values(), *NEVER):
        return str(given)
    numbers = dict(enumerate(_NUMBERED, 1))
    if str(given).isdigit() and int(given) in numbers:
        return numbers[int(given)]
    known = ", ".join([*STATES.values(), *NEVER])
    raise Problem("INVALID_PARAMS", f"status is one of {known}.", field="status")


_NUMBERED = (
    *("TASK_STATE_SUBMITTED", "TASK_STATE_WORKING", "TASK_STATE_COMPLETED", "TASK_STATE_FAILED"),
    *("TASK_STATE_CANCELED", "TASK_STATE_INPUT_REQUIRED", "TASK_STATE_REJECTED"),
    "TASK_STATE_AUTH_REQUIRED",
)
"""The states in the order of their numbers, from 1 (`a2a.proto`)."""


def _order(one: tuple[str, datetime]) -> tuple[float, str]:
    """Where a task stands in the list, the latest changed first."""
    return -one[1].timestamp(), one[0]


def _token(one: tuple[str, datetime]) -> str:
    moment, task_id = _order(one)
    return base64.urlsafe_b64encode(f"{moment!r} {task_id}".encode()).decode()


def _place(token: str | None) -> tuple[float, str] | None:
    """The place that a page begins behind.

    Raises:
        Problem: The token is none.
    """
    if token is None:
        return None
    try:
        moment, _, task_id = base64.urlsafe_b64decode(token).decode().partition(" ")
        return float(moment), task_id
    except (binascii.Error, ValueError):
        problem = "pageToken is the nextPageToken of an earlier answer."
        raise Problem("INVALID_PARAMS", problem, field="pageToken") from None
