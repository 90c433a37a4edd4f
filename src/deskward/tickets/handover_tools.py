"""The tool by which a conversation is handed over to a person."""

from __future__ import annotations

from deskward.core.text import shorten
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk
from deskward.security import tenants
from deskward.tickets import handover, service, thread, timers
from deskward.tickets.handover import Handover
from deskward.tickets.hours import hours_in
from deskward.tickets.links import link
from deskward.tickets.messages import DESK, Author
from deskward.tickets.models import Body, Ticket, TicketOpened
from deskward.tickets.tools import TicketRules, opened, opener_of, source_of, tools

__all__ = ["tools"]  # with the tools of this file


@tools.tool(
    scope="tickets:create",
    risk=Risk.WRITE,
    rest="POST /tickets/handover",
    hands_over="ticket_id",
)
async def hand_over(
    ctx: Context,
    customer_id: OwnCustomerId,
    reason: Body,
    join: bool = False,
    urgent: bool = False,
) -> TicketOpened:
    """Hand the conversation over to a person, when no tool can help or the customer asks for one.

    A reason that a model wrote becomes the ticket's note, which no customer is shown.

    Args:
        customer_id: The customer who is waiting.
        reason: What the customer wants, for the person who takes over.
        join: Whether to add the reason to a handover of the customer's that still waits, if there
            is one, instead of opening another ticket.
        urgent: Whether somebody may come to harm.
    """
    waiting = await _waiting(ctx, customer_id, join=join)
    told = await handover.handover(ctx, reason, urgent=urgent)
    before = await _before(ctx, customer_id) if waiting is None else None
    rules = ctx.port(TicketRules)
    if before is not None and not thread.has_ended(before, rules.reopening(ctx.tenant)):
        waiting = before
    if waiting is not None:
        if waiting is before:
            ticket = await _again(ctx, before, told, reason)
        else:
            ticket = await _joined(ctx, waiting, customer_id, reason)
        if urgent and ticket.priority != "urgent":
            ticket = await _urgent(ctx, ticket)
        await handover.keep(ctx.db, ctx.tenant, ticket.id, handover.at(told, ticket))
        if not await timers.is_waited_for(
            ctx.db, ctx.tenant, ticket.id
        ):  # it was taken, or given up
            await handover.wait_again(ctx.db, ctx.tenant, ticket, rules.handover_waits)
            await _tell(ctx, ticket)
        message = f"A person will take over. It was added to ticket {ticket.id}."
        return await _receipt(ctx, ticket, message, told)
    ticket = await service.create(
        ctx.db,
        ctx.tenant,
        customer_id,
        subject=f"{service.HANDOVER}{_matter(ctx, told, reason)}",
        body=service.NO_WORDS if ctx.by_model else reason,
        note=reason if ctx.by_model else None,
        priority="urgent" if urgent else "high",
        source=source_of(ctx),
        author=DESK if ctx.by_model else opener_of(ctx, customer_id),
        session=(ctx.principal.label, ctx.session_id) if ctx.session_id is not None else None,
        language=told.language if told.language != handover.UNKNOWN else None,
    )
    if before is not None:
        await link(ctx.db, ctx.tenant, ticket.id, before.id, "follow_up")
    told = handover.at(told, ticket)
    await handover.keep(ctx.db, ctx.tenant, ticket.id, told)
    if ctx.session_id is not None:
        text = handover.text_of(told)
        await thread.note(ctx.db, ctx.tenant, ticket.id, text, author=DESK, channel=source_of(ctx))
    await timers.handover_waits(ctx.db, ctx.tenant, ticket.id, rules.handover_waits)
    await ctx.tell("conversation.handed_over", ticket.id, customer_id=customer_id)
    message = f"A person will take over. The ticket is {ticket.id}."
    return await _receipt(ctx, ticket, message, told)


async def _receipt(ctx: Context, ticket: Ticket, message: str, told: Handover) -> TicketOpened:
    """The receipt, with when people answer."""
    receipt = await opened(ctx, ticket, message, handled=False)
    language = told.language if told.language != handover.UNKNOWN else "en"
    return receipt.model_copy(
        update={"hours": hours_in(language, await tenants.find(ctx.db, ctx.tenant))}
    )


def _matter(ctx: Context, told: Handover, reason: str) -> str:
    """What a handover is about, in one line: the customer's own words, and never a model's."""
    said = told.wish or ("" if ctx.by_model else reason)
    return shorten(said) or service.NO_WORDS


async def _waiting(ctx: Context, customer_id: str, *, join: bool) -> Ticket | None:
    """The handover that another one joins: a conversation has one at a time."""
    if ctx.session_id is not None:
        owner = ctx.principal.label
        found = await service.handover_of(ctx.db, ctx.tenant, owner, ctx.session_id)
        if found is not None and found.customer_id == customer_id:
            return found
    return await service.waiting_handover(ctx.db, ctx.tenant, customer_id) if join else None


async def _before(ctx: Context, customer_id: str) -> Ticket | None:
    """The handover of the conversation that has ended, where there was one."""
    if ctx.session_id is None:
        return None
    owner = ctx.principal.label
    found = await service.of_conversation(ctx.db, ctx.tenant, owner, ctx.session_id)
    if found is None:
        return None
    found = await service.whole(ctx.db, ctx.tenant, found.id)
    return found if found.customer_id == customer_id else None


async def _again(ctx: Context, before: Ticket, told: Handover, reason: str) -> Ticket:
    """A handover that was resolved and is wanted again: open, with what the customer said last."""
    rules, channel = ctx.port(TicketRules), source_of(ctx)
    received = await thread.receive(
        ctx.db,
        ctx.tenant,
        before.id,
        text=told.wants[-1] if ctx.by_model and told.wants else reason,
        author=opener_of(ctx, before.customer_id),
        channel=channel,
        reopens=rules.reopening(ctx.tenant),
        soon=rules.due_soon,
    )
    ticket, owner = received.ticket, before.customer_id
    await ctx.tell("ticket.reopened", ticket.id, {"status": ticket.status}, customer_id=owner)
    if not ctx.by_model:
        return ticket
    return await thread.agents_note(
        ctx.db, ctx.tenant, ticket, reason, author=Author.of(ctx.principal), channel=channel
    )


async def _tell(ctx: Context, ticket: Ticket) -> None:
    told = {"assignee": ticket.assignee, "team": ticket.team}
    owner = ticket.customer_id
    await ctx.tell("conversation.handed_over", ticket.id, told, customer_id=owner)


async def _urgent(ctx: Context, ticket: Ticket) -> Ticket:
    """A handover that waits, more urgently: somebody may come to harm."""
    raised = await service.set_values(ctx.db, ctx.tenant, ticket.id, priority="urgent")
    assert raised is not None
    await _tell(ctx, raised)
    return raised


async def _joined(ctx: Context, waiting: Ticket, customer_id: str, reason: str) -> Ticket:
    """A handover that waits, with the reason of another one: a model's is a note."""
    channel = source_of(ctx)
    if ctx.by_model:
        return await thread.agents_note(
            ctx.db, ctx.tenant, waiting, reason, author=Author.of(ctx.principal), channel=channel
        )
    received = await thread.receive(
        ctx.db,
        ctx.tenant,
        waiting.id,
        text=reason,
        author=opener_of(ctx, customer_id),
        channel=channel,
    )
    return received.ticket
