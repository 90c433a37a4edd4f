"""The tools that sort tickets: merge, split, link, spam, snooze."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deskward.core.moments import Moment
from deskward.core.numbering import MOST_COUNTED, Revision
from deskward.gate.context import Context
from deskward.gate.tool import Risk
from deskward.tickets import handover, service, sorting
from deskward.tickets.facts import ticket_facts
from deskward.tickets.links import link
from deskward.tickets.messages import Author
from deskward.tickets.models import Subject, Ticket, TicketChanged, TicketId
from deskward.tickets.thread_tools import tools
from deskward.tickets.tools import TicketRules, shown, source_of

__all__ = ["tools"]  # with the tools of this file

Places = Annotated[
    list[Annotated[int, Field(ge=1, le=MOST_COUNTED)]],
    Field(min_length=1, max_length=100, examples=[[2, 3]]),
]


@tools.tool(
    scope="tickets:sort",
    risk=Risk.WRITE,
    rest="POST /tickets/{ticket_id}/merge",
    facts=ticket_facts,
)
async def merge_tickets(ctx: Context, ticket_id: TicketId, into: TicketId) -> TicketChanged:
    """Give all messages of a ticket to another one of the same customer, and close it for good.

    Args:
        ticket_id: The ticket that ends.
        into: The ticket that goes on.
    """
    ticket = await sorting.merge(
        ctx.db,
        ctx.tenant,
        ticket_id,
        into,
        author=Author.of(ctx.principal),
        channel=source_of(ctx),
    )
    rules = ctx.port(TicketRules)
    await handover.wait_again(ctx.db, ctx.tenant, ticket, rules.handover_waits)
    owner = ticket.customer_id
    gone = {"status": "closed", "merged_into": into}
    await ctx.tell("ticket.updated", ticket_id, gone, customer_id=owner)
    await ctx.tell("ticket.updated", into, {"status": ticket.status}, customer_id=owner)
    return _changed(ctx, ticket, f"Ticket {ticket_id} was merged into {into}.")


@tools.tool(
    scope="tickets:sort",
    risk=Risk.WRITE,
    rest="POST /tickets/{ticket_id}/split",
    facts=ticket_facts,
)
async def split_ticket(
    ctx: Context, ticket_id: TicketId, messages: Places, subject: Subject
) -> TicketChanged:
    """Open a ticket with some of the messages of another one, because they are another matter.

    Args:
        ticket_id: The ticket that has them.
        messages: Their places in it (`seq`).
        subject: The matter of the new ticket in one line.
    """
    ticket = await sorting.split(
        ctx.db,
        ctx.tenant,
        ticket_id,
        messages,
        subject,
        author=Author.of(ctx.principal),
        channel=source_of(ctx),
    )
    told = {"status": ticket.status, "split_from": ticket_id}
    await ctx.tell("ticket.created", ticket.id, told, customer_id=ticket.customer_id)
    return _changed(ctx, ticket, f"Ticket {ticket.id} was split off {ticket_id}.")


@tools.tool(
    scope="tickets:sort",
    risk=Risk.WRITE,
    rest="POST /tickets/{ticket_id}/links",
    facts=ticket_facts,
)
async def link_tickets(ctx: Context, ticket_id: TicketId, other: TicketId) -> TicketChanged:
    """Link a ticket with another one, which may be another customer's. Only staff see links.

    Args:
        ticket_id: The ticket.
        other: The other one.
    """
    ticket = await service.get(ctx.db, ctx.tenant, ticket_id)
    await service.get(ctx.db, ctx.tenant, other)
    await link(ctx.db, ctx.tenant, ticket_id, other, "linked")
    return _changed(ctx, ticket, f"Tickets {ticket_id} and {other} are linked.")


@tools.tool(
    scope="tickets:sort",
    risk=Risk.WRITE,
    rest="POST /tickets/{ticket_id}/spam",
    facts=ticket_facts,
)
async def mark_spam(
    ctx: Context, ticket_id: TicketId, spam: bool = True, revision: Revision | None = None
) -> TicketChanged:
    """Say that a ticket is spam, or that it is none. Nothing that is spam is handled by the agent.

    Args:
        ticket_id: The ticket.
        spam: Whether it is.
        revision: Do it only if the ticket still has this revision.
    """
    rules = ctx.port(TicketRules)
    ticket = await sorting.mark(ctx.db, ctx.tenant, ticket_id, spam, revision, soon=rules.due_soon)
    if not spam:
        await handover.wait_again(ctx.db, ctx.tenant, ticket, rules.handover_waits)
    await ctx.tell("ticket.updated", ticket_id, {"spam": spam}, customer_id=ticket.customer_id)
    return _changed(ctx, ticket, f"Ticket {ticket_id} is {'spam' if spam else 'no spam'}.")


@tools.tool(
    scope="tickets:sort",
    risk=Risk.WRITE,
    rest="POST /tickets/{ticket_id}/snooze",
    facts=ticket_facts,
)
async def snooze_ticket(
    ctx: Context,
    ticket_id: TicketId,
    until: Moment | None = None,
    revision: Revision | None = None,
) -> TicketChanged:
    """Have a ticket wait until a moment; an answer of its customer brings it back before.

    Args:
        ticket_id: The ticket.
        until: When it comes back; left out, it waits no longer.
        revision: Do it only if the ticket still has this revision.
    """
    ticket = await sorting.snooze(ctx.db, ctx.tenant, ticket_id, until, revision)
    moment = until.isoformat() if until is not None else None
    owner = ticket.customer_id
    await ctx.tell("ticket.updated", ticket_id, {"snoozed_until": moment}, customer_id=owner)
    told = f"waits until {moment}" if moment is not None else "does not wait any more"
    return _changed(ctx, ticket, f"Ticket {ticket_id} {told}.")


def _changed(ctx: Context, ticket: Ticket, message: str) -> TicketChanged:
    return TicketChanged(success=True, message=message, ticket=shown(ctx, ticket))
