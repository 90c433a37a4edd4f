"""The tools of a ticket's thread: reading it, answering as its customer, and notes of staff."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deskward.core import events, jobs
from deskward.core.paging import Limit, Offset
from deskward.files.models import FileId
from deskward.files.service import check
from deskward.gate.context import Context, new_id
from deskward.gate.tool import OwnCustomerId, Risk
from deskward.security.principals import Kind
from deskward.staff.service import mentioned
from deskward.tickets import service, store, thread
from deskward.tickets.facts import ticket_facts
from deskward.tickets.handover_tools import tools
from deskward.tickets.links import links_of
from deskward.tickets.messages import (
    Author,
    MessageReceipt,
    TicketMessage,
    TicketMessages,
)
from deskward.tickets.models import Body, TicketId
from deskward.tickets.thread import Became, Received
from deskward.tickets.tools import NewTickets, TicketRules, source_of

__all__ = ["tools"]  # with the tools of this file

Files = Annotated[list[FileId], Field(max_length=20)]


@tools.tool(
    scope="tickets:read",
    risk=Risk.READ,
    rest="GET /tickets/{ticket_id}/messages",
    facts=ticket_facts,
)
async def list_ticket_messages(
    ctx: Context, ticket_id: TicketId, limit: Limit = 20, offset: Offset = 0
) -> TicketMessages:
    """List the messages of a ticket, the oldest first; for staff with their notes and its links.

    Args:
        ticket_id: The ticket.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    await service.get(ctx.db, ctx.tenant, ticket_id)
    staff = ctx.principal.kind is Kind.STAFF
    page = await store.messages(
        ctx.db, ctx.tenant, ticket_id, notes=staff, limit=limit, offset=offset
    )
    links = await links_of(ctx.db, ctx.tenant, ticket_id) if staff else []
    return page.model_copy(
        update={"messages": [_shown(ctx, one) for one in page.messages], "links": links}
    )


def _shown(ctx: Context, message: TicketMessage) -> TicketMessage:
    """A message as the caller may see it."""
    if ctx.principal.kind is Kind.STAFF:
        return message
    hidden = {"detail": None, **({} if message.by == "customer" else {"author": None})}
    return message.model_copy(update=hidden)


@tools.tool(
    scope="tickets:answer",
    risk=Risk.WRITE,
    rest="POST /tickets/{ticket_id}/messages",
    facts=ticket_facts,
)
async def answer_ticket(
    ctx: Context,
    ticket_id: TicketId,
    customer_id: OwnCustomerId,
    text: Body,
    files: Files = [],  # noqa: B006 the gate copies it
) -> MessageReceipt:
    """Add what a customer says to a ticket of theirs. A resolved one opens again.

    One that has ended for longer is followed up by another, which the receipt names.

    Args:
        ticket_id: The ticket.
        customer_id: The customer who says it.
        text: What they say.
        files: Ids of files that the caller has uploaded.
    """
    await check(ctx.db, ctx.tenant, ctx.principal.label, files)
    received = await thread.receive(
        ctx.db,
        ctx.tenant,
        ticket_id,
        text=text,
        author=Author.customer(customer_id),
        channel=source_of(ctx),
        files=files,
        reopens=ctx.port(TicketRules).reopening(ctx.tenant),
        soon=ctx.port(TicketRules).due_soon,
    )
    await _tell(ctx, received)
    ticket, job = received.ticket, ctx.port(NewTickets).job
    if received.became == "followed_up" and job is not None:
        await jobs.add(ctx.db, new_id(), job, {"tenant": ctx.tenant, "ticket_id": ticket.id})
    told = {
        "added": f"It was added to ticket {ticket.id}.",
        "reopened": f"Ticket {ticket.id} is open again.",
        "followed_up": f"Ticket {ticket_id} has ended, so ticket {ticket.id} was opened.",
    }
    return MessageReceipt(
        ticket_id=ticket.id,
        message_id=received.message.id,
        seq=received.message.seq,
        message=told[received.became],
    )


async def _tell(ctx: Context, received: Received) -> None:
    """Tell who listens what a customer's message has done."""
    ticket = received.ticket
    happened: dict[Became, events.Kind] = {
        "reopened": "ticket.reopened",
        "followed_up": "ticket.created",
    }
    if kind := happened.get(received.became):
        await ctx.tell(kind, ticket.id, {"status": ticket.status}, customer_id=ticket.customer_id)
    await ctx.tell("message.created", ticket.id, {"by": "customer"}, customer_id=ticket.customer_id)


@tools.tool(
    scope="tickets:write",
    risk=Risk.WRITE,
    rest="POST /tickets/{ticket_id}/notes",
    facts=ticket_facts,
)
async def add_ticket_note(ctx: Context, ticket_id: TicketId, text: Body) -> MessageReceipt:
    """Add a note to a ticket, which staff alone see.

    Args:
        ticket_id: The ticket.
        text: The note.
    """
    note = await thread.note(
        ctx.db,
        ctx.tenant,
        ticket_id,
        text,
        author=Author.of(ctx.principal),
        channel=source_of(ctx),
    )
    told = {"note": True, "mentions": await mentioned(ctx.db, ctx.tenant, text)}
    await ctx.tell("message.created", ticket_id, told)
    return MessageReceipt(
        ticket_id=ticket_id,
        message_id=note.id,
        seq=note.seq,
        message=f"The note was added to ticket {ticket_id}.",
    )
