"""What MCP's two protocol eras have in common, for stdio and HTTP.

2025-11-25 and earlier: a handshake (`initialize`). 2026-07-28: every request stands for itself.
"""

from __future__ import annotations

from typing import Any

from deskward import __version__
from deskward.core.answers import PENDING
from deskward.core.errors import UnknownTool
from deskward.gate.call import Gate
from deskward.gate.outcome import Outcome
from deskward.gate.tool import Tool
from deskward.security.principals import Principal

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS_VERSION = "2026-07-28"
SUPPORTED = [STATELESS_VERSION, HANDSHAKE_VERSIONS[-1]]

SERVER_INFO = {"name": "deskward", "title": "Deskward", "version": __version__}
SERVER_INFO_KEY = "io.modelcontextprotocol/serverInfo"
CAPABILITIES = {"tools": {"listChanged": False}}
INSTRUCTIONS = (
    "The tools of a customer-support desk. Every call is decided by policy and recorded. A result "
    'with "status": "pending_approval" is not done: a person has to approve it first.'
)
IDEMPOTENCY_META = "deskward/idempotency-key"
"""Key in a request's `_meta` whose value makes a repeated call give its first answer again."""

INVALID_PARAMS = -32602


class ProtocolError(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


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


def tool_list(gate: Gate, principal: Principal) -> list[dict[str, Any]]:
    """The tools that the principal may use."""
    return [listed(tool, principal) for tool in gate.tools_for(principal)]


def idempotency_key(meta: Any) -> str | None:
    """The idempotency key of a request's `_meta`.

    Raises:
        ProtocolError: It is not text.
    """
    key = meta.get(IDEMPOTENCY_META) if isinstance(meta, dict) else None
    if key is not None and not isinstance(key, str):
        raise ProtocolError(INVALID_PARAMS, f"_meta[{IDEMPOTENCY_META!r}] must be text")
    return key


def check_known(outcome: Outcome) -> None:
    """Refuse a call of a tool that does not exist, as the specification has it.

    Raises:
        ProtocolError: The tool does not exist.
    """
    if isinstance(outcome.error, UnknownTool):
        raise ProtocolError(INVALID_PARAMS, outcome.error.message)


def _or_pending(tool: Tool) -> dict[str, Any]:
    """The output schema, loosened to what a call can answer that waits for a person."""
    if tool.risk.annotations["readOnlyHint"]:
        return tool.output_schema
    pending = {
        "type": "object",
        "properties": {"status": {"const": PENDING}},
        "required": ["status", "approval_id"],
    }
    return {"type": "object", "anyOf": [tool.output_schema, pending]}
