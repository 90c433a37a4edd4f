"""One kept connection to an MCP server over streamable HTTP, which comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

import httpx2
from pydantic_core import from_json

from deskward.core.bounded import Check
from deskward.core.errors import DeskwardError, OutcomeUnknown, TimeLimitExceeded, Unavailable
from deskward.core.tasks import background

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, Tool

REFRESH = 5.0
"""Seconds between looks at what the server offers."""
RETRY_AFTER = 1.0
"""Seconds before the server is tried again."""
START = 30.0
"""Seconds after the desk's start in which a server that is not there yet counts as starting."""
MAX_TOOLS = 200

NOT_SENT = -32050
UNCLEAR = -32051
"""JSON-RPC codes that we put in place of transport failures; servers' own are -32000 to -32099
too, so their `data` says that they are ours."""
_OURS = "deskward.transport"
_NOT_DONE = frozenset({-32601, -32602})
"""JSON-RPC codes of requests that were not carried out: no such method, wrong parameters. After
every other one the call may have been; the client says -32600 also of an answer of another type."""

log = logging.getLogger(__name__)

_STATUS = {"_NOT_FOUND": 404, "INVALID_INPUT": 400, "CONFLICT": 409, "FORBIDDEN": 403}
"""HTTP status by the end of the error's code, for servers that answer with our envelope."""

_CODE = re.compile(r"[A-Z_]{1,40}")

Listing = Callable[[list[dict[str, Any]]], Awaitable[None]]


class RemoteFailed(DeskwardError):
    """An outside tool answered with an error, and so did nothing."""

    code = "REMOTE_TOOL_FAILED"
    status = 502


class _Calm(httpx2.AsyncBaseTransport):
    """Answers a request that failed in transport with a JSON-RPC error.

    The client would otherwise end its whole session, and with it every other call under way.
    """

    def __init__(self) -> None:
        self._inner = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._inner.handle_async_request(request)
        except httpx2.TransportError as error:
            sent = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            if (answer := _problem(request, UNCLEAR if sent else NOT_SENT, str(error))) is None:
                raise
            return answer
        if (
            response.status_code == 404
            and "mcp-session-id" in request.headers
            and (answer := _problem(request, NOT_SENT, "no such session")) is not None
        ):  # the server has started anew, and has done nothing
            await response.aclose()
            return answer
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _problem(request: httpx2.Request, code: int, message: str) -> httpx2.Response | None:
    """A JSON-RPC error in answer to a request; None where it is none of JSON-RPC."""
    with contextlib.suppress(ValueError, AttributeError, httpx2.StreamError):
        number = json.loads(request.content).get("id")
        problem = {"code": code, "message": message, "data": _OURS}
        return httpx2.Response(503, json={"jsonrpc": "2.0", "id": number, "error": problem})
    return None


class Connection:
    """The way to one server."""

    def __init__(self, name: str, url: str, *, key: str | None, timeout: float) -> None:
        """Make a connection; `keep` opens it.

        Args:
            name: What the log and errors call the server.
            url: Where it serves MCP.
            key: Sent as `Authorization: Bearer …`.
            timeout: Seconds that one request may take.
        """
        self.name = name
        self.url = url
        self.state: Literal["connecting", "available", "away"] = "connecting"
        self._key = key
        self._timeout = timeout
        self._client: Client | None = None
        self._look = asyncio.Event()
        self._tried = asyncio.Event()
        self._listed = asyncio.Event()

    @property
    def available(self) -> bool:
        """Whether the server answers."""
        return self.state == "available"

    async def listed(self, patience: float) -> bool:
        """Whether the server has said what it offers, or does so within some seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._listed.wait()
        return self._listed.is_set()

    @contextlib.asynccontextmanager
    async def keep(self, listing: Listing, *, patience: float) -> AsyncIterator[None]:
        """Keep the connection while the block runs.

        Args:
            listing: Told what tools the server offers, whenever it was looked at.
            patience: Seconds to wait for the first attempt's end before the block begins.
        """
        async with background(self._keep(listing)):
            timer = asyncio.get_running_loop().call_later(START, self._not_started)
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(patience):
                        await self._tried.wait()
                yield
            finally:
                timer.cancel()

    def look_again(self) -> None:
        """Look at the server's tools now rather than at the next turn."""
        self._look.set()

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        *,
        safe: bool,
        key: str | None = None,
        check: Check | None = None,
    ) -> dict[str, Any]:
        """Call a tool; gives its structured content, or its text as `{"text": …}`.

        Args:
            safe: Whether the call only reads, so that it is tried a second time.
            key: An idempotency key, for servers that know ours.
            check: Says what of an answer is not as the server has announced it.

        Raises:
            RemoteFailed: The tool answered with an error.
            Unavailable: The server is away; nothing happened.
            TimeLimitExceeded: A call that only reads took too long.
            OutcomeUnknown: The connection broke in the middle of another call.
        """
        try:
            return await self._once(tool, arguments, key, check)
        except (Unavailable, OutcomeUnknown, TimeLimitExceeded):
            if not safe:
                raise
        await asyncio.sleep(0.1)
        try:
            return await self._once(tool, arguments, key, check)
        except OutcomeUnknown as error:  # of a call that only reads nothing is unknown
            raise self.away() from error

    async def _once(
        self, tool: str, arguments: dict[str, Any], key: str | None, check: Check | None
    ) -> dict[str, Any]:
        from mcp import MCPError

        client = self._client
        if client is None:
            raise self.away()
        meta: Any = {"deskward/idempotency-key": key} if key else None
        try:
            async with asyncio.timeout(self._timeout):
                result = await client.call_tool(tool, arguments, meta=meta)
        except TimeoutError as error:
            raise self._unknown("did not answer in time") from error
        except MCPError as error:
            if error.data == _OURS:
                self._lost()
                if error.code == NOT_SENT:
                    raise self.away() from error
                raise self._unknown("broke the connection") from error
            if error.code in _NOT_DONE:
                raise RemoteFailed(f"The {self.name} server refused the call.") from error
            raise self._unknown("gave no proper answer") from error
        except Exception as error:  # the session ended under the call
            log.warning("the session with %s ended: %s", self.name, type(error).__name__)
            self._lost()
            raise self._unknown("broke the connection") from error
        found = content(result)
        if check is not None and (problem := check(found)):
            log.warning("the answer of %s's %s is not as announced: %s", self.name, tool, problem)
            raise self._unknown("gave no proper answer")
        return found

    async def _keep(self, listing: Listing) -> None:
        while True:
            try:
                async with self._open() as client:
                    while True:
                        tools = await _all_tools(client)
                        self._client = client
                        self._found()
                        await listing(tools)
                        self._listed.set()
                        self._tried.set()
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(REFRESH):
                                await self._look.wait()
                        self._look.clear()
            except Exception as error:
                log.debug("%s: %s", self.name, error)
            finally:
                self._client = None
            self._lost()
            self._tried.set()
            await asyncio.sleep(RETRY_AFTER)

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[Client]:
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        async with httpx2.AsyncClient(
            transport=_Calm(), headers=headers, timeout=self._timeout, follow_redirects=False
        ) as http:
            transport = streamable_http_client(self.url, http_client=http)
            async with Client(transport, read_timeout_seconds=self._timeout) as client:
                yield unchecked(client)

    def _found(self) -> None:
        if not self.available:
            log.info("MCP server %s is available at %s", self.name, self.url)
        self.state = "available"

    def _lost(self) -> None:
        if self.available:
            log.warning("MCP server %s is away", self.name)
            self.state = "away"
        self._listed.clear()
        self._look.set()

    def _not_started(self) -> None:
        if self.state == "connecting":
            log.warning("MCP server %s not reachable at %s", self.name, self.url)
            self.state = "away"

    def away(self) -> Unavailable:
        """The error of a call while the server is away; nothing happened."""
        return Unavailable(
            f"The {self.name} service cannot be reached at the moment. Please try again later.",
            retry_after=int(REFRESH),
        )

    def _unknown(self, what: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"The {self.name} service {what}, and whether the call took effect is not known. A "
            "person has to look before it is tried again."
        )


def unchecked(client: Client) -> Client:
    """A client that does not check answers by itself.

    It would by whatever the server says, regular expressions and all, however long that takes.
    """

    async def nothing(_name: str, _result: CallToolResult) -> None:
        pass

    client.session.validate_tool_result = nothing  # type: ignore[assignment, method-assign]  # only the parameters' names differ
    return client


async def _all_tools(client: Client) -> list[dict[str, Any]]:
    found: list[Tool] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor, cache_mode="bypass")
        found += page.tools
        cursor = page.next_cursor
        if cursor is None or len(found) >= MAX_TOOLS:
            break
    return [tool.model_dump(mode="json", by_alias=True) for tool in found[:MAX_TOOLS]]


def content(result: CallToolResult) -> dict[str, Any]:
    """A result's structured content, or its text as `{"text": …}`.

    Raises:
        RemoteFailed: It is an error.
    """
    structured = result.structured_content
    text = "\n".join(block.text for block in result.content if block.type == "text")
    if not result.is_error:
        return structured if isinstance(structured, dict) else {"text": text}
    error = _desk_error(structured) or _desk_error(_json(text)) or {}
    code, message = error.get("code"), error.get("message", text) or "The tool failed."
    if code == OutcomeUnknown.code:
        raise OutcomeUnknown(message[:500])
    # The ledger keeps it in the clear: it is a name, and no place for a text.
    named = isinstance(code, str) and _CODE.fullmatch(code)
    failed = RemoteFailed(message[:500], code=code if named else None)
    failed.status = next((s for end, s in _STATUS.items() if failed.error_code.endswith(end)), 502)
    raise failed


def _desk_error(envelope: Any) -> dict[str, Any] | None:
    """The error of the tools' error envelope; None where it is something else."""
    error = envelope.get("error") if isinstance(envelope, dict) else None
    return error if isinstance(error, dict) and isinstance(error.get("message"), str) else None


def _json(text: str) -> Any:
    with contextlib.suppress(ValueError):
        return from_json(text)
    return None
