"""One kept connection to one process of an MCP server, which comes back by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from deskward.core.answers import BLOCKS
from deskward.core.bounded import Check
from deskward.core.errors import OutcomeUnknown, RemoteFailed, Unavailable
from deskward.core.outages import Availability
from deskward.core.tasks import end
from deskward.hub.besides import asked, besides, stands_for
from deskward.hub.config import Kind, Way
from deskward.hub.fault import Fault
from deskward.hub.results import content as content
from deskward.hub.transports import NOT_SENT, OURS, transport

if TYPE_CHECKING:  # the gate, too: programs that only import the client come by here
    from mcp import Client
    from mcp.types import CallToolResult, Tool

    from deskward.gate.context import Report
    from deskward.hub.signing_in import Tokens

REFRESH = 5.0
"""Seconds between looks at what the server offers."""
RETRY_AFTER = 1.0
"""Seconds before the server is tried again."""
LONGEST_RETRY = 30.0
"""Seconds before it is tried again that was tried in vain many times."""
START = 30.0
"""Seconds after the desk's start in which a server that is not there yet counts as starting."""
START_UP = 60.0
"""Seconds that a server has for its first answer that the desk starts itself."""
FAILURES = 3
"""Calls that fail one after the other before the process is left alone for a while."""
MOST_RUNNING = 100
"""Calls that one process may have to answer at a time; more are refused, and not sent."""
MAX_TOOLS = 200
LONGEST_TOLD = 200
"""Characters of what a server says of its progress."""

_NOT_DONE = frozenset({-32601, -32602})
"""JSON-RPC codes of requests that were not carried out: no such method, wrong parameters. After
every other one the call may have been; the client says -32600 also of an answer of another type."""

log = logging.getLogger(__name__)

State = Literal["connecting", "available", "away"]
Listing = Callable[[list[dict[str, Any]]], Awaitable[None]]


class TookTooLong(OutcomeUnknown):
    """A server did not answer in time."""


class _Together(Exception):
    """A lost connection has ended this call as well; the first one has counted as a failure."""

    def __init__(self, outcome: OutcomeUnknown) -> None:
        super().__init__()
        self.outcome = outcome


class Connection:
    """The way to one process of a server."""

    def __init__(self, name: str, way: Way, *, timeout: float) -> None:
        """Make a connection; `start` opens it.

        Args:
            name: What the log and errors call the server.
            way: Where it is, and how it is spoken to.
            timeout: Seconds that one request may take; a report of progress begins them anew.
        """
        self.name = name
        self.way = way
        self.state: State = "connecting"
        self.running = 0
        """Calls that wait for an answer."""
        self.problem = ""
        """What went wrong last, for people; empty while the server answers."""
        self.breaker = Availability(
            f"MCP server {name} at {way.place}",
            failing=OutcomeUnknown,  # what could not be sent says nothing of how it answers
            working=RemoteFailed,
            after=FAILURES,
        )
        self._timeout = timeout
        self._fault = Fault()
        self._kind: Kind | None = None
        self._client: Client | None = None
        self._tokens: Tokens | None = None
        self._broken: Client | None = None
        """The session whose loss has counted as a failure."""
        self._look = asyncio.Event()
        self._tried = asyncio.Event()
        self._listed = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def available(self) -> bool:
        """Whether the server answers."""
        return self.state == "available"

    @property
    def fit(self) -> bool:
        """Whether it answers, and is not left alone after calls that failed."""
        return self.available and self.breaker.may_be_asked

    @property
    def answered(self) -> bool:
        """Whether it has said what it offers, and not been lost since."""
        return self._listed.is_set()

    async def tried(self) -> None:
        """Wait for the end of the first attempt."""
        await self._tried.wait()

    async def listed(self, patience: float) -> bool:
        """Whether the server has said what it offers, or does so within some seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._listed.wait()
        return self._listed.is_set()

    def start(self, listing: Listing) -> None:
        """Open the connection, and keep it until `stop`.

        Args:
            listing: Told what tools the server offers, whenever it was looked at.
        """
        self._keeping = asyncio.create_task(self._keep(listing))
        self._timer = asyncio.get_running_loop().call_later(START, self._not_started)

    async def stop(self) -> None:
        """Close the connection."""
        if self._timer is not None:
            self._timer.cancel()
        if self._keeping is not None:
            await end(self._keeping)

    def look_again(self) -> None:
        """Look at the server's tools now rather than at the next turn."""
        self._look.set()

    async def call(
        self,
        tool: str,
        arguments: dict[str, Any],
        *,
        key: str | None = None,
        check: Check | None = None,
        report: Report | None = None,
    ) -> dict[str, Any]:
        """Call a tool once; gives what `content` makes of its answer. A cancellation is passed on.

        Args:
            key: An idempotency key, for servers that know ours.
            check: Says what of an answer is not as the server has announced it.
            report: Told how far the call is.

        Raises:
            RemoteFailed: The tool answered with an error.
            Unavailable: The server is away; nothing happened.
            TookTooLong: It did not answer in time.
            OutcomeUnknown: The connection broke in the middle of the call.
        """
        if self.running >= MOST_RUNNING:
            raise self._busy()
        self.running += 1
        try:
            with self.breaker.call():
                found = content(await self._answer(tool, arguments, key, report))
        except _Together as lost:
            raise lost.outcome from lost.__cause__
        finally:
            self.running -= 1
        announced = {name: part for name, part in found.items() if name != BLOCKS}
        if check is not None and (problem := check(announced)):
            log.warning("the answer of %s's %s is not as announced: %s", self.name, tool, problem)
            raise self._unknown("gave no proper answer")
        return found

    async def _answer(
        self, tool: str, arguments: dict[str, Any], key: str | None, report: Report | None
    ) -> CallToolResult:
        from mcp import MCPError
        from mcp.types import CONNECTION_CLOSED

        client = self._client
        if client is None:
            raise self.away()
        meta: Any = {"deskward/idempotency-key": key} if key else None
        self._fault.forget()
        try:
            async with asyncio.timeout(self._timeout) as limit:

                async def told(progress: float, total: float | None, message: str | None) -> None:
                    limit.reschedule(asyncio.get_running_loop().time() + self._timeout)
                    if report is not None:
                        report(progress, total, (message or "")[:LONGEST_TOLD])

                if stands_for(tool) is not None:
                    return await asked(client, tool, arguments)
                return await client.call_tool(
                    tool,
                    arguments,
                    # The limit is ours.
                    read_timeout_seconds=24 * 3_600,
                    progress_callback=told if report is not None else None,
                    meta=meta,
                )
        except TimeoutError as error:
            self._look.set()
            raise self._unknown("did not answer in time", TookTooLong) from error
        except MCPError as error:
            if error.data == OURS:
                self._lost()
                if error.code == NOT_SENT:
                    raise self.away() from error
                raise self._broke(client) from error
            if error.code == CONNECTION_CLOSED:
                self._client = None  # nothing more can be sent over it
                self._lost()
                raise self._broke(client) from error
            if error.code in _NOT_DONE:
                raise RemoteFailed(f"The {self.name} server refused the call.") from error
            self._look.set()
            raise self._unknown("gave no proper answer") from error
        except Exception as error:  # the session ended under the call
            log.warning("the session with %s ended: %s", self.name, type(error).__name__)
            self._lost()
            raise self._broke(client) from error

    async def _keep(self, listing: Listing) -> None:
        wait, attempt = RETRY_AFTER, 0
        while True:
            kind = self._kind or self.way.kinds[attempt % len(self.way.kinds)]
            attempt += 1
            try:
                async with self._open(kind) as client:
                    more: Sequence[dict[str, Any]] = ()
                    while True:
                        tools = await self._tools(client)
                        more = await besides(client, more)
                        if len(tools) > MAX_TOOLS and not self.available:
                            log.warning("of %s only the first %d tools count", self.name, MAX_TOOLS)
                        self._client, self._kind, wait = client, kind, RETRY_AFTER
                        self._found()
                        await listing([*tools[:MAX_TOOLS], *more])
                        self._listed.set()
                        self._tried.set()
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(REFRESH):
                                await self._look.wait()
                        self._look.clear()
            except Exception as error:
                self.problem = self._fault.whole() or _words(error)
                self._fault.forget()
                log.debug("%s: %s", self.name, error)
            finally:
                self._client = None
            self._lost()
            if self._kind is None and attempt % len(self.way.kinds):
                continue  # another of its ways is tried at once
            self._tried.set()
            await asyncio.sleep(wait)
            # A child that ends at once, again and again, is not started every second for ever.
            wait = min(2 * wait, LONGEST_RETRY) if self.way.command else wait

    async def _tools(self, client: Client) -> list[dict[str, Any]]:
        """Look at the server's tools; where that fails, calls under way end before the session."""
        try:
            async with asyncio.timeout(max(self._timeout, REFRESH)):
                return await _all_tools(client)
        except Exception:
            self._client = None  # nothing more is sent over it
            self._lost()
            while self.running:  # noqa: ASYNC110 it is seldom, and each has its time limit
                await asyncio.sleep(0.05)
            raise

    @contextlib.asynccontextmanager
    async def _open(self, kind: Kind) -> AsyncIterator[Client]:
        from mcp import Client

        from deskward.hub.signing_in import Tokens

        self._tokens = self._tokens or Tokens()
        way = transport(self.way, kind, self._timeout, self._fault, self._tokens)
        # What is started here may have to be downloaded first, by `npx` for example.
        patience = max(self._timeout, START_UP) if kind == "stdio" else self._timeout
        async with Client(way, read_timeout_seconds=patience, message_handler=self._told) as client:
            yield unchecked(client)

    async def _told(self, message: Any) -> None:
        """Take a notification: one says that the tools are others."""
        if getattr(message, "method", "") == "notifications/tools/list_changed":
            self._look.set()

    def _found(self) -> None:
        if not self.available:
            log.info("MCP server %s is available at %s", self.name, self.way.place)
        self.state, self.problem = "available", ""

    def _lost(self) -> None:
        if self.available:
            log.warning("MCP server %s is away", self.name)
            self.state = "away"
        self._listed.clear()
        self._look.set()

    def _not_started(self) -> None:
        if self.state == "connecting":
            log.warning("MCP server %s not reachable at %s", self.name, self.way.place)
            self.state = "away"

    def away(self) -> Unavailable:
        """The error of a call while the server is away; nothing happened."""
        return Unavailable(
            f"The {self.name} service cannot be reached at the moment. Please try again later.",
            retry_after=int(REFRESH),
        )

    def _busy(self) -> Unavailable:
        return Unavailable(
            f"The {self.name} service has {MOST_RUNNING} calls to answer, and takes no more at the "
            "moment. Please try again later.",
            retry_after=1,
        )

    def _broke(self, session: Client) -> Exception:
        """The error of a call whose connection broke: one failure, however many calls it ended."""
        error = self._unknown("broke the connection")
        if session is self._broken:
            return _Together(error)
        self._broken = session
        return error

    def _unknown(self, what: str, kind: type[OutcomeUnknown] = OutcomeUnknown) -> OutcomeUnknown:
        if cause := self._fault.words:
            log.warning("%s %s", self.name, cause)
            what = f"{what} (it {cause})"
        return kind(
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
        if cursor is None or not page.tools or len(found) > MAX_TOOLS:
            break
    listed = (tool.model_dump(mode="json", by_alias=True) for tool in found)
    return [tool for tool in listed if stands_for(tool["name"]) is None]


def _words(error: BaseException) -> str:
    """What an error says, for people; of a group of them the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"[:300]
