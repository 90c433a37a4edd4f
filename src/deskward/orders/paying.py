"""Rules of money: what came in for an order, and what may go back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput
from deskward.core.fixed import fixed
from deskward.core.money import Money, minor_units
from deskward.gate.context import new_id
from deskward.orders.models import Payment, Refund, orders, payments, refunds

_IN = sa.literal("in").label("way")
_OUT = sa.literal("out").label("way")
_NONE = sa.null()
_MOVED = sa.union_all(
    sa.select(
        _IN,
        payments.c.id,
        payments.c.order_number,
        payments.c.amount,
        payments.c.reference,
        sa.literal("paid").label("status"),
        sa.cast(_NONE, sa.String).label("detail"),
        payments.c.call,
        payments.c.created_at,
    ).where(
        payments.c.tenant_id == sa.bindparam("tenant"),
        payments.c.order_number.in_(sa.bindparam("numbers", expanding=True)),
    ),
    sa.select(
        _OUT,
        refunds.c.id,
        refunds.c.order_number,
        refunds.c.amount,
        refunds.c.reference,
        refunds.c.status,
        refunds.c.detail,
        refunds.c.call,
        refunds.c.created_at,
    ).where(
        refunds.c.tenant_id == sa.bindparam("tenant"),
        refunds.c.order_number.in_(sa.bindparam("numbers", expanding=True)),
    ),
)
_PAID = fixed(
    sa.select(sa.func.coalesce(sa.func.sum(payments.c.amount), 0).label("amount")).where(
        payments.c.tenant_id == sa.bindparam("tenant"),
        payments.c.order_number == sa.bindparam("number"),
    )
)
_REFUNDED = fixed(
    sa.select(sa.func.coalesce(sa.func.sum(refunds.c.amount), 0).label("amount")).where(
        refunds.c.tenant_id == sa.bindparam("tenant"),
        refunds.c.order_number == sa.bindparam("number"),
        refunds.c.status != "failed",
    )
)


async def moved(
    db: Connection, tenant: str, numbers: Sequence[int]
) -> defaultdict[int, list[sa.Row[Any]]]:
    """What came in and went back for some orders, by their numbers, in its order."""
    found: defaultdict[int, list[sa.Row[Any]]] = defaultdict(list)
    rows = await db.all(_MOVED, tenant=tenant, numbers=list(numbers))
    for row in sorted(rows, key=lambda row: (row.created_at, row.id)):
        found[row.order_number].append(row)
    return found


def shown(rows: Sequence[sa.Row[Any]], currency: str) -> dict[str, Any]:
    """What an order shows of its money."""
    came = [row for row in rows if row.way == "in"]
    back = [row for row in rows if row.way == "out"]
    return {
        "paid": Money.of(sum(row.amount for row in came), currency),
        "refunded": Money.of(sum(r.amount for r in back if r.status != "failed"), currency),
        "payments": [
            Payment(
                payment_id=row.id,
                amount=Money.of(row.amount, currency),
                reference=row.reference,
                call=row.call,
                created_at=row.created_at,
            )
            for row in came
        ],
        "refunds": [
            Refund(
                refund_id=row.id,
                amount=Money.of(row.amount, currency),
                status=row.status,
                detail=row.detail,
                call=row.call,
                created_at=row.created_at,
            )
            for row in back
        ],
    }


async def paid(db: Connection, tenant: str, order_id: str) -> int:
    """What came in for an order, in minor units."""
    return await _sum(db, _PAID, tenant, order_id)


async def refunded(db: Connection, tenant: str, order_id: str) -> int:
    """What of an order was refunded, or is on its way, in minor units."""
    return await _sum(db, _REFUNDED, tenant, order_id)


async def _sum(db: Connection, statement: Any, tenant: str, order_id: str) -> int:
    row = await db.first(statement, tenant=tenant, number=int(order_id[1:]))
    return int(row[0]) if row else 0


async def take_in(
    db: Connection,
    tenant: str,
    order_id: str,
    amount: int,
    *,
    call: str,
    reference: str,
    payment_id: str | None = None,
) -> None:
    """Record money that came in for an order, whose row the caller has locked."""
    await db.execute(
        payments.insert(),
        {
            "tenant_id": tenant,
            "id": payment_id or new_id(),
            "order_number": int(order_id[1:]),
            "amount": amount,
            "reference": reference,
            "call": call,
            "created_at": now(),
        },
    )


async def check_refund(
    db: Connection, tenant: str, order_id: str, amount: str, currency: str
) -> tuple[int, int]:
    """What a refund is in minor units, and what was refunded before it.

    Raises:
        InvalidInput: The amount is not positive.
        Conflict: It is no amount of the currency, nothing was paid, or more would go back than
            came in.
    """
    wanted = of_order(amount, currency)
    if wanted <= 0:
        raise InvalidInput("The amount of a refund is more than nothing.")
    came = await paid(db, tenant, order_id)
    if not came:
        raise Conflict(f"Nothing was paid for order {order_id} that could be refunded.")
    before = await refunded(db, tenant, order_id)
    if wanted > came - before:
        rest = Money.of(came - before, currency)
        raise Conflict(
            f"Of order {order_id} no more than {rest.formatted} can be refunded.",
            details={"refundable": rest.model_dump()},
        )
    return wanted, before


async def touch(db: Connection, tenant: str, number: int) -> None:
    """Say on an order that something of it changed."""
    await db.execute(
        sa.update(orders)
        .where(orders.c.tenant_id == tenant, orders.c.number == number)
        .values(revision=orders.c.revision + 1, updated_at=now())
    )


def of_order(amount: str, currency: str) -> int:
    """Return an amount in minor units of an order's currency.

    Raises:
        Conflict: It has more decimals than the currency.
    """
    try:
        return minor_units(amount, currency)
    except InvalidInput as error:
        raise Conflict(error.message) from None
