"""Finds the route of an address without trying every route."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from starlette.routing import BaseRoute, Match, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

Place = tuple[str, int]


class Places:
    """ASGI application: the first of the routes that an address fits, else another application.

    Starlette's router tries all routes in their order, with a pattern each. Here a route is tried
    only where the address begins with the same part and has as many.
    """

    def __init__(self, routes: Sequence[BaseRoute], default: ASGIApp) -> None:
        """Sort the routes.

        Raises:
            TypeError: A route's path begins with a parameter, or takes several parts for one.
        """
        self.default = default
        self.routes = list(routes)
        self._by_place: dict[Place, list[BaseRoute]] = defaultdict(list)
        self._whole: dict[str, Route] = {}
        """Routes of one address that take every method: nothing is to be matched there."""
        for route in routes:
            if not isinstance(route, Route | WebSocketRoute) or isinstance(route, Mount):
                raise TypeError(f"{route} has no path of its own")
            place = _place(route.path)
            if place[0].startswith("{") or ":path}" in route.path:
                raise TypeError(f"{route.path} does not say where it is")
            self._by_place[place].append(route)
            if isinstance(route, Route) and route.methods is None and "{" not in route.path:
                self._whole.setdefault(route.path, route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        whole = self._whole.get(scope["path"])
        if whole is not None and scope["type"] == "http":
            scope.update({"endpoint": whole.endpoint, "path_params": {}})
            await whole.app(scope, receive, send)
            return
        for route in self._by_place.get(_place(scope["path"]), ()):
            match, found = route.matches(scope)
            if match is not Match.NONE:
                scope.update(found)
                await route.handle(scope, receive, send)
                return
        await self.default(scope, receive, send)


def _place(path: str) -> Place:
    parts = path.split("/", 2)
    return parts[1] if len(parts) > 1 else "", path.count("/")
