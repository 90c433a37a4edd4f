"""What every request passes first: host and origin, rate, size, request id, and a last resort."""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deskward.core.errors import (
    DeskwardError,
    Forbidden,
    Internal,
    InvalidInput,
    TooLarge,
    UnsupportedMediaType,
)
from deskward.core.logging import bind
from deskward.core.rate_limit import RateLimiter
from deskward.core.settings import Settings
from deskward.core.tasks import within
from deskward.entrypoints.errors import error_response, known
from deskward.entrypoints.identity import plain_headers, telling
from deskward.entrypoints.log_paths import LogPaths
from deskward.entrypoints.sizes import USUAL
from deskward.gate.context import new_id

BODY_TIMEOUT = 30.0
"""Seconds within which a request's body has to be there."""

ONCE = (
    b"a2a-version",
    b"authorization",
    b"content-encoding",
    b"content-length",
    b"content-type",
    b"idempotency-key",
    b"last-event-id",
    b"origin",
    b"x-api-key",
    b"x-user-id",
    b"x-user-proved-at",
)
"""Headers of which one alone has a meaning."""

NOT_KEPT = (b"cache-control", b"no-store")
"""What every answer says that does not say otherwise: it may be personal (RFC 9111, 5.2.2.5)."""

HEALTH = "/health"
"""Addresses that begin so are for probes: any host name, no rate limit."""

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:[0-9]{0,5})?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
log = logging.getLogger("api.http")

Admit = Callable[[Scope], Awaitable[None]]
"""Lets a request go on, or raises an error: by its headers alone."""


def counting(settings: Settings, limiter: RateLimiter) -> Admit:
    """What counts a message that comes on a connection as a request of its address."""
    limits = settings.rate_limit

    async def admit(scope: Scope) -> None:
        if limits.enabled:
            (await limiter.admit(_address(scope), limits.per_minute)).check("IP address")

    return admit


class Guard:
    """ASGI middleware. Puts `request_id` into the request's state."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        limiter: RateLimiter,
        log_path: LogPaths,
        body_limits: Mapping[str, int],
        *,
        first: Mapping[tuple[str, str], Admit] | None = None,
    ) -> None:
        """Guard an application.

        Args:
            app: The application.
            settings: Which hosts and pages may call, and how often.
            limiter: Counts requests.
            log_path: An address as the log may have it.
            body_limits: Addresses whose bodies may be of another size than usual, in bytes.
            first: Method and address → what is asked before anything of the body is read.
        """
        self._first = first or {}
        self._app = app
        self._log_path = log_path
        self._body_limits = body_limits
        self._hosts = settings.server.hosts
        self._origins = settings.cors.allowed
        self._limiter = limiter if settings.rate_limit.enabled else None
        self._limit = settings.rate_limit.per_minute

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http":
            await self._serve(_without_slash(scope), receive, send)
        elif scope["type"] == "websocket":
            await self._connect(_without_slash(scope), receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, request_id = _identified(scope)
        started = time.perf_counter()
        status = 0
        more: list[tuple[bytes, bytes]] = [
            (b"x-request-id", request_id.encode()),
            (b"x-content-type-options", b"nosniff"),
        ]
        telling(more)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with(message["headers"], more)
            elif scope["method"] == "HEAD":
                message["body"] = b""
            try:
                await send(message)
            except RuntimeError as error:
                if "closed" not in str(error):
                    raise
                raise ClientDisconnect from error  # while it was written to

        try:
            _check_form(scope, headers)
            if not scope["path"].startswith(HEALTH):
                self._check_origin(headers)
                if self._limiter is not None:
                    standing = await self._limiter.admit(_address(scope), self._limit)
                    more += standing.headers
                    standing.check("IP address")
            whole = await self._body(scope, headers, receive)
            # What answers GET answers HEAD: the same without the body (RFC 9110, section 9.3.2).
            served = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self._app(served, whole, send_with_id)
        except (DeskwardError, SQLAlchemyError) as error:
            await _answer(known(error), status, scope, receive, send_with_id)
        except ClientDisconnect:
            log.info("the client is gone")
        except Exception:
            log.exception("request failed")
            problem = "Something went wrong on our side. Quote the request id to us."
            await _answer(Internal(problem), status, scope, receive, send_with_id)
        finally:
            self._log(scope, status, started)

    async def _body(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Receive:
        """What hands out the body, once it is there; where that has to be asked first, it is."""
        if admit := self._first.get((scope["method"], scope["path"])):
            await admit(scope)
        if not _may_have_body(scope, headers):
            return receive
        return await _whole_body(headers, receive, self._body_limits.get(scope["path"], USUAL))

    def _log(self, scope: Scope, status: int, started: float) -> None:
        if log.isEnabledFor(logging.INFO):
            took = (time.perf_counter() - started) * 1000
            path = self._log_path(scope["path"])
            log.info("%s %s %d %.1f ms", scope["method"], path, status, took)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, _ = _identified(scope)
        try:
            _check_host(scope)
            self._check_origin(headers)
            if self._limiter is not None:
                (await self._limiter.admit(_address(scope), self._limit)).check("IP address")
        except DeskwardError as error:
            log.info("WebSocket refused: %s", error.error_code)
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before accept: HTTP 403
            return
        await self._app(scope, receive, send)

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        """Refuse what a hostile web page could have a browser send (DNS rebinding)."""
        host = _host_name(headers.get("host", ""))
        if self._hosts is not None and host not in self._hosts:
            raise Forbidden(
                "The service is not reached under this host name. Use its own, or add the name "
                "to ALLOWED_HOSTS."
            )
        origin = headers.get("origin")
        if not origin or {"*", origin.lower()} & self._origins:
            return
        page = _page_of(origin)
        if page not in (self._hosts if self._hosts is not None else {host}):
            raise Forbidden(
                "Requests from web pages of other hosts are not served. Add the page's origin to "
                "CORS_ORIGINS if it may call."
            )


def _with(
    headers: Iterable[tuple[bytes, bytes]], more: Iterable[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    """The headers with more, and with `NOT_KEPT` where nothing says how long to keep the answer."""
    whole = [*headers, *more]
    for name, _ in whole:
        if name == b"cache-control":
            return whole
    whole.append(NOT_KEPT)
    return whole


def _identified(scope: Scope) -> tuple[Mapping[str, str], str]:
    """The headers, and the request's id: the client's, if it is of an id's form, or a new one."""
    headers = plain_headers(scope)
    given = headers.get("x-request-id")
    request_id = given if given and _REQUEST_ID.fullmatch(given) else new_id()
    scope.setdefault("state", {})["request_id"] = request_id
    bind(request=request_id)
    return headers, request_id


def _address(scope: Scope) -> str:
    """The client's address; of IPv6 the network, which is what one client has."""
    host = (scope.get("client") or ("unknown", 0))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"ip:{host}"
    if address.version == 6:
        if address.ipv4_mapped is not None:
            return f"ip:{address.ipv4_mapped}"
        return f"ip:{ipaddress.ip_network((address, 64), strict=False)}"
    return f"ip:{address}"


async def _answer(
    error: DeskwardError, status: int, scope: Scope, receive: Receive, send: Send
) -> None:
    if status == 0:  # nothing was sent yet
        response: Response = error_response(error, scope["state"]["request_id"])
        await response(scope, receive, send)


def _without_slash(scope: Scope) -> Scope:
    """Return the scope of the address without a slash at its end, which means the same here.

    A redirect would send the client to the host and scheme that this side of a proxy sees. An
    encoded slash (`%2F`) belongs to the last value, and stays.
    """
    raw = scope.get("raw_path") or b""
    if len(raw) < 2 or not raw.endswith(b"/"):
        return scope
    return {**scope, "raw_path": raw[:-1], "path": scope["path"][:-1]}


def _check_host(scope: Scope) -> None:
    """Refuse a request of HTTP/1.1 that does not name its host once (RFC 9112, section 3.2).

    Raises:
        InvalidInput: It does not.
    """
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(hosts) > 1:
        raise InvalidInput("The header host is given twice.")
    if not hosts and scope["http_version"] == "1.0":
        return
    if not hosts or not _is_host(hosts[0]):
        raise InvalidInput("Name the host in the header `Host`, as `name` or `name:port`.")


@lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    """Whether a header names a host."""
    return _HOST.fullmatch(value.decode("latin-1")) is not None


def _check_form(scope: Scope, headers: Mapping[str, str]) -> None:
    """Refuse what two readers could understand differently.

    Raises:
        InvalidInput: Something that can be there once is there twice, or is missing.
        UnsupportedMediaType: The body is compressed.
    """
    _check_host(scope)
    if len(headers) != len(scope["headers"]):
        names = [name for name, _ in scope["headers"]]
        for name in ONCE:
            if names.count(name) > 1:
                raise InvalidInput(f"The header {name.decode()} is given twice.")
    if query := scope.get("query_string"):
        given = [name for name, _ in QueryParams(query).multi_items()]
        if len(given) != len(set(given)):
            raise InvalidInput("A parameter of the query is given twice.")
    coding = headers.get("content-encoding", "identity").lower()
    if coding != "identity" and scope["method"] in ("POST", "PUT", "PATCH"):
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")


def _page_of(origin: str) -> str | None:
    try:
        return _host_name(urlsplit(origin).netloc)
    except ValueError:
        return None  # an address that no page has


@lru_cache(maxsize=256)
def _host_name(netloc: str) -> str:
    return re.sub(r":\d*$", "", netloc.lower())


def _may_have_body(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Tell whether a body may come: with GET none does that is not announced (RFC 9112, 6.3)."""
    announced = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    return announced or scope["method"] not in ("GET", "HEAD")


async def _whole_body(headers: Mapping[str, str], receive: Receive, most: int) -> Receive:
    """Read the body, up to the limit, and give a `receive` that hands it out once more.

    Raises:
        TooLarge: The body is over the limit.
        InvalidInput: The client went away in the middle of it, or took too long.
    """
    declared = headers.get("content-length", "").lstrip("0")
    if declared.isdigit() and (len(declared) > 18 or int(declared) > most):
        raise _too_large(most)
    body = bytearray()
    try:
        await within(BODY_TIMEOUT, _read_into(body, receive, most))
    except TimeoutError as error:
        problem = f"The request's body was not whole within {BODY_TIMEOUT:g} seconds."
        raise InvalidInput(problem) from error
    handed_out = False

    async def again() -> Message:
        nonlocal handed_out
        if handed_out:
            return await receive()
        handed_out = True
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return again


async def _read_into(body: bytearray, receive: Receive, most: int) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidInput("The request ended before its body was whole.")
        body += message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            return


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is over the limit of {most:,} bytes. Send less at once.")
