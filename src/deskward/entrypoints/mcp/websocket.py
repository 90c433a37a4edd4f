"""MCP over WebSocket: one JSON-RPC message in each text frame, subprotocol `mcp`.

As the official SDKs' WebSocket clients have it; the protocol's specification names no WebSocket, so
that sessions and eras go by what it says of streamable HTTP and stdio. The connection is the
session, and a request of 2026-07-28 says in its `_meta` what it is. Who calls, and whether they may
as often, is asked for each message again. Who is refused at first is answered as over HTTP.

Close codes: 1003 a binary frame came, 1009 a frame was too long, 1012 the server stops, 4401 no
valid key any more, 4403 not allowed any more.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from deskward.core.errors import Cancelled, DeskwardError, InvalidInput, TooManyCalls
from deskward.core.logging import bind
from deskward.core.tasks import end
from deskward.entrypoints.errors import known
from deskward.entrypoints.guard import Admit
from deskward.entrypoints.identity import with_offered_key
from deskward.entrypoints.mcp.answering import CANCEL, Answering
from deskward.entrypoints.mcp.confirming import ASKS, can_ask
from deskward.entrypoints.mcp.exchange import Underway
from deskward.entrypoints.mcp.http import refusal, refused, whole
from deskward.entrypoints.mcp.progress import Progress, Step, progress_token
from deskward.entrypoints.mcp.protocol import (
    INVALID_REQUEST,
    ProtocolError,
    error_message,
    unreadable,
)
from deskward.entrypoints.mcp.request import SESSION, McpRequest, read_request, version_in
from deskward.gate.context import Report, new_id
from deskward.security.principals import Principal

SUBPROTOCOL = "mcp"
INTERNAL_ERROR = -32603
MOST_AT_ONCE = 100
"""Requests of one connection that are answered at a time."""

log = logging.getLogger("api.websocket")


class McpSocket:
    """The endpoint `/mcp/ws`, or a view's."""

    def __init__(self, answering: Answering, admit: Admit) -> None:
        """Make it.

        Args:
            admit: Counts an address's messages, as the guard counts its requests.
        """
        self._answering, self._admit = answering, admit

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection."""
        request_id = websocket.scope["state"]["request_id"]
        offered = websocket.scope.get("subprotocols", [])
        headers = with_offered_key(websocket.headers, offered)
        try:
            if SUBPROTOCOL not in offered:
                raise InvalidInput("Offer the WebSocket subprotocol `mcp`.")
            await self._answering.identified(headers)
        except (DeskwardError, SQLAlchemyError) as failed:
            await _deny(websocket, refusal(known(failed), request_id))
            return
        await websocket.accept(subprotocol=SUBPROTOCOL)
        talk = _Talk(self._answering, self._admit, websocket, headers)
        log.info("WebSocket opened")
        try:
            await talk.go_on()
        finally:
            await talk.end()
            log.info("WebSocket closed")


class _Talk:
    """One connection's messages."""

    def __init__(
        self,
        answering: Answering,
        admit: Admit,
        websocket: WebSocket,
        headers: Mapping[str, str],
    ) -> None:
        self._answering, self._admit, self._websocket = answering, admit, websocket
        self._headers = {**headers, "accept": "application/json, text/event-stream"}
        self._headers.pop("mcp-protocol-version", None)
        self._headers[SESSION] = new_id()
        self._sending = asyncio.Lock()
        self._running: dict[int | str, _Under] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def go_on(self) -> None:
        """Take messages until the client goes."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                await self._close(1003, "Send text frames.")
                return
            task = asyncio.create_task(self._take(text.encode()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            # What cancels a request must find it begun.
            await asyncio.sleep(0)

    async def end(self) -> None:
        """End what still runs, as the client is gone, and see it recorded."""
        await end(*self._tasks)

    async def send(self, message: bytes) -> None:
        """Send a message, unless the client is gone."""
        async with self._sending:
            if self._websocket.application_state is WebSocketState.CONNECTED:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    await self._websocket.send_text(message.decode())

    async def _take(self, body: bytes) -> None:
        request_id = new_id()
        bind(request=request_id)
        try:
            message = from_json(body, allow_inf_nan=False)
            request = read_request(message, self._headers_of(message))
        except ValueError as problem:
            await self.send(error_message(*unreadable(body, problem)))
            return
        except ProtocolError as error:
            await self.send(error_message(None, error))
            return
        number = request.id if request is not None else None
        try:
            if number is None:
                await self._noted(request, message, request_id)
            else:
                assert request is not None
                await self._answer(request, request_id)
        except (DeskwardError, SQLAlchemyError) as failed:
            await self._refuse(number, known(failed), request_id)
        except Exception:
            log.exception("a message could not be answered")
            await self.send(error_message(number, ProtocolError(INTERNAL_ERROR, "Internal error")))

    async def _noted(self, request: McpRequest | None, message: Any, request_id: str) -> None:
        """Take what has no answer: a response to a question of ours, or a notification."""
        if request is None:
            await self._answering.take(message, await self._principal(), request_id)
        elif request.method == CANCEL:
            under = self._running.get(request.params.get("requestId") or 0)
            if under is not None:
                under.cancel()

    async def _answer(self, request: McpRequest, request_id: str) -> None:
        assert request.id is not None
        if request.id in self._running:
            taken = ProtocolError(INVALID_REQUEST, "A request with this id is under way")
            await self.send(error_message(request.id, taken))
            return
        if len(self._running) >= MOST_AT_ONCE:
            raise TooManyCalls(
                f"This connection has {MOST_AT_ONCE} requests under way. Wait for an answer."
            )
        under = _Under(self, progress_token(request.params.get("_meta")))
        self._running[request.id] = under
        try:
            principal = await self._principal()
            result = await self._answering.result(request, principal, under, request_id)
            await under.close()
            answer = whole(request.id, result)
            if request.method == "initialize" and not request.stateless:
                asks = can_ask(request.params.get("capabilities"), principal)
                self._headers[SESSION] = new_id() + (ASKS if asks else "")
        except ProtocolError as error:
            await under.close()
            answer = error_message(request.id, error)
        except Cancelled:
            await under.close(abandoned=True)
            return  # nobody waits for an answer
        finally:
            del self._running[request.id]
        await self.send(answer)

    async def _principal(self) -> Principal:
        """Who calls: a key may have been revoked since the last message.

        Raises:
            DeskwardError: Nobody who may, or not as often.
        """
        await self._admit(self._websocket.scope)
        return await self._answering.identified(self._headers)

    async def _refuse(self, number: int | str | None, error: DeskwardError, asked: str) -> None:
        await self.send(error_message(number, refused(error, asked)))
        if error.status in (401, 403):
            await self._close(4000 + error.status, error.message)

    def _headers_of(self, message: Any) -> Mapping[str, str]:
        """What headers would say of a message over HTTP: here it says so itself."""
        params = message.get("params") if isinstance(message, dict) else None
        version = version_in(params.get("_meta")) if isinstance(params, dict) else None
        if version is None:
            return self._headers
        assert isinstance(params, dict)
        headers = {
            **self._headers,
            "mcp-protocol-version": version,
            "mcp-method": str(message.get("method")),
        }
        for name in ("name", "uri"):
            if isinstance(params.get(name), str):
                packed = base64.b64encode(params[name].encode(errors="replace")).decode()
                headers["mcp-name"] = f"=?base64?{packed}?="
        return headers

    async def _close(self, code: int, reason: str) -> None:
        async with self._sending:
            if self._websocket.application_state is WebSocketState.CONNECTED:
                with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                    # A close frame holds 125 bytes, two of them for the code (RFC 6455, 5.5).
                    told = reason.encode()[:120].decode(errors="ignore")
                    await self._websocket.close(code, told)


class _Under(Underway):
    """A request over the connection."""

    def __init__(self, talk: _Talk, token: int | str | None) -> None:
        super().__init__()
        self._talk, self._token = talk, token
        self._progress = Progress(self._send_step) if token is not None else None

    @property
    def report(self) -> Report | None:
        """Where a tool says how far it is."""
        return self._progress.report if self._progress is not None else None

    async def ask(self, request: dict[str, Any]) -> None:
        """Send the client a request of ours, in the middle of its own."""
        await self._talk.send(to_json({"jsonrpc": "2.0", **request}))

    async def close(self, *, abandoned: bool = False) -> None:
        """Send what waits of the progress, or not where it is abandoned."""
        if self._progress is not None:
            await self._progress.close(abandoned=abandoned)

    async def _send_step(self, step: Step) -> None:
        assert self._token is not None
        params = step.params(self._token)
        message = {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}
        await self._talk.send(to_json(message))


async def _deny(websocket: WebSocket, response: Response) -> None:
    """Answer the handshake as any request (ASGI's extension `websocket.http.response`)."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await websocket.receive()
        await websocket.send_denial_response(response)
