"""Rules and queries of customers."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.core.errors import NotFound
from deskward.core.fixed import fixed
from deskward.customers.models import Customer, customers

_BY_ID = fixed(
    sa.select(customers).where(
        customers.c.tenant_id == sa.bindparam("tenant"),
        customers.c.id == sa.bindparam("customer_id"),
    )
)
_IS_THERE = fixed(
    sa.select(customers.c.id).where(
        customers.c.tenant_id == sa.bindparam("tenant"),
        customers.c.id == sa.bindparam("customer_id"),
    )
)
_ANY = sa.select(customers.c.id).limit(1)
_SET_ADDRESS = fixed(
    sa.update(customers)
    .where(
        customers.c.tenant_id == sa.bindparam("b_tenant"),
        customers.c.id == sa.bindparam("b_id"),
    )
    .values(address=sa.bindparam("b_address"))
)
_BY_EMAIL = (
    sa.select(customers.c.id, customers.c.email)
    .where(
        customers.c.tenant_id == sa.bindparam("tenant"),
        sa.func.lower(customers.c.email).in_(sa.bindparam("emails", expanding=True)),
    )
    .order_by(customers.c.id)
)


async def find(db: Connection, tenant: str, customer_id: str) -> Customer | None:
    """The customer, or None."""
    row = await db.first(_BY_ID, tenant=tenant, customer_id=customer_id)
    if row is None:
        return None
    return Customer(
        customer_id=row.id,
        name=row.name,
        email=row.email,
        phone=row.phone,
        address=row.address,
        tier=row.tier,
    )


async def is_there(db: Connection, tenant: str, customer_id: str) -> bool:
    """Whether the tenant has this customer."""
    return await db.first(_IS_THERE, tenant=tenant, customer_id=customer_id) is not None


async def require(db: Connection, tenant: str, customer_id: str) -> None:
    """Make sure that the tenant has this customer.

    Raises:
        NotFound: It has not.
    """
    if not await is_there(db, tenant, customer_id):
        raise NotFound("customer", customer_id)


async def exist(db: Connection) -> bool:
    """Whether there are customers, of any tenant."""
    return await db.first(_ANY) is not None


async def get(db: Connection, tenant: str, customer_id: str) -> Customer:
    """The customer.

    Raises:
        NotFound: The tenant has no such customer.
    """
    found = await find(db, tenant, customer_id)
    if found is None:
        raise NotFound("customer", customer_id)
    return found


async def of_addresses(db: Connection, tenant: str, emails: Collection[str]) -> dict[str, str]:
    """Whose mail addresses these are: address in lower case → customer's id, for those known."""
    wanted = sorted({email.lower() for email in emails})
    rows = await db.all(_BY_EMAIL, tenant=tenant, emails=wanted)
    return {row.email.lower(): row.id for row in rows}


async def set_address(db: Connection, tenant: str, customer_id: str, address: str) -> None:
    """Replace the postal address.

    Raises:
        NotFound: The tenant has no such customer.
    """
    values = {"b_tenant": tenant, "b_id": customer_id, "b_address": address}
    if await db.change(_SET_ADDRESS, values) == 0:
        raise NotFound("customer", customer_id)
