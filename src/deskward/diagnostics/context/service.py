"""Products of customers, and all that is known of one: rules and queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict
from deskward.core.veil import unveiled, veiled
from deskward.customers import interactions
from deskward.customers import service as customers
from deskward.customers.models import Profile
from deskward.diagnostics import listing
from deskward.diagnostics.context.models import (
    ContactPreferences,
    CustomerProduct,
    History,
    Interaction,
    PastDiagnosis,
    PastTicket,
    ServiceClock,
    SourceHealth,
    SourceState,
    State,
    customer_products,
)
from deskward.diagnostics.context.nearest import no_product
from deskward.diagnostics.context.sources import Answered
from deskward.tickets import service as tickets
from deskward.tickets.deadlines import Deadlines
from deskward.tickets.timers import WAITING

MOST_PRODUCTS = 200
"""Products of a customer."""
NEWEST = 20
"""Tickets and diagnoses that are shown."""
OURS = "desk"

_PRODUCTS = (
    sa.select(customer_products)
    .where(
        customer_products.c.tenant_id == sa.bindparam("tenant"),
        customer_products.c.customer_id == sa.bindparam("customer"),
    )
    .order_by(customer_products.c.product)
)


async def products(db: Connection, tenant: str, customer_id: str) -> Sequence[sa.Row[Any]]:
    """The products of a customer on the desk's own record."""
    return await db.all(_PRODUCTS, tenant=tenant, customer=customer_id)


async def product(db: Connection, tenant: str, customer_id: str, name: str) -> sa.Row[Any] | None:
    """The product of a customer that is called so, in whatever case; None where there is none."""
    wanted = name.strip().casefold()
    for row in await products(db, tenant, customer_id):
        if row.product.casefold() == wanted:
            return row
    return None


async def put(
    db: Connection, tenant: str, customer_id: str, name: str, values: Mapping[str, Any]
) -> str:
    """Have a product of a customer on record; what is None stays. Gives its name.

    Raises:
        NotFound: There is no such customer.
        Conflict: They have too many products, or were merged into another one.
    """
    await customers.require(db, tenant, customer_id)
    given = {key: value for key, value in values.items() if value is not None}
    given["updated_at"] = now()
    known = await product(db, tenant, customer_id, name)
    if known is not None:
        here = _where(tenant, customer_id, known.product)
        for name in ("configuration", "usage_stats"):
            if name in given:
                given[name] = unveiled(given[name], getattr(known, name))
        await db.execute(sa.update(customer_products).where(*here).values(**given))
        return str(known.product)
    if len(await products(db, tenant, customer_id)) >= MOST_PRODUCTS:
        raise Conflict(f"A customer may have {MOST_PRODUCTS} products. Remove some.")
    usual: dict[str, Any] = {"version": "", "license_type": "", "support_tier": ""}
    usual |= {"configuration": {}, "usage_stats": {}}
    row = {
        **usual,
        **given,
        "tenant_id": tenant,
        "customer_id": customer_id,
        "product": name.strip(),
    }
    await db.execute(customer_products.insert(), row)
    return name.strip()


async def remove(db: Connection, tenant: str, customer_id: str, name: str) -> str:
    """Have a product of a customer on record no longer; gives its name.

    Raises:
        NotFound: There is no such customer, or they have none of that name; it names the nearest.
        Conflict: They were merged into another customer.
    """
    await customers.require(db, tenant, customer_id)
    known = await product(db, tenant, customer_id, name)
    if known is None:
        rows = await products(db, tenant, customer_id)
        raise no_product(name, [row.product for row in rows])
    await db.execute(
        sa.delete(customer_products).where(*_where(tenant, customer_id, known.product))
    )
    return str(known.product)


def _where(tenant: str, customer_id: str, name: str) -> list[sa.ColumnElement[bool]]:
    table = customer_products.c
    return [table.tenant_id == tenant, table.customer_id == customer_id, table.product == name]


def shown_products(
    rows: Sequence[sa.Row[Any]], answered: Sequence[Answered], sees: frozenset[str]
) -> list[CustomerProduct]:
    """The products that the desk and other systems know, as far as somebody sees them.

    A product that several know is shown once for each: which is right is for people to see. What
    is secret by its name is masked, for everybody.
    """
    found = [
        CustomerProduct(
            product_name=row.product,
            version=row.version,
            license_type=row.license_type,
            configuration=veiled(row.configuration) if "configuration" in sees else None,
            usage_stats=veiled(row.usage_stats) if "usage" in sees else None,
            last_updated=row.updated_at,
            support_tier=row.support_tier,
            source=OURS,
        )
        for row in rows
    ]
    for one in answered:
        for told in one.known.products if one.known is not None else ():
            found.append(
                CustomerProduct(
                    product_name=str(told.get("product_name", "")),
                    version=str(told.get("version") or ""),
                    license_type=str(told.get("license_type") or ""),
                    configuration=_values(told, "configuration")
                    if "configuration" in sees
                    else None,
                    usage_stats=_values(told, "usage_stats") if "usage" in sees else None,
                    last_updated=one.at,
                    support_tier=str(told.get("support_tier") or ""),
                    source=one.source,
                )
            )
    return found


def _values(told: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = told.get(name)
    return veiled(value) if isinstance(value, dict) else {}


def states(answered: Sequence[Answered], health: Mapping[str, SourceHealth]) -> list[SourceState]:
    """Whether each source has answered."""
    found = [SourceState(source=OURS, state="ok", problem=None, asked_at=now())]
    for one in answered:
        state: State = "ok" if one.known else "unknown"
        if one.problem:
            state = "partial" if one.known else "unavailable"
        found.append(
            SourceState(
                source=one.source,
                state=state,
                problem=one.problem,
                asked_at=one.at,
                health=health.get(one.source),
            )
        )
    return found


def is_whole(states: Sequence[SourceState]) -> bool:
    """Whether all that was asked has answered, in order."""
    return all(one.state in ("ok", "unknown") for one in states)


def status_of(answered: Sequence[Answered]) -> str:
    """How the customer's account is; what other systems say goes before what we assume."""
    told = [one.known.account_status for one in answered if one.known is not None]
    return next(filter(None, told), "active")


def preferences(customer: Profile) -> ContactPreferences:
    """How a customer is spoken to."""
    channels: list[Any] = [*(["email"] if customer.emails else [])]
    channels += ["phone"] if customer.phones else []
    return ContactPreferences(
        language=customer.language, time_zone=customer.time_zone, channels=channels
    )


async def service_clocks(
    db: Connection, tenant: str, customer_id: str, deadlines: Deadlines
) -> list[ServiceClock]:
    """The clocks of a customer's newest tickets that are open, what runs out first coming first."""
    found: list[ServiceClock] = []
    for status in WAITING:
        page: dict[str, Any] = {"customer_id": customer_id, "status": status}
        listed = await tickets.find(db, tenant, **page, limit=NEWEST, offset=0)
        for one in listed.tickets:
            clocks = await deadlines.of(db, tenant, one)
            found += [ServiceClock(ticket_id=one.id, **asdict(clock)) for clock in clocks]
    return sorted(found, key=lambda one: (one.due_at is None, one.due_at or now(), one.clock))


async def history(
    db: Connection, tenant: str, customer_id: str, answered: Sequence[Answered]
) -> History:
    """What was before."""
    page: dict[str, Any] = {"customer_id": customer_id, "status": None}
    page |= {"limit": NEWEST, "offset": 0}
    found = await tickets.find(db, tenant, **page)
    count, past = await listing.find(db, tenant, **page)
    ends = [one.walk.end for one in past]
    return History(
        tickets_in_all=found.total,
        tickets=[
            PastTicket(
                ticket_id=one.id,
                subject=one.subject,
                status=one.status,
                priority=one.priority,
                created_at=one.created_at,
                resolved_at=one.resolved_at,
            )
            for one in found.tickets
        ],
        diagnoses_in_all=count,
        diagnoses=[
            PastDiagnosis(
                session_id=one.id,
                product_name=one.product,
                workflow_id=one.plan.workflow,
                status=one.status,
                cause=end.cause if end is not None else None,
                created_at=one.created_at,
            )
            for one, end in zip(past, ends, strict=True)
        ],
        interactions=[
            *(
                Interaction(
                    source=OURS,
                    kind=one.channel,
                    at=one.occurred_at.isoformat(),
                    summary=one.summary,
                )
                for one in await interactions.newest(db, tenant, customer_id, NEWEST)
            ),
            *(
                Interaction(source=one.source, **told)
                for one in answered
                if one.known is not None
                for told in one.known.interactions
            ),
        ],
    )
