"""MCP over streamable HTTP: a thin route from JSON-RPC to the gate, in both protocol eras.

Tools only, stateless, JSON answers: what a call costs here is what the gate costs. The order of
the checks and their codes follow the specification of 2026-07-28 (Transports, Streamable HTTP) and
the `mcp` package's server; the conformance suite and the parity tests compare them.
"""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from deskward.app import Desk
from deskward.core.errors import DeskwardError
from deskward.entrypoints.errors import error_response
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.mcp.protocol import (
    CAPABILITIES,
    HANDSHAKE_VERSIONS,
    INSTRUCTIONS,
    INVALID_PARAMS,
    SERVER_INFO,
    SERVER_INFO_KEY,
    STATELESS_VERSION,
    SUPPORTED,
    ProtocolError,
    check_known,
    idempotency_key,
    tool_list,
)
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.security.principals import Principal

_PREFIX = "io.modelcontextprotocol/"
_VERSION_KEY = _PREFIX + "protocolVersion"
_CAPABILITIES_KEY = _PREFIX + "clientCapabilities"
_CLIENT_KEY = _PREFIX + "clientInfo"
_ROUTING = ("mcp-protocol-version", "mcp-method", "mcp-name")

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022
_STATUS = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}
_NOT_A_REQUEST = "Body must be a single JSON-RPC request or notification object"


class _Request(NamedTuple):
    """A JSON-RPC request with what its headers say."""

    id: int | str
    method: str
    params: dict[str, Any]
    headers: Headers
    version: str | None

    @property
    def stateless(self) -> bool:
        """Whether it is of the era without a handshake."""
        return self.version is not None and self.version not in HANDSHAKE_VERSIONS


class McpEndpoint:
    """The ASGI application at `/mcp`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._callers = Callers.of(desk)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        try:
            response = await self._serve(scope, receive)
        except DeskwardError as error:
            response = error_response(error, scope["state"]["request_id"])
        await response(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive) -> Response:
        headers = Headers(scope=scope)
        if scope["method"] != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return Response("Content-Type must be application/json", status_code=415)
        if not _accepts_json(headers.get("accept", "")):
            return Response("Client must accept application/json", status_code=406)
        message = await receive()
        try:
            parsed = from_json(message.get("body", b""), allow_inf_nan=False)
        except ValueError:
            return _error(400, None, ProtocolError(PARSE_ERROR, "Parse error"))
        try:
            request = _read(parsed, headers)
        except ProtocolError as error:
            return _error(400, None, error)
        if request is None:
            return Response(status_code=202)
        principal = await self._callers.identify(headers)
        try:
            result = await self._dispatch(request, principal, scope["state"]["request_id"])
        except ProtocolError as error:
            by_code = request.stateless or error.code == HEADER_MISMATCH
            status = _STATUS.get(error.code, 200) if by_code else 200
            return _error(status, request.id, error)
        head = b'{"jsonrpc":"2.0","id":' + to_json(request.id) + b',"result":'
        return Response(head + result + b"}", media_type="application/json")

    async def _dispatch(self, request: _Request, principal: Principal, request_id: str) -> bytes:
        if request.stateless:
            _check_envelope(request)
        elif request.version is None and _marked(request.params.get("_meta")):
            # Marked as of the new era in the body only: guessing would serve it by other rules.
            raise ProtocolError(HEADER_MISMATCH, "mcp-protocol-version header is missing")
        method, params = request.method, request.params
        if method == "tools/call":
            return await self._call(request, principal, request_id)
        if method == "tools/list":
            return self._list(request, principal)
        if request.stateless and method == "server/discover":
            result = {"supportedVersions": SUPPORTED, **_about(), **_complete(cached=True)}
            return to_json(result)
        if not request.stateless and method == "initialize":
            return to_json(_initialized(params))
        if not request.stateless and method == "ping":
            return b"{}"
        raise ProtocolError(METHOD_NOT_FOUND, "Method not found", method)

    def _list(self, request: _Request, principal: Principal) -> bytes:
        if not isinstance(request.params.get("cursor"), str | None):
            raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")
        result: dict[str, Any] = {"tools": tool_list(self._desk.gate, principal)}
        return to_json(result | _complete(cached=True) if request.stateless else result)

    async def _call(self, request: _Request, principal: Principal, request_id: str) -> bytes:
        name, arguments = request.params.get("name"), request.params.get("arguments")
        if not isinstance(name, str) or not isinstance(arguments, dict | None):
            raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")
        outcome = await self._desk.gate.call(
            name,
            arguments or {},
            Context(principal, "mcp", request_id),
            idempotency_key=idempotency_key(request.params.get("_meta")),
        )
        check_known(outcome)
        return call_result(outcome, stateless=request.stateless)


def call_result(outcome: Outcome, *, stateless: bool) -> bytes:
    """An outcome as a `CallToolResult`; the gate's JSON goes in as it is."""
    text = outcome.text
    failed = b"true" if outcome.error is not None else b"false"
    body = (
        b'{"content":[{"type":"text","text":'
        + json.dumps(text, ensure_ascii=False).encode()
        + b'}],"structuredContent":'
        + text.encode()
        + b',"isError":'
        + failed
    )
    return body + (b"," + _STAMP[1:] if stateless else b"}")


def _complete(*, cached: bool) -> dict[str, Any]:
    """What every result of 2026-07-28 carries besides its own fields."""
    stamp: dict[str, Any] = {"resultType": "complete", "_meta": {SERVER_INFO_KEY: SERVER_INFO}}
    return stamp | ({"ttlMs": 0, "cacheScope": "private"} if cached else {})


_STAMP = to_json(_complete(cached=False))


def _about() -> dict[str, Any]:
    return {"capabilities": CAPABILITIES, "instructions": INSTRUCTIONS}


def _initialized(params: dict[str, Any]) -> dict[str, Any]:
    wanted = params.get("protocolVersion")
    if not (
        isinstance(wanted, str)
        and isinstance(params.get("capabilities"), dict)
        and _is_client(params.get("clientInfo"))
    ):
        raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")
    version = wanted if wanted in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]
    return {"protocolVersion": version, "serverInfo": SERVER_INFO, **_about()}


def _read(message: Any, headers: Headers) -> _Request | None:
    """The request of a body; None where it is a notification or a response, which need no answer.

    Raises:
        ProtocolError: It is neither.
    """
    version = headers.get("mcp-protocol-version")
    version = version.strip() if version is not None else None
    stateless = version is not None and version not in HANDSHAKE_VERSIONS
    invalid = ProtocolError(INVALID_REQUEST, _NOT_A_REQUEST)
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise invalid
    params, method = message.get("params"), message.get("method")
    if not isinstance(params, dict | None):
        raise invalid
    if not isinstance(method, str):
        if not stateless and "id" in message and ("result" in message or "error" in message):
            return None
        raise invalid
    if "id" not in message:
        if stateless and version != STATELESS_VERSION:
            raise _unsupported(version)
        return None
    if isinstance(message["id"], bool) or not isinstance(message["id"], int | str):
        raise invalid
    return _Request(message["id"], method, params or {}, headers, version)


def _check_envelope(request: _Request) -> None:
    """Check what a request of 2026-07-28 says of itself, in body and headers."""
    headers, meta = request.headers, request.params.get("_meta")
    for name in _ROUTING:
        if len(headers.getlist(name)) > 1:
            raise ProtocolError(HEADER_MISMATCH, f"{name} header appears more than once")
    if not isinstance(meta, dict):
        raise ProtocolError(
            INVALID_PARAMS,
            f"params._meta must be an object carrying the required {_VERSION_KEY!r} and "
            f"{_CAPABILITIES_KEY!r} envelope keys",
        )
    if missing := [key for key in (_VERSION_KEY, _CAPABILITIES_KEY) if key not in meta]:
        raise ProtocolError(
            INVALID_PARAMS,
            f"params._meta is missing the required envelope key(s): {', '.join(missing)}",
        )
    if meta[_VERSION_KEY] != request.version:
        raise _mismatch("mcp-protocol-version", "request envelope's protocol version")
    if headers.get("mcp-method", "").strip() != request.method:
        raise _mismatch("mcp-method", "request body's method")
    tool = request.params.get("name") if request.method == "tools/call" else None
    if tool is not None and _decoded(headers.get("mcp-name", "").strip()) != tool:
        raise _mismatch("mcp-name", "request body's 'name' parameter")
    if request.version != STATELESS_VERSION:
        raise _unsupported(request.version)
    if request.method not in ("tools/call", "tools/list", "server/discover"):
        raise ProtocolError(METHOD_NOT_FOUND, "Method not found", request.method)
    client = meta.get(_CLIENT_KEY)
    if not isinstance(meta[_CAPABILITIES_KEY], dict) or not (client is None or _is_client(client)):
        raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")


def _marked(meta: Any) -> bool:
    return isinstance(meta, dict) and _VERSION_KEY in meta


def _mismatch(header: str, of: str) -> ProtocolError:
    return ProtocolError(HEADER_MISMATCH, f"{header} header does not match the {of}")


def _unsupported(version: str | None) -> ProtocolError:
    return ProtocolError(
        UNSUPPORTED_VERSION,
        "Unsupported protocol version",
        {"supported": SUPPORTED, "requested": version},
    )


def _is_client(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("name"), str)
        and isinstance(value.get("version"), str)
    )


def _decoded(value: str) -> str | None:
    """A header value that may be wrapped as `=?base64?…?=` because it is not ASCII."""
    if not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode()
    except ValueError:
        return None


def _accepts_json(accept: str) -> bool:
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return bool(kinds & {"application/json", "application/*", "*/*"})


def _error(status: int, request_id: int | str | None, error: ProtocolError) -> Response:
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    answer = {"jsonrpc": "2.0", "id": request_id, "error": body}
    return Response(to_json(answer), status_code=status, media_type="application/json")
