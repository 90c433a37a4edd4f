"""MCP over stdio, for clients that start the server themselves. One customer per process."""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolRequestParams, PaginatedRequestParams
from pydantic_core import from_json

from deskward import __version__
from deskward.app import Desk
from deskward.core.tasks import end
from deskward.entrypoints.mcp.pipes import pipes
from deskward.entrypoints.mcp.progress import Progress, progress_token
from deskward.entrypoints.mcp.protocol import (
    INSTRUCTIONS,
    ProtocolError,
    check_known,
    idempotency_key,
    tool_list,
)
from deskward.entrypoints.mcp.results import call_result
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.security.principals import Principal

_LIST_STAMP = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}


async def serve_stdio(desk: Desk, principal: Principal) -> None:
    """Answer on standard input and output until the client closes them."""
    calls = _Calls(desk, principal)
    server = calls.server()
    with pipes() as (stdin, stdout):
        async with stdio_server(stdin, stdout) as (read, write):
            await server.run(read, write, server.create_initialization_options())
        await calls.close()


class _Calls:
    """The calls of one client."""

    def __init__(self, desk: Desk, principal: Principal) -> None:
        self._desk = desk
        self._principal = principal
        self._running: set[asyncio.Task[Outcome]] = set()

    def server(self) -> Server[Any]:
        """The library's server, whose handlers lead to the gate."""
        return Server(
            "deskward",
            version=__version__,
            title="Deskward",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )

    async def close(self) -> None:
        """End what still runs, as the client is gone, and see it recorded."""
        await end(*self._running)

    async def _list(
        self, _context: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> Any:
        return {"tools": tool_list(self._desk.gate, self._principal), **_LIST_STAMP}

    async def _call(self, context: ServerRequestContext[Any], params: CallToolRequestParams) -> Any:
        meta = (context.params or {}).get("_meta")
        progress = Progress(lambda step: context.session.report_progress(*step))
        asked = progress_token(meta) is not None
        try:
            call = self._desk.gate.call(
                params.name,
                params.arguments or {},
                Context(self._principal, "mcp", report=progress.report if asked else None),
                idempotency_key=idempotency_key(meta),
            )
            outcome = await self._ended(call, progress)
            check_known(outcome)
        except ProtocolError as error:
            raise MCPError(error.code, error.message, error.data) from error
        return from_json(call_result(outcome, stateless=True))

    async def _ended(self, call: Any, progress: Progress) -> Outcome:
        """What comes of a call. Where the client cancels it, it ends in a task of its own.

        The library's cancellation comes again at every step, also at those that record the call.
        """
        task: asyncio.Task[Outcome] = asyncio.create_task(call)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            outcome = await asyncio.shield(task)
            await progress.close()
        except asyncio.CancelledError:
            task.cancel()
            await progress.close(abandoned=True)
            raise
        return outcome
