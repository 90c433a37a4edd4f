"""Rules and queries of customers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from deskward.core.custom_fields import CustomFields, Value
from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput, NotFound, Unfit
from deskward.core.fixed import fixed
from deskward.customers import addresses
from deskward.customers.details import STANDARD, Checked, checked
from deskward.customers.models import (
    EMAIL,
    PHONE,
    Customer,
    Details,
    ExternalId,
    Profile,
    customer_numbers,
    customers,
    external_ids,
    merged,
    shown,
)

_NO_FIELDS = CustomFields()

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
_INSERT = fixed(customers.insert())
_MERGED = fixed(
    sa.select(merged.c.merged_into).where(
        merged.c.tenant_id == sa.bindparam("tenant"),
        merged.c.id == sa.bindparam("customer_id"),
    )
)
_SET_ADDRESS = fixed(
    sa.update(customers)
    .where(
        customers.c.tenant_id == sa.bindparam("b_tenant"),
        customers.c.id == sa.bindparam("b_id"),
    )
    .values(
        address=sa.bindparam("b_address"),
        updated_at=sa.bindparam("b_now"),
        revision=customers.c.revision + 1,
    )
)
_EXTERNAL_IDS = fixed(
    sa.select(external_ids)
    .where(
        external_ids.c.tenant_id == sa.bindparam("tenant"),
        external_ids.c.customer_id == sa.bindparam("customer_id"),
    )
    .order_by(external_ids.c.system, external_ids.c.external_id)
)
_BY_EXTERNAL_ID = fixed(
    sa.select(external_ids.c.customer_id).where(
        external_ids.c.tenant_id == sa.bindparam("tenant"),
        external_ids.c.system == sa.bindparam("system"),
        external_ids.c.external_id == sa.bindparam("external_id"),
    )
)


async def find(db: Connection, tenant: str, customer_id: str) -> Customer | None:
    """The customer, or None."""
    row = await db.first(_BY_ID, tenant=tenant, customer_id=customer_id)
    return Customer(**shown(row)) if row is not None else None


async def is_there(db: Connection, tenant: str, customer_id: str) -> bool:
    """Whether the tenant has this customer."""
    return await db.first(_IS_THERE, tenant=tenant, customer_id=customer_id) is not None


async def require(db: Connection, tenant: str, customer_id: str) -> None:
    """Make sure that the tenant has this customer.

    Raises:
        NotFound: It has not.
        Conflict: The customer was merged into another one.
    """
    if not await is_there(db, tenant, customer_id):
        raise await missing(db, tenant, customer_id)


async def missing(db: Connection, tenant: str, customer_id: str) -> NotFound | Conflict:
    """Why there is no customer of that id: they were merged into another one, or never were."""
    row = await db.first(_MERGED, tenant=tenant, customer_id=customer_id)
    if row is None:
        return NotFound("customer", customer_id)
    return Conflict(
        f"Customer {customer_id} was merged into {row.merged_into}. Use that id.",
        details={"merged_into": row.merged_into},
        code="CUSTOMER_MERGED",
    )


async def exist(db: Connection) -> bool:
    """Whether there are customers, of any tenant."""
    return await db.first(_ANY) is not None


async def get(db: Connection, tenant: str, customer_id: str) -> Customer:
    """The customer.

    Raises:
        NotFound: The tenant has no such customer.
        Conflict: The customer was merged into another one.
    """
    found = await find(db, tenant, customer_id)
    if found is None:
        raise await missing(db, tenant, customer_id)
    return found


async def profile(db: Connection, tenant: str, customer_id: str) -> Profile:
    """The customer with all their addresses and the ids that others know them by.

    Raises:
        NotFound: The tenant has no such customer.
        Conflict: The customer was merged into another one.
    """
    row = await db.first(_BY_ID, tenant=tenant, customer_id=customer_id)
    if row is None:
        raise await missing(db, tenant, customer_id)
    told = await addresses.of(db, tenant, customer_id)
    known = await db.all(_EXTERNAL_IDS, tenant=tenant, customer_id=customer_id)
    return Profile(
        **shown(row),
        emails=told[EMAIL],
        phones=told[PHONE],
        external_ids=[ExternalId(system=one.system, id=one.external_id) for one in known],
    )


async def of_sender(db: Connection, tenant: str, address: str) -> str | None:
    """The id of the customer who has this mail address, or None."""
    found = await addresses.having(db, tenant, address) if "@" in address else []
    return found[0] if found else None


async def find_by_address(db: Connection, tenant: str, address: str) -> list[Customer]:
    """The customers who have this mail address or phone number; a phone may be several people's."""
    ids = await addresses.having(db, tenant, address)
    found = [await find(db, tenant, customer_id) for customer_id in ids]
    return [customer for customer in found if customer is not None]


async def of_external_id(db: Connection, tenant: str, system: str, key: str) -> str | None:
    """The id of the customer whom another system knows by this id, or None."""
    row = await db.first(_BY_EXTERNAL_ID, tenant=tenant, system=system, external_id=key)
    return str(row.customer_id) if row is not None else None


async def of_addresses(db: Connection, tenant: str, emails: Collection[str]) -> dict[str, str]:
    """Whose mail addresses these are: address in lower case → customer's id, for those known."""
    return await addresses.whose(db, tenant, emails)


async def set_address(db: Connection, tenant: str, customer_id: str, address: str) -> None:
    """Replace the postal address.

    Raises:
        NotFound: The tenant has no such customer.
        Conflict: The customer was merged into another one.
    """
    values = {"b_tenant": tenant, "b_id": customer_id, "b_address": address, "b_now": now()}
    if await db.change(_SET_ADDRESS, values) == 0:
        raise await missing(db, tenant, customer_id)


async def create(
    db: Connection,
    tenant: str,
    details: Details,
    *,
    customer_id: str | None = None,
    declared: CustomFields = _NO_FIELDS,
) -> Customer:
    """Make a customer.

    Args:
        details: What is known of them; a name at least.
        customer_id: Their id; by default the tenant's next number, as C1001.
        declared: The fields that the operator has declared.

    Raises:
        InvalidInput: Something is not of its form, or there is no name.
        Conflict: The id, a mail address or an external id is somebody else's.
    """
    told = checked(details, declared)
    if "name" not in told.columns:
        raise InvalidInput("Say the customer's name.")
    if customer_id is None:
        customer_id = await next_id(db, tenant)
    elif not await _is_free(db, tenant, customer_id):
        raise Conflict(f"There is a customer {customer_id} already, or was one.")
    await addresses.check_free(db, tenant, customer_id, told.lists.get(EMAIL, {}))
    moment = now()
    row = {
        "tenant_id": tenant,
        "id": customer_id,
        **dict.fromkeys(("email", "phone", "address", "language", "time_zone")),
        "tier": STANDARD,
        "tags": [],
        **told.columns,
        "fields": {name: value for name, value in told.fields.items() if value is not None},
        "created_at": moment,
        "updated_at": moment,
        "revision": 1,
    }
    await db.change(_INSERT, row)
    for kind, wanted in told.lists.items():
        await addresses.replace(db, tenant, customer_id, kind, wanted, told.verified)
    await _set_external_ids(db, tenant, customer_id, told.external or ())
    return await get(db, tenant, customer_id)


async def change(
    db: Connection,
    tenant: str,
    customer_id: str,
    details: Details,
    *,
    revision: int | None = None,
    declared: CustomFields = _NO_FIELDS,
) -> Customer:
    """Change a customer; what was not told stays.

    Args:
        revision: Change them only if they still have this one.

    Raises:
        NotFound: The tenant has no such customer.
        InvalidInput: Something is not of its form.
        Conflict: The customer was merged or changed meanwhile, or an address is somebody else's.
    """
    told = checked(details, declared)
    before = await get(db, tenant, customer_id)
    await write(db, tenant, customer_id, told, before.fields, revision=revision)
    return await get(db, tenant, customer_id)


async def write(
    db: Connection,
    tenant: str,
    customer_id: str,
    told: Checked,
    fields: Mapping[str, Value],
    *,
    revision: int | None = None,
) -> None:
    """Write what was told of a customer who is there.

    Args:
        fields: The values that their declared fields have.
        revision: Change them only if they still have this one.

    Raises:
        Unfit: Nothing was told.
        Conflict: They were changed meanwhile, or an address is somebody else's.
    """
    values: dict[str, Any] = dict(told.columns)
    if told.fields:
        after = {**fields, **told.fields}
        values["fields"] = {name: value for name, value in after.items() if value is not None}
    if not values and told.external is None:
        raise Unfit("Say what to change of the customer.")
    where = [customers.c.tenant_id == tenant, customers.c.id == customer_id]
    if revision is not None:
        where.append(customers.c.revision == revision)
    done = await db.execute(
        sa.update(customers)
        .where(*where)
        .values(**values, updated_at=now(), revision=customers.c.revision + 1)
    )
    if done.rowcount == 0:
        raise Conflict(f"Customer {customer_id} has been changed by somebody else. Look again.")
    for kind, wanted in told.lists.items():
        await addresses.replace(db, tenant, customer_id, kind, wanted, told.verified)
    if told.external is not None:
        theirs = (external_ids.c.tenant_id == tenant, external_ids.c.customer_id == customer_id)
        await db.execute(sa.delete(external_ids).where(*theirs))
        await _set_external_ids(db, tenant, customer_id, told.external)


async def next_id(db: Connection, tenant: str) -> str:
    """The tenant's next number as an id, as C1001."""
    while True:
        customer_id = f"C{await customer_numbers.next(db, tenant)}"
        if await _is_free(db, tenant, customer_id):
            return customer_id


async def _is_free(db: Connection, tenant: str, customer_id: str) -> bool:
    gone = await db.first(_MERGED, tenant=tenant, customer_id=customer_id)
    return gone is None and not await is_there(db, tenant, customer_id)


async def _set_external_ids(
    db: Connection, tenant: str, customer_id: str, wanted: Sequence[tuple[str, str]]
) -> None:
    for system, key in wanted:
        owner = await of_external_id(db, tenant, system, key)
        if owner is not None:
            raise Conflict(
                f"{system} knows customer {owner} by {key}. Merge the two, or leave it out.",
                details={"customer_id": owner},
            )
        values = {"system": system, "external_id": key, "customer_id": customer_id}
        await db.execute(external_ids.insert(), {"tenant_id": tenant, **values})
