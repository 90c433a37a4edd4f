"""Where A2A is served. What serves it is loaded with the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from deskward.app import Desk

if TYPE_CHECKING:
    from deskward.entrypoints.a2a.server import A2aServer

RPC, REST = "/a2a", "/a2a/v1"
CARD, KEY_SET = "/.well-known/agent-card.json", "/.well-known/jwks.json"
PATHS = (
    *(RPC, CARD, KEY_SET),
    *(f"{REST}/message:send", f"{REST}/message:stream", f"{REST}/extendedAgentCard"),
    *(f"{REST}/tasks", f"{REST}/tasks/{{id}}"),
    f"{REST}/tasks/{{id}}/pushNotificationConfigs",
    f"{REST}/tasks/{{id}}/pushNotificationConfigs/{{config}}",
)


def a2a_routes(desk: Desk) -> list[Route]:
    """The addresses. They take every method, and refuse what is none in the protocol's form."""
    door = _Door(desk)
    return [Route(path, door) for path in PATHS]


class _Door:
    """ASGI application."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._server: A2aServer | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._server is None:
            from deskward.entrypoints.a2a.server import A2aServer

            self._server = A2aServer(self._desk)
        request = Request(scope, receive)
        await (await self._server.serve(request))(scope, receive, send)
