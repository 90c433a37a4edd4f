"""MCP over streamable HTTP: a thin route from JSON-RPC to the gate, in both protocol eras.

Tools and resources, without state; answers are JSON, and streams of events only where a tool
reports its progress: what a call costs here is what the gate costs. The order of the checks and
their codes follow the specification of 2026-07-28 (Transports, Streamable HTTP) and the `mcp`
package's server; the conformance suite and the parity tests compare them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deskward.core.errors import Cancelled, DeskwardError
from deskward.entrypoints.errors import error_response
from deskward.entrypoints.identity import plain_headers
from deskward.entrypoints.mcp.answering import CANCEL, Answering
from deskward.entrypoints.mcp.confirming import ASKS, can_ask
from deskward.entrypoints.mcp.exchange import Exchange
from deskward.entrypoints.mcp.progress import progress_token
from deskward.entrypoints.mcp.protocol import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    REFUSED,
    UNSUPPORTED_VERSION,
    ProtocolError,
    error_message,
    unreadable,
)
from deskward.entrypoints.mcp.request import SESSION, McpRequest, check_once, read_request
from deskward.gate.context import new_id
from deskward.security.principals import Principal

_STATUS = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}
_TOLD = ("retry-after", "www-authenticate")
_Key = tuple[str, str, str, int | str]


class McpEndpoint:
    """The ASGI application at `/mcp`, or at a view's address."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._running: dict[_Key, Exchange] = {}
        """Calls under way that their client can cancel by a notification."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        try:
            response = await self._serve(scope, receive, send)
        except DeskwardError as error:
            response = refusal(error, scope["state"]["request_id"])
        if response is not None:
            await response(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> Response | None:
        headers = plain_headers(scope)
        if scope["method"] != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return Response("Content-Type must be application/json", status_code=415)
        if not _accepts_json(headers.get("accept", "")):
            return Response("Client must accept application/json", status_code=406)
        body = (await receive()).get("body", b"")
        try:
            message = from_json(body, allow_inf_nan=False)
            request = read_request(message, headers)
        except ValueError as problem:
            return _error(400, *unreadable(body, problem))
        except ProtocolError as error:
            return _error(400, None, error)
        if request is None:
            asker = await self._answering.identified(headers)
            await self._answering.take(message, asker, scope["state"]["request_id"])
            return Response(status_code=202)
        if request.id is None and request.method != CANCEL:
            return Response(status_code=202)
        principal = await self._answering.identified(headers)
        if request.id is None:
            self._cancel(request, principal)
            return Response(status_code=202)
        streams = "text/event-stream" in headers.get("accept", "").lower()
        token = progress_token(request.params.get("_meta")) if streams else None
        exchange = Exchange(receive, send, token)
        key = None
        if request.method == "tools/call":
            key = _cancelled_by(request, principal, request.id)
        if key is None:
            return await self._answer(request, principal, exchange, scope)
        self._running[key] = exchange
        try:
            return await self._answer(request, principal, exchange, scope)
        finally:
            if self._running.get(key) is exchange:
                del self._running[key]

    async def _answer(
        self, request: McpRequest, principal: Principal, exchange: Exchange, scope: Scope
    ) -> Response | None:
        try:
            check_once([name for name, _ in scope["headers"]])
            request_id = scope["state"]["request_id"]
            result = await self._answering.result(request, principal, exchange, request_id)
        except ProtocolError as error:
            by_code = request.stateless or error.code == HEADER_MISMATCH
            status = _STATUS.get(error.code, 200) if by_code else 200
            return await exchange.answer(error_message(request.id, error), status)
        except Cancelled:
            return await exchange.give_up()
        response = await exchange.answer(whole(request.id, result), 200)
        if response is not None and request.method == "initialize":
            # Nothing is kept of it: it only tells one client's requests from another's.
            # … and whether that client can ask its customer.
            asks = can_ask(request.params.get("capabilities"), principal)
            response.headers[SESSION] = new_id() + (ASKS if asks else "")
        return response

    def _cancel(self, notification: McpRequest, principal: Principal) -> None:
        """Cancel the same client's call; of 2026-07-28 a client closes its connection instead."""
        requested = notification.params.get("requestId")
        key = _cancelled_by(notification, principal, requested)
        if key is not None and key in self._running:
            self._running[key].cancel()


def _cancelled_by(request: McpRequest, principal: Principal, request_id: Any) -> _Key | None:
    """What a call and the notification that cancels it have in common; None where nothing can.

    Two programs may call with one key and count their requests alike, so that a key and a number
    are not enough: without a session id a notification could end another program's call.
    """
    if request.stateless or not request.session or not isinstance(request_id, int | str):
        return None
    if isinstance(request_id, bool):
        return None
    whose = f"{principal.label} by {principal.via}"
    return principal.tenant, whose, request.session, request_id


def whole(request_id: int | str | None, result: bytes) -> bytes:
    """A JSON-RPC response."""
    return b'{"jsonrpc":"2.0","id":' + to_json(request_id) + b',"result":' + result + b"}"


def refused(error: DeskwardError, request_id: str) -> ProtocolError:
    """An error as one of JSON-RPC, with the documented body."""
    return ProtocolError(REFUSED, error.message, error.rest_body(request_id))


def refusal(error: DeskwardError, request_id: str) -> Response:
    """The documented answer to an error as a JSON-RPC error: clients show no other body's words."""
    told = error_response(error, request_id)
    headers = {name: value for name, value in told.headers.items() if name in _TOLD}
    return Response(
        error_message(None, refused(error, request_id)),
        *(told.status_code, headers),
        media_type="application/json",
    )


@lru_cache(maxsize=256)
def _accepts_json(accept: str) -> bool:
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return bool(kinds & {"application/json", "application/*", "*/*"})


def _error(status: int, request_id: int | str | None, error: ProtocolError) -> Response:
    body = error_message(request_id, error)
    return Response(body, status_code=status, media_type="application/json")
