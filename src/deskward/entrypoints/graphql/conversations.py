"""The fields that are no tools: a caller's own conversations, and what happens in them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInt,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLString,
)
from pydantic import BaseModel

from deskward.conversations import archive
from deskward.conversations.news import News
from deskward.conversations.service import Conversations
from deskward.conversations.store import Where
from deskward.core.database import Connection
from deskward.core.errors import InvalidInput, Unavailable
from deskward.entrypoints.graphql.running import Request
from deskward.entrypoints.graphql.schema import LISTED
from deskward.entrypoints.graphql.types import Types
from deskward.entrypoints.rest.events import news_data
from deskward.entrypoints.rest.sessions import History, SessionList, shown, summary
from deskward.entrypoints.rest.tools import answer
from deskward.gate.context import Context
from deskward.gate.schemas import inline_refs

PAGE = 50
LOOK_AGAIN = 15.0
"""Seconds after which an open conversation that heard nothing looks for itself, and whether its
caller may still read it."""


class Fields:
    """Makes them, for one schema after the other."""

    def __init__(self, conversations: Conversations, reader: Connection) -> None:
        self._conversations, self._reader = conversations, reader

    def __call__(self, types: Types) -> Mapping[str, dict[str, GraphQLField]]:
        """The fields, by the name of their type."""
        text, number = GraphQLNonNull(GraphQLString), GraphQLArgument(GraphQLInt)
        queries = {
            "list_sessions": GraphQLField(
                _type(SessionList, types),
                {"limit": number, "offset": number},
                resolve=self._list,
                description="List your own conversations, the latest active first.",
                extensions={LISTED: PAGE},
            ),
            "session_history": GraphQLField(
                _type(History, types),
                {"session_id": GraphQLArgument(text)},
                resolve=self._history,
                description="Show what was said in one of your conversations.",
                extensions={LISTED: PAGE},
            ),
        }
        events = GraphQLField(
            GraphQLNonNull(_EVENT),
            {"session_id": GraphQLArgument(text), "last_event_id": GraphQLArgument(GraphQLString)},
            subscribe=self._events,
            resolve=lambda event, _info, **_: event,
            description="What colleagues say in one of your conversations, as it happens. It "
            "begins with what you do not have; `last_event_id` names the last event that you have.",
        )
        return {"Query": queries, "Subscription": {"session_events": events}}

    async def _list(
        self,
        _: Any,
        info: GraphQLResolveInfo[Any],
        /,
        limit: int | None = None,
        offset: int | None = None,
    ) -> dict[str, Any]:
        request: Request = info.context
        await request.admit()
        limit, offset = PAGE if limit is None else limit, offset or 0
        if not (1 <= limit <= 100 and 0 <= offset <= 1_000_000):
            raise InvalidInput("`limit` is from 1 to 100, and `offset` from 0 to 1,000,000.")
        who = request.principal
        total, found = await archive.sessions_of(
            self._reader, who.tenant, who.label, limit=limit, offset=offset
        )
        return SessionList(
            tenant_id=who.tenant,
            total=total,
            limit=limit,
            offset=offset,
            sessions=[summary(session) for session in found],
        ).model_dump(mode="json")

    async def _history(
        self, _: Any, info: GraphQLResolveInfo[Any], /, session_id: str
    ) -> dict[str, Any]:
        request: Request = info.context
        await request.admit()
        where = _where(request, session_id)
        session = await archive.session(self._reader, where)
        said = await archive.spoken(self._reader, where)
        return History(
            tenant_id=where.tenant,
            **summary(session).model_dump(),
            messages=[shown(item) for item in said],
        ).model_dump(mode="json")

    async def _events(
        self,
        _: Any,
        info: GraphQLResolveInfo[Any],
        /,
        session_id: str,
        last_event_id: str | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        request: Request = info.context
        where = _where(request, session_id)
        if last_event_id is not None:
            context = Context(request.principal, "graphql", request.request_id)
            has = {"session_id": session_id, "event_id": last_event_id}
            answer(await request.gate.act("receive_news", has, context))
        return self._told(request, where, last_event_id)

    async def _told(
        self, request: Request, where: Where, last: str | None
    ) -> AsyncIterator[dict[str, Any]]:
        async with self._conversations.chats.open(where, last) as chat:
            while not chat.closed:
                found = await chat.next(LOOK_AGAIN)
                await request.still()
                for one in found:
                    yield _event(one, where.session_id)
        raise Unavailable("The server stops. Subscribe again.", retry_after=1)


_EVENT = GraphQLObjectType(
    "SessionEvent",
    {
        "event_id": GraphQLField(GraphQLNonNull(GraphQLString)),
        "type": GraphQLField(
            GraphQLNonNull(GraphQLString),
            description="`message`, or that a colleague has come or gone: `taken_over`, "
            "`given_back`.",
        ),
        "session_id": GraphQLField(GraphQLNonNull(GraphQLString)),
        "by": GraphQLField(GraphQLString, description="Who: `staff` or `desk`."),
        "content": GraphQLField(GraphQLString, description="What was said."),
        "at": GraphQLField(GraphQLNonNull(GraphQLString)),
    },
    description="What happened in a conversation beside any turn.",
)


def _type(model: type[BaseModel], types: Types) -> Any:
    """The type of a model; nullable, so that a field that fails leaves the others."""
    schema = inline_refs(model.model_json_schema(mode="serialization"))
    return types.output(schema, model.__name__, own=True).of_type  # type: ignore[union-attr]  # own: it is never null


def _where(request: Request, session_id: str) -> Where:
    if not (1 <= len(session_id) <= 128 and session_id.isascii() and session_id.isprintable()):
        raise InvalidInput("A session_id has 1 to 128 printable characters.")
    return Where(request.principal.tenant, request.principal.label, session_id)


def _event(one: News, session_id: str) -> dict[str, Any]:
    return {"event_id": one.id, **news_data(one, session_id)}
