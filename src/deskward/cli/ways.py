"""The ways by which `deskward chat` reaches a desk: in this process, or over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

import httpx2

from deskward.core.errors import Unavailable
from deskward.core.lines import read_lines

LOOK_AGAIN = 15.0
"""Seconds after which a chat in this process that heard nothing looks for itself."""


@dataclass(frozen=True)
class ChatOptions:
    """What was said on the command line."""

    once: str | None
    user: str | None
    tenant: str | None
    session: str | None
    json: bool
    url: str | None
    key: str | None
    demo: bool


class Line(Protocol):
    """A way to the desk."""

    model: str

    def send(self, user: str, session: str, text: str) -> AsyncIterator[dict[str, Any]]:
        """Send a message; the turn's events as the streaming door shows them."""
        ...

    def news(self, user: str, session: str, *, wait: bool) -> AsyncIterator[dict[str, Any]]:
        """What colleagues say beside any turn; what was taken out of here is delivered.

        Args:
            wait: Whether to go on with what comes, for ever; otherwise what is there.
        """
        ...

    async def stop(self, user: str, session: str) -> None:
        """End the session's turn, as far as the way reaches."""
        ...

    async def check(self, user: str) -> None:
        """See that the customer may speak.

        Raises:
            DeskwardError: No.
        """
        ...


class LocalLine:
    """The desk in this process."""

    def __init__(self, desk: Any, tenant: str) -> None:
        self._desk = desk
        self._tenant = tenant
        self.model = desk.conversations.agent.model.name

    async def send(self, user: str, session: str, text: str) -> AsyncIterator[dict[str, Any]]:
        """Send a message to the desk in this process."""
        from deskward.conversations.cursors import Answered
        from deskward.entrypoints.identity import local_customer
        from deskward.entrypoints.rest.events import event_data
        from deskward.gate.context import Context

        principal = await local_customer(self._desk.database.reader, user, self._tenant)
        context = Context(principal, "cli")
        async for placed in await self._desk.conversations.send(context, session, text):
            if isinstance(placed.event, Answered):
                self.model = placed.event.model
            data = event_data(placed.event, session)
            if data is not None:
                yield data

    async def news(self, user: str, session: str, *, wait: bool) -> AsyncIterator[dict[str, Any]]:
        """See `Line.news`."""
        from deskward.conversations.store import Where
        from deskward.entrypoints.identity import local_customer
        from deskward.entrypoints.rest.events import news_data
        from deskward.entrypoints.rest.tools import answer
        from deskward.gate.context import Context

        where = Where(self._tenant, f"customer:{user}", session)
        chats = self._desk.conversations.chats
        async with chats.open(where) as chat:
            while not chat.closed:
                for one in await chat.next(LOOK_AGAIN if wait else 0):
                    yield news_data(one, session)
                    principal = await local_customer(self._desk.database.reader, user, self._tenant)
                    arguments = {"session_id": session, "event_id": one.id}
                    context = Context(principal, "cli")
                    answer(await self._desk.gate.act("receive_news", arguments, context))
                if not wait:
                    return

    async def stop(self, user: str, session: str) -> None:
        """See `Line.stop`."""
        from deskward.conversations.store import Where

        await self._desk.conversations.stop(Where(self._tenant, f"customer:{user}", session))

    async def check(self, user: str) -> None:
        """See `Line.check`."""
        from deskward.entrypoints.identity import local_customer

        await local_customer(self._desk.database.reader, user, self._tenant)


class RemoteLine:
    """A desk over HTTP."""

    def __init__(self, client: httpx2.AsyncClient, options: ChatOptions) -> None:
        self._client = client
        self._tenant = options.tenant
        self._key = options.key
        self._named = options.user is not None
        self.model = options.url or ""

    def _headers(self, user: str) -> dict[str, str]:
        # A customer's own key names the customer already.
        headers = {"X-User-ID": user} if self._named or not self._key else {}
        return headers | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    async def send(self, user: str, session: str, text: str) -> AsyncIterator[dict[str, Any]]:
        """Send a message over HTTP."""
        body = {"session_id": session, "message": text}
        if self._tenant:
            body["tenant_id"] = self._tenant
        try:
            async with self._client.stream(
                "POST", "/api/v1/chat/stream", json=body, headers=self._headers(user)
            ) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise Unavailable(_message(response))
                self.model = response.headers.get("X-Deskward-Model", self.model)
                async for line in read_lines(response.aiter_bytes()):
                    if line.startswith("data: "):
                        event: dict[str, Any] = json.loads(line[6:])
                        if event["type"] == "error":
                            raise Unavailable(event["message"])
                        yield event
        except httpx2.HTTPError as error:
            raise Unavailable(f"The desk at {self._client.base_url} did not answer.") from error

    async def news(self, user: str, session: str, *, wait: bool) -> AsyncIterator[dict[str, Any]]:
        """Open the conversation over HTTP."""
        headers, key = self._headers(user), ""
        tenant = {"tenant_id": self._tenant} if self._tenant else {}
        asked = {"session_id": session, **tenant, **({} if wait else {"seconds": "0"})}
        try:
            async with self._client.stream(
                "GET", "/api/v1/chat/events", params=asked, headers=headers
            ) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise Unavailable(_message(response))
                event: dict[str, Any] = {}
                async for line in read_lines(response.aiter_bytes()):
                    if line.startswith("data: "):
                        event = json.loads(line[6:])
                    elif line.startswith("id: "):
                        key = line[4:]
                    elif not line and event:
                        if event["type"] == "error":
                            raise Unavailable(event["message"])
                        yield event
                        event = {}
                        said = {"session_id": session, "event_id": key, **tenant}
                        await self._client.post("/api/v1/chat/received", json=said, headers=headers)
        except httpx2.HTTPError as error:
            raise Unavailable(f"The desk at {self._client.base_url} did not answer.") from error

    async def stop(self, user: str, session: str) -> None:
        """The desk pauses the turn by itself, because nobody reads it any more."""

    async def check(self, user: str) -> None:
        """See that the customer may speak."""
        self._named = True
        try:
            response = await self._client.get(f"/customers/{user}", headers=self._headers(user))
        except httpx2.HTTPError as error:
            raise Unavailable(f"The desk at {self._client.base_url} did not answer.") from error
        if response.status_code != 200:
            raise Unavailable(_message(response))


def _message(response: httpx2.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"The desk answered with status {response.status_code}."
