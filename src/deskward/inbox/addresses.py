"""Whose an address of the desk is: the settings' (MAIL_ADDRESSES), or a tenant's own."""

from __future__ import annotations

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.email.tags import untagged
from deskward.inbox.rules import InboxRules
from deskward.security.tenants import find, tenants

_BY_REPLY_TO = (
    sa.select(tenants.c.tenant_id)
    .where(sa.func.lower(tenants.c.reply_to) == sa.bindparam("address"))
    .order_by(tenants.c.tenant_id)
    .limit(1)
)


async def tenant_of(db: Connection, rules: InboxRules, address: str) -> str | None:
    """The open tenant whose address this is, with or without a tag; None where it is nobody's."""
    tenant = rules.tenant_of(address)
    if tenant is None:
        row = await db.first(_BY_REPLY_TO, address=untagged(address))
        tenant = row.tenant_id if row is not None else None
    known = await find(db, tenant) if tenant is not None else None
    return None if known is not None and known.closed_at is not None else tenant


async def is_own(db: Connection, rules: InboxRules, address: str) -> bool:
    """Whether the desk itself writes under this address."""
    return rules.is_own(address) or await tenant_of(db, rules, address) is not None
