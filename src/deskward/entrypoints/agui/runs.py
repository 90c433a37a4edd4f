"""`POST /agui`: one run of the agent, as a stream of AG-UI events."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import SQLAlchemyError

from deskward.conversations import archive
from deskward.conversations.live import Reader
from deskward.conversations.service import Conversations
from deskward.conversations.store import Where
from deskward.core.database import Connection
from deskward.core.errors import Conflict, DeskwardError, InvalidInput, NotFound
from deskward.core.logging import bind
from deskward.entrypoints.agui.events import Data, Run, encoded, told
from deskward.entrypoints.agui.forms import Cancelled, Resolved, RunInput
from deskward.entrypoints.errors import known
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.openapi import error_responses
from deskward.entrypoints.rest.events import ALIVE
from deskward.entrypoints.rest.tools import answer
from deskward.gate.context import Context

AGUI = "/agui"
_NEWS = re.compile(r"[0-9a-f]{32}")
"""The form of the ids of what colleagues say."""

EVENT_SCHEMA: dict[str, Any] = {
    "title": "AguiEvent",
    "description": "One event of a run.",
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {
                "type": "object",
                "required": ["type"],
                "properties": {"type": {"type": "string", "examples": ["TEXT_MESSAGE_CONTENT"]}},
            },
        }
    },
}

log = logging.getLogger("api.agui")


def agui_router(
    callers: Callers, conversations: Conversations, reader: Connection, heartbeat: float
) -> APIRouter:
    """The endpoint. Who runs the agent is who chats: the key's customer, or whom `X-User-ID` names.

    Args:
        heartbeat: Seconds of silence after which a comment is sent.
    """
    door = Door(callers, conversations, reader, heartbeat)
    router = APIRouter(
        tags=["AG-UI"],
        responses=error_responses(400, 401, 403, 404, 405, 409, 413, 415, 429, 500, 503),
    )

    @router.post(
        AGUI,
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "Server-sent events of AG-UI 1.0. What the user is asked ends the "
                'run as an interrupt, and is resumed with `{"approved": true}` or false.',
                "content": {"text/event-stream": {"schema": EVENT_SCHEMA}},
            }
        },
    )
    async def run_agent(request: Request, body: RunInput) -> StreamingResponse:
        """Run the agent: answer the user's last message, or go on after what they were asked."""
        principal = await callers.identify(request.headers)
        bind(session=body.thread_id)
        context = Context(principal, "agent", request.state.request_id)
        events = door.run(context, body)
        first = await anext(events)  # what cannot begin is refused before anything is streamed

        async def streamed() -> AsyncIterator[bytes]:
            async with contextlib.aclosing(events):
                yield first
                async for part in events:
                    yield part

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(streamed(), media_type="text/event-stream", headers=headers)

    return router


class Door:
    """Runs the agent for AG-UI clients."""

    def __init__(
        self, callers: Callers, conversations: Conversations, reader: Connection, heartbeat: float
    ) -> None:
        self._callers, self._conversations = callers, conversations
        self._reader, self._heartbeat = reader, heartbeat

    async def run(self, context: Context, body: RunInput) -> AsyncGenerator[bytes]:
        """The events of a run, encoded; the first comes when it has begun.

        Raises:
            DeskwardError: It cannot begin. What happens later is its last event.
        """
        run = Run(body.thread_id, body.run_id)
        where = Where(context.tenant, context.principal.label, body.thread_id)
        try:
            said = body.said
        except InvalidInput as refused:
            for event in (run.started(), *run.failed(refused)):
                yield encoded(event)
            return
        turns = self._turns(context, body, said)
        begun = await anext(turns, None)
        try:
            yield encoded(run.started())
            if said is None and not body.resume:
                yield encoded(await self._snapshot(where))
            else:
                async for event in self._news(context, where, body):
                    yield encoded(event)
            while begun is not None:
                async for part in self._read(run, begun):
                    yield part
                begun = await anext(turns, None)
            for event in run.finished():
                yield encoded(event)
        except (DeskwardError, SQLAlchemyError) as failed:
            for event in run.failed(known(failed)):
                yield encoded(event)
        except Exception:
            log.exception("a run failed")
            raise
        finally:
            if begun is not None:
                begun.close()
            await turns.aclose()

    async def _turns(
        self, context: Context, body: RunInput, said: str | None
    ) -> AsyncGenerator[Reader]:
        """Begin the turns of a run, one after the other."""
        key = f"agui:{body.run_id}"
        for entry in body.resume:
            if (reader := await self._resume(context, body.thread_id, entry, key)) is not None:
                yield reader
        if said is not None:
            yield await self._conversations.send(context, body.thread_id, said, key=key)

    async def _resume(
        self, context: Context, session_id: str, entry: Resolved | Cancelled, key: str
    ) -> Reader | None:
        asked = entry.interrupt_id
        answer_with = partial(
            self._conversations.answer, context, session_id, asked, key=f"{key} {asked}"
        )
        if isinstance(entry, Cancelled):
            # A question that is answered, or too old, is none that has to be called off.
            with contextlib.suppress(NotFound, Conflict):
                return await answer_with(False)
            return None
        yes = entry.payload if isinstance(entry.payload, bool) else entry.payload.approved
        return await answer_with(yes)

    async def _read(self, run: Run, reader: Reader) -> AsyncIterator[bytes]:
        try:
            while True:
                placed = await reader.next(self._heartbeat)
                if placed is None:
                    yield ALIVE
                    continue
                told = b"".join(encoded(event) for event in run.rendered(placed))
                if told:
                    yield told
        except StopAsyncIteration:
            return
        finally:
            reader.close()

    async def _snapshot(self, where: Where) -> Data:
        """All that was said, for a client that opens a conversation again."""
        said = await archive.spoken(self._reader, where)
        messages = [
            {"id": f"said-{number}", "role": line.role, "content": line.content}
            | ({"name": line.by} if line.by in ("staff", "desk") else {})
            for number, line in enumerate(said, 1)
        ]
        return {"type": "MESSAGES_SNAPSHOT", "messages": messages}

    async def _news(self, context: Context, where: Where, body: RunInput) -> AsyncIterator[Data]:
        """What colleagues said since; what the client sends along of it, it has."""
        had = [one.id for one in body.messages if one.role == "assistant"]
        last = next((one for one in reversed(had) if _NEWS.fullmatch(one)), None)
        if last is not None:
            arguments = {"session_id": where.session_id, "event_id": last}
            with contextlib.suppress(NotFound):  # another desk's
                answer(await self._callers.gate.act("receive_news", arguments, context))
        async with self._conversations.chats.open(where) as chat:
            for one in await chat.next(0):
                for event in told(one):
                    yield event
