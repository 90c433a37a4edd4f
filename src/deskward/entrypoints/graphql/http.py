"""`/graphql` over HTTP, by the draft "GraphQL over HTTP" (graphql.github.io/graphql-over-http).

POST takes an operation, or a list of them; GET a query, so that no link can change anything. Who
asks for `application/json` is answered as older clients expect it: with 200 where the request was
read, whatever came of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deskward.core.errors import (
    Cancelled,
    DeskwardError,
    InvalidInput,
    MethodNotAllowed,
    UnsupportedMediaType,
)
from deskward.core.lines import json_line
from deskward.entrypoints.errors import error_response, known
from deskward.entrypoints.graphql.door import Door
from deskward.entrypoints.graphql.forms import MOST_CALLS, Told, asked_of, refused
from deskward.entrypoints.identity import plain_headers
from deskward.entrypoints.mcp.exchange import Exchange
from deskward.entrypoints.rest.tools import IDEMPOTENCY_HEADER

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
METHODS = "GET, POST"


class GraphQLEndpoint:
    """The ASGI application at `/graphql`."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        headers = plain_headers(scope)
        kind = media_type(headers.get("accept", ""))
        request_id = scope["state"]["request_id"]
        exchange = Exchange(receive, send, None)
        try:
            if kind is None:
                problem = f"Accept `{RESPONSE}` or `{JSON}`."
                response = Response(problem, 406, media_type="text/plain")
            else:
                done = await self._answer(scope, receive, headers, exchange)
                response = rendered(done, kind)
        except Cancelled:
            response = await exchange.give_up() or Response()
        except (DeskwardError, SQLAlchemyError) as failed:
            response = refusal(known(failed), kind or RESPONSE, request_id)
        await response(scope, receive, send)

    async def _answer(
        self, scope: Scope, receive: Receive, headers: Mapping[str, str], exchange: Exchange
    ) -> Told | list[Told]:
        if scope["method"] not in METHODS:
            raise MethodNotAllowed(f"This address takes {METHODS}, not {scope['method'][:16]}.")
        if IDEMPOTENCY_HEADER in headers:
            raise InvalidInput("Give each mutation its `idempotencyKey`, and the request no key.")
        request_id = scope["state"]["request_id"]
        principal = await self._door.callers.identify(headers)
        by_get = scope["method"] == "GET"
        value = in_query(scope["query_string"]) if by_get else await in_body(headers, receive)
        if isinstance(value, list) and not 1 <= len(value) <= MOST_CALLS:
            raise InvalidInput(f"A batch has 1 to {MOST_CALLS} operations.")
        operations = [asked_of(one) for one in (value if isinstance(value, list) else [value])]
        door = self._door
        request = await door.request(headers, scope, principal, request_id)

        async def one_by_one() -> list[Told]:
            # In their order, as mutations are; what fails leaves the others.
            return [await door.told(request, one, reads_only=by_get) for one in operations]

        done = await exchange.run(one_by_one())
        return done if isinstance(value, list) else done[0]


def in_query(query: bytes) -> dict[str, Any]:
    """The operation in an address."""
    found: dict[str, Any] = dict(QueryParams(query))
    for name in ("variables", "extensions"):
        if name in found:
            found[name] = _json(found[name].encode(), f"`{name}`") if found[name] else None
    return found


async def in_body(headers: Mapping[str, str], receive: Receive) -> Any:
    """The operation, or the operations, in a body."""
    # What a page of another host can send unasked is of another type: no form sends JSON.
    if headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMediaType(f"Send the operation as JSON, with `Content-Type: {JSON}`.")
    return _json((await receive()).get("body", b""), "The body")


def _json(text: bytes, what: str) -> Any:
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidInput(f"{what} is not valid JSON: {error}.") from None


def media_type(accept: str) -> str | None:
    """The type of the answer, of those that a client accepts; None where it is none of them."""
    kinds = set()
    for part in accept.lower().split(","):
        kind, *parameters = (one.strip() for one in part.split(";"))
        if not any(one.startswith("q=") and not one[2:].strip("0.") for one in parameters):
            kinds.add(kind)
    if not accept.strip() or kinds & {RESPONSE, "*/*", "application/*"}:
        return RESPONSE
    return JSON if JSON in kinds else None


def rendered(done: Told | list[Told], kind: str) -> Response:
    """What came of a request, as an HTTP answer. A batch was begun in any case."""
    if isinstance(done, list):
        body: Any = [one.body for one in done]
        return Response(json_line(body), media_type=f"{kind}; charset=utf-8")
    status = done.status if kind == RESPONSE or done.status == 405 else 200
    headers = {"Allow": METHODS} if status == 405 else None
    return Response(json_line(done.body), status, headers, media_type=f"{kind}; charset=utf-8")


def refusal(error: DeskwardError, kind: str, request_id: str) -> Response:
    """The documented answer to an error, in GraphQL's form: clients show no other."""
    told = error_response(error, request_id)
    headers = {
        name: told.headers[name]
        for name in ("Retry-After", "WWW-Authenticate")
        if name in told.headers
    }
    if error.status == 405:
        headers["Allow"] = METHODS
    body = json_line(refused(error, request_id).body)
    return Response(body, error.status, headers, media_type=f"{kind}; charset=utf-8")
