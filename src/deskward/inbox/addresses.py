"""Whose an address of the desk is: the settings' (MAIL_ADDRESSES), or a tenant's own.

A tenant without an address of its own may be answered at another one's: whose such an answer is,
its signed tag says.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.email.tags import is_tagged, ticket_of, untagged
from deskward.inbox.rules import InboxRules
from deskward.security.tenants import find, tenants

MOST = 100
"""How many addresses of a mail are looked up."""

_BY_REPLY_TO = (
    sa.select(tenants.c.tenant_id)
    .where(sa.func.lower(tenants.c.reply_to) == sa.bindparam("address"))
    .order_by(tenants.c.tenant_id)
    .limit(1)
)
_OPEN = sa.select(tenants.c.tenant_id).where(tenants.c.closed_at.is_(None))


async def tenant_of(db: Connection, rules: InboxRules, address: str) -> str | None:
    """The open tenant whose address this is, with or without a tag; None where it is nobody's."""
    tenant = rules.tenant_of(address)
    if tenant is None:
        row = await db.first(_BY_REPLY_TO, address=untagged(address))
        tenant = row.tenant_id if row is not None else None
    known = await find(db, tenant) if tenant is not None else None
    return None if known is not None and known.closed_at is not None else tenant


async def meant(db: Connection, rules: InboxRules, tenant: str, addresses: Sequence[str]) -> str:
    """The tenant that a mail is for which came to a tenant's address or mailbox.

    It is another one's if it answers a ticket there, by the tag of an address that is this one's.

    Args:
        addresses: Those that the mail was sent to.
    """
    if not any(map(is_tagged, addresses)):
        return tenant  # what nearly every mail is: nobody is looked up
    other = None
    for address in addresses[:MOST]:
        if await tenant_of(db, rules, address) != tenant:
            continue
        signed = await _signed_for(db, rules, address) if is_tagged(address) else None
        if signed in (None, tenant):
            return tenant
        other = signed
    return other or tenant


async def _signed_for(db: Connection, rules: InboxRules, address: str) -> str | None:
    """The open tenant with whose ticket an address is tagged, by its signature."""
    for row in await db.all(_OPEN):
        if ticket_of(address, rules.key, row.tenant_id):
            found: str = row.tenant_id
            return found
    return None


async def is_own(db: Connection, rules: InboxRules, address: str) -> bool:
    """Whether the desk itself writes under this address."""
    return rules.is_own(address) or await tenant_of(db, rules, address) is not None
