"""What a request of MCP is answered, over streamable HTTP and over WebSocket: in both eras."""

from __future__ import annotations

import contextlib
from collections.abc import Coroutine, Mapping
from typing import Any, Protocol, TypeVar

from pydantic_core import to_json

from deskward.app import Desk
from deskward.core.errors import DeskwardError, Forbidden
from deskward.entrypoints.identity import Callers
from deskward.entrypoints.mcp.confirming import (
    ASKS,
    answer_in,
    can_ask,
    input_required,
    is_own,
    question,
    says,
    when_answered,
)
from deskward.entrypoints.mcp.outside import prompts
from deskward.entrypoints.mcp.protocol import (
    HANDSHAKE_VERSIONS,
    HEADER_MISMATCH,
    INSTRUCTIONS,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PROMPT_METHODS,
    RESOURCE_METHODS,
    SERVER_INFO,
    SUPPORTED,
    ProtocolError,
    capabilities,
    check_in,
    check_known,
    has_prompts,
    has_resources,
    idempotency_key,
    is_unsure,
    tool_list,
)
from deskward.entrypoints.mcp.request import McpRequest, check_envelope, is_client, marked
from deskward.entrypoints.mcp.resources import answered
from deskward.entrypoints.mcp.results import call_result, complete
from deskward.gate.confirmed import record_answer, take_answer
from deskward.gate.context import Context, Report
from deskward.gate.outcome import Outcome
from deskward.gate.views import View
from deskward.security.principals import Principal

Result = TypeVar("Result")
CANCEL = "notifications/cancelled"


class Under(Protocol):
    """A request under way, as its door has it."""

    @property
    def report(self) -> Report | None:
        """Where a tool says how far it is."""

    async def run(self, call: Coroutine[Any, Any, Result]) -> Result:
        """What comes of the call.

        Raises:
            Cancelled: The client took it back, or went away.
        """
        ...

    async def ask(self, request: dict[str, Any]) -> None:
        """Send the client a request of ours, in the middle of its own."""


class Answering:
    """Answers requests from one address: all tools, or a view of them."""

    def __init__(self, desk: Desk, view: View | None = None) -> None:
        self._desk, self._view = desk, view
        self._callers = Callers.of(desk)

    async def identified(self, headers: Mapping[str, str]) -> Principal:
        """Who calls.

        Raises:
            DeskwardError: Nobody who may, or nobody for whom this view is.
        """
        principal = await self._callers.identify(headers)
        if self._view is not None and not self._view.admits(
            principal, self._desk.gate.policy.roles
        ):
            raise Forbidden("This server is not for you. Use the address that you were given.")
        return principal

    async def result(
        self, request: McpRequest, principal: Principal, under: Under, request_id: str
    ) -> bytes:
        """The result of a request, as JSON.

        Raises:
            ProtocolError: It has none.
            Cancelled: Nobody waits for it any more.
        """
        if request.stateless:
            check_envelope(request)
        elif request.version is None and marked(request.params.get("_meta")):
            # Marked as of the new era in the body only: guessing would serve it by other rules.
            raise ProtocolError(HEADER_MISMATCH, "mcp-protocol-version header is missing")
        method, params = request.method, request.params
        if method == "tools/call":
            return await self._call(request, principal, under, request_id)
        if method == "tools/list":
            return self._list(request, principal)
        if (method in RESOURCE_METHODS and has_resources(self._desk.gate, self._view)) or (
            method in PROMPT_METHODS and has_prompts(self._desk.gate, self._view)
        ):
            return await self._resources(request, principal, under, request_id)
        if request.stateless and method == "server/discover":
            about = {"supportedVersions": SUPPORTED, **self._about()}
            return to_json({**about, **complete(cached=True)})
        if not request.stateless and method == "initialize":
            return to_json(_initialized(params) | self._about())
        if not request.stateless and method == "ping":
            return b"{}"
        raise ProtocolError(METHOD_NOT_FOUND, "Method not found", method)

    def _list(self, request: McpRequest, principal: Principal) -> bytes:
        if not isinstance(request.params.get("cursor"), str | None):
            raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")
        result: dict[str, Any] = {"tools": tool_list(self._desk.gate, principal, self._view)}
        return to_json(result | complete(cached=True) if request.stateless else result)

    async def _resources(
        self, request: McpRequest, principal: Principal, under: Under, request_id: str
    ) -> bytes:
        context = Context.of(principal, "mcp", request_id, request.session or "")
        context = context.completed(view=self._view)
        params, stateless = request.params, request.stateless
        gate = self._desk.gate
        if request.method in PROMPT_METHODS:
            result = await under.run(prompts(gate, context, request.method, params))
        else:
            work = answered(gate, context, request.method, params, stateless=stateless)
            result = await under.run(work)
        cached = request.method not in ("completion/complete", "prompts/get")
        return to_json(result | complete(cached=cached) if stateless else result)

    def _about(self) -> dict[str, Any]:
        can = capabilities(self._desk.gate, self._view)
        return {"capabilities": can, "instructions": INSTRUCTIONS}

    async def _call(
        self, request: McpRequest, principal: Principal, under: Under, request_id: str
    ) -> bytes:
        name, arguments = request.params.get("name"), request.params.get("arguments")
        if not isinstance(name, str) or not isinstance(arguments, dict | None):
            raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")
        check_in(self._view, name)
        context = Context(
            principal,
            "mcp",
            request_id,
            client=request.session or "",
            report=under.report,
            unsure=is_unsure(request.params.get("_meta")),
            view=self._view,
        )
        outcome = await under.run(self._made(request, context, name, arguments or {}, under))
        check_known(outcome)
        asks = can_ask(request.capabilities, principal) and answer_in(request.params) is None
        if outcome.status == "confirm" and asks:
            return input_required(outcome)
        return call_result(outcome, stateless=request.stateless)

    async def _made(
        self,
        request: McpRequest,
        context: Context,
        name: str,
        arguments: dict[str, Any],
        under: Under,
    ) -> Outcome:
        """What comes of a call; its customer is asked where their client can do that."""
        gate, params = self._desk.gate, request.params
        answer = answer_in(params) if can_ask(request.capabilities, context.principal) else None
        if answer is not None and answer[1] is not None:
            of = (name, arguments)
            return await take_answer(gate, answer[0], context, answer[1], "elicitation", of=of)
        key = idempotency_key(params.get("_meta"))
        outcome = await gate.call(name, arguments, context, idempotency_key=key)
        asks = (request.session or "").endswith(ASKS) and not request.stateless
        streams = "text/event-stream" in request.headers.get("accept", "").lower()
        if outcome.status == "confirm" and asks and streams and is_own(context.principal):
            await under.ask({"id": outcome.value["confirmation_id"], **question(outcome)})
            return await when_answered(gate, outcome, context)
        return outcome

    async def take(self, response: dict[str, Any], principal: Principal, request_id: str) -> None:
        """Take the response to a question of ours, which another process may wait for."""
        result, key = response.get("result"), response.get("id")
        if is_own(principal) and isinstance(result, dict) and isinstance(key, str):
            context = Context(principal, "mcp", request_id)
            with contextlib.suppress(DeskwardError):
                yes = says(result) is True  # whoever waits must learn that nobody answers
                await record_answer(self._desk.gate, key, context, yes, "elicitation")


def _initialized(params: dict[str, Any]) -> dict[str, Any]:
    wanted = params.get("protocolVersion")
    if not (
        isinstance(wanted, str)
        and isinstance(params.get("capabilities"), dict)
        and is_client(params.get("clientInfo"))
    ):
        raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")
    version = wanted if wanted in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]
    return {"protocolVersion": version, "serverInfo": SERVER_INFO}
