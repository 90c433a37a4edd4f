"""The mail addresses and phone numbers of customers, and whose they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput
from deskward.core.fixed import fixed
from deskward.customers.models import EMAIL, PHONE, Address, addresses
from deskward.customers.normal import email_key, phone_key, same_mailbox

_KEYS = {EMAIL: email_key, PHONE: phone_key}

_OF = fixed(
    sa.select(addresses)
    .where(
        addresses.c.tenant_id == sa.bindparam("tenant"),
        addresses.c.customer_id == sa.bindparam("customer_id"),
    )
    .order_by(addresses.c.kind, addresses.c.place)
)
_BY_NORMAL = fixed(
    sa.select(addresses.c.customer_id)
    .where(
        addresses.c.tenant_id == sa.bindparam("tenant"),
        addresses.c.kind == sa.bindparam("kind"),
        addresses.c.normal == sa.bindparam("normal"),
    )
    .order_by(addresses.c.customer_id)
)
_WHOSE = sa.select(addresses.c.normal, addresses.c.value, addresses.c.customer_id).where(
    addresses.c.tenant_id == sa.bindparam("tenant"),
    addresses.c.kind == EMAIL,
    addresses.c.normal.in_(sa.bindparam("emails", expanding=True)),
)


def keyed(kind: str, given: Iterable[str]) -> dict[str, str]:
    """Addresses by their one form, in their order, each once.

    Raises:
        InvalidInput: One is no address of that kind.
    """
    found: dict[str, str] = {}
    for value in given:
        found.setdefault(_KEYS[kind](value), value.strip())
    return found


async def of(db: Connection, tenant: str, customer_id: str) -> dict[str, list[Address]]:
    """A customer's addresses by kind, the primary one first."""
    found: dict[str, list[Address]] = {EMAIL: [], PHONE: []}
    for row in await db.all(_OF, tenant=tenant, customer_id=customer_id):
        found[row.kind].append(shown(row))
    return found


def shown(row: sa.Row[Any]) -> Address:
    """An address as it is shown."""
    return Address(value=row.value, verified=row.verified_at is not None, primary=not row.place)


async def having(db: Connection, tenant: str, address: str) -> list[str]:
    """The ids of the customers who have this mail address or phone number."""
    kind = EMAIL if "@" in address else PHONE
    try:
        normal = _KEYS[kind](address)
    except InvalidInput:
        return []
    rows = await db.all(_BY_NORMAL, tenant=tenant, kind=kind, normal=normal)
    return [row.customer_id for row in rows]


async def whose(db: Connection, tenant: str, emails: Collection[str]) -> dict[str, str]:
    """Whose mail addresses these are: address in lower case → customer's id, for those known.

    An address that only looks like a customer's, written in letters of another width, is not known:
    a mail to it could reach somebody else.
    """
    asked: dict[str, list[str]] = {}
    for email in emails:
        try:
            asked.setdefault(email_key(email), []).append(email.lower())
        except InvalidInput:
            continue
    rows = await db.all(_WHOSE, tenant=tenant, emails=sorted(asked))
    return {
        email: row.customer_id
        for row in rows
        for email in asked[row.normal]
        if same_mailbox(email, row.value)
    }


async def check_free(
    db: Connection, tenant: str, customer_id: str, emails: Mapping[str, str]
) -> None:
    """See that mail addresses are nobody else's.

    Raises:
        Conflict: One is; says whose.
    """
    if not emails:
        return
    for row in await db.all(_WHOSE, tenant=tenant, emails=list(emails)):
        if row.customer_id != customer_id:
            raise Conflict(
                f"The mail address {emails[row.normal]} is customer {row.customer_id}'s. Merge the "
                "two, or leave it out.",
                details={"customer_id": row.customer_id},
            )


async def replace(
    db: Connection,
    tenant: str,
    customer_id: str,
    kind: str,
    wanted: Mapping[str, str],
    verified: Collection[str],
) -> None:
    """Give a customer these addresses of a kind, and no others; what was verified stays so.

    Raises:
        Conflict: A mail address is somebody else's.
    """
    if kind == EMAIL:
        await check_free(db, tenant, customer_id, wanted)
    rows = await db.all(_OF, tenant=tenant, customer_id=customer_id)
    before = {row.normal: row.verified_at for row in rows if row.kind == kind}
    if before:
        await db.execute(
            sa.delete(addresses).where(
                addresses.c.tenant_id == tenant,
                addresses.c.customer_id == customer_id,
                addresses.c.kind == kind,
            )
        )
    if wanted:
        await db.execute(
            addresses.insert(), rows_of(tenant, customer_id, kind, wanted, verified, before)
        )


def rows_of(
    tenant: str,
    customer_id: str,
    kind: str,
    wanted: Mapping[str, str],
    verified: Collection[str],
    before: Mapping[str, object] | None = None,
) -> list[dict[str, object]]:
    """The rows of a customer's addresses of one kind.

    Args:
        verified: Their one forms that are known to be theirs.
        before: One form → when it was verified, of those that they had.
    """
    return [
        {
            "tenant_id": tenant,
            "customer_id": customer_id,
            "kind": kind,
            "normal": normal,
            "value": value,
            "place": place,
            "verified_at": (before or {}).get(normal) or (now() if normal in verified else None),
        }
        for place, (normal, value) in enumerate(wanted.items())
    ]
