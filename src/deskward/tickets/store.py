"""What is kept of tickets' messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deskward.core import events
from deskward.core.database import Connection
from deskward.core.fixed import fixed
from deskward.tickets.messages import (
    Delivery,
    TicketMessage,
    TicketMessages,
    ticket_messages,
)
from deskward.tickets.models import Ticket, tickets

_OF_TICKET = (ticket_messages.c.tenant_id == sa.bindparam("tenant")) & (
    ticket_messages.c.number == sa.bindparam("number")
)
_LANGUAGE = fixed(
    sa.select(tickets.c.language)
    .where(
        tickets.c.tenant_id == sa.bindparam("tenant"),
        tickets.c.customer_id == sa.bindparam("customer"),
        tickets.c.language.is_not(None),
    )
    .order_by(tickets.c.number.desc())
    .limit(1)
)
_LAST_HEARD = fixed(
    sa.select(ticket_messages)
    .where(
        _OF_TICKET,
        ticket_messages.c.kind == "message",
        ticket_messages.c.author.startswith("customer:"),
    )
    .order_by(ticket_messages.c.created_at.desc(), ticket_messages.c.seq.desc())
    .limit(1)
)
_LATEST = (
    sa.select(ticket_messages)
    .where(_OF_TICKET, ticket_messages.c.kind == "message")
    .order_by(ticket_messages.c.created_at.desc(), ticket_messages.c.seq.desc())
)
_MAILS = fixed(
    sa.select(ticket_messages.c.message_id)
    .where(_OF_TICKET, ticket_messages.c.message_id.is_not(None))
    .order_by(ticket_messages.c.created_at, ticket_messages.c.seq)
)
_HEARD = fixed(
    sa.select(ticket_messages.c.text).where(
        _OF_TICKET, ticket_messages.c.author.startswith("customer:")
    )
)
_BY_ID = fixed(
    sa.select(ticket_messages).where(
        ticket_messages.c.tenant_id == sa.bindparam("tenant"),
        ticket_messages.c.id == sa.bindparam("id"),
    )
)
_IS_BY_MAIL = fixed(
    sa.select(ticket_messages.c.number)
    .where(
        ticket_messages.c.tenant_id == sa.bindparam("tenant"),
        ticket_messages.c.message_id == sa.bindparam("message_id"),
    )
    .order_by(ticket_messages.c.created_at.desc())
    .limit(1)
)


async def by_name(db: Connection, tenant: str, name: str) -> TicketMessage | None:
    """The message of that id."""
    row = await db.first(_BY_ID, tenant=tenant, id=name)
    return message_of(row) if row is not None else None


async def language_of_customer(db: Connection, tenant: str, customer_id: str) -> str | None:
    """The language of a customer's newest ticket of which one is known."""
    row = await db.first(_LANGUAGE, tenant=tenant, customer=customer_id)
    return row.language if row is not None else None


async def latest(db: Connection, tenant: str, ticket_id: str, most: int) -> list[TicketMessage]:
    """The latest messages of a ticket, the newest first, without what staff alone see."""
    rows = await db.all(_LATEST.limit(most), tenant=tenant, number=int(ticket_id[1:]))
    return [message_of(row) for row in rows]


async def mails_of(db: Connection, tenant: str, ticket_id: str) -> list[str]:
    """The Message-IDs of a ticket's mails, the oldest first."""
    rows = await db.all(_MAILS, tenant=tenant, number=int(ticket_id[1:]))
    return [row.message_id for row in rows]


async def last_heard(db: Connection, tenant: str, ticket_id: str) -> TicketMessage | None:
    """The last message of a customer in a ticket."""
    row = await db.first(_LAST_HEARD, tenant=tenant, number=int(ticket_id[1:]))
    return message_of(row) if row is not None else None


async def messages(
    db: Connection, tenant: str, ticket_id: str, *, notes: bool, limit: int, offset: int = 0
) -> TicketMessages:
    """One page of a ticket's messages, the oldest first.

    Args:
        notes: Whether with what staff alone see.
    """
    where = [
        ticket_messages.c.tenant_id == tenant,
        ticket_messages.c.number == int(ticket_id[1:]),
    ]
    if not notes:
        where.append(ticket_messages.c.kind == "message")
    total = await db.first(sa.select(sa.func.count()).select_from(ticket_messages).where(*where))
    rows = await db.all(
        sa.select(ticket_messages)
        .where(*where)
        .order_by(ticket_messages.c.created_at, ticket_messages.c.seq)
        .limit(limit)
        .offset(offset)
    )
    return TicketMessages(
        total=total[0] if total else 0,
        limit=limit,
        offset=offset,
        messages=[message_of(row) for row in rows],
    )


async def heard(db: Connection, tenant: str, ticket: Ticket) -> str:
    """All that customers have written in a ticket, and what agents noted of it."""
    if ticket.heard <= 1:
        return ticket.words
    rows = await db.all(_HEARD, tenant=tenant, number=int(ticket.id[1:]))
    return "\n\n".join([ticket.words, *(row.text for row in rows)])


async def of_mail(db: Connection, tenant: str, message_id: str) -> str | None:
    """The ticket that has a mail."""
    row = await db.first(_IS_BY_MAIL, tenant=tenant, message_id=message_id)
    return f"T{row.number}" if row is not None else None


async def of_mails(
    db: Connection, tenant: str, customer_id: str, message_ids: Sequence[str]
) -> dict[str, int]:
    """Message-ID of a mail → the number of the ticket of this customer that has it now."""
    same = (tickets.c.tenant_id == ticket_messages.c.tenant_id) & (
        tickets.c.number == ticket_messages.c.number
    )
    rows = await db.all(
        sa.select(ticket_messages.c.message_id, ticket_messages.c.number)
        .join(tickets, same)
        .where(
            ticket_messages.c.tenant_id == tenant,
            ticket_messages.c.message_id.in_(message_ids),
            tickets.c.customer_id == customer_id,
        )
        .order_by(ticket_messages.c.created_at)
    )
    return {row.message_id: row.number for row in rows}


async def delivered(
    db: Connection, tenant: str, name: str, delivery: Delivery, detail: str | None = None
) -> bool:
    """Say on a message how far it is; returns whether there is such a message.

    Args:
        name: The message's id.
        detail: What the staff are told of it.
    """
    # That it came back may be known before it is written down that it left.
    this = (ticket_messages.c.id == name) & (ticket_messages.c.delivery != "bounced")
    return await _tell(db, tenant, this, delivery, detail)


async def delivery_failed(db: Connection, tenant: str, message_id: str, detail: str) -> bool:
    """Say of a mail of ours that it came back; returns whether it was one of ours.

    Args:
        message_id: Its Message-ID, with angle brackets.
        detail: Why, as the report says (RFC 3464).
    """
    ours = (ticket_messages.c.message_id == message_id) & ticket_messages.c.delivery.in_(
        ["queued", "sent", "delivered", "unknown"]
    )
    return await _tell(db, tenant, ours, "bounced", detail)


async def _tell(
    db: Connection,
    tenant: str,
    which: sa.ColumnElement[bool],
    delivery: Delivery,
    detail: str | None,
) -> bool:
    changed = await db.execute(
        sa.update(ticket_messages)
        .where(ticket_messages.c.tenant_id == tenant, which)
        .values(delivery=delivery, detail=detail)
        .returning(ticket_messages.c.id, ticket_messages.c.number)
    )
    rows = changed.all()
    for row in rows:
        ticket_id = f"T{row.number}"
        data = {"ticket_id": ticket_id, "delivery": delivery}
        await events.tell(db, tenant, "message.delivery", row.id, data, lane=ticket_id)
    return bool(rows)


def message_of(row: sa.Row[Any]) -> TicketMessage:
    """The message of a row."""
    by, _, author = row.author.partition(":")
    return TicketMessage(
        id=row.id,
        ticket_id=f"T{row.number}",
        seq=row.seq,
        kind=row.kind,
        by=by,
        author=author or None,
        channel=row.channel,
        text=row.text,
        html=row.html,
        whole=row.whole,
        files=row.files or [],
        delivery=row.delivery,
        detail=row.detail,
        message_id=row.message_id,
        in_reply_to=row.in_reply_to,
        address=row.address,
        created_at=row.created_at,
    )
