"""MCP over stdio, for clients that start the server themselves. One customer per process."""

from __future__ import annotations

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolRequestParams, PaginatedRequestParams
from pydantic_core import from_json

from deskward import __version__
from deskward.app import Desk
from deskward.entrypoints.mcp.http import call_result
from deskward.entrypoints.mcp.protocol import (
    INSTRUCTIONS,
    ProtocolError,
    check_known,
    idempotency_key,
    tool_list,
)
from deskward.gate.context import Context
from deskward.security.principals import Principal

_LIST_STAMP = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}


async def serve_stdio(desk: Desk, principal: Principal) -> None:
    """Answer on standard input and output until the client closes them."""
    server = _server(desk, principal)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _server(desk: Desk, principal: Principal) -> Server[Any]:
    async def list_tools(
        _context: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> Any:
        return {"tools": tool_list(desk.gate, principal), **_LIST_STAMP}

    async def call_tool(context: ServerRequestContext[Any], params: CallToolRequestParams) -> Any:
        raw = context.params or {}
        try:
            outcome = await desk.gate.call(
                params.name,
                params.arguments or {},
                Context(principal, "mcp"),
                idempotency_key=idempotency_key(raw.get("_meta")),
            )
            check_known(outcome)
        except ProtocolError as error:
            raise MCPError(error.code, error.message, error.data) from error
        return from_json(call_result(outcome, stateless=True))

    return Server(
        "deskward",
        version=__version__,
        title="Deskward",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )
