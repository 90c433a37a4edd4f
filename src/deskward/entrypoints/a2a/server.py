"""A2A over HTTP: JSON-RPC and HTTP+JSON, two ways to the same operations."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator
from hashlib import sha256

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from deskward.app import Desk
from deskward.core.errors import DeskwardError
from deskward.core.lines import json_line
from deskward.entrypoints.a2a.addresses import CARD, KEY_SET, RPC
from deskward.entrypoints.a2a.calls import (
    A2A_JSON,
    JSON,
    PUSHES,
    STREAMS,
    Call,
    KnownCall,
    call_of,
    check_version,
    no_method,
)
from deskward.entrypoints.a2a.card import card_of
from deskward.entrypoints.a2a.forms import Listing, Sending, TaskNamed, no_push, read
from deskward.entrypoints.a2a.operations import Events, Operations
from deskward.entrypoints.a2a.problems import Data, Problem
from deskward.entrypoints.a2a.signing import CardKey
from deskward.entrypoints.errors import known
from deskward.entrypoints.identity import Callers, plain_headers
from deskward.entrypoints.rest.events import ALIVE
from deskward.gate.context import Context
from deskward.security.principals import DEFAULT_ROLES, Kind, Principal

log = logging.getLogger("api.a2a")


class A2aServer:
    """Serves the addresses of `a2a_routes`."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._callers = desk, Callers.of(desk)
        reader, stream = desk.database.reader, desk.settings.stream
        self._operations = Operations(desk.gate, desk.conversations, reader, stream)
        self._key = CardKey(desk.settings.key)

    async def serve(self, request: Request) -> Response:
        """Answer a request."""
        request_id = request.state.request_id
        is_rpc = request.url.path == RPC
        call: Call | None = None
        try:
            try:
                if request.url.path in (CARD, KEY_SET):
                    return await self._public(request)
                body = await request.body()
                call, refused = call_of(request, body, is_rpc)
                principal = await self._identified(request, call)
                if refused is not None:
                    raise refused
                check_version(request)
                assert call is not None
                return await self._answer(call, Context(principal, "agent", request_id), request)
            except (DeskwardError, SQLAlchemyError) as error:
                raise _problem(error) from error
        except Problem as problem:
            return _refusal(problem, call, is_rpc, request_id)

    async def _identified(self, request: Request, call: Call | None) -> Principal:
        tenant = call.params.get("tenant") if call is not None else None
        named = tenant if isinstance(tenant, str) and tenant else None
        return await self._callers.identify(plain_headers(request.scope), tenant=named)

    async def _answer(self, call: Call, context: Context, request: Request) -> Response:
        if call.method in PUSHES:
            raise no_push()
        if call.method in STREAMS:
            events = self._events(call, context)
            first = await anext(events)  # what cannot begin is refused before anything is streamed
            streamed = _streamed(first, events, call, context.request_id)
            headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
            return StreamingResponse(streamed, media_type="text/event-stream", headers=headers)
        result = await self._result(call, context, request)
        if call.is_rpc:
            return Response(json_line(_response(call, result)), media_type=JSON)
        return Response(json_line(result), media_type=A2A_JSON)

    def _events(self, call: Call, context: Context) -> Events:
        if call.method == "SendStreamingMessage":
            return self._operations.stream(context, read(Sending, call.params))
        return self._operations.subscribe(context, read(TaskNamed, call.params))

    async def _result(self, call: Call, context: Context, request: Request) -> Data:
        operations, params = self._operations, call.params
        if call.method == "SendMessage":
            return await operations.send(context, read(Sending, params), request.is_disconnected)
        if call.method == "GetTask":
            return await operations.get(context, read(TaskNamed, params))
        if call.method == "ListTasks":
            return await operations.list_tasks(context, read(Listing, params))
        if call.method == "CancelTask":
            return await operations.cancel(context, read(TaskNamed, params))
        return await self._card(context.principal, request)

    async def _public(self, request: Request) -> Response:
        """The card, for whoever asks, or the keys that it is signed with."""
        if request.method not in ("GET", "HEAD"):
            raise no_method("GET", request.method)
        if request.url.path == KEY_SET:
            return _kept({"keys": [self._key.public]}, request, "public")
        headers = plain_headers(request.scope)
        if headers.keys() & {"authorization", "x-api-key", "x-user-id"}:
            principal = await self._callers.identify(headers)
        else:
            tenant = self._desk.settings.default.tenant_id
            principal = Principal(Kind.CUSTOMER, "", tenant, (DEFAULT_ROLES[Kind.CUSTOMER],))
        return _kept(await self._card(principal, request), request, "private")

    async def _card(self, principal: Principal, request: Request) -> Data:
        base = f"{request.url.scheme}://{request.url.netloc}"
        card = await card_of(self._desk.database.reader, self._desk.gate, principal, base)
        if self._desk.settings.server.hosts is None:
            # Whoever asks under another name would be given a signed card that leads there.
            return card
        return self._key.signed(card, f"{base}{KEY_SET}")


def _problem(error: DeskwardError | SQLAlchemyError) -> Problem:
    said = known(error)
    problem = Problem.of(said)
    if said.retry_after is not None:
        problem.facts["retryAfter"] = str(said.retry_after)
    return problem


def _refusal(problem: Problem, call: Call | None, is_rpc: bool, request_id: str) -> Response:
    headers = {}
    if "allow" in problem.facts:
        headers["Allow"] = problem.facts["allow"]
    if "retryAfter" in problem.facts:
        headers["Retry-After"] = problem.facts["retryAfter"]
    if problem.http == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if not is_rpc:
        body = json_line(problem.rest(request_id))
        return Response(body, problem.http, headers, media_type=JSON)
    call = problem.call if isinstance(problem, KnownCall) else call
    body = json_line(problem.rpc(call.id if call is not None else None, request_id))
    return Response(body, problem.rpc_http, headers, media_type=JSON)


def _response(call: Call, result: Data) -> Data:
    return {"jsonrpc": "2.0", "id": call.id, "result": result}


async def _streamed(
    first: Data | None, events: Events, call: Call, request_id: str
) -> AsyncIterator[bytes]:
    """A stream as server-sent events; an error is its last one."""

    def told(event: Data | None) -> bytes:
        if event is None:
            return ALIVE
        return _event(_response(call, event) if call.is_rpc else event)

    async with contextlib.aclosing(events):
        try:
            yield told(first)
            async for event in events:
                yield told(event)
        except (DeskwardError, SQLAlchemyError, Problem) as error:
            problem = error if isinstance(error, Problem) else _problem(error)
            if call.is_rpc:
                yield _event(problem.rpc(call.id, request_id))
            else:
                yield b"event: error\n" + _event(problem.rest(request_id))
        except Exception:
            log.exception("a stream failed")
            raise


def _event(data: Data) -> bytes:
    return b"data: " + json_line(data) + b"\n\n"


def _kept(data: Data, request: Request, whose: str) -> Response:
    """An answer that clients may keep for a while, and ask for by its tag."""
    body = json.dumps(data, ensure_ascii=False).encode()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": f"{whose}, max-age=300",
        "Vary": "Authorization, X-API-Key, X-User-ID, Host",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=JSON)
