"""Rules and queries of tickets."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from deskward.core.custom_fields import CustomFields
from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.core.fixed import fixed
from deskward.core.locking import locking
from deskward.core.paging import newest
from deskward.customers import service as customers
from deskward.customers.models import customers as customers_table
from deskward.gate.context import new_id
from deskward.security.principals import AGENT
from deskward.staff import service as staff
from deskward.tickets import words
from deskward.tickets.messages import Author, TicketMessage, ticket_messages
from deskward.tickets.models import (
    Priority,
    Source,
    Status,
    Ticket,
    TicketList,
    TicketUpdate,
    handover_notes,
    ticket_numbers,
    tickets,
)

HANDOVER = "Handover: "
"""What the subject of a handover begins with."""
NO_WORDS = "A person was asked for."
"""The body of a handover whose reason a model wrote; its subject, where no words are known."""
NO_TEXT = "(no text)"
"""The body of a ticket whose first message has none."""

_BY_NUMBER = fixed(
    sa.select(tickets).where(
        tickets.c.tenant_id == sa.bindparam("tenant"), tickets.c.number == sa.bindparam("number")
    )
)
_OF_SESSION = (
    (tickets.c.tenant_id == sa.bindparam("tenant"))
    & (tickets.c.session_owner == sa.bindparam("owner"))
    & (tickets.c.session_id == sa.bindparam("session"))
)
_IS_HANDOVER = sa.exists().where(
    handover_notes.c.tenant_id == tickets.c.tenant_id, handover_notes.c.number == tickets.c.number
)
_HANDOVER = fixed(
    sa.select(tickets)
    .where(
        _OF_SESSION,
        sa.and_(
            (tickets.c.status == "open") | (tickets.c.status == "pending"),
            _IS_HANDOVER | tickets.c.reply.is_not(None),
        )
        | tickets.c.merged_into.is_not(None),
    )
    .order_by(tickets.c.merged_into.is_not(None), tickets.c.number.desc())
    .limit(1)
)
"""Of the tickets that came from a conversation, one that people answer in, or that was merged."""
_LAST_HANDOVER = fixed(
    sa.select(tickets).where(_OF_SESSION, _IS_HANDOVER).order_by(tickets.c.number.desc()).limit(1)
)
_NUMBER_FOR = fixed(
    sa.update(ticket_numbers.table)
    .where(
        ticket_numbers.table.c.tenant_id == sa.bindparam("b_tenant"),
        sa.exists().where(
            customers_table.c.tenant_id == sa.bindparam("b_tenant"),
            customers_table.c.id == sa.bindparam("b_customer"),
        ),
    )
    .values(last=ticket_numbers.table.c.last + 1)
    .returning(ticket_numbers.table.c.last)
)
"""The next number, if there is such a customer: both by one statement."""
_INSERT = fixed(tickets.insert())
_ADD_MESSAGE = fixed(ticket_messages.insert())


async def get(db: Connection, tenant: str, ticket_id: str) -> Ticket:
    """The ticket.

    Raises:
        NotFound: The tenant has no such ticket.
    """
    row = await db.first(_BY_NUMBER, tenant=tenant, number=int(ticket_id[1:]))
    if row is None:
        raise NotFound("ticket", ticket_id)
    return ticket_of(row)


async def create(
    db: Connection,
    tenant: str,
    customer_id: str,
    *,
    subject: str,
    body: str,
    note: str | None = None,
    priority: Priority = "normal",
    source: Source = "api",
    author: Author | None = None,
    opening: TicketMessage | None = None,
    language: str | None = None,
    session: tuple[str, str] | None = None,
) -> Ticket:
    """Open a ticket.

    Args:
        note: What an agent noted of it, for staff alone.
        source: The way in by which it came.
        author: Who wrote it; the customer where it is left out.
        session: The owner and the id of the conversation that it came from.
        opening: What more its first message has, such as a mail's ids and its files.

    Raises:
        NotFound: The tenant has no such customer.
    """
    number = await _number_for(db, tenant, customer_id)
    moment = now()
    author = author or Author.customer(customer_id)
    ticket = Ticket(
        id=f"T{number}",
        subject=subject,
        body=body,
        note=note,
        status="open",
        priority=priority,
        customer_id=customer_id,
        assignee=None,
        reply=None,
        revision=1,
        created_at=moment,
        updated_at=moment,
        source=source,
        messages=1 if note is None else 2,
        heard=int(author.by == "customer"),
        language=language,
        session_owner=session[0] if session else None,
        session_id=session[1] if session else None,
        tags=[],
        fields={},
    )
    row = {**ticket.__dict__, "tenant_id": tenant, "number": number, "tags": None, "fields": None}
    await db.change(_INSERT, row)
    first = opening or TicketMessage(
        id=new_id(),
        ticket_id=ticket.id,
        seq=1,
        kind="message",
        by=author.by,
        author=author.id,
        channel=source,
        text=body,
        files=[],
        created_at=moment,
    )
    await add_message(db, tenant, number, first, subject=subject)
    if note is not None:
        agent = {"kind": "note", "by": "agent", "author": AGENT, "text": note}
        second = first.model_copy(update={"id": new_id(), "seq": 2, **agent})
        await add_message(db, tenant, number, second)
    return ticket


async def _number_for(db: Connection, tenant: str, customer_id: str) -> int:
    """The number of a customer's new ticket.

    Raises:
        NotFound: The tenant has no such customer.
        Conflict: The customer was merged into another one.
    """
    row = await db.first(_NUMBER_FOR, b_tenant=tenant, b_customer=customer_id)
    if row is not None:
        return int(row.last)
    await customers.require(db, tenant, customer_id)  # else it is the tenant's first ticket
    return await ticket_numbers.next(db, tenant)


async def add_message(
    db: Connection, tenant: str, number: int, message: TicketMessage, *, subject: str = ""
) -> None:
    """Record a message, whose place the ticket has counted already.

    Args:
        subject: The ticket's, with its first message: it is found by that as well.
    """
    where = {"tenant_id": tenant, "number": number, "by_moment": None}
    await db.change(_ADD_MESSAGE, {**where, **message.row})
    await words.add(db, tenant, number, message.seq, f"{subject}\n{message.text}")


async def waiting_handover(db: Connection, tenant: str, customer_id: str) -> Ticket | None:
    """The customer's latest handover that no person has ended."""
    row = await db.first(
        sa.select(tickets)
        .where(
            tickets.c.tenant_id == tenant,
            tickets.c.customer_id == customer_id,
            tickets.c.status.in_(["open", "pending"]),
            tickets.c.subject.startswith(HANDOVER, autoescape=True),
        )
        .order_by(tickets.c.number.desc())
        .limit(1)
    )
    return ticket_of(row) if row else None


async def handover_of(db: Connection, tenant: str, owner: str, session_id: str) -> Ticket | None:
    """The ticket in which a person answers a conversation, and that none has ended."""
    row = await db.first(_HANDOVER, tenant=tenant, owner=owner, session=session_id)
    if row is None or row.merged_into is None:
        return ticket_of(row) if row is not None else None
    ticket = await whole(db, tenant, f"T{row.merged_into}")
    return ticket if ticket.status in ("open", "pending") else None


async def whole(db: Connection, tenant: str, ticket_id: str) -> Ticket:
    """The ticket, or the one that it was merged into.

    Raises:
        NotFound: The tenant has no such ticket.
    """
    ticket = await get(db, tenant, ticket_id)
    while ticket.merged_into is not None:
        ticket = await get(db, tenant, ticket.merged_into)
    return ticket


async def of_conversation(
    db: Connection, tenant: str, owner: str, session_id: str
) -> Ticket | None:
    """The latest ticket that a conversation was handed over with, also one that has ended."""
    row = await db.first(_LAST_HANDOVER, tenant=tenant, owner=owner, session=session_id)
    return ticket_of(row) if row else None


async def find(
    db: Connection,
    tenant: str,
    *,
    customer_id: str | None,
    status: Status | None,
    limit: int,
    offset: int,
) -> TicketList:
    """One page of tickets, the newest first."""
    where = [tickets.c.tenant_id == tenant]
    if customer_id is not None:
        where.append(tickets.c.customer_id == customer_id)
    if status is not None:
        where.append(tickets.c.status == status)
    total, rows = await newest(db, tickets, where, limit=limit, offset=offset)
    return TicketList(
        total=total,
        limit=limit,
        offset=offset,
        tickets=[ticket_of(row) for row in rows],
    )


async def update(
    db: Connection,
    tenant: str,
    ticket_id: str,
    change: TicketUpdate,
    *,
    known: CustomFields | None = None,
) -> Ticket:
    """Change a ticket.

    Args:
        known: The fields that the desk has declared.

    Raises:
        NotFound: The tenant has no such ticket.
        InvalidInput: Nothing is to be changed, or a field that the desk has not declared.
        Conflict: The ticket is closed, which is final, or has another revision than expected.
    """
    values = change.given
    if not values:
        raise InvalidInput("Say what to change: status, priority, assignee or reply.")
    if change.fields and known is not None:
        before = (await get(db, tenant, ticket_id)).fields
        fields = {**before, **known.checked(change.fields)}
        values["fields"] = {name: value for name, value in fields.items() if value is not None}
    if change.assignee is not None:
        values["assignee"] = await staff.require(db, tenant, change.assignee)
    if change.tags is not None:
        values["tags"] = list(dict.fromkeys(change.tags)) or None
    if change.status is not None:
        values["resolved_at"] = now() if change.status == "resolved" else None
    if change.reply is not None:
        values["messages"] = tickets.c.messages + 1
    where = [tickets.c.status != "closed"]
    if change.revision is not None:
        where.append(tickets.c.revision == change.revision)
    changed = await set_values(db, tenant, ticket_id, *where, **values)
    if changed is None:
        if (await get(db, tenant, ticket_id)).status == "closed":
            raise Conflict(f"Ticket {ticket_id} is closed. Open a new one instead.")
        raise changed_meanwhile(ticket_id)
    return changed


async def has_ended(db: Connection, tenant: str, ticket_id: str) -> bool:
    """Whether a ticket is one that nobody works on, and stays so until `db` commits.

    Raises:
        NotFound: The tenant has no such ticket.
    """
    return (await get(locking(db), tenant, ticket_id)).status not in ("open", "pending")


def changed_meanwhile(ticket_id: str) -> Conflict:
    """What is raised where a ticket has another revision than expected."""
    return Conflict(f"Ticket {ticket_id} has been changed by somebody else. Look at it again.")


async def set_values(
    db: Connection, tenant: str, ticket_id: str, *where: sa.ColumnElement[bool], **values: Any
) -> Ticket | None:
    """Change columns of a ticket and count up its revision; None where it is not as expected."""
    changed = await db.execute(
        sa.update(tickets)
        .where(tickets.c.tenant_id == tenant, tickets.c.number == int(ticket_id[1:]), *where)
        .values(**values, revision=tickets.c.revision + 1, updated_at=now())
        .returning(*tickets.c)
    )
    row = changed.first()
    return ticket_of(row) if row is not None else None


def ticket_of(row: sa.Row[Any]) -> Ticket:
    """The ticket of a row."""
    return Ticket(
        id=f"T{row.number}",
        subject=row.subject,
        body=row.body,
        note=row.note,
        status=row.status,
        priority=row.priority,
        customer_id=row.customer_id,
        assignee=row.assignee,
        reply=row.reply,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
        source=row.source,
        messages=row.messages,
        heard=row.heard,
        merged_into=f"T{row.merged_into}" if row.merged_into else None,
        resolved_at=row.resolved_at,
        language=row.language,
        team=row.team,
        tags=row.tags or [],
        fields=row.fields or {},
        answer_due_at=row.answer_due_at,
        resolve_due_at=row.resolve_due_at,
        snoozed_until=row.snoozed_until,
        spam=row.spam,
        session_owner=row.session_owner,
        session_id=row.session_id,
    )
