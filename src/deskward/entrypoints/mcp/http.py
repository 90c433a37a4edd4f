"""MCP over streamable HTTP: a thin route from JSON-RPC to the gate, in both protocol eras.

Tools and resources, without state; answers are JSON, and streams of events only where a tool
reports its progress: what a call costs here is what the gate costs. The order of the checks and
their codes follow the specification of 2026-07-28 (Transports, Streamable HTTP) and the `mcp`
package's server; the conformance suite and the parity tests compare them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic_core import from_json, to_json
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deskward.app import Desk
from deskward.core.errors import Cancelled, DeskwardError, Forbidden
from deskward.entrypoints.errors import error_response
from deskward.entrypoints.identity import Callers, plain_headers
from deskward.entrypoints.mcp.confirming import (
    ASKS,
    answer_in,
    can_ask,
    input_required,
    is_own,
    question,
    says,
    when_answered,
)
from deskward.entrypoints.mcp.exchange import Exchange
from deskward.entrypoints.mcp.outside import prompts
from deskward.entrypoints.mcp.progress import progress_token
from deskward.entrypoints.mcp.protocol import (
    HANDSHAKE_VERSIONS,
    HEADER_MISMATCH,
    INSTRUCTIONS,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    PROMPT_METHODS,
    REFUSED,
    RESOURCE_METHODS,
    SERVER_INFO,
    SUPPORTED,
    UNSUPPORTED_VERSION,
    ProtocolError,
    capabilities,
    check_in,
    check_known,
    error_message,
    has_prompts,
    has_resources,
    idempotency_key,
    is_unsure,
    tool_list,
    unreadable,
)
from deskward.entrypoints.mcp.request import (
    SESSION,
    McpRequest,
    check_envelope,
    check_once,
    is_client,
    marked,
    read_request,
)
from deskward.entrypoints.mcp.resources import answered
from deskward.entrypoints.mcp.results import call_result, complete
from deskward.gate.confirmed import record_answer, take_answer
from deskward.gate.context import Context, new_id
from deskward.gate.outcome import Outcome
from deskward.gate.views import View
from deskward.security.principals import Principal

_STATUS = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}
_CANCEL = "notifications/cancelled"
_TOLD = ("retry-after", "www-authenticate")
_Key = tuple[str, str, str, int | str]


class McpEndpoint:
    """The ASGI application at `/mcp`, or at a view's address."""

    def __init__(self, desk: Desk, view: View | None = None) -> None:
        self._desk, self._view = desk, view
        self._callers = Callers.of(desk)
        self._running: dict[_Key, Exchange] = {}
        """Calls under way that their client can cancel by a notification."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        try:
            response = await self._serve(scope, receive, send)
        except DeskwardError as error:
            response = _refusal(error, scope["state"]["request_id"])
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
            asker = await self._identified(headers)
            await self._take(message, asker, scope["state"]["request_id"])
            return Response(status_code=202)
        if request.id is None and request.method != _CANCEL:
            return Response(status_code=202)
        principal = await self._identified(headers)
        if request.id is None:
            self._cancel(request, principal)
            return Response(status_code=202)
        streams = "text/event-stream" in headers.get("accept", "").lower()
        token = progress_token(request.params.get("_meta")) if streams else None
        exchange = Exchange(receive, send, token)
        return await self._answer(request, principal, exchange, scope)

    async def _identified(self, headers: Mapping[str, str]) -> Principal:
        """Who calls.

        Raises:
            DeskwardError: Nobody who may, or nobody for whom this view is.
        """
        principal = await self._callers.identify(headers)
        if self._view is not None and not self._view.admits(
            principal, self._desk.gate.policy.roles
        ):
            raise Forbidden("This server is not for you. Use the address that you were given.")
        return principal

    async def _answer(
        self, request: McpRequest, principal: Principal, exchange: Exchange, scope: Scope
    ) -> Response | None:
        try:
            result = await self._dispatch(request, principal, exchange, scope)
        except ProtocolError as error:
            by_code = request.stateless or error.code == HEADER_MISMATCH
            status = _STATUS.get(error.code, 200) if by_code else 200
            return await exchange.answer(error_message(request.id, error), status)
        except Cancelled:
            return await exchange.give_up()
        head = b'{"jsonrpc":"2.0","id":' + to_json(request.id) + b',"result":'
        response = await exchange.answer(head + result + b"}", 200)
        if response is not None and request.method == "initialize":
            # Nothing is kept of it: it only tells one client's requests from another's.
            # … and whether that client can ask its customer.
            asks = can_ask(request.params.get("capabilities"), principal)
            response.headers[SESSION] = new_id() + (ASKS if asks else "")
        return response

    async def _dispatch(
        self, request: McpRequest, principal: Principal, exchange: Exchange, scope: Scope
    ) -> bytes:
        check_once([name for name, _ in scope["headers"]])
        if request.stateless:
            check_envelope(request)
        elif request.version is None and marked(request.params.get("_meta")):
            # Marked as of the new era in the body only: guessing would serve it by other rules.
            raise ProtocolError(HEADER_MISMATCH, "mcp-protocol-version header is missing")
        method, params = request.method, request.params
        if method == "tools/call":
            return await self._call(request, principal, exchange, scope["state"]["request_id"])
        if method == "tools/list":
            return self._list(request, principal)
        if (method in RESOURCE_METHODS and has_resources(self._desk.gate, self._view)) or (
            method in PROMPT_METHODS and has_prompts(self._desk.gate, self._view)
        ):
            return await self._resources(request, principal, exchange, scope["state"]["request_id"])
        if request.stateless and method == "server/discover":
            about = {"supportedVersions": SUPPORTED, **self._about()}
            return to_json({**about, **complete(cached=True)})
        if not request.stateless and method == "initialize":
            return to_json(_initialized(params) | self._about())
        if not request.stateless and method == "ping":
            return b"{}"
        raise ProtocolError(METHOD_NOT_FOUND, "Method not found", method)

    def _list(self, request: McpRequest, principal: Principal) -> bytes:
        if not isinstance(request.params.get("cursor"), str | None):
            raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")
        result: dict[str, Any] = {"tools": tool_list(self._desk.gate, principal, self._view)}
        return to_json(result | complete(cached=True) if request.stateless else result)

    async def _resources(
        self, request: McpRequest, principal: Principal, exchange: Exchange, request_id: str
    ) -> bytes:
        context = Context.of(principal, "mcp", request_id, request.session or "")
        context = context.completed(view=self._view)
        params, stateless = request.params, request.stateless
        gate = self._desk.gate
        if request.method in PROMPT_METHODS:
            result = await exchange.run(prompts(gate, context, request.method, params))
        else:
            work = answered(gate, context, request.method, params, stateless=stateless)
            result = await exchange.run(work)
        cached = request.method not in ("completion/complete", "prompts/get")
        return to_json(result | complete(cached=cached) if stateless else result)

    def _about(self) -> dict[str, Any]:
        can = capabilities(self._desk.gate, self._view)
        return {"capabilities": can, "instructions": INSTRUCTIONS}

    async def _call(
        self, request: McpRequest, principal: Principal, exchange: Exchange, request_id: str
    ) -> bytes:
        name, arguments = request.params.get("name"), request.params.get("arguments")
        if not isinstance(name, str) or not isinstance(arguments, dict | None):
            raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")
        check_in(self._view, name)
        context = Context(
            principal,
            "mcp",
            request_id,
            client=request.session or "",
            report=exchange.report,
            unsure=is_unsure(request.params.get("_meta")),
            view=self._view,
        )
        call = self._made(request, context, name, arguments or {}, exchange)
        key = _cancelled_by(request, principal, request.id)
        if key is not None:
            self._running[key] = exchange
        try:
            outcome = await exchange.run(call)
        finally:
            if key is not None and self._running.get(key) is exchange:
                del self._running[key]
        check_known(outcome)
        asks = can_ask(request.capabilities, principal) and answer_in(request.params) is None
        if outcome.status == "confirm" and asks:
            return input_required(outcome)
        return call_result(outcome, stateless=request.stateless)

    async def _made(
        self,
        request: McpRequest,
        context: Context,
        name: str,
        arguments: dict[str, Any],
        exchange: Exchange,
    ) -> Outcome:
        """What comes of a call; its customer is asked where their client can do that."""
        gate, params = self._desk.gate, request.params
        answer = answer_in(params) if can_ask(request.capabilities, context.principal) else None
        if answer is not None and answer[1] is not None:
            of = (name, arguments)
            return await take_answer(gate, answer[0], context, answer[1], "elicitation", of=of)
        key = idempotency_key(params.get("_meta"))
        outcome = await gate.call(name, arguments, context, idempotency_key=key)
        asks = (request.session or "").endswith(ASKS) and not request.stateless
        streams = "text/event-stream" in request.headers.get("accept", "").lower()
        if outcome.status == "confirm" and asks and streams and is_own(context.principal):
            await exchange.ask({"id": outcome.value["confirmation_id"], **question(outcome)})
            return await when_answered(gate, outcome, context)
        return outcome

    async def _take(self, response: dict[str, Any], principal: Principal, request_id: str) -> None:
        """Take the response to a question of ours, which another process may wait for."""
        result, key = response.get("result"), response.get("id")
        if is_own(principal) and isinstance(result, dict) and isinstance(key, str):
            context = Context(principal, "mcp", request_id)
            with contextlib.suppress(DeskwardError):
                yes = says(result) is True  # whoever waits must learn that nobody answers
                await record_answer(self._desk.gate, key, context, yes, "elicitation")

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


def _initialized(params: dict[str, Any]) -> dict[str, Any]:
    wanted = params.get("protocolVersion")
    if not (
        isinstance(wanted, str)
        and isinstance(params.get("capabilities"), dict)
        and is_client(params.get("clientInfo"))
    ):
        raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")
    version = wanted if wanted in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]
    return {"protocolVersion": version, "serverInfo": SERVER_INFO}


def _refusal(error: DeskwardError, request_id: str) -> Response:
    """The documented answer to an error as a JSON-RPC error: clients show no other body's words."""
    told = error_response(error, request_id)
    refused = ProtocolError(REFUSED, error.message, error.rest_body(request_id))
    headers = {name: value for name, value in told.headers.items() if name in _TOLD}
    return Response(
        error_message(None, refused), told.status_code, headers, media_type="application/json"
    )


@lru_cache(maxsize=256)
def _accepts_json(accept: str) -> bool:
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return bool(kinds & {"application/json", "application/*", "*/*"})


def _error(status: int, request_id: int | str | None, error: ProtocolError) -> Response:
    body = error_message(request_id, error)
    return Response(body, status_code=status, media_type="application/json")
