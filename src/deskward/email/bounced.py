"""Mails that came back: what the servers of their recipients said, on the mails in the outbox."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from deskward.core.database import Connection, metadata, now
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL, TEXT
from deskward.email.models import emails

FORGIVEN = timedelta(days=30)
"""After how long an address is tried again to which mail came back."""

bounced_addresses = sa.Table(
    "bounced_addresses",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("address", sa.String(320), primary_key=True, info=TEXT),
    sa.Column("at", UtcDateTime, nullable=False),
)
"""Addresses, in lower case, to which mail came back for good, and when it last did."""


async def came_back(
    db: Connection, tenant: str, message_id: str, recipient: str, reason: str
) -> bool:
    """Say on a mail that a recipient did not get it; returns whether they were to get it.

    Args:
        message_id: Its Message-ID, whose part before the @ is the mail's id.
        recipient: The address, in lower case.
        reason: What their server said.
    """
    email_id = message_id.strip("<>").partition("@")[0]
    ours = (emails.c.tenant_id == tenant) & (emails.c.id == email_id)
    row = await db.first(sa.select(emails.c.recipients, emails.c.refused).where(ours))
    if row is None:
        return False
    everybody = (each for named in row.recipients.values() for each in named)
    meant = [each for each in everybody if each.lower() == recipient]
    if not meant:
        return False
    refused = {**(row.refused or {}), meant[0]: reason}
    await db.execute(sa.update(emails).where(ours).values(refused=refused, updated_at=now()))
    await remember(db, tenant, meant[0])
    return True


async def remember(db: Connection, tenant: str, address: str) -> None:
    """Know of an address that mail to it comes back."""
    await lives(db, tenant, address)
    row = {"tenant_id": tenant, "address": address.lower(), "at": now()}
    await db.execute(bounced_addresses.insert(), row)


async def lives(db: Connection, tenant: str, address: str) -> None:
    """Know of an address that somebody reads and writes there."""
    await db.execute(sa.delete(bounced_addresses).where(_same(tenant, address)))


async def comes_back(db: Connection, tenant: str, address: str) -> bool:
    """Whether mail to an address came back lately, so that nothing is sent there unasked."""
    lately = bounced_addresses.c.at > now() - FORGIVEN
    found = sa.select(bounced_addresses.c.at).where(_same(tenant, address), lately)
    return await db.first(found) is not None


def _same(tenant: str, address: str) -> sa.ColumnElement[bool]:
    return (bounced_addresses.c.tenant_id == tenant) & (
        bounced_addresses.c.address == address.lower()
    )
