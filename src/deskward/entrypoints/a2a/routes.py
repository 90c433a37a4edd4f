"""Where A2A is served. What serves it is loaded with the first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from deskward.app import Desk
from deskward.entrypoints.a2a.addresses import PATHS

if TYPE_CHECKING:
    from deskward.entrypoints.a2a.server import A2aServer


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
