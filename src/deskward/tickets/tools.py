"""The tools of tickets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from deskward.core import events, jobs
from deskward.core.custom_fields import CustomFields
from deskward.core.errors import InvalidInput
from deskward.core.paging import Limit, Offset
from deskward.core.text import shorten
from deskward.gate.context import Context, Door, new_id
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup
from deskward.security import tenants
from deskward.security.principals import Kind
from deskward.staff import service as staff
from deskward.tickets import handover, service, thread, timers
from deskward.tickets.channels import Channels
from deskward.tickets.enclosing import can_enclose, enclosed
from deskward.tickets.facts import change_facts, ticket_facts
from deskward.tickets.messages import DESK, Author
from deskward.tickets.models import (
    Body,
    Priority,
    Source,
    Status,
    Subject,
    Ticket,
    TicketChanged,
    TicketId,
    TicketList,
    TicketOpened,
    TicketUpdate,
)
from deskward.tickets.templates import text_of
from deskward.tickets.wishes import WISHES

tools = ToolGroup("tickets", questions=Path(__file__).with_name("questions.yaml"), wishes=WISHES)


@dataclass(frozen=True)
class NewTickets:
    """The port by which tools know what becomes of new tickets.

    Attributes:
        job: The kind of job that each is given to; None where a person looks for them.
    """

    job: str | None = None


@dataclass(frozen=True)
class TicketRules:
    """The port by which tools know what the operator has chosen for tickets.

    Attributes:
        fields: Those that tickets have besides.
        reopens: Tenant → how long after its end an answer opens a resolved ticket again; of the
            empty name, for all others.
        handover_waits: After how long somebody is told again of a handover that nobody has taken.
        due_soon: How long before its moment somebody is told that a ticket is due.
    """

    fields: CustomFields = field(default_factory=CustomFields)
    reopens: Mapping[str, timedelta] = field(default_factory=dict)

    handover_waits: timedelta = timedelta(minutes=15)
    due_soon: timedelta = timers.BEFORE

    def reopening(self, tenant: str) -> timedelta:
        """How long after its end an answer opens a resolved ticket of a tenant again."""
        return self.reopens.get(tenant, self.reopens.get("", thread.REOPENS))


_DOORS: Mapping[Door, Source] = {
    "rest": "api",
    "graphql": "api",
    "mcp": "mcp",
    "cli": "cli",
    "agent": "api",
}


def source_of(ctx: Context) -> Source:
    """The way in by which a call came."""
    if ctx.session_id is not None:
        return "chat"
    return _DOORS[ctx.door]


def opener_of(ctx: Context, customer_id: str) -> Author:
    """Who writes the first message of a ticket: staff themselves; others say a customer's words."""
    staff = ctx.principal.kind is Kind.STAFF and not ctx.principal.agent
    return Author.of(ctx.principal) if staff else Author.customer(customer_id)


def _session_of(ctx: Context, customer_id: str) -> tuple[str, str] | None:
    """The owner and id of the customer's own conversation, to which answers go."""
    if ctx.session_id is None or ctx.principal.label != f"customer:{customer_id}":
        return None
    return ctx.principal.label, ctx.session_id


@tools.tool(
    scope="tickets:read",
    risk=Risk.READ,
    rest="GET /tickets/{ticket_id}",
    facts=ticket_facts,
)
async def get_ticket(ctx: Context, ticket_id: TicketId) -> Ticket:
    """Look up a support ticket.

    Args:
        ticket_id: The ticket.
    """
    return shown(ctx, await service.get(ctx.db, ctx.tenant, ticket_id))


@tools.tool(scope="tickets:read", risk=Risk.READ, rest="GET /tickets")
async def list_tickets(
    ctx: Context,
    customer_id: OwnCustomerId | None = None,
    status: Status | None = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> TicketList:
    """List support tickets, the newest first.

    Args:
        customer_id: Only this customer's.
        status: Only those with this status.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    found = await service.find(
        ctx.db, ctx.tenant, customer_id=customer_id, status=status, limit=limit, offset=offset
    )
    found.tickets = [shown(ctx, ticket) for ticket in found.tickets]
    return found


@tools.tool(scope="tickets:create", risk=Risk.WRITE, rest="POST /tickets")
async def create_ticket(
    ctx: Context,
    customer_id: OwnCustomerId,
    subject: Subject,
    body: Body,
    priority: Priority = "normal",
) -> TicketOpened:
    """Open a support ticket for a customer.

    Args:
        customer_id: The customer whom it is about.
        subject: The matter in one line.
        body: The matter in full.
        priority: How urgent it is.
    """
    ticket = await service.create(
        ctx.db,
        ctx.tenant,
        customer_id,
        subject=subject,
        body=body,
        priority=priority,
        source=source_of(ctx),
        author=opener_of(ctx, customer_id),
        session=_session_of(ctx, customer_id),
    )
    return await opened(ctx, ticket, f"Ticket {ticket.id} was opened.")


@tools.tool(scope="tickets:create", risk=Risk.WRITE, rest="POST /accounts/{user_id}/issues")
async def report_issue(ctx: Context, user_id: OwnCustomerId, description: Body) -> TicketOpened:
    """Report a problem that the customer has; opens a ticket that a person will work on.

    Args:
        user_id: The customer who has the problem.
        description: The problem in the customer's words.
    """
    subject = shorten(description) or "(no words)"
    ticket = await service.create(
        ctx.db,
        ctx.tenant,
        user_id,
        subject=subject,
        body=description,
        source=source_of(ctx),
        author=opener_of(ctx, user_id),
        session=_session_of(ctx, user_id),
    )
    return await opened(ctx, ticket, f"The issue was reported as ticket {ticket.id}.")


@tools.tool(
    scope="tickets:write",
    risk=Risk.WRITE,
    rest="PATCH /tickets/{ticket_id}",
    also=("POST /tickets/{ticket_id}/actions/update",),
    facts=change_facts,
    possible=can_enclose(lambda arguments: arguments["update"].files),
)
async def update_ticket(ctx: Context, ticket_id: TicketId, update: TicketUpdate) -> TicketChanged:
    """Change a ticket: status, priority, assignee, team, tags, fields; or answer its customer.

    An answer is a message of its own, and goes the way that the customer's last message came. A
    closed ticket cannot be changed.

    Args:
        ticket_id: The ticket.
        update: What to change.
    """
    rules = ctx.port(TicketRules)
    author = Author.of(ctx.principal)
    if update.template is not None:
        if update.reply is not None:
            raise InvalidInput("Give a reply, or a template, not both.")
        ticket = await service.get(ctx.db, ctx.tenant, ticket_id)
        text = text_of(update.template, ticket, await tenants.find(ctx.db, ctx.tenant))
        update, author = update.answering(text), DESK
    if update.assignee is not None:
        assignee = await staff.require(ctx.db, ctx.tenant, update.assignee)
        update = update.model_copy(update={"assignee": assignee})
    reopens = update.status in timers.WAITING and await service.has_ended(
        ctx.db, ctx.tenant, ticket_id
    )
    if update.reply is None:
        if update.files:
            raise InvalidInput("Files go with a reply: say one.")
        ticket = await service.update(ctx.db, ctx.tenant, ticket_id, update, known=rules.fields)
    else:
        ticket, message = await thread.reply(
            ctx.db,
            ctx.tenant,
            ticket_id,
            update,
            author=author,
            channels=ctx.port(Channels),
            known=rules.fields,
            source=source_of(ctx),
            files=await enclosed(ctx, ticket_id, update.files or ()),
        )
        said = {"by": "desk", "message_id": message.id, "delivery": message.delivery}
        await ctx.tell("message.created", ticket.id, said, customer_id=ticket.customer_id)
    again = timers.ALL if reopens else ()
    await timers.follow(ctx.db, ctx.tenant, ticket, {*update.given, *again}, rules.due_soon)
    if reopens or "assignee" in update.given:
        await handover.wait_again(ctx.db, ctx.tenant, ticket, rules.handover_waits)
    told = update.model_dump(exclude_none=True, include={"status", "priority", "assignee"})
    happened: events.Kind = "ticket.resolved" if update.status == "resolved" else "ticket.updated"
    await ctx.tell(happened, ticket.id, told, customer_id=ticket.customer_id)
    return TicketChanged(
        success=True,
        message=f"Ticket {ticket.id} now has {_told(update)}.",
        ticket=shown(ctx, ticket),
    )


def _told(update: TicketUpdate) -> str:
    """What a change gives a ticket: names of the desk's own, and values that it has checked."""
    told = []
    for name, value in update.given.items():
        called = name.replace("_", " ")
        if name in ("status", "priority", "assignee") and value is not None:
            called = f"{called} {value}"
        told.append(
            "a reply" if name == "reply" else called if value is not None else f"no {called}"
        )
    return ", ".join(told)


HIDDEN: Mapping[str, Any] = {
    "note": None,
    "team": None,
    "tags": [],
    "fields": {},
    "answer_due_at": None,
    "resolve_due_at": None,
    "snoozed_until": None,
    "spam": False,
    "session_owner": None,
    "session_id": None,
}
"""What of a ticket customers are not shown, and what stands there instead."""


def shown(ctx: Context, ticket: Ticket) -> Ticket:
    """The ticket as the caller may see it: its note is for staff, its sorting not for customers."""
    if ctx.principal.kind is Kind.STAFF:
        return ticket
    hidden = HIDDEN if ctx.principal.kind is Kind.CUSTOMER else {"note": None}
    return ticket.model_copy(update=dict(hidden))


async def opened(
    ctx: Context, ticket: Ticket, message: str, *, handled: bool = True
) -> TicketOpened:
    """The receipt; the desk handles the ticket as soon as it is there, where it shall."""
    job = ctx.port(NewTickets).job
    if handled and job is not None:
        payload = {"tenant": ctx.tenant, "ticket_id": ticket.id}
        await jobs.add(ctx.db, new_id(), job, payload)
    kind: events.Kind = "ticket.created" if ticket.revision == 1 else "ticket.updated"
    await ctx.tell(kind, ticket.id, {"status": ticket.status}, customer_id=ticket.customer_id)
    return TicketOpened(ticket_id=ticket.id, status=ticket.status, message=message)
