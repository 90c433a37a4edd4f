"""What MCP's two protocol eras have in common, for stdio and HTTP.

2025-11-25 and earlier: a handshake (`initialize`). 2026-07-28: every request stands for itself.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import to_json

from deskward import __version__
from deskward.core.answers import PENDING, TO_CONFIRM
from deskward.core.errors import UnknownTool
from deskward.gate.call import Gate
from deskward.gate.outcome import Outcome
from deskward.gate.tool import Tool
from deskward.gate.views import View
from deskward.security.principals import Principal

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSION = "2026-07-28"
SUPPORTED = [STATELESS_VERSION, HANDSHAKE_VERSIONS[-1]]

SERVER_INFO = {"name": "deskward", "title": "Deskward", "version": __version__}
SERVER_INFO_KEY = "io.modelcontextprotocol/serverInfo"
RESOURCE_METHODS = frozenset(
    {"resources/list", "resources/templates/list", "resources/read", "completion/complete"}
)
PROMPT_METHODS = frozenset({"prompts/list", "prompts/get"})
INSTRUCTIONS = (
    "The tools of a customer-support desk. Every call is decided by policy and recorded. A result "
    'with "status": "pending_approval" is not done: a person has to approve it first. One with '
    '"status": "confirmation_needed" is not done either: the customer has to say yes to exactly '
    "that themselves, not through you, at POST /api/v1/confirmations/{confirmation_id}."
)
IDEMPOTENCY_META = "deskward/idempotency-key"
"""Key in a request's `_meta` whose value makes a repeated call give its first answer again."""

UNSURE_META = "deskward/unsure"
"""Key in a request's `_meta` whose value `true` has the customer asked before a write."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022
RESOURCE_NOT_FOUND = -32002
"""Of 2025-11-25 and earlier; since 2026-07-28 it is `INVALID_PARAMS`."""
INTERNAL_ERROR = -32603
REFUSED = -32000
"""JSON-RPC's first code for a server's own errors: who calls may not, or not now."""


class ProtocolError(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


def unreadable(body: bytes, problem: Exception) -> tuple[int | str | None, ProtocolError]:
    """What is wrong with a message that cannot be read, and the request's id where one is found.

    JavaScript and Python send what our parser refuses (half a surrogate pair, NaN), and their users
    wait for an answer with the request's id.
    """
    reason = str(problem).partition("\n")[0]
    error = ProtocolError(PARSE_ERROR, f"Parse error: {reason}")
    try:
        key = json.loads(body)["id"]
        to_json(key)
    except (ValueError, LookupError, TypeError, RecursionError):
        return None, error
    return (
        (key, error) if isinstance(key, int | str) and not isinstance(key, bool) else (None, error)
    )


def error_message(request_id: int | str | None, error: ProtocolError) -> bytes:
    """A JSON-RPC error response."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return to_json({"jsonrpc": "2.0", "id": request_id, "error": body})


def listed(tool: Tool, principal: Principal) -> dict[str, Any]:
    """A tool as `tools/list` shows it to a principal."""
    return {
        "name": tool.name,
        "title": tool.title,
        "description": tool.description,
        "inputSchema": tool.input_schema(principal),
        "outputSchema": _or_pending(tool),
        "annotations": {"title": tool.title, **tool.risk.annotations},
    }


def tool_list(gate: Gate, principal: Principal, view: View | None = None) -> list[dict[str, Any]]:
    """The tools that the principal may use, of those in a view."""
    usable = gate.tools_for(principal, view)
    return [listed(tool, principal) for tool in usable if tool.stands_for is None]


def check_in(view: View | None, tool: str) -> None:
    """Refuse a call of a tool that is in no view, as one that does not exist.

    Raises:
        ProtocolError: It is not there.
    """
    if view is not None and not view.holds(tool):
        error = UnknownTool(f"There is no tool {tool[:64]!r}. List the tools to see them.")
        raise ProtocolError(INVALID_PARAMS, error.message)


def capabilities(gate: Gate, view: View | None = None) -> dict[str, Any]:
    """What the server says that it can do."""
    found: dict[str, Any] = {"tools": {"listChanged": False}}
    if has_resources(gate, view):
        found |= {"resources": {"listChanged": False, "subscribe": False}, "completions": {}}
    if has_prompts(gate, view):
        found["prompts"] = {"listChanged": False}
    return found


def has_resources(gate: Gate, view: View | None = None) -> bool:
    """Whether any of the tools reads resources."""
    return any(
        (tool.resource is not None or tool.stands_for == "resources/list")
        and (view is None or view.holds(tool.name))
        for tool in gate.tools.values()
    )


def has_prompts(gate: Gate, view: View | None = None) -> bool:
    """Whether any outside server has prompts."""
    return any(
        tool.stands_for == "prompts/get" and (view is None or view.holds(tool.name))
        for tool in gate.tools.values()
    )


def idempotency_key(meta: Any) -> str | None:
    """The idempotency key of a request's `_meta`.

    Raises:
        ProtocolError: It is not text.
    """
    key = meta.get(IDEMPOTENCY_META) if isinstance(meta, dict) else None
    if key is not None and not isinstance(key, str):
        raise ProtocolError(INVALID_PARAMS, f"_meta[{IDEMPOTENCY_META!r}] must be text")
    return key


def is_unsure(meta: Any) -> bool:
    """Whether a request's `_meta` says that it is not sure that the call is wanted."""
    return isinstance(meta, dict) and meta.get(UNSURE_META) is True


def check_known(outcome: Outcome) -> None:
    """Refuse a call of a tool that does not exist, as the specification has it.

    Raises:
        ProtocolError: The tool does not exist.
    """
    if isinstance(outcome.error, UnknownTool):
        raise ProtocolError(INVALID_PARAMS, outcome.error.message)


def _or_pending(tool: Tool) -> dict[str, Any]:
    """The output schema, loosened to what a call answers that waits for somebody.

    Of tools that read, too: an installation's policies may have a person approve any call.
    """
    pending = {
        "type": "object",
        "properties": {"status": {"const": PENDING}},
        "required": ["status", "approval_id"],
    }
    to_confirm = {
        "type": "object",
        "properties": {"status": {"const": TO_CONFIRM}},
        "required": ["status", "confirmation_id"],
    }
    return {"type": "object", "anyOf": [tool.output_schema, pending, to_confirm]}
