"""GraphQL over WebSocket: subscriptions, and all other operations, by `graphql-transport-ws`.

The protocol is that of the npm package `graphql-ws` (its PROTOCOL.md). Who cannot set headers, as
browsers, gives them in the payload of `connection_init`. Close codes besides the protocol's: 4401
no valid key any more, 4403 not allowed, 4429 too many messages, 4503 the database is away, 1012 the
server stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect

from deskward.core.errors import DeskwardError, RateLimited
from deskward.core.lines import json_line
from deskward.core.tasks import end
from deskward.entrypoints.errors import known
from deskward.entrypoints.graphql.door import Door
from deskward.entrypoints.graphql.forms import Told, asked_of, refused
from deskward.entrypoints.websocket import close
from deskward.gate.context import new_id

PROTOCOL = "graphql-transport-ws"
FIRST_WITHIN = 10.0
"""Seconds within which `connection_init` has to come."""
MOST_AT_ONCE = 16
"""Operations that one connection has under way."""
TAKEN = ("authorization", "x-api-key", "x-user-id", "x-user-proved-at")
"""The headers that a payload may give."""
OVER = frozenset({401, 403, 429, 503})
"""Statuses after which a connection is closed."""

log = logging.getLogger("api.graphql")


class _Wrong(Exception):
    """The client broke the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class GraphQLSocket:
    """The WebSocket at `/graphql`."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection."""
        if PROTOCOL not in websocket.scope.get("subprotocols", []):
            await websocket.accept()
            await close(websocket, 4406, f"Subprotocol not acceptable: speak {PROTOCOL}")
            return
        await websocket.accept(subprotocol=PROTOCOL)
        connection = _Connection(self._door, websocket)
        try:
            await connection.begin()
            await connection.talk()
        except _Wrong as wrong:
            await close(websocket, wrong.code, wrong.reason)
        except (DeskwardError, SQLAlchemyError) as failed:
            error = known(failed)
            await close(websocket, 4000 + error.status, error.message)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the client has gone
        finally:
            await connection.end()


class _Connection:
    def __init__(self, door: Door, websocket: WebSocket) -> None:
        self._door, self._websocket = door, websocket
        self._headers: Mapping[str, str] = websocket.headers
        self._running: dict[str, asyncio.Task[None]] = {}

    async def begin(self) -> None:
        """Wait for the client's first message, and know who it is."""
        try:
            async with asyncio.timeout(FIRST_WITHIN):
                message = await self._next()
                while message["type"] in ("ping", "pong"):
                    await self._pong(message)
                    message = await self._next()
        except TimeoutError:
            raise _Wrong(4408, "Connection initialisation timeout") from None
        if message["type"] != "connection_init":
            raise _Wrong(4401, "Unauthorized")
        payload = message.get("payload")
        if not isinstance(payload, dict | None):
            raise _Wrong(4400, "The payload of connection_init is an object")
        given = {name.lower(): value for name, value in (payload or {}).items()}
        more = {name: given[name] for name in TAKEN if isinstance(given.get(name), str)}
        self._headers = {**self._headers, **more}
        await self._door.callers.identify(self._headers)
        await self._send({"type": "connection_ack"})

    async def talk(self) -> None:
        """Do what the client says, until it goes."""
        while True:
            message = await self._next()
            if message["type"] == "subscribe":
                self._start(message)
            elif message["type"] == "complete":
                if (task := self._running.pop(self._id(message), None)) is not None:
                    await end(task)
            elif message["type"] == "ping":
                await self._pong(message)
            elif message["type"] == "connection_init":
                raise _Wrong(4429, "Too many initialisation requests")
            elif message["type"] != "pong":
                raise _Wrong(4400, "There is no such type of message")

    async def end(self) -> None:
        """Stop what is under way."""
        await end(*self._running.values())

    async def _next(self) -> dict[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        try:
            found = from_json(message.get("text") or "", allow_inf_nan=False)
        except ValueError:
            raise _Wrong(4400, "A message is JSON in a text frame") from None
        if not isinstance(found, dict) or not isinstance(found.get("type"), str):
            raise _Wrong(4400, "A message is an object with a `type`")
        return found

    def _id(self, message: dict[str, Any]) -> str:
        key = message.get("id")
        if not isinstance(key, str) or not 1 <= len(key) <= 128:
            raise _Wrong(4400, "An `id` is a text of 1 to 128 characters")
        return key

    def _start(self, message: dict[str, Any]) -> None:
        key = self._id(message)
        if key in self._running:
            raise _Wrong(4409, f"Subscriber for {key} already exists")
        self._running[key] = asyncio.create_task(self._run(key, message.get("payload")))

    async def _run(self, key: str, payload: Any) -> None:
        """Answer one operation; what ends its caller's right to ask ends the connection."""
        request_id = new_id()
        try:
            await self._answer(key, payload, request_id)
            if self._running.pop(key, None) is not None:
                await self._send({"id": key, "type": "complete"})
        except (DeskwardError, SQLAlchemyError) as failed:
            error = known(failed)
            self._running.pop(key, None)
            await self._fail(key, refused(error, request_id))
            if error.status in OVER:
                await close(self._websocket, 4000 + error.status, error.message)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the client has gone
        except Exception:
            log.exception("an operation failed")
            await close(self._websocket, 1011, f"Quote the request {request_id} to us")

    async def _answer(self, key: str, payload: Any, request_id: str) -> None:
        if len(self._running) > MOST_AT_ONCE:
            problem = f"{MOST_AT_ONCE} operations are under way. Complete one."
            raise RateLimited(problem, retry_after=1)
        # Asked again for each operation: a key may have been revoked since.
        scope = self._websocket.scope
        await self._door.admit(scope)
        principal = await self._door.callers.identify(self._headers)
        request = await self._door.request(self._headers, scope, principal, request_id)
        done = await self._door.subscribed(request, asked_of(payload))
        if isinstance(done, Told):
            await self._tell(key, done)
            return
        async with contextlib.aclosing(done) as events:  # type: ignore[type-var]  # it is a generator
            async for one in events:
                await self._tell(key, one)

    async def _tell(self, key: str, told: Told) -> None:
        if "data" in told.body:
            await self._send({"id": key, "type": "next", "payload": told.body})
        else:
            await self._fail(key, told)

    async def _fail(self, key: str, told: Told) -> None:
        self._running.pop(key, None)  # an error completes it
        await self._send({"id": key, "type": "error", "payload": told.body["errors"]})

    async def _pong(self, message: dict[str, Any]) -> None:
        if message["type"] == "ping":
            await self._send({"type": "pong"})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._websocket.send_text(json_line(message).decode())
