"""The tools that change many tickets by one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

import sqlalchemy as sa
from pydantic import Field

from deskward.core import jobs
from deskward.core.database import now
from deskward.core.errors import Conflict, InvalidInput, NotFound, Unfit
from deskward.core.schema import one_given
from deskward.gate.call import Gate
from deskward.gate.context import Context, new_id
from deskward.gate.tool import Risk
from deskward.tickets.bulk import (
    MOST,
    PAGE,
    BulkChange,
    Chosen,
    TicketsChange,
    TicketsChosen,
    bulk_changes,
    bulk_tickets,
    digest_of,
    revisions,
    shown,
)
from deskward.tickets.bulk_job import JOB, calls
from deskward.tickets.file_tools import tools
from deskward.tickets.models import TicketId
from deskward.tickets.query import parse
from deskward.tickets.search import numbers
from deskward.tickets.search_tools import Asked

__all__ = ["tools"]  # with the tools of this file

Listed = Annotated[list[TicketId], Field(min_length=1, max_length=1_000)]
Digest = Annotated[
    str,
    Field(
        pattern="^[0-9a-f]{64}$",
        description="The digest that `preview_ticket_changes` gave.",
        examples=["0" * 64],
    ),
]
ChangeId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=["0" * 32])]


class BulkFacts(TypedDict):
    """What policies may know of a change of many tickets.

    Attributes:
        tickets: How many there are.
        digest: Of exactly these as they are, and of the change.
        reversible: Whether it can be undone: a closed ticket stays closed.
    """

    tickets: int
    digest: str
    reversible: bool


async def bulk_facts(ctx: Context, arguments: Mapping[str, Any]) -> BulkFacts:
    """The facts of a change of many tickets."""
    change = arguments["change"]
    chosen = await _chosen(ctx, change, arguments.get("query"), arguments.get("tickets"))
    return {
        "tickets": len(chosen),
        "digest": digest_of(chosen, change),
        "reversible": change.status != "closed",
    }


async def _chosen(
    ctx: Context, change: TicketsChange, query: str | None, listed: list[str] | None
) -> Chosen:
    """The tickets that a call means, as they are.

    Raises:
        InvalidInput: It changes nothing, or names them in two ways or in none.
        Unfit: There are too many, or none.
        NotFound: One of those that it lists is not there.
    """
    if not calls(change.given, None):
        raise InvalidInput("Say what to change: status, priority, assignee, team, tags, …")
    if (query is None) == (listed is None):
        raise InvalidInput("Say which tickets: by a query, or by a list of ids.")
    if listed is not None:
        wanted = sorted({int(one[1:]) for one in listed})
        chosen = await revisions(ctx.db, ctx.tenant, wanted)
        if len(chosen) < len(wanted):
            missing = set(wanted) - {number for number, _ in chosen}
            raise NotFound("ticket", f"T{min(missing)}")
        return chosen
    # What is found is then looked at by its number in the call's transaction, and stays so.
    reader, me = ctx.port(Gate).database.reader, ctx.principal.id
    found = await numbers(reader, ctx.tenant, parse(query or ""), me=me, most=MOST + 1)
    if len(found) > MOST:
        raise Unfit(f"More than {MOST} tickets are found. Narrow the query.")
    if not found:
        raise Unfit("No ticket is found. Look with `search_tickets` before.")
    return await revisions(ctx.db, ctx.tenant, sorted(found))


@tools.tool(
    scope="tickets:search",
    risk=Risk.READ,
    rest="POST /ticket-changes/preview",
    together=one_given("query", "tickets"),
)
async def preview_ticket_changes(
    ctx: Context,
    change: TicketsChange,
    query: Asked | None = None,
    tickets: Listed | None = None,
) -> TicketsChosen:
    """Show which tickets a change of many would be of; gives the digest by which to make it.

    Args:
        change: What to change of each.
        query: Which tickets, as for `search_tickets`; or
        tickets: their ids.
    """
    chosen = await _chosen(ctx, change, query, tickets)
    return TicketsChosen(
        tickets=len(chosen),
        digest=digest_of(chosen, change),
        first=[f"T{number}" for number, _ in chosen[:20]],
    )


@tools.tool(
    scope="tickets:sort",
    risk=Risk.WRITE,
    rest="POST /ticket-changes",
    facts=bulk_facts,
    together=one_given("query", "tickets"),
)
async def change_tickets(
    ctx: Context,
    change: TicketsChange,
    digest: Digest,
    query: Asked | None = None,
    tickets: Listed | None = None,
) -> BulkChange:
    """Change many tickets in the background, exactly those that were previewed and as they were.

    Each is changed by a call of its own, as by `update_ticket`. One that somebody else has changed
    meanwhile is left alone and told of. `get_ticket_changes` tells how far it is.

    Args:
        change: What to change of each.
        digest: Names the tickets and the change.
        query: Which tickets, as for `search_tickets`; or
        tickets: their ids.
    """
    chosen = await _chosen(ctx, change, query, tickets)
    if digest_of(chosen, change) != digest:
        raise Conflict(
            "The digest is of other tickets, or of another change: they were changed since, or it "
            "finds others now. Preview it again."
        )
    change_id = new_id()
    principal = ctx.principal.facts
    if ctx.approval_id is not None:  # a person has said yes to exactly this
        principal = {**principal, "agent": None}
    row = {
        "tenant_id": ctx.tenant,
        "id": change_id,
        "by": ctx.principal.label,
        "principal": dict(principal),
        "door": "rest" if ctx.approval_id is not None else ctx.door,
        "digest": digest,
        "change": change.given,
        "status": "running",
        "created_at": now(),
    }
    await ctx.db.execute(bulk_changes.insert(), row)
    of_it = {"tenant_id": ctx.tenant, "change_id": change_id, "became": "waiting"}
    for start in range(0, len(chosen), PAGE):
        part = chosen[start : start + PAGE]
        values = [{**of_it, "number": number, "revision": revision} for number, revision in part]
        await ctx.db.execute(bulk_tickets.insert(), values)
    payload = {"tenant": ctx.tenant, "change_id": change_id, "tickets": len(chosen), "done": 0}
    await jobs.add(ctx.db, change_id, JOB, payload)
    return await _told(ctx, change_id)


@tools.tool(scope="tickets:search", risk=Risk.READ, rest="GET /ticket-changes/{change_id}")
async def get_ticket_changes(ctx: Context, change_id: ChangeId) -> BulkChange:
    """Tell how far a change of many tickets is, and which tickets were not changed, and why.

    Args:
        change_id: What `change_tickets` gave.
    """
    return await _told(ctx, change_id)


async def _told(ctx: Context, change_id: str) -> BulkChange:
    of_it = (bulk_changes.c.tenant_id == ctx.tenant) & (bulk_changes.c.id == change_id)
    row = await ctx.db.first(sa.select(bulk_changes).where(of_it))
    if row is None:
        raise NotFound("change", change_id)
    return await shown(ctx.db, ctx.tenant, row)
