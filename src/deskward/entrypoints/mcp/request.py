"""Requests of MCP over HTTP: reading them, and what a request of 2026-07-28 says of itself."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from deskward.entrypoints.mcp.protocol import (
    HANDSHAKE_VERSIONS,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PROMPT_METHODS,
    RESOURCE_METHODS,
    STATELESS_VERSION,
    SUPPORTED,
    UNSUPPORTED_VERSION,
    ProtocolError,
)

_PREFIX = "io.modelcontextprotocol/"
_VERSION_KEY = _PREFIX + "protocolVersion"
_CAPABILITIES_KEY = _PREFIX + "clientCapabilities"
_CLIENT_KEY = _PREFIX + "clientInfo"
_ONCE = (b"mcp-protocol-version", b"mcp-method", b"mcp-name", b"mcp-session-id")
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Method → the parameter that the header `Mcp-Name` repeats."""
METHODS = frozenset(
    {"tools/call", "tools/list", "server/discover"} | RESOURCE_METHODS | PROMPT_METHODS
)
"""What may be asked in the era without a handshake."""
_NOT_A_REQUEST = "Body must be a single JSON-RPC request or notification object"
SESSION = "mcp-session-id"


class McpRequest(NamedTuple):
    """A JSON-RPC request or notification with what its headers say."""

    id: int | str | None
    method: str
    params: dict[str, Any]
    headers: Mapping[str, str]
    version: str | None

    @property
    def stateless(self) -> bool:
        """Whether it is of the era without a handshake."""
        return self.version is not None and self.version not in HANDSHAKE_VERSIONS

    @property
    def capabilities(self) -> Any:
        """What the client says that it can do, in the era without a handshake."""
        meta = self.params.get("_meta")
        return meta.get(_CAPABILITIES_KEY) if isinstance(meta, dict) else None

    @property
    def session(self) -> str | None:
        """What tells this client's requests apart from another's with the same key."""
        return self.headers.get(SESSION)


def read_request(message: Any, headers: Mapping[str, str]) -> McpRequest | None:
    """The request, or notification, of a body; None where it is a response, which needs no answer.

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
        return McpRequest(None, method, params or {}, headers, version)
    if isinstance(message["id"], bool) or not isinstance(message["id"], int | str):
        raise invalid
    return McpRequest(message["id"], method, params or {}, headers, version)


def check_once(names: Sequence[bytes]) -> None:
    """Refuse a request that says twice in its headers what it is.

    Args:
        names: The names of the request's headers, each as often as it is there.
    """
    for name in _ONCE:
        if names.count(name) > 1:
            problem = f"{name.decode()} header appears more than once"
            raise ProtocolError(HEADER_MISMATCH, problem)


def check_envelope(request: McpRequest) -> None:
    """Check what a request of 2026-07-28 says of itself, in body and headers."""
    headers, meta = request.headers, request.params.get("_meta")
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
    called = _NAMED.get(request.method, "")
    name = request.params.get(called)
    if name is not None and _decoded(headers.get("mcp-name", "").strip()) != name:
        raise _mismatch("mcp-name", f"request body's {called!r} parameter")
    if request.version != STATELESS_VERSION:
        raise _unsupported(request.version)
    if request.method not in METHODS:
        raise ProtocolError(METHOD_NOT_FOUND, "Method not found", request.method)
    client = meta.get(_CLIENT_KEY)
    if not isinstance(meta[_CAPABILITIES_KEY], dict) or not (client is None or is_client(client)):
        raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")


def marked(meta: Any) -> bool:
    """Whether a request says in its body that it is of the era without a handshake."""
    return isinstance(meta, dict) and _VERSION_KEY in meta


def version_in(meta: Any) -> str | None:
    """The era that a request says in its body that it is of; None where it says none."""
    return str(meta[_VERSION_KEY]) if marked(meta) else None


def _mismatch(header: str, of: str) -> ProtocolError:
    return ProtocolError(HEADER_MISMATCH, f"{header} header does not match the {of}")


def _unsupported(version: str | None) -> ProtocolError:
    return ProtocolError(
        UNSUPPORTED_VERSION,
        "Unsupported protocol version",
        {"supported": SUPPORTED, "requested": version},
    )


def is_client(value: Any) -> bool:
    """Whether a value describes a client, as the specification's `Implementation`."""
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
