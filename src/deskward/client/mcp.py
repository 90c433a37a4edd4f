"""Calling the tools of an MCP server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult
from pydantic_core import PydanticSerializationError, to_json

from deskward.core.errors import InvalidInput, Unavailable, UnknownTool
from deskward.hub.connection import content, unchecked

if TYPE_CHECKING:
    from mcp import Client

Server = str | Path | Sequence[str] | None

Confirm = Callable[[str], bool | None]
"""Answers a question of a desk's, or not."""

IDEMPOTENCY_META = "deskward/idempotency-key"
UNSURE_META = "deskward/unsure"


class MCPClient:
    """An MCP server's tools: `async with MCPClient() as client: await client.call_tool(…)`.

    Args:
        server: A URL, a Python file, a command as a list, or None for this installation's
            `deskward mcp`.
        user_id: The customer for whom a desk is to act.
        key: An API key, for a URL.
        timeout: Seconds that one request may take.
        confirm: Told the question when a desk asks the customer before it makes a call: True for
            yes, False for no, None for neither, with which the call's receipt is its result.
    """

    def __init__(
        self,
        server: Server = None,
        *,
        user_id: str | None = None,
        key: str | None = None,
        timeout: float = 30.0,
        confirm: Confirm = lambda _: None,
    ) -> None:
        self.user_id = user_id
        self._confirm = confirm
        self._agreed: set[str] = set()
        """The questions that the customer has said yes to, while their calls are made."""
        self._server = server
        self._key = key
        self._timeout = timeout
        self._client: Client | None = None
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._others: dict[str, MCPClient] = {}

    async def __aenter__(self) -> MCPClient:
        # In a task of its own, because the connection has to be closed by the task that opened it.
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._stay_open(opened))
        await opened
        return self

    async def __aexit__(self, *_: object) -> None:
        for other in self._others.values():
            await other.__aexit__()
        self._closing.set()
        if self._task is not None:
            await self._task

    async def list_tools(self) -> list[dict[str, Any]]:
        """The tools, as `tools/list` shows them.

        Raises:
            Unavailable: The server is away.
        """
        from mcp import MCPError

        found = []
        cursor: str | None = None
        while True:
            try:
                page = await self._open_client.list_tools(cursor=cursor)
            except MCPError as error:
                raise Unavailable(f"The MCP server did not list its tools: {error}") from error
            found += [tool.model_dump(mode="json", by_alias=True) for tool in page.tools]
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        unsure: bool = False,
        agreed: str | None = None,
    ) -> dict[str, Any]:
        """Call a tool; gives its structured content, or its text as `{"text": …}`.

        Args:
            idempotency_key: Repeating a call with the same key gives its first answer, at a desk.
            unsure: Whether it is not sure that the customer wants this: a desk then asks them.
            agreed: The question of a desk that the customer has said yes to.

        Raises:
            RemoteFailed: The tool answered with an error; `error_code` has the desk's code.
            UnknownTool: There is no such tool.
            InvalidInput: The arguments hold what JSON cannot.
            Unavailable: The server is away.
        """
        from mcp import MCPError

        try:
            to_json(arguments)
        except PydanticSerializationError as error:  # the session would end of it
            problem = "The arguments hold what JSON in UTF-8 cannot, such as half a surrogate pair."
            raise InvalidInput(problem) from error
        meta: dict[str, Any] = {UNSURE_META: True} if unsure else {}
        if idempotency_key:
            meta[IDEMPOTENCY_META] = idempotency_key
        questions = {agreed} if agreed is not None else set()
        self._agreed |= questions
        given: Any = meta or None
        try:
            result = await self._open_client.call_tool(name, dict(arguments or {}), meta=given)
        except MCPError as error:
            if error.code == -32602:
                raise UnknownTool(str(error)) from error
            raise Unavailable(f"The MCP server did not answer: {error}") from error
        finally:
            self._agreed -= questions
        assert isinstance(result, CallToolResult)
        return content(result)

    async def for_user(self, user_id: str) -> MCPClient:
        """A client of the same server that acts for a customer; closed with this one."""
        if user_id == self.user_id:
            return self
        if user_id not in self._others:
            other = MCPClient(
                self._server,
                user_id=user_id,
                key=self._key,
                timeout=self._timeout,
                confirm=self._confirm,
            )
            self._others[user_id] = await other.__aenter__()
        return self._others[user_id]

    @property
    def _open_client(self) -> Client:
        if self._client is None:
            raise Unavailable("The client is not connected. Use it in a `with` block.")
        return self._client

    async def _stay_open(self, opened: asyncio.Future[None]) -> None:
        try:
            async with contextlib.AsyncExitStack() as stack:
                self._client = await self._connect(stack)
                opened.set_result(None)
                await self._closing.wait()
        except Exception as error:
            if opened.done():
                return  # the connection ended by itself; calls say so
            problem = f"The MCP server {self._server or 'deskward mcp'} could not be reached."
            opened.set_exception(Unavailable(f"{problem} {type(error).__name__}: {error}"))
        finally:
            self._client = None

    async def _connect(self, stack: contextlib.AsyncExitStack) -> Client:
        # It brings a whole server, which whoever only imports this module does not pay for.
        from mcp import Client, StdioServerParameters
        from mcp.client.streamable_http import streamable_http_client

        target: Any
        if isinstance(self._server, str) and self._server.startswith(("http://", "https://")):
            headers = {"X-User-ID": self.user_id} if self.user_id else {}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            http = await stack.enter_async_context(
                httpx2.AsyncClient(headers=headers, timeout=self._timeout)
            )
            target = streamable_http_client(self._server, http_client=http)
        else:
            command, *arguments = self._command()
            target = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        return unchecked(
            await stack.enter_async_context(
                Client(
                    target, read_timeout_seconds=self._timeout, elicitation_callback=self._answer
                )
            )
        )

    async def _answer(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        """The answer to a question of the server's."""
        said = True if params.message in self._agreed else self._confirm(params.message)
        if said is None:
            return ElicitResult(action="cancel")
        return ElicitResult(action="accept", content={"confirm": said})

    def _command(self) -> list[str]:
        if self._server is None:
            user = ["--user", self.user_id] if self.user_id else []
            return [sys.executable, "-m", "deskward", "mcp", *user]
        if isinstance(self._server, str | Path):
            if Path(self._server).suffix != ".py":
                raise InvalidInput(
                    f"{self._server} is no URL and no Python file. Give a command as a list."
                )
            return [sys.executable, str(self._server)]
        return list(self._server)


class SyncMCPClient:
    """`MCPClient` for programs without an event loop: `with SyncMCPClient() as client: …`."""

    def __init__(
        self,
        server: Server = None,
        *,
        user_id: str | None = None,
        key: str | None = None,
        timeout: float = 30.0,
        confirm: Confirm = lambda _: None,
    ) -> None:
        self._make = partial(
            MCPClient, server, user_id=user_id, key=key, timeout=timeout, confirm=confirm
        )
        self._portals: AbstractContextManager[BlockingPortal] | None = None
        self.portal: BlockingPortal | None = None
        self.client: MCPClient | None = None

    def __enter__(self) -> SyncMCPClient:
        self._portals = start_blocking_portal()
        self.portal = self._portals.__enter__()
        try:
            self.client = self._run(self._open)
        except BaseException:
            self._portals.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._portals is not None
        try:
            if self.client is not None:
                self._run(self.client.__aexit__)
        finally:
            self._portals.__exit__(None, None, None)
            self.portal = self.client = None

    def list_tools(self) -> list[dict[str, Any]]:
        """See `MCPClient.list_tools`."""
        found: list[dict[str, Any]] = self._run(self._connected.list_tools)
        return found

    def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """See `MCPClient.call_tool`."""
        call = partial(self._connected.call_tool, name, arguments, idempotency_key=idempotency_key)
        result: dict[str, Any] = self._run(call)
        return result

    @property
    def _connected(self) -> MCPClient:
        if self.client is None:
            raise Unavailable("The client is not connected. Use it in a `with` block.")
        return self.client

    async def _open(self) -> MCPClient:
        return await self._make().__aenter__()

    def _run(self, work: Any) -> Any:
        if self.portal is None:
            raise Unavailable("The client is not connected. Use it in a `with` block.")
        return self.portal.call(work)
