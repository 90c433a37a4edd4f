"""One request's operations: read, measured, validated and executed, each field through the gate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLFieldResolver,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
    execute_sync,
    get_operation_ast,
    parse,
    subscribe,
    validate,
)
from pydantic_core import from_json

from deskward.core.errors import (
    DeskwardError,
    Internal,
    InvalidInput,
    MethodNotAllowed,
    TimeLimitExceeded,
)
from deskward.core.lines import json_line
from deskward.entrypoints.graphql.forms import (
    LONGEST,
    MOST_CALLS,
    MOST_COST,
    WITHIN,
    Asked,
    Told,
    extensions_of,
    refused,
)
from deskward.entrypoints.graphql.measuring import (
    MOST_COMMENTS,
    MOST_TOKENS,
    check_form,
    cost_of,
    only_about_types,
)
from deskward.entrypoints.graphql.schema import ARGUMENTS, KEY
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.security.principals import Principal

AT_ONCE = 4
"""Calls that one request has under way: fields of a query do not wait for each other."""
MOST_PROBLEMS = 10
"""Problems of a document that are told."""

ABOUT_TYPES_COUNT = 10
"""Calls for which a new question about the schema counts: to answer it takes so long."""
QUESTION, ANSWER = "deskward_question", "deskward_answer"
"""Keys of a schema's extensions: what was last asked of it, and the response as JSON."""
MOST_KEPT = 64
"""Documents that are kept in memory because they are sent again and again: those without texts,
which may be anybody's secret, so that they belong into variables."""
LONGEST_KEPT = 4_000

log = logging.getLogger("api.graphql")
Asks = Callable[[], Awaitable[None]]


class Request:
    """What operations of one request share: who asks, and what is left to them."""

    def __init__(
        self,
        gate: Gate,
        principal: Principal,
        request_id: str,
        counted: Asks,
        still: Asks,
    ) -> None:
        """Begin a request.

        Args:
            counted: Counts one more call of the caller; raises where it is one too many.
            still: Raises where the caller is not known any more: their key may have been revoked.
        """
        self.still = still
        self.gate, self.principal, self.request_id = gate, principal, request_id
        self.calls, self.cost = MOST_CALLS, MOST_COST
        self.repeated: list[str] = []
        self._counted = counted
        self._first = True
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._end = asyncio.get_running_loop().time() + WITHIN

    async def call(
        self, tool: str, arguments: Mapping[str, Any], key: str | None, where: str
    ) -> dict[str, Any]:
        """What a call answers.

        Raises:
            GraphQLError: It failed, or waits for somebody.
        """
        async with self._turns:
            try:
                await self.admit()
            except DeskwardError as error:
                raise said(error, self.request_id) from None
            context = Context.of(self.principal, "graphql", self.request_id)
            outcome = await self.gate.call(tool, arguments, context, idempotency_key=key)
        if outcome.repeated:
            self.repeated.append(where)
        return answered(outcome)

    async def admit(self) -> None:
        """Let one more of the request's calls begin, or not: the first was counted with it.

        Raises:
            DeskwardError: The caller makes too many, or the request has taken too long.
        """
        if self._first:
            self._first = False
            return
        if asyncio.get_running_loop().time() > self._end:
            raise TimeLimitExceeded(f"The request took over {WITHIN:g} seconds: this was not done.")
        await self._counted()


def answered(outcome: Outcome) -> dict[str, Any]:
    """An outcome's value.

    Raises:
        GraphQLError: It is an error, or somebody has to say yes first.
    """
    if outcome.error is not None:
        raise said(outcome.error, outcome.request_id)
    value = outcome.value
    if outcome.status != "ok":
        code = str(value["status"]).upper()
        more = {"code": code, **value, "request_id": outcome.request_id}
        raise GraphQLError(str(value["message"]), extensions=more)
    return value


def said(error: DeskwardError, request_id: str) -> GraphQLError:
    """An error as GraphQL's."""
    return GraphQLError(error.message, extensions=extensions_of(error, request_id))


def calling(tool: str, takes_null: frozenset[str], at_once: bool) -> GraphQLFieldResolver:
    """The resolver of a tool's field: see `schema.Resolver`."""

    async def resolve(_: Any, info: GraphQLResolveInfo[Any], /, **given: Any) -> dict[str, Any]:
        request: Request = info.context
        key = given.pop(KEY, None)
        arguments = given[ARGUMENTS] if at_once else given
        if not isinstance(arguments, dict):
            raise said(InvalidInput("`arguments` is an object."), request.request_id)
        kept = {n: one for n, one in arguments.items() if one is not None or n in takes_null}
        return await request.call(tool, kept, key, str(info.path.key))

    return resolve


async def told(
    schema: GraphQLSchema, asked: Asked, request: Request, *, reads_only: bool = False
) -> Told:
    """The response to a query or a mutation.

    Args:
        reads_only: Whether no mutation is taken, as by GET.
    """
    try:
        document, operation = _read(schema, asked, request)
        if operation.operation is OperationType.SUBSCRIPTION:
            raise InvalidInput("Subscribe over WebSocket, protocol `graphql-transport-ws`.")
        if reads_only and operation.operation is not OperationType.QUERY:
            raise MethodNotAllowed("GET takes queries only. Send mutations with POST.")
        if only_about_types(document, operation):
            return await _about_types(schema, document, asked, request)
        _charge(schema, document, operation, asked, request)
        done = execute(schema, document, context_value=request, **_of(asked))
        result = done if isinstance(done, ExecutionResult) else await done
    except _Problems as problems:
        return Told({"errors": [_formatted(one, request) for one in problems.found]}, 400)
    except DeskwardError as error:
        return refused(error, request.request_id)
    return _response(result, request)


async def _about_types(
    schema: GraphQLSchema, document: DocumentNode, asked: Asked, request: Request
) -> Told:
    """The response to who asks of the schema: it is long, and all clients ask the same."""
    question = asked.model_dump_json()
    kept = schema.extensions.get(QUESTION) == question
    counts = 1 if kept else ABOUT_TYPES_COUNT
    if counts > request.calls:
        raise _too_many(counts, request)
    request.calls -= counts
    for _ in range(counts):
        await request.admit()
    if kept:
        return Told(from_json(schema.extensions[ANSWER]))
    # Of no tool: others are served meanwhile.
    result = await asyncio.to_thread(execute_sync, schema, document, **_of(asked))
    told = _response(result, request)
    if not result.errors:
        schema.extensions |= {QUESTION: question, ANSWER: json_line(told.body)}
    return told


async def subscribed(
    schema: GraphQLSchema, asked: Asked, request: Request
) -> AsyncIterator[Told] | Told:
    """The responses of a subscription, one for each event; of anything else the one response."""
    try:
        document, operation = _read(schema, asked, request)
        if operation.operation is not OperationType.SUBSCRIPTION:
            return await told(schema, asked, request)
        if only_about_types(document, operation):
            raise InvalidInput("Ask of the schema by a query.")
        _charge(schema, document, operation, asked, request)
    except _Problems as problems:
        return Told({"errors": [_formatted(one, request) for one in problems.found]}, 400)
    except DeskwardError as error:
        return refused(error, request.request_id)
    begun = subscribe(schema, document, context_value=request, **_of(asked))
    stream = begun if isinstance(begun, ExecutionResult | AsyncIterator) else await begun
    if isinstance(stream, ExecutionResult):  # it could not begin
        return Told({"errors": [_formatted(one, request) for one in stream.errors or ()]}, 400)
    return _responses(stream, request)


async def _responses(
    stream: AsyncIterator[ExecutionResult], request: Request
) -> AsyncIterator[Told]:
    try:
        async for result in stream:
            yield _response(result, request)
    finally:
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator


class _Problems(Exception):
    """A document that is none of this schema."""

    def __init__(self, *found: GraphQLError) -> None:
        self.found = found


def _valid(schema: GraphQLSchema, query: str) -> DocumentNode:
    """A document of a schema; see `_read`."""
    try:
        document = parse(
            query,
            max_lexical_tokens=MOST_TOKENS,
            max_comments=MOST_COMMENTS,
            max_source_length=LONGEST,
        )
        check_form(document)
    except GraphQLError as error:
        raise _Problems(error) from None
    if problems := validate(schema, document, max_errors=MOST_PROBLEMS):
        raise _Problems(*problems)
    return document


_kept = lru_cache(maxsize=MOST_KEPT)(_valid)
"""As `_valid`, which is most of what a small query costs."""


def _read(
    schema: GraphQLSchema, asked: Asked, request: Request
) -> tuple[DocumentNode, OperationDefinitionNode]:
    """The document and its operation.

    Raises:
        DeskwardError: The document is too large, or has no such operation.
        _Problems: It is not valid.
    """
    kept = len(asked.query) <= LONGEST_KEPT and '"' not in asked.query
    document = (_kept if kept else _valid)(schema, asked.query)
    operation = get_operation_ast(document, asked.operation_name)
    if operation is None:
        raise InvalidInput("Name one of the document's operations in `operationName`.")
    return document, operation


def _charge(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    asked: Asked,
    request: Request,
) -> None:
    """Take from the request what an operation costs.

    Raises:
        InvalidInput: There is not so much left.
    """
    calls, cost = cost_of(schema, document, operation, asked.variables or {})
    if calls > request.calls:
        raise _too_many(calls, request)
    if cost > request.cost:
        raise InvalidInput(
            f"The operation costs {cost:,}, and a request may cost {MOST_COST:,}, in all of its "
            "operations. Ask for fewer fields, or a lower `limit`.",
            details={"cost": cost, "left": request.cost},
        )
    request.calls -= calls
    request.cost -= cost


def _too_many(calls: int, request: Request) -> InvalidInput:
    return InvalidInput(
        f"A request makes at most {MOST_CALLS} calls of tools, in all of its operations.",
        details={"calls": calls, "left": request.calls},
    )


def _of(asked: Asked) -> dict[str, Any]:
    return {
        "variable_values": asked.variables,
        "operation_name": asked.operation_name,
        "max_coercion_errors": MOST_PROBLEMS,
    }


def _response(result: ExecutionResult, request: Request) -> Told:
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = [_formatted(one, request) for one in result.errors]
    begun = result.data is not None or not result.errors or any(e.path for e in result.errors)
    if begun:
        body["data"] = result.data
    if request.repeated:
        body["extensions"] = {"repeated": request.repeated}
        request.repeated = []
    return Told(body, 200 if begun else 400)


def _formatted(error: GraphQLError, request: Request) -> dict[str, Any]:
    """An error as it is told; a fault of ours is logged."""
    formatted = dict(error.formatted)
    if error.extensions:
        return formatted
    cause = error.original_error
    if isinstance(cause, DeskwardError):
        formatted["message"] = cause.message
        return {**formatted, "extensions": extensions_of(cause, request.request_id)}
    if cause is None or isinstance(cause, GraphQLError):
        invalid = InvalidInput(error.message)
        return {**formatted, "extensions": extensions_of(invalid, request.request_id)}
    log.error("a field failed", exc_info=cause)
    ours = Internal("Something went wrong on our side. Quote the request id to us.")
    told = {**formatted, "message": ours.message}
    return {**told, "extensions": extensions_of(ours, request.request_id)}
