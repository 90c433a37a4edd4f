"""Mails that came back: what the servers of their recipients said, on the mails in the outbox."""

from __future__ import annotations

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.email.models import emails


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
    return True
