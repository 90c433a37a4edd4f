"""Every tool at its own REST address, made from the registry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from deskward.core.errors import (
    DeskwardError,
    Forbidden,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
)
from deskward.entrypoints.errors import error_response
from deskward.entrypoints.identity import Callers, plain_headers
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.gate.tool import Tool

if TYPE_CHECKING:
    from deskward.hub.hub import Hub

IDEMPOTENCY_HEADER = "idempotency-key"


def tool_routes(callers: Callers, gate: Gate, hub: Hub | None) -> list[BaseRoute]:
    """One route per path; fixed paths before those with parameters.

    Tools are found by their names at each request, because those of an outside server come and go;
    the addresses of the built-in ones that they take the place of are there all the time.
    """
    expected = hub.expected if hub is not None else {}
    by_path: dict[str, dict[str, str]] = defaultdict(dict)
    own = {name: tool for name, tool in gate.tools.items() if tool.server is None}
    for name, tool in (own | expected).items():
        for method, path in tool.addresses:
            by_path[path][method] = name
    paths = sorted(by_path, key=lambda path: (path.count("{"), path))
    return [
        *(Route(path, _Address(callers, gate, hub, by_path[path])) for path in paths),
        Route("/tools/{tool}", _RemoteAddresses(callers, gate)),
    ]


class _RemoteAddresses:
    """The tools of outside servers, which come and go."""

    def __init__(self, callers: Callers, gate: Gate) -> None:
        self._callers, self._gate = callers, gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tool = self._gate.tools.get(scope["path_params"].pop("tool"))
        if tool is None or ("POST", scope["path"]) not in tool.addresses:
            error = NotFound("address", scope["path"][:200])
            await error_response(error, scope["state"]["request_id"])(scope, receive, send)
        else:
            address = _Address(self._callers, self._gate, None, {"POST": tool.name})
            await address(scope, receive, send)


class _Address:
    """The ASGI application of one path: the method chooses the tool."""

    def __init__(
        self, callers: Callers, gate: Gate, hub: Hub | None, tools: dict[str, str]
    ) -> None:
        self._callers, self._gate, self._hub = callers, gate, hub
        self._tools = tools

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = scope["state"]["request_id"]
        try:
            response = await self._answer(scope, receive, request_id)
        except DeskwardError as error:
            response = error_response(error, request_id)
            if error.status == 405:
                response.headers["Allow"] = ", ".join(sorted(self._tools))
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> Response:
        method = scope["method"]
        tool = self._tools.get(method)
        if tool is None:
            allowed = ", ".join(sorted(self._tools))
            raise MethodNotAllowed(f"This address takes {allowed}, not {method}.")
        headers = plain_headers(scope)
        principal = await self._callers.identify(headers)
        if tool not in self._gate.tools:
            if self._hub is not None:
                self._hub.check(tool)
            raise NotFound("address", scope["path"][:200])
        has_body = method in ("POST", "PUT", "PATCH")
        query = scope["query_string"]
        arguments: dict[str, Any] = dict(QueryParams(query)) if query else {}
        if has_body:
            if arguments:
                problem = "This address takes its arguments in the body, not in the query."
                raise InvalidInput(problem)
            arguments = _named(
                self._gate.tools[tool], await _body(headers, receive), scope["path_params"]
            )
        for name, value in scope["path_params"].items():
            if arguments.setdefault(name, value) != value:
                raise InvalidInput(f"{name} in the body is another than in the address.")
        outcome = await self._gate.call(
            tool,
            arguments,
            Context.of(principal, "rest", request_id),
            idempotency_key=headers.get(IDEMPOTENCY_HEADER),
            strict=has_body,
        )
        return render(outcome)


def answer(outcome: Outcome) -> dict[str, Any]:
    """What came of something that a door does by itself.

    Raises:
        DeskwardError: It was refused or failed, or a person would have to approve it, for which
            nobody waits here.
    """
    if outcome.error is not None:
        raise outcome.error
    if outcome.status != "ok":
        raise Forbidden("A person has to do this for you. Ask at support.")
    return outcome.value


def render(outcome: Outcome) -> Response:
    """An outcome as an HTTP answer: 200, 202 while somebody has to say yes, or the error."""
    if outcome.error is not None:
        return error_response(outcome.error, outcome.request_id)
    headers = {"Idempotent-Replayed": "true"} if outcome.repeated else None
    return Response(
        outcome.json,
        status_code=200 if outcome.status == "ok" else 202,
        headers=headers,
        media_type="application/json",
    )


def _named(tool: Tool, body: dict[str, Any], path: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments in a body, also where it is itself the one object that the tool takes."""
    left = tool.parameters - tool.bound - path.keys()
    if len(left) != 1 or not body.keys() - path.keys():
        return body
    (name,) = left
    if name in body or tool.input_schema()["properties"][name].get("type") != "object":
        return body
    plain = {key: value for key, value in body.items() if key not in path}
    return {name: plain, **{key: body[key] for key in body.keys() & path.keys()}}


async def _body(headers: Mapping[str, str], receive: Receive) -> dict[str, Any]:
    body = (await receive()).get("body", b"")  # the guard hands it out whole
    if not body:
        return {}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType("Send the body as JSON, with `Content-Type: application/json`.")
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidInput(f"The body is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise InvalidInput("The body must be a JSON object.")
    return value
