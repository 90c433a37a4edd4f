"""Web pages of other hosts (CORS): what a browser asks first passes the guard like any request."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send


class Cors:
    """Starlette's rules in two places: behind the guard for preflights, before it for answers.

    Before it, as a page shall be able to read why it was refused; its own place would answer
    preflights before anybody has looked at their host, or counted them.
    """

    def __init__(self, **rules: Any) -> None:
        """Take the rules of `CORSMiddleware`."""
        self._rules = rules

    def asked(self, app: ASGIApp) -> ASGIApp:
        """An application that also answers preflights."""
        rules = CORSMiddleware(app, **self._rules)

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            if is_preflight(scope):
                answer = rules.preflight_response(Headers(scope=scope))
                await answer(scope, receive, send)
            else:
                await app(scope, receive, send)

        return served

    def told(self, app: ASGIApp) -> ASGIApp:
        """An application whose answers say which pages may read them."""
        rules = CORSMiddleware(app, **self._rules)

        async def served(scope: Scope, receive: Receive, send: Send) -> None:
            await (app if is_preflight(scope) else rules)(scope, receive, send)

        return served


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks what a page may do (Fetch, section 3.3.2)."""
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])
