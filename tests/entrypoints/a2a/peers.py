"""The official client of A2A (`a2a-sdk`), against a desk in this process or a server."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from a2a.client import ClientConfig
from a2a.client.card_resolver import A2ACardResolver
from a2a.client.client import Client
from a2a.client.client_factory import ClientFactory
from a2a.types import (
    Message,
    Part,
    Role,
    SendMessageRequest,
    SendMessageResponse,
    StreamResponse,
    TaskState,
)
from google.protobuf.json_format import ParseDict

from deskward.app import Desk
from deskward.entrypoints.application import http_application

BINDINGS = ["JSONRPC", "HTTP+JSON"]
HOST = "http://127.0.0.1:9080"
_numbers = itertools.count()


def message(
    *says: str, data: Any = None, message_id: str | None = None, **more: Any
) -> SendMessageRequest:
    """A request with a message of the user's."""
    parts = [Part(text=text) for text in says]
    if data is not None:
        parts.append(ParseDict({"data": data}, Part()))
    named = message_id or f"m{next(_numbers)}"
    said = Message(message_id=named, role=Role.ROLE_USER, parts=parts, **more)
    return SendMessageRequest(message=said)


@asynccontextmanager
async def connected(
    binding: str, *, desk: Desk | None = None, url: str = HOST, key: str | None = None
) -> AsyncIterator[Client]:
    """A client that has read the agent's card; of a desk in this process, or of a server."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    transport = httpx.ASGITransport(http_application(desk)) if desk is not None else None
    async with httpx.AsyncClient(transport=transport, headers=headers, timeout=60) as http:
        card = await A2ACardResolver(http, url).get_agent_card()
        config = ClientConfig(
            httpx_client=http,
            supported_protocol_bindings=[binding],
            use_client_preference=True,
        )
        yield ClientFactory(config).create(card)


async def streamed(client: Client, request: SendMessageRequest) -> list[StreamResponse]:
    """All that comes of a message."""
    return [event async for event in client.send_message(request)]


def state(event: StreamResponse) -> str:
    """The state that an event tells."""
    told = event.status_update if event.HasField("status_update") else event.task
    return TaskState.Name(told.status.state)


def text(events: list[StreamResponse]) -> str:
    """What the agent answered."""
    return "".join(
        part.text
        for event in events
        if event.HasField("artifact_update")
        for part in event.artifact_update.artifact.parts
    )


async def whole(client: Client, request: SendMessageRequest) -> SendMessageResponse:
    """What `SendMessage` answers, which the client leaves to those that take no streams."""
    answer: SendMessageResponse = await vars(client)["_transport"].send_message(request)
    return answer
