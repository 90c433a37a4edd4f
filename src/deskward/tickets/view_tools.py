"""The tools of saved views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import now
from deskward.core.errors import Conflict, InvalidInput
from deskward.core.written import Ours
from deskward.gate.context import Context, new_id
from deskward.gate.tool import Risk
from deskward.tickets import views
from deskward.tickets.bulk_tools import tools
from deskward.tickets.models import Team
from deskward.tickets.query import parse
from deskward.tickets.search import count
from deskward.tickets.search_tools import Asked
from deskward.tickets.views import Name, Shared, View, ViewId, Views, ticket_views
from deskward.tickets.ways import Order

__all__ = ["tools"]  # with the tools of this file

COUNTED = 100
"""Tickets of a view that are counted at the most."""


class ViewFacts(TypedDict):
    """What policies may know of a call about a view.

    Attributes:
        mine: Whether the caller has saved it.
        shared: With whom it is shared, `nobody`, `team` or `tenant`, after the call.
    """

    mine: bool
    shared: str


class ViewDeleted(BaseModel):
    """The receipt of a view that is no more."""

    view_id: Ours
    message: Ours = Field(examples=["The view was deleted."])


async def new_view_facts(ctx: Context, arguments: Mapping[str, Any]) -> ViewFacts:
    """The facts of a view that is saved."""
    return {"mine": True, "shared": arguments.get("shared", "nobody")}


async def view_facts(ctx: Context, arguments: Mapping[str, Any]) -> ViewFacts:
    """The facts of a call about a view."""
    view = await views.get(ctx.db, ctx.tenant, ctx.principal.id, arguments["view_id"])
    shared = arguments.get("shared") or view.shared
    return {"mine": view.staff_id == ctx.principal.id, "shared": shared}


_TEAM_OF_THE_TEAM_ONLY = {
    "oneOf": [
        {
            "required": ["shared", "team"],
            "properties": {"shared": {"const": "team"}, "team": {"not": {"type": "null"}}},
        },
        {"properties": {"shared": {"enum": ["nobody", "tenant"]}, "team": {"type": "null"}}},
    ]
}
"""What JSON Schema says of a view's `shared` and `team` together."""
_NO_TEAM_OF_OTHERS = {
    "anyOf": [
        {"properties": {"team": {"type": "null"}}},
        {"properties": {"shared": {"enum": ["team", None]}}},
    ]
}
"""The same of a change: what it leaves out is as it was."""


@tools.tool(
    scope="tickets:views",
    risk=Risk.WRITE,
    rest="POST /ticket-views",
    facts=new_view_facts,
    together=_TEAM_OF_THE_TEAM_ONLY,
)
async def save_ticket_view(
    ctx: Context,
    name: Name,
    query: Asked,
    order: Order = "newest",
    shared: Shared = "nobody",
    team: Team | None = None,
) -> View:
    """Save a query as a view that has a name, for oneself, a team or all of the staff.

    Args:
        name: What the view is called.
        query: What it finds, as for `search_tickets`; `assignee:me` is whoever looks.
        order: Which tickets come first.
        shared: Who else sees it.
        team: The team that sees it, where it is shared with one.
    """
    parse(query)
    _check(shared, team)
    moment, view_id = now(), new_id()
    row: dict[str, Any] = {"tenant_id": ctx.tenant, "id": view_id, "staff_id": ctx.principal.id}
    row |= {"name": name, "query": query, "sorted": order, "shared": shared, "team": team}
    times = {"created_at": moment, "updated_at": moment}
    await ctx.db.execute(ticket_views.insert(), {**row, **times})
    return await views.get(ctx.db, ctx.tenant, ctx.principal.id, view_id)


@tools.tool(scope="tickets:search", risk=Risk.READ, rest="GET /ticket-views")
async def list_ticket_views(ctx: Context, counts: bool = False) -> Views:
    """List the views that the caller sees: their own, their teams' and everybody's.

    Args:
        counts: Whether to count the tickets of each, up to a hundred.
    """
    me = ctx.principal.id
    found = await views.seen(ctx.db, ctx.tenant, me)
    for view in found if counts else ():
        there = await count(ctx.db, ctx.tenant, parse(view.query), me=me, most=COUNTED + 1)
        view.count, view.more = min(there, COUNTED), there > COUNTED
    return Views(views=found)


@tools.tool(
    scope="tickets:views",
    risk=Risk.WRITE,
    rest="PATCH /ticket-views/{view_id}",
    facts=view_facts,
    together=_NO_TEAM_OF_OTHERS,
)
async def change_ticket_view(
    ctx: Context,
    view_id: ViewId,
    name: Name | None = None,
    query: Asked | None = None,
    order: Order | None = None,
    shared: Shared | None = None,
    team: Team | None = None,
) -> View:
    """Change a view; what is left out stays.

    Args:
        view_id: The view.
        name: What it is called.
        query: What it finds.
        order: Which tickets come first.
        shared: Who else sees it.
        team: The team that sees it, where it is shared with one.
    """
    before = await views.get(ctx.db, ctx.tenant, ctx.principal.id, view_id)
    if query is not None:
        parse(query)
    if shared is not None and shared != "team":
        _check(shared, team)
    shared = shared or before.shared
    team = (team or before.team) if shared == "team" else team
    if (shared == "team") != (team is not None):
        raise Conflict(
            f"This view is for {shared}: say `shared` and `team` together.",
            details={"field": "team"},
        )
    told = {"name": name, "query": query, "sorted": order}
    values: dict[str, Any] = {key: value for key, value in told.items() if value is not None}
    values |= {"shared": shared, "team": team, "updated_at": now()}
    await ctx.db.execute(sa.update(ticket_views).where(_of(ctx, view_id)).values(**values))
    row = await ctx.db.first(sa.select(ticket_views).where(_of(ctx, view_id)))
    assert row is not None
    changed = {"name": row.name, "query": row.query, "order": row.sorted, "shared": row.shared}
    return before.model_copy(update={**changed, "team": row.team, "updated_at": row.updated_at})


@tools.tool(
    scope="tickets:views",
    risk=Risk.WRITE,
    rest="DELETE /ticket-views/{view_id}",
    facts=view_facts,
)
async def delete_ticket_view(ctx: Context, view_id: ViewId) -> ViewDeleted:
    """Delete a view. The tickets that it finds stay as they are.

    Args:
        view_id: The view.
    """
    await views.get(ctx.db, ctx.tenant, ctx.principal.id, view_id)
    await ctx.db.execute(sa.delete(ticket_views).where(_of(ctx, view_id)))
    return ViewDeleted(view_id=view_id, message="The view was deleted.")


def _of(ctx: Context, view_id: str) -> sa.ColumnElement[bool]:
    return (ticket_views.c.tenant_id == ctx.tenant) & (ticket_views.c.id == view_id)


def _check(shared: Shared, team: str | None) -> None:
    if (shared == "team") != (team is not None):
        raise InvalidInput("A view that is shared with a team names it, and no other does.")
