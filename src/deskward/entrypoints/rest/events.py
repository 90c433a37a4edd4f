"""A turn's events as data, and as server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from deskward.agent.events import (
    ApprovalNeeded,
    ConfirmNeeded,
    HandedOver,
    MessageAdded,
    Text,
    ToolAnswered,
    ToolCalled,
)
from deskward.conversations.cursors import Answered, Replaced, TurnEvent
from deskward.conversations.live import Reader
from deskward.conversations.news import News
from deskward.core.errors import DeskwardError, iso
from deskward.core.lines import json_line

ALIVE = b": keep-alive\n\n"


def event_data(event: TurnEvent, session_id: str) -> dict[str, Any] | None:
    """An event as JSON data; None for events that are not shown."""
    if isinstance(event, MessageAdded):
        return None
    data: dict[str, Any]
    if isinstance(event, Text):
        data = {"type": "token", "content": event.text}
    elif isinstance(event, ToolCalled):
        data = {"type": "tool_call", "id": event.id, "tool": event.name, "args": event.arguments}
    elif isinstance(event, ToolAnswered):
        data = {
            "type": "tool_result",
            "id": event.id,
            "tool": event.name,
            "status": event.status,
            "result": event.answer,
        }
    elif isinstance(event, ConfirmNeeded):
        data = {
            "type": "confirm_needed",
            "id": event.id,
            "tool": event.name,
            "confirmation_id": event.confirmation_id,
            "question": event.question,
            "arguments": event.arguments,
            "label": event.label,
            "expires_at": event.expires_at,
        }
    elif isinstance(event, ApprovalNeeded):
        data = {
            "type": "approval",
            "id": event.id,
            "tool": event.name,
            "approval_id": event.approval_id,
            "label": event.label,
        }
    elif isinstance(event, HandedOver):
        data = {"type": "handover", "ticket_id": event.reference}
    elif isinstance(event, Replaced):
        data = {"type": "replace", "content": event.text}
    elif isinstance(event, Answered):
        return {"type": "done", "session_id": session_id, "message_count": event.message_count}
    else:
        raise TypeError(f"{type(event).__name__} is not shown")
    return {**data, "session_id": session_id}


def news_data(one: News, session_id: str) -> dict[str, Any]:
    """What happened beside any turn, as JSON data."""
    said = {"content": one.text} if one.text is not None else {}
    told = {"type": one.kind, "by": one.by, **said, "at": iso(one.at)}
    return {**told, "session_id": session_id}


def error_data(error: DeskwardError, session_id: str, request_id: str) -> dict[str, Any]:
    """An error as the last event of a stream."""
    return {"type": "error", "session_id": session_id, **error.rest_body(request_id)}


async def server_sent(
    reader: Reader, session_id: str, request_id: str, heartbeat: float
) -> AsyncIterator[bytes]:
    """A turn as server-sent events. Each has an id, to go on behind it with `Last-Event-ID`.

    Args:
        heartbeat: Seconds of silence after which a comment is sent, so that proxies and clients
            see that the connection lives.
    """
    try:
        while True:
            placed = await reader.next(heartbeat)
            if placed is None:
                yield ALIVE
                continue
            told = []
            while placed is not None:  # what is there already goes out at once
                data = event_data(placed.event, session_id)
                if data is not None:
                    end = str(placed.end).encode()
                    told.append(b"data: " + json_line(data) + b"\nid: " + end + b"\n\n")
                placed = reader.ready()
            if told:
                yield b"".join(told)
    except StopAsyncIteration:
        return
    except DeskwardError as error:
        yield b"data: " + json_line(error_data(error, session_id, request_id)) + b"\n\n"
    finally:
        reader.close()
