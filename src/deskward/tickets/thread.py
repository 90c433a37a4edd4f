"""A ticket's thread: what customers say, what they are answered, and what staff note.

A message is counted by its ticket's row in the statement that also changes the ticket, so that two
at once get places of their own; whatever that statement finds changed is looked at anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa

from deskward.core.custom_fields import CustomFields
from deskward.core.database import Connection, now
from deskward.gate.context import new_id
from deskward.tickets import service, store, timers
from deskward.tickets.channels import Channels
from deskward.tickets.links import link
from deskward.tickets.messages import Author, MessageKind, TicketMessage, ticket_links
from deskward.tickets.models import MAX_BODY, Source, Ticket, TicketUpdate, tickets

REOPENS = timedelta(days=14)
"""How long after its end an answer opens a resolved ticket again."""

Became = Literal["added", "reopened", "followed_up", "known"]
"""What became of a customer's message: it was `added`; the ticket was `reopened`; a new ticket
`followed_up` one that has ended; or it was `known` already."""


@dataclass(frozen=True)
class Received:
    """What became of a customer's message.

    Attributes:
        ticket: The ticket that has it.
        message: The message.
        became: What was done with it.
    """

    ticket: Ticket
    message: TicketMessage
    became: Became


async def receive(
    db: Connection,
    tenant: str,
    ticket_id: str,
    *,
    text: str,
    author: Author,
    channel: Source,
    html: str | None = None,
    whole: str | None = None,
    files: Sequence[str] = (),
    message_id: str | None = None,
    in_reply_to: str | None = None,
    address: str | None = None,
    name: str | None = None,
    reopens: timedelta = REOPENS,
    soon: timedelta = timers.BEFORE,
) -> Received:
    """Add a customer's message to a ticket, or to the one that takes its place.

    A resolved ticket opens again; after `reopens`, and where it is closed, a ticket follows it up,
    which is linked with it. A ticket that was merged gives it to the one that it was merged into.

    Args:
        html: The text as HTML, sanitised.
        whole: The text with what was folded out of it.
        files: Ids of its files.
        message_id: Of a mail its Message-ID, with angle brackets.
        in_reply_to: Of a mail the one that it answers.
        address: Of a mail where it came from, to which it is answered.
        name: The message's id: what comes under the same one again changes nothing.
        reopens: How long after its end a resolved ticket opens again.
        soon: How long before its moment somebody is told that a ticket is due.

    Raises:
        NotFound: The tenant has no such ticket.
    """
    if name is not None and (known := await _known(db, tenant, name)) is not None:
        return known
    message = TicketMessage(
        id=name or new_id(),
        ticket_id=ticket_id,
        seq=1,
        kind="message",
        by=author.by,
        author=author.id,
        channel=channel,
        text=text,
        html=html,
        whole=whole,
        files=list(files),
        message_id=message_id,
        in_reply_to=in_reply_to,
        address=address,
        created_at=now(),
    )
    before = await _taking_its_place(db, tenant, ticket_id)
    if not has_ended(before, reopens):
        return await _add(db, tenant, before, message, soon)
    newer = await _followed_up(db, tenant, before, reopens)
    if newer is not None:
        return await _add(db, tenant, newer, message, soon)
    ticket = await service.create(
        db,
        tenant,
        before.customer_id,
        subject=before.subject,
        body=text[:MAX_BODY] or service.NO_TEXT,
        priority=before.priority,
        source=channel,
        author=author,
        opening=message,
        language=before.language,
    )
    await link(db, tenant, ticket.id, before.id, "follow_up")
    placed = message.model_copy(update={"ticket_id": ticket.id})
    return Received(ticket, placed, "followed_up")


async def _known(db: Connection, tenant: str, name: str) -> Received | None:
    message = await store.by_name(db, tenant, name)
    if message is None:
        return None
    return Received(await service.get(db, tenant, message.ticket_id), message, "known")


async def _taking_its_place(db: Connection, tenant: str, ticket_id: str) -> Ticket:
    """The ticket, or the one that it was merged into; nobody changes it until `db` commits."""
    while True:
        ticket = await lock(db, tenant, ticket_id)
        if ticket.merged_into is None:
            return ticket
        ticket_id = ticket.merged_into


async def lock(db: Connection, tenant: str, ticket_id: str) -> Ticket:
    """The ticket, which nobody else changes until `db` commits.

    Raises:
        NotFound: The tenant has no such ticket.
    """
    found = await db.execute(
        sa.update(tickets)
        .where(tickets.c.tenant_id == tenant, tickets.c.number == int(ticket_id[1:]))
        .values(revision=tickets.c.revision)
        .returning(*tickets.c)
    )
    row = found.first()
    return service.ticket_of(row) if row else await service.get(db, tenant, ticket_id)


def has_ended(ticket: Ticket, reopens: timedelta) -> bool:
    """Whether what comes now follows a ticket up instead of opening it again."""
    if ticket.status == "resolved":
        return (ticket.resolved_at or ticket.updated_at) + reopens < now()
    return ticket.status == "closed"


async def _followed_up(
    db: Connection, tenant: str, before: Ticket, reopens: timedelta
) -> Ticket | None:
    """The newest ticket that follows one up and has not ended."""
    row = await db.first(
        sa.select(ticket_links.c.number)
        .where(
            ticket_links.c.tenant_id == tenant,
            ticket_links.c.other == int(before.id[1:]),
            ticket_links.c.kind == "follow_up",
        )
        .order_by(ticket_links.c.number.desc())
        .limit(1)
    )
    if row is None:
        return None
    newer = await _taking_its_place(db, tenant, f"T{row.number}")
    return (
        newer if not has_ended(newer, reopens) else await _followed_up(db, tenant, newer, reopens)
    )


async def _add(
    db: Connection, tenant: str, before: Ticket, message: TicketMessage, soon: timedelta
) -> Received:
    """Add a customer's message to a ticket that is held and has not ended."""
    due = ["answer_due_at", "resolve_due_at"] if before.status == "resolved" else []
    if before.answer_due_at is not None and await timers.answered(db, tenant, before):
        due.append("answer_due_at")  # it has to be answered once more
    values: dict[str, Any] = {"snoozed_until": None}
    if before.status == "resolved":
        values |= {"status": "open", "resolved_at": None}
    heard = int(message.by == "customer")
    ticket = await service.set_values(
        db,
        tenant,
        before.id,
        **values,
        messages=tickets.c.messages + 1,
        heard=tickets.c.heard + heard,
    )
    assert ticket is not None
    if due or before.snoozed_until is not None:
        await timers.follow(db, tenant, ticket, due, soon)
    placed = await _place(db, tenant, ticket, message)
    return Received(ticket, placed, "reopened" if before.status == "resolved" else "added")


async def reply(
    db: Connection,
    tenant: str,
    ticket_id: str,
    change: TicketUpdate,
    *,
    author: Author,
    channels: Channels,
    known: CustomFields | None = None,
    source: Source = "api",
    files: Sequence[str] = (),
) -> tuple[Ticket, TicketMessage]:
    """Change a ticket and answer its customer, by the way that their last message came.

    Args:
        known: See `service.update`.
        source: The way by which the answer was given, where none takes it to the customer.
        files: Ids of the customer's files that go with it.

    Raises:
        NotFound: The tenant has no such ticket.
        InvalidInput: The change is not possible.
        Conflict: The ticket is closed, or has another revision than expected.
    """
    assert change.reply is not None
    ticket = await service.update(db, tenant, ticket_id, change, known=known)
    answered = await store.last_heard(db, tenant, ticket.id)
    channel = answered.channel if answered is not None else source
    message = _said(ticket, change.reply, "message", author, channel)
    message = message.model_copy(update={"files": list(files)})
    taken = await channels.take(db, tenant, ticket, message, answered)
    told: dict[str, Any] = {
        "delivery": taken.delivery,
        "message_id": taken.message_id,
        "in_reply_to": taken.in_reply_to,
    }
    if answered is None and taken.delivery != "none":  # it went the way that the ticket came
        told["channel"] = "mail" if taken.message_id is not None else ticket.source
    return ticket, await _place(db, tenant, ticket, message.model_copy(update=told))


async def note(
    db: Connection,
    tenant: str,
    ticket_id: str,
    text: str,
    *,
    author: Author,
    channel: Source,
    name: str | None = None,
) -> TicketMessage:
    """Add a note, which staff alone see. It changes nothing that a decision rests on.

    Args:
        name: The note's id, where it must not come twice.

    Raises:
        NotFound: The tenant has no such ticket.
    """
    counted = await db.execute(
        sa.update(tickets)
        .where(tickets.c.tenant_id == tenant, tickets.c.number == int(ticket_id[1:]))
        .values(messages=tickets.c.messages + 1)
        .returning(*tickets.c)
    )
    row = counted.first()
    ticket = service.ticket_of(row) if row else await service.get(db, tenant, ticket_id)
    said = _said(ticket, text, "note", author, channel)
    if name is not None:
        said = said.model_copy(update={"id": name})
    return await _place(db, tenant, ticket, said)


async def said_in_chat(
    db: Connection,
    tenant: str,
    ticket_id: str,
    text: str,
    *,
    author: Author,
    message_id: str,
    files: Sequence[str] = (),
) -> None:
    """Add what a person has said in the ticket's conversation, where it stands already.

    Args:
        message_id: The message's id.
        files: Ids of its files.
    """
    this = await _taking_its_place(db, tenant, ticket_id)
    ticket = await service.set_values(
        db, tenant, this.id, reply=text, messages=tickets.c.messages + 1
    )
    assert ticket is not None
    message = _said(ticket, text, "message", author, "chat")
    told = {"id": message_id, "delivery": "sent", "files": list(files)}
    await _place(db, tenant, ticket, message.model_copy(update=told))


async def agents_note(
    db: Connection, tenant: str, ticket: Ticket, text: str, *, author: Author, channel: Source
) -> Ticket:
    """Add what an agent notes of a matter, by which the ticket is judged from now on."""
    noted = f"{ticket.note}\n\n{text}" if ticket.note else text
    changed = await service.set_values(
        db, tenant, ticket.id, note=noted[:MAX_BODY], messages=tickets.c.messages + 1
    )
    assert changed is not None
    await _place(db, tenant, changed, _said(changed, text, "note", author, channel))
    return changed


def _said(
    ticket: Ticket, text: str, kind: MessageKind, author: Author, channel: Source
) -> TicketMessage:
    return TicketMessage(
        id=new_id(),
        ticket_id=ticket.id,
        seq=ticket.messages,
        kind=kind,
        by=author.by,
        author=author.id,
        channel=channel,
        text=text,
        created_at=now(),
    )


async def _place(
    db: Connection, tenant: str, ticket: Ticket, message: TicketMessage
) -> TicketMessage:
    """Record a message at the place that its ticket has just counted."""
    placed = message.model_copy(update={"ticket_id": ticket.id, "seq": ticket.messages})
    await service.add_message(db, tenant, int(ticket.id[1:]), placed)
    return placed
