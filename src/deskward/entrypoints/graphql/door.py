"""What HTTP and WebSocket have in common: who asks, the schema of their group, and the limits.

The library behind it is loaded when somebody first asks, by a caller who is known.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from deskward.app import Desk
from deskward.core.errors import Unavailable
from deskward.core.extras import MissingExtra, extra
from deskward.entrypoints.graphql.forms import Asked, Told
from deskward.entrypoints.guard import Admit
from deskward.entrypoints.identity import Callers
from deskward.security.principals import Kind, Principal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from graphql import GraphQLSchema

    from deskward.entrypoints.graphql.running import Request

GRAPHQL = "/graphql"
MOST_SCHEMAS = 8
"""Schemas that are kept: one for each set of tools that some group of callers may call."""


class Door:
    """The desk's tools as GraphQL."""

    def __init__(self, desk: Desk, callers: Callers, admit: Admit) -> None:
        """Open the door.

        Args:
            admit: Counts one more request of a connection's address.
        """
        self.callers, self.admit = callers, admit
        self._desk = desk
        self._schemas: OrderedDict[tuple[Any, ...], GraphQLSchema] = OrderedDict()
        self._making = asyncio.Lock()
        self._begins: type[Request] | None = None

    async def told(self, request: Request, asked: Asked, *, reads_only: bool = False) -> Told:
        """The response to a query or a mutation (`running.told`)."""
        from deskward.entrypoints.graphql import running

        schema = await self._schema(request.principal)
        return await running.told(schema, asked, request, reads_only=reads_only)

    async def subscribed(self, request: Request, asked: Asked) -> AsyncIterator[Told] | Told:
        """The responses of a subscription (`running.subscribed`)."""
        from deskward.entrypoints.graphql import running

        schema = await self._schema(request.principal)
        return await running.subscribed(schema, asked, request)

    async def request(
        self, headers: Mapping[str, str], scope: Scope, principal: Principal, request_id: str
    ) -> Request:
        """Begin a request of a caller who was identified, and counted once.

        Args:
            headers: By which they were identified, with lower-case names.
            scope: Their connection.

        Raises:
            Unavailable: What GraphQL needs is not installed.
        """
        if self._begins is None:
            try:
                with extra("graphql", GRAPHQL):
                    self._begins = await asyncio.to_thread(_loaded)
            except MissingExtra as missing:
                raise Unavailable(str(missing)) from missing

        async def counted() -> None:
            await self.admit(scope)
            await self.callers.count(headers)

        async def still() -> None:
            await self.callers.identify(headers)

        return self._begins(self._desk.gate, principal, request_id, counted, still)

    async def _schema(self, principal: Principal) -> GraphQLSchema:
        """The schema of what a caller may call, which is made once for all of their group."""
        tools = self._desk.gate.tools_for(principal)
        bound = Kind.CUSTOMER if principal.kind is Kind.CUSTOMER else None
        key = (bound, *tools)
        async with self._making:
            if (schema := self._schemas.get(key)) is None:
                schema = await asyncio.to_thread(self._make, tools, bound)
                self._schemas[key] = schema
                if len(self._schemas) > MOST_SCHEMAS:
                    self._schemas.popitem(last=False)
            self._schemas.move_to_end(key)
        return schema

    def _make(self, tools: Any, kind: Kind | None) -> GraphQLSchema:
        from deskward.entrypoints.graphql.conversations import Fields
        from deskward.entrypoints.graphql.running import calling
        from deskward.entrypoints.graphql.schema import schema_of

        more = Fields(self._desk.conversations, self._desk.database.reader)
        return schema_of(tools, kind, calling, more)


def _loaded() -> type[Request]:
    from deskward.entrypoints.graphql.running import Request

    return Request
