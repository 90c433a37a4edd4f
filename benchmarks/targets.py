"""The subjects of `overhead` and `load`: one endpoint and doors to it, each in its own process."""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.calls import mcp_call_message, mcp_headers
from benchmarks.libraries import python_of
from benchmarks.load import Request, http_request
from benchmarks.machine import Cores
from benchmarks.processes import CannotMeasure, free_port, serving, serving_desk

ROUTE = "FastAPI route"
FASTAPI_MCP = "FastAPI-MCP over the route"
FASTAPI_MCP_ROUTE = "the route in FastAPI-MCP's process"
FASTMCP_OVER = "FastMCP over the route"
FASTMCP = "FastMCP, own tool"
DESK_REST = "Deskward REST, governed"
DESK_MCP = "Deskward MCP, governed"

PROTOCOL = "2025-11-25"
"""MCP's version that all of them speak."""
EXPECTED = "542050"
"""What every right answer holds."""
_QUESTION = '{"user_id":"user_001"}'
_OVER_ROUTE = "balance_balance_post"
"""What FastAPI-MCP and `FastMCP.from_fastapi` call the route's tool."""


@dataclass(frozen=True)
class Target:
    """What to send to whom. It is all that k6 and locust are told, too.

    Attributes:
        session: Whether each client must open a session of MCP's before its calls.
    """

    name: str
    pid: int
    port: int
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    session: bool = False

    def for_clients(self, sessions: Sequence[str]) -> str:
        """The target as JSON, for k6 and locust.

        Args:
            sessions: One of MCP's for each client, where it wants them.
        """
        return json.dumps(
            {
                "url": f"http://127.0.0.1:{self.port}",
                "path": self.path,
                "method": self.method,
                "headers": {**self.headers, "Content-Type": "application/json"},
                "body": self.body,
                "expected": EXPECTED,
                "sessions": list(sessions),
            }
        )

    def sessions(self, count: int) -> list[str]:
        """Open sessions, where it wants them; empty where it does not.

        Raises:
            CannotMeasure: One could not be opened.
        """
        wanted = range(count if self.session else 0)
        return [open_session(self.port, self.path, self.headers) for _ in wanted]

    def request(self) -> Request:
        """The target for our own load generator, for one connection where it wants a session.

        Raises:
            CannotMeasure: No session could be opened.
        """
        headers = dict(self.headers)
        for session in self.sessions(1):
            headers["Mcp-Session-Id"] = session
        data = http_request(self.method, self.path, headers, self.body.encode())
        return Request(self.port, data, EXPECTED.encode())


OPENING = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {
            "protocolVersion": PROTOCOL,
            "capabilities": {},
            "clientInfo": {"name": "benchmark", "version": "1"},
        },
    }
)


def open_session(port: int, path: str, headers: dict[str, str]) -> str:
    """Open a session of MCP's at a server; gives its id.

    Raises:
        CannotMeasure: The server gave none.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("POST", path, OPENING, {**headers, "Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        session = answer.getheader("Mcp-Session-Id")
    if session is None:
        raise CannotMeasure(f"no session of MCP's was opened: {answer.status}")
    return session


@contextlib.contextmanager
def serving_targets(folder: Path, cores: Cores) -> Iterator[tuple[list[Target], dict[str, str]]]:
    """Run all subjects; gives them, and why some are left out.

    Raises:
        CannotMeasure: A server that is installed does not start.
    """
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:

        def start(name: str, *arguments: str, python: Path | None = None) -> tuple[int, int]:
            print(f"starting {name} …", file=sys.stderr)
            port = free_port()
            command = [f"benchmarks.subjects.{name}", str(port), *arguments]
            server = serving(
                name, command, port=port, core=cores.server, folder=folder, python=python
            )
            return stack.enter_context(server), port

        pid, port = start("fastapi_route")
        targets = [Target(ROUTE, pid, port, "POST", "/balance", body=_QUESTION)]
        try:
            python = python_of("fastapi_mcp")
        except CannotMeasure as problem:
            missing[FASTAPI_MCP] = " ".join(str(problem).split())
        else:
            pid, port = start("fastapi_mcp_server", python=python)
            targets += [
                Target(FASTAPI_MCP_ROUTE, pid, port, "POST", "/balance", body=_QUESTION),
                _mcp(FASTAPI_MCP, pid, port, _OVER_ROUTE, session=True),
            ]
        targets += [
            _mcp(FASTMCP_OVER, *start("fastmcp_over_route"), _OVER_ROUTE),
            _mcp(FASTMCP, *start("fastmcp_server", "1"), "get_account_balance"),
        ]
        desk = stack.enter_context(serving_desk("deskward", folder, cores))
        access = {"Authorization": f"Bearer {desk.key}"}
        balance = "/accounts/user_001/balance"
        targets += [
            Target(DESK_REST, desk.pid, desk.port, "GET", balance, access),
            _mcp(DESK_MCP, desk.pid, desk.port, "get_account_balance", access),
        ]
        yield targets, missing


def _mcp(
    name: str,
    pid: int,
    port: int,
    tool: str,
    access: dict[str, str] | None = None,
    *,
    session: bool = False,
) -> Target:
    headers = {**(access or {}), **mcp_headers(PROTOCOL)}
    message = json.dumps(mcp_call_message(tool))
    return Target(name, pid, port, "POST", "/mcp", headers, message, session)
