"""What mail servers report of mails that the desk sent (RFC 3464): it stands on those mails."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from deskward.core import events
from deskward.core.database import Connection
from deskward.email.bounced import came_back
from deskward.email.models import emails
from deskward.inbox.reading.bounces import Report
from deskward.inbox.rules import InboxRules
from deskward.security import tenants
from deskward.tickets import service, store

MOST = 50
"""How many of the mails that a report names are looked up."""


async def whose(db: Connection, rules: InboxRules, tenant: str, about: Sequence[str]) -> str:
    """The tenant that a report is for which came to a tenant's mailbox.

    Mails of a tenant without an address of its own come from the desk's, and what bounces goes
    there: to the tenant that has that one. Such a report is the other's, whose mail it names.

    Args:
        about: The ids of the mails that it names; ours are random, and only who had one knows it.
    """
    if tenant != rules.receives_bounces:
        return tenant
    ids = [message_id.strip("<>").partition("@")[0] for message_id in about[:MOST]]
    rows = await db.all(
        sa.select(emails.c.tenant_id).where(emails.c.id.in_(ids)).order_by(emails.c.tenant_id)
    )
    found = [row.tenant_id for row in rows]
    if not found or tenant in found:
        return tenant
    other: str = found[0]
    known = await tenants.find(db, other)
    return tenant if known is not None and known.own_address else other


async def report(db: Connection, tenant: str, told: Report) -> str:
    """Say on the mails that a report is about what became of them; gives that in words."""
    words = []
    for failure in told.failures:
        words.append(f"{failure.recipient} {failure.action}: {failure.reason}")
        if failure.action != "failed":
            continue
        reason = f"{failure.recipient}: {failure.reason}"[:1000]
        for message_id in told.about:
            ours = await came_back(db, tenant, message_id, failure.recipient, failure.reason)
            # What a report says of somebody whom the mail was not for says nothing of it.
            if ours and await store.delivery_failed(db, tenant, f"<{message_id}>", reason):
                await _tell_bounced(db, tenant, f"<{message_id}>")
    return "\n".join(words)[:2000]


async def _tell_bounced(db: Connection, tenant: str, message_id: str) -> None:
    ticket_id = await store.of_mail(db, tenant, message_id)
    assert ticket_id is not None
    ticket = await service.get(db, tenant, ticket_id)
    await events.tell(
        *(db, tenant, "message.delivery", ticket.id, {"delivery": "bounced"}),
        customer_id=ticket.customer_id,
    )
