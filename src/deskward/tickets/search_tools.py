"""The tool that finds tickets."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.paging import Limit
from deskward.core.written import Ours
from deskward.gate.context import Context
from deskward.gate.tool import Risk
from deskward.tickets import views
from deskward.tickets.models import Ticket
from deskward.tickets.query import parse
from deskward.tickets.search import search
from deskward.tickets.sorting_tools import tools
from deskward.tickets.tools import shown
from deskward.tickets.views import ViewId
from deskward.tickets.ways import Order

__all__ = ["tools"]  # with the tools of this file

Asked = Annotated[
    str,
    Field(max_length=1000, examples=['status:open assignee:anna -tag:vip "no refund"']),
]


class TicketsFound(BaseModel):
    """One page of the tickets that were looked for."""

    tickets: list[Ticket]
    cursor: Ours | None = Field(description="After which the next page begins; null at the end.")


@tools.tool(scope="tickets:search", risk=Risk.READ, rest="GET /tickets/search")
async def search_tickets(
    ctx: Context,
    query: Asked = "",
    view: ViewId | None = None,
    order: Order | None = None,
    cursor: Annotated[str, Field(max_length=200)] | None = None,
    limit: Limit = 20,
) -> TicketsFound:
    """Find tickets by what their messages say and what stands on them.

    Fields are status, priority, channel, assignee, team, tag, customer, created and updated, as in
    `status:open,pending assignee:me created:>2026-01-31`. Other words are looked for in subjects,
    messages and notes; `refund*` is the beginning of a word, `-` before a condition denies it.

    Args:
        query: What is looked for; all tickets where it is empty.
        view: A saved view, of whose tickets the query finds some; `list_ticket_views` has them.
        order: The newest or the oldest first, or those that were changed last. Default: the view's,
            else the newest.
        cursor: What the page before gave.
        limit: How many to give at the most.
    """
    wanted = parse(query)
    if view is not None:
        saved = await views.get(ctx.db, ctx.tenant, ctx.principal.id, view)
        wanted.items += parse(saved.query).items
        order = order or saved.order
    found, more = await search(
        ctx.db,
        ctx.tenant,
        wanted,
        me=ctx.principal.id,
        order=order or "newest",
        after=cursor,
        limit=limit,
    )
    return TicketsFound(tickets=[shown(ctx, ticket) for ticket in found], cursor=more)
