"""MCP over stdio, for clients that start the server themselves. One customer per process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from functools import partial
from typing import Any, TypeVar

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolRequestParams,
    CompleteRequestParams,
    ElicitRequestFormParams,
    GetPromptRequestParams,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    RequestParams,
)
from pydantic_core import from_json

from deskward import __version__
from deskward.app import Desk
from deskward.core.tasks import end
from deskward.entrypoints.mcp.confirming import (
    answer_in,
    can_ask,
    input_required,
    question,
    says,
)
from deskward.entrypoints.mcp.outside import prompts
from deskward.entrypoints.mcp.pipes import pipes
from deskward.entrypoints.mcp.progress import Progress, progress_token
from deskward.entrypoints.mcp.protocol import (
    INSTRUCTIONS,
    STATELESS_VERSION,
    ProtocolError,
    check_in,
    check_known,
    has_prompts,
    has_resources,
    idempotency_key,
    is_unsure,
    tool_list,
)
from deskward.entrypoints.mcp.resources import answered
from deskward.entrypoints.mcp.results import call_result, complete
from deskward.gate.confirmed import take_answer
from deskward.gate.context import Context, new_id
from deskward.gate.outcome import Outcome
from deskward.gate.views import View
from deskward.security.principals import Principal

Result = TypeVar("Result")

_RESOURCES: Mapping[str, type[RequestParams]] = {
    "resources/list": PaginatedRequestParams,
    "resources/templates/list": PaginatedRequestParams,
    "resources/read": ReadResourceRequestParams,
    "completion/complete": CompleteRequestParams,
}
_PROMPTS: Mapping[str, type[RequestParams]] = {
    "prompts/list": PaginatedRequestParams,
    "prompts/get": GetPromptRequestParams,
}
_LIST_STAMP = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}


async def serve_stdio(desk: Desk, principal: Principal, view: View | None = None) -> None:
    """Answer on standard input and output until the client closes them."""
    calls = _Calls(desk, principal, view)
    server = calls.server()
    with pipes() as (stdin, stdout):
        async with stdio_server(stdin, stdout) as (read, write):
            await server.run(read, write, server.create_initialization_options())
        await calls.close()


def _capabilities(context: ServerRequestContext[Any]) -> Any:
    """What the client says that it can do."""
    found = context.session.client_capabilities
    return found.model_dump(by_alias=True, exclude_none=True) if found is not None else None


class _Calls:
    """The calls of one client."""

    def __init__(self, desk: Desk, principal: Principal, view: View | None) -> None:
        self._desk, self._view = desk, view
        self._principal = principal
        self._id = new_id()
        self._running: set[asyncio.Task[Any]] = set()

    def server(self) -> Server[Any]:
        """The library's server, whose handlers lead to the gate."""
        server: Server[Any] = Server(
            "deskward",
            version=__version__,
            title="Deskward",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        if has_resources(self._desk.gate, self._view):
            for method, params in _RESOURCES.items():
                server.add_request_handler(method, params, partial(self._resources, method))
        if has_prompts(self._desk.gate, self._view):
            for method, params in _PROMPTS.items():
                server.add_request_handler(method, params, partial(self._resources, method))
        return server

    async def close(self) -> None:
        """End what still runs, as the client is gone, and see it recorded."""
        await end(*self._running)

    async def _list(
        self, _context: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> Any:
        return {"tools": tool_list(self._desk.gate, self._principal, self._view), **_LIST_STAMP}

    async def _resources(
        self, method: str, context: ServerRequestContext[Any], _params: RequestParams
    ) -> Any:
        stateless = context.protocol_version == STATELESS_VERSION
        call_context = Context(self._principal, "mcp", client=self._id, view=self._view)
        params = context.params or {}
        gate = self._desk.gate
        if method in _PROMPTS:
            work = prompts(gate, call_context, method, params)
        else:
            work = answered(gate, call_context, method, params, stateless=stateless)
        cached = method not in ("completion/complete", "prompts/get")
        try:
            return await self._finished(work) | complete(cached=cached)
        except ProtocolError as error:
            raise MCPError(error.code, error.message, error.data) from error

    async def _call(self, context: ServerRequestContext[Any], params: CallToolRequestParams) -> Any:
        meta = (context.params or {}).get("_meta")
        progress = Progress(lambda step: context.session.report_progress(*step))
        asked = progress_token(meta) is not None
        gate = self._desk.gate
        call_context = Context(
            self._principal,
            "mcp",
            client=self._id,
            report=progress.report if asked else None,
            unsure=is_unsure(meta),
            view=self._view,
        )
        told = context.params or {}
        asks = can_ask(_capabilities(context), self._principal)
        answer = answer_in(told) if asks else None
        try:
            check_in(self._view, params.name)
            if answer is not None and answer[1] is not None:
                of = (params.name, params.arguments or {})
                call = take_answer(gate, answer[0], call_context, answer[1], "elicitation", of=of)
            else:
                call = gate.call(
                    params.name,
                    params.arguments or {},
                    call_context,
                    idempotency_key=idempotency_key(meta),
                )
            outcome = await self._ended(call, progress)
            check_known(outcome)
        except ProtocolError as error:
            raise MCPError(error.code, error.message, error.data) from error
        if outcome.status == "confirm" and asks and answer is None:
            if context.protocol_version == STATELESS_VERSION:
                return from_json(input_required(outcome))
            outcome = await self._elicited(context, outcome, call_context)
        return from_json(call_result(outcome, stateless=True))

    async def _elicited(
        self, context: ServerRequestContext[Any], asked: Outcome, call_context: Context
    ) -> Outcome:
        """What comes of a call once the client has asked its customer."""
        wanted = ElicitRequestFormParams.model_validate(question(asked)["params"])
        said = await context.session.elicit_form(wanted.message, wanted.requested_schema)
        yes = says({"action": said.action, "content": said.content}) is True
        key = asked.value["confirmation_id"]
        return await take_answer(self._desk.gate, key, call_context, yes, "elicitation")

    async def _ended(self, call: Coroutine[Any, Any, Outcome], progress: Progress) -> Outcome:
        """What comes of a call that tells how far it is."""
        try:
            outcome = await self._finished(call)
            await progress.close()
        except asyncio.CancelledError:
            await progress.close(abandoned=True)
            raise
        return outcome

    async def _finished(self, call: Coroutine[Any, Any, Result]) -> Result:
        """What comes of a call. Where the client cancels it, it ends in a task of its own.

        The library's cancellation comes again at every step, also at those that record the call.
        """
        task: asyncio.Task[Result] = asyncio.create_task(call)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            raise
