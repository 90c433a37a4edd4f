"""The tools by which staff read a conversation, take it over, answer in it, and give it back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from deskward.conversations import archive, takeover
from deskward.conversations.takeover import where_of
from deskward.core.written import Ours, Written
from deskward.files.models import FileId
from deskward.gate.context import Context, new_id
from deskward.gate.tool import Risk, ToolGroup
from deskward.tickets import handover, service, thread, timers
from deskward.tickets.enclosing import can_enclose, enclosed
from deskward.tickets.facts import ticket_facts
from deskward.tickets.handover import Handover
from deskward.tickets.messages import Author, By
from deskward.tickets.models import MOST_FILES, Body, TicketId

takeovers = ToolGroup("conversations")


class Line(BaseModel):
    """What one side said."""

    role: Literal["user", "assistant"]
    by: By = Field(description="Who said it.")
    text: Annotated[str, Written(by=("customer", "staff"))]
    at: datetime


class Conversation(BaseModel):
    """The conversation that a ticket came from."""

    ticket_id: TicketId
    taken_by: Ours | None = Field(description="Who of the staff has it; null: the agent answers.")
    lines: list[Line]


class ConversationChanged(BaseModel):
    """The receipt of a change."""

    ticket_id: TicketId
    taken_by: Ours | None
    message: Ours = Field(examples=["The conversation is yours. The agent is silent."])


@takeovers.tool(
    scope="conversations:read",
    risk=Risk.READ,
    rest="GET /tickets/{ticket_id}/conversation",
    facts=ticket_facts,
)
async def read_conversation(ctx: Context, ticket_id: TicketId) -> Conversation:
    """Read the conversation that a ticket came from.

    Args:
        ticket_id: The ticket.
    """
    ticket = await service.get(ctx.db, ctx.tenant, ticket_id)
    where = where_of(ctx.tenant, ticket)
    lines = await archive.spoken(ctx.db, where)
    return Conversation(
        ticket_id=ticket_id,
        taken_by=await takeover.taken_by(ctx.db, where),
        lines=[Line(role=one.role, by=one.by, text=one.content, at=one.timestamp) for one in lines],
    )


@takeovers.tool(
    scope="conversations:read",
    risk=Risk.READ,
    rest="GET /tickets/{ticket_id}/handover",
    facts=ticket_facts,
)
async def read_handover(ctx: Context, ticket_id: TicketId) -> Handover:
    """Read why a conversation was handed over: what the customer wants, and what was tried.

    Args:
        ticket_id: The ticket that it was handed over with.
    """
    return await handover.of(ctx.db, ctx.tenant, ticket_id)


@takeovers.tool(
    scope="conversations:work",
    risk=Risk.WRITE,
    rest="POST /tickets/{ticket_id}/conversation/take-over",
    facts=ticket_facts,
)
async def take_over_conversation(ctx: Context, ticket_id: TicketId) -> ConversationChanged:
    """Take over the conversation that a ticket came from: the agent is silent until it is back.

    Args:
        ticket_id: The ticket.
    """
    ticket = await service.get(ctx.db, ctx.tenant, ticket_id)
    await takeover.take(ctx.db, where_of(ctx.tenant, ticket), ctx.principal.label)
    await timers.taken(ctx.db, ctx.tenant, ticket_id)
    await ctx.tell("conversation.taken", ticket_id, customer_id=ticket.customer_id)
    message = "The conversation is yours. The agent is silent."
    return ConversationChanged(ticket_id=ticket_id, taken_by=ctx.principal.label, message=message)


@takeovers.tool(
    scope="conversations:work",
    risk=Risk.WRITE,
    rest="POST /tickets/{ticket_id}/conversation/answer",
    facts=ticket_facts,
    possible=can_enclose(lambda arguments: arguments["files"]),
)
async def answer_in_conversation(
    ctx: Context,
    ticket_id: TicketId,
    text: Body,
    files: Annotated[list[FileId], Field(max_length=MOST_FILES)] = [],  # noqa: B006 the gate copies it
) -> ConversationChanged:
    """Answer a customer in the conversation that the caller has taken over.

    Args:
        ticket_id: The ticket that it belongs to.
        text: What is said.
        files: Ids of files to send with it: the caller's own, or the customer's.
    """
    ticket = await service.get(ctx.db, ctx.tenant, ticket_id)
    where = where_of(ctx.tenant, ticket)
    await takeover.take(ctx.db, where, ctx.principal.label)
    await timers.taken(ctx.db, ctx.tenant, ticket_id)
    author, message_id = Author.of(ctx.principal), new_id()
    sent = await enclosed(ctx, ticket_id, files)
    shown = await takeover.with_links(ctx.db, ctx.tenant, text, sent)
    await takeover.say(ctx.db, where, shown, by=author.by, message_id=message_id)
    await thread.said_in_chat(
        *(ctx.db, ctx.tenant, ticket_id, text), author=author, message_id=message_id, files=sent
    )
    said = {"by": "desk", "message_id": message_id, "delivery": "sent"}
    await ctx.tell("message.created", ticket_id, said, customer_id=ticket.customer_id)
    return ConversationChanged(
        ticket_id=ticket_id, taken_by=ctx.principal.label, message="It was said."
    )


@takeovers.tool(
    scope="conversations:work",
    risk=Risk.WRITE,
    rest="POST /tickets/{ticket_id}/conversation/give-back",
    facts=ticket_facts,
)
async def give_back_conversation(ctx: Context, ticket_id: TicketId) -> ConversationChanged:
    """Give a conversation that the caller has taken over back to the agent.

    Args:
        ticket_id: The ticket that it belongs to.
    """
    ticket = await service.get(ctx.db, ctx.tenant, ticket_id)
    await takeover.give_back(ctx.db, where_of(ctx.tenant, ticket), ctx.principal.label)
    await ctx.tell("conversation.given_back", ticket_id, customer_id=ticket.customer_id)
    return ConversationChanged(
        ticket_id=ticket_id, taken_by=None, message="The agent answers again."
    )
