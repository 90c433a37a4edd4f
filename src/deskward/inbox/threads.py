"""Which ticket a mail belongs to: by the mails that it follows, then by a signed address.

A number in a subject says nothing: anybody can write one. The mails that a mail names count only
where its sender's own ticket has them, whose ids others may have seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa

from deskward.core.database import Connection, insert_or_ignore
from deskward.email.tags import ticket_of
from deskward.inbox.models import mail_threads
from deskward.inbox.reading.mail import Mail
from deskward.inbox.rules import InboxRules
from deskward.tickets import service, sorting, store
from deskward.tickets.messages import DESK
from deskward.tickets.models import Ticket

_INSERT = insert_or_ignore(mail_threads, "tenant_id", "customer_id", "name", "number")


async def ticket_for(
    db: Connection,
    tenant: str,
    customer_id: str,
    mail: Mail,
    recipients: Sequence[str],
    rules: InboxRules,
) -> Ticket | None:
    """The ticket that a customer's mail belongs to, or None where it begins one.

    Args:
        recipients: The addresses that it was sent to.
    """
    ticket = await _followed(db, tenant, customer_id, mail)
    if ticket is not None:
        return ticket
    for address in recipients:
        if ticket_id := ticket_of(address, rules.key, tenant):
            return await service.whole(db, tenant, ticket_id)
    return None


async def _followed(db: Connection, tenant: str, customer_id: str, mail: Mail) -> Ticket | None:
    """The customer's ticket whose mails this one follows, or is followed by."""
    known = await _known(db, tenant, customer_id, [mail.message_id, *mail.follows])
    kept = await store.of_mails(db, tenant, customer_id, [f"<{name}>" for name in mail.follows])
    # Where a mail is now counts more than where it came in: messages are split off and merged.
    places = (kept.get(f"<{name}>") or known.get(name) for name in mail.follows)
    above = next((place for place in places if place is not None), None)
    below = known.get(mail.message_id)
    if above is None and below is None:
        return None
    if above is None or below is None or above == below:
        return await service.whole(db, tenant, f"T{above or below}")
    return await _joined(db, tenant, below, above)


async def _joined(db: Connection, tenant: str, below: int, above: int) -> Ticket:
    """Make one of two tickets whose mails turn out to be one thread: this one came in between."""
    source = await service.whole(db, tenant, f"T{below}")
    target = await service.whole(db, tenant, f"T{above}")
    theirs = source.customer_id == target.customer_id
    if source.id == target.id or target.status == "closed" or not theirs:
        return target
    return await sorting.merge(db, tenant, source.id, target.id, author=DESK, channel="mail")


async def _known(
    db: Connection, tenant: str, customer_id: str, message_ids: Sequence[str]
) -> dict[str, int]:
    names = {_name(message_id): message_id for message_id in message_ids if message_id}
    rows = await db.all(
        sa.select(mail_threads.c.name, mail_threads.c.number).where(
            mail_threads.c.tenant_id == tenant,
            mail_threads.c.customer_id == customer_id,
            mail_threads.c.name.in_(list(names)),
        )
    )
    return {names[row.name]: row.number for row in rows}


async def remember(
    db: Connection, tenant: str, customer_id: str, mail: Mail, ticket: Ticket
) -> None:
    """Keep that a mail, and those that it names, belong to a ticket, as far as its sender says."""
    for message_id in dict.fromkeys([mail.message_id, *mail.follows]):
        if message_id:
            row = {"name": _name(message_id), "number": int(ticket.id[1:])}
            await db.execute(_INSERT, {"tenant_id": tenant, "customer_id": customer_id, **row})


def _name(message_id: str) -> str:
    return hashlib.sha256(message_id.encode("utf-8", "replace")).hexdigest()
