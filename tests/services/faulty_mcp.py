"""An outside MCP server that acts, and then answers as no server should."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


def _tool(name: str, *, reads: bool = False, **parameters: str) -> dict[str, Any]:
    # Without `additionalProperties`, as many servers' schemas are.
    properties = {name: {"type": kind} for name, kind in parameters.items()}
    schema = {"type": "object", "properties": properties}
    hints = {"readOnlyHint": reads}
    return {"name": name, "description": name, "inputSchema": schema, "annotations": hints}


TOOLS = [
    _tool(
        "register_complaint",
        customer_id="string",
        description="string",
        urgency="integer",
        public="boolean",
    ),
    _tool("search_complaints", query="string", reads=True),
]
"""The second is not for one customer, though the desk's own tool of that name is."""


class FaultyMcp:
    """A running server: what it did, and how it answers a call."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.acted: list[dict[str, Any]] = []
        self.answers = "well"
        self.tools = list(TOOLS)

    async def serve(self, request: Request) -> Response:
        """Serve one request."""
        message = json.loads(await request.body() or b"{}")
        method, number = message.get("method"), message.get("id")
        if request.method != "POST":
            return Response(status_code=405)
        if number is None:
            return Response(status_code=202)
        if method == "initialize":
            about = {"name": "faulty", "version": "1"}
            return _result(
                number,
                {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {"tools": {}},
                    "serverInfo": about,
                },
            )
        if method == "tools/list":
            return _result(number, {"tools": self.tools})
        if method == "tools/call":
            self.acted.append(message["params"]["arguments"])
            return self._answer(number)
        return _failed(number, -32601)

    def _answer(self, number: int) -> Response:
        match self.answers:
            case "504":
                return Response("<html>", 504, media_type="text/html")
            case "502 in JSON":
                return JSONResponse({"message": "upstream"}, 502)
            case "an internal error":
                return _failed(number, -32603)
            case "a stream that ends":
                return StreamingResponse(_nothing(), media_type="text/event-stream")
            case "HTML":
                return Response("<html>", media_type="text/html")
            case "half of it":
                return Response('{"jsonrpc":"2.0","id":', media_type="application/json")
            case "202":
                return Response(status_code=202)
            case "unknown to it, too":
                error = {"code": "OUTCOME_UNKNOWN", "message": "Perhaps."}
                return _result(
                    number,
                    {"content": [], "structuredContent": {"error": error}, "isError": True},
                )
            case "wrong parameters":
                return _failed(number, -32602)
        return _result(number, {"content": [], "structuredContent": {"complaint_id": "C1"}})


async def _nothing() -> AsyncIterator[bytes]:
    yield b": hello\n\n"


def _result(number: int, result: dict[str, Any]) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": number, "result": result})


def _failed(number: int, code: int) -> Response:
    error = {"code": code, "message": "no"}
    return JSONResponse({"jsonrpc": "2.0", "id": number, "error": error})


@asynccontextmanager
async def faulty_mcp() -> AsyncIterator[FaultyMcp]:
    """Run a server on a free port, in this loop."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        faulty = FaultyMcp(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp")
        app = Starlette(routes=[Route("/mcp", faulty.serve, methods=["GET", "POST", "DELETE"])])
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield faulty
        finally:
            server.should_exit = True
            await serving
