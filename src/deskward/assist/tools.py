"""The tools that help with a ticket: its summary, a reply to it, and all of it."""

from __future__ import annotations

from functools import partial

from deskward.assist.handling import Handled, handle
from deskward.assist.reply import SuggestedResponse, Tone, suggest
from deskward.assist.summary import TicketSummary, summarize
from deskward.core.aside import aside
from deskward.customers import service as customers
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.tool import Risk, ToolGroup
from deskward.text.wishes import Wish
from deskward.tickets import service
from deskward.tickets.facts import ticket_facts
from deskward.tickets.models import TicketId

tools = ToolGroup(
    "tickets",
    wishes={
        "handle_ticket": Wish("handle process answer", "ticket"),
        "draft_article": Wish("draft write", "article"),
    },
)


@tools.tool(
    scope="tickets:read",
    risk=Risk.READ,
    rest="POST /tickets/{ticket_id}/actions/summarize",
    facts=ticket_facts,
)
async def summarize_ticket(ctx: Context, ticket_id: TicketId) -> TicketSummary:
    """Summarize a ticket in one to three of its own sentences, with what stands out in it.

    Args:
        ticket_id: The ticket.
    """
    ticket = await service.get(ctx.db, ctx.tenant, ticket_id)
    return await aside(partial(summarize, ticket), len(ticket.body))


@tools.tool(
    scope="tickets:read",
    risk=Risk.READ,
    rest="POST /tickets/{ticket_id}/actions/suggest_response",
    facts=ticket_facts,
)
async def suggest_response(
    ctx: Context, ticket_id: TicketId, tone: Tone = "polite"
) -> SuggestedResponse:
    """Suggest a reply to a ticket from the FAQ, with its sources and a computed confidence.

    Nothing is sent and nothing is changed.

    Args:
        ticket_id: The ticket.
        tone: How the reply should sound.
    """
    ticket = await service.get(ctx.db, ctx.tenant, ticket_id)
    customer = await customers.find(ctx.db, ctx.tenant, ticket.customer_id)
    return await suggest(ctx, ticket, customer, tone)


@tools.tool(
    scope="tickets:handle",
    risk=Risk.WRITE,
    rest="POST /api/v1/tickets/{ticket_id}/handle",
    also=("POST /tickets/{ticket_id}/handle",),
    facts=ticket_facts,
    composed=True,
)
async def handle_ticket(ctx: Context, ticket_id: TicketId) -> Handled:
    """Handle a ticket: by policy resolve it, ask a person, or hand it over; says which, and why.

    It is summarized first, the FAQ is searched, and a reply is suggested.

    Args:
        ticket_id: The ticket; one that is not resolved or closed.
    """
    return await handle(ctx.port(Gate), ctx, ticket_id)
