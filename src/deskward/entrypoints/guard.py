"""What every HTTP request passes first: host and origin, size, request id, and a last resort."""

from __future__ import annotations

import logging
import re
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskward.core.errors import DeskwardError, Forbidden, Internal, InvalidInput, TooLarge
from deskward.entrypoints.errors import error_response
from deskward.gate.context import new_id

MAX_BODY = 1024 * 1024
"""Largest request body, in bytes."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
log = logging.getLogger("api.http")


class Guard:
    """ASGI middleware. Puts `request_id` and the lower-cased `headers` into the request's state."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        """Wrap an application.

        Args:
            hosts: The host names that requests may be addressed to, or None for any.
        """
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            self._check_origin(headers)
            whole = await _whole_body(headers, receive)
            await self._app(scope, whole, send_with_id)
        except DeskwardError as error:
            await self._answer(error, status, scope, receive, send_with_id)
        except Exception:
            log.exception("request %s failed", request_id)
            problem = "Something went wrong on our side. Quote the request id to us."
            await self._answer(Internal(problem), status, scope, receive, send_with_id)
        finally:
            took = (time.perf_counter() - started) * 1000
            log.info(
                "%s %s %d %.1f ms %s", scope["method"], scope["path"], status, took, request_id
            )

    async def _answer(
        self, error: DeskwardError, status: int, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if status == 0:  # nothing was sent yet
            response: Response = error_response(error, scope["state"]["request_id"])
            await response(scope, receive, send)

    def _check_origin(self, headers: Headers) -> None:
        """Refuse what a hostile web page could have a browser send (DNS rebinding)."""
        if self._hosts is None:
            return
        host = _host_name(headers.get("host", ""))
        if host not in self._hosts:
            raise Forbidden(
                "The service is not reached under this host name. Use its own, or add the name "
                "to ALLOWED_HOSTS."
            )
        origin = headers.get("origin")
        if origin and _host_name(urlsplit(origin).netloc) not in self._hosts:
            raise Forbidden("Requests from web pages of other hosts are not served.")


def _host_name(netloc: str) -> str:
    return re.sub(r":\d*$", "", netloc.lower())


async def _whole_body(headers: Headers, receive: Receive) -> Receive:
    """Read the body, up to the limit, and give a `receive` that hands it out once more.

    Raises:
        TooLarge: The body is over the limit.
        InvalidInput: The client went away in the middle of it.
    """
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY:
        raise _too_large()
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidInput("The request ended before its body was whole.")
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise _too_large()
        if not message.get("more_body", False):
            break
    handed_out = False

    async def again() -> Message:
        nonlocal handed_out
        if handed_out:
            return await receive()
        handed_out = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return again


def _too_large() -> TooLarge:
    return TooLarge(f"The body is over the limit of {MAX_BODY:,} bytes. Send less at once.")
