"""Rules and queries of orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.core.money import Money, minor_units
from deskward.core.paging import newest
from deskward.customers import service as customers
from deskward.orders.models import (
    Line,
    NewLine,
    Order,
    OrderList,
    RefundGranted,
    Status,
    order_lines,
    order_numbers,
    orders,
    refunds,
)

TRANSITIONS: dict[Status, tuple[Status, ...]] = {
    "pending": ("confirmed", "cancelled"),
    "confirmed": ("shipped", "cancelled"),
    "shipped": ("delivered", "returned"),
    "delivered": ("returned",),
    "cancelled": (),
    "returned": (),
}
"""Status → what an order of that status can become."""

_BY_NUMBER = sa.select(orders).where(
    orders.c.tenant_id == sa.bindparam("tenant"), orders.c.number == sa.bindparam("number")
)
_BY_NUMBER_LOCKED = _BY_NUMBER.with_for_update()
_LINES = (
    sa.select(order_lines)
    .where(
        order_lines.c.tenant_id == sa.bindparam("tenant"),
        order_lines.c.order_number.in_(sa.bindparam("numbers", expanding=True)),
    )
    .order_by(order_lines.c.order_number, order_lines.c.position)
)
_INSERT = orders.insert()
_INSERT_LINES = order_lines.insert()
_SET_STATUS = (
    sa.update(orders)
    .where(
        orders.c.tenant_id == sa.bindparam("b_tenant"), orders.c.number == sa.bindparam("b_number")
    )
    .values(
        status=sa.bindparam("b_status"),
        revision=orders.c.revision + 1,
        updated_at=sa.bindparam("b_moment", type_=orders.c.updated_at.type),
    )
)
_REFUNDED = sa.select(sa.func.coalesce(sa.func.sum(refunds.c.amount), 0)).where(
    refunds.c.tenant_id == sa.bindparam("tenant"),
    refunds.c.order_number == sa.bindparam("number"),
)
_TOUCH = (
    sa.update(orders)
    .where(
        orders.c.tenant_id == sa.bindparam("b_tenant"), orders.c.number == sa.bindparam("b_number")
    )
    .values(
        revision=orders.c.revision + 1,
        updated_at=sa.bindparam("b_moment", type_=orders.c.updated_at.type),
    )
)


async def get(db: Connection, tenant: str, order_id: str) -> Order:
    """The order.

    Raises:
        NotFound: The tenant has no such order.
    """
    row = await _row(db, _BY_NUMBER, tenant, order_id)
    (order,) = await _with_lines(db, tenant, [row])
    return order


async def create(
    db: Connection,
    tenant: str,
    customer_id: str,
    *,
    lines: Sequence[NewLine],
    currency: str,
    shipping_address: str,
) -> Order:
    """Create an order.

    Raises:
        NotFound: The tenant has no such customer.
        InvalidInput: There is no such currency, or a price has too many decimals for it.
    """
    await customers.require(db, tenant, customer_id)
    prices = [minor_units(line.unit_price, currency) for line in lines]
    number = await order_numbers.next(db, tenant)
    moment = now()
    row = {
        "tenant_id": tenant,
        "number": number,
        "customer_id": customer_id,
        "currency": currency,
        "shipping_address": shipping_address,
        "status": "pending",
        "revision": 1,
        "created_at": moment,
        "updated_at": moment,
    }
    await db.execute(_INSERT, row)
    await db.execute(
        _INSERT_LINES,
        [
            {
                "tenant_id": tenant,
                "order_number": number,
                "position": position,
                "sku": line.sku,
                "description": line.description,
                "quantity": line.quantity,
                "unit_price": price,
            }
            for position, (line, price) in enumerate(zip(lines, prices, strict=True), 1)
        ],
    )
    return await get(db, tenant, f"O{number}")


async def find(
    db: Connection,
    tenant: str,
    *,
    customer_id: str | None = None,
    sku: str | None = None,
    address: str | None = None,
    status: Status | None = None,
    limit: int,
    offset: int,
) -> OrderList:
    """One page of orders, the newest first."""
    where = [orders.c.tenant_id == tenant]
    if customer_id is not None:
        where.append(orders.c.customer_id == customer_id)
    if sku is not None:
        having = sa.select(order_lines.c.order_number).where(
            order_lines.c.tenant_id == tenant, order_lines.c.sku == sku
        )
        where.append(orders.c.number.in_(having))
    if address is not None:
        where.append(orders.c.shipping_address.icontains(address, autoescape=True))
    if status is not None:
        where.append(orders.c.status == status)
    total, rows = await newest(db, orders, where, limit=limit, offset=offset)
    found = await _with_lines(db, tenant, rows)
    return OrderList(total=total, limit=limit, offset=offset, orders=found)


async def set_status(db: Connection, tenant: str, order_id: str, status: Status) -> Order:
    """Move an order on to another status.

    Raises:
        NotFound: The tenant has no such order.
        Conflict: An order of its status cannot become that.
    """
    row = await _row(db, _BY_NUMBER_LOCKED, tenant, order_id)
    allowed = TRANSITIONS[row.status]
    if status not in allowed:
        ways = f"can only become {' or '.join(allowed)}" if allowed else "can no longer change"
        raise Conflict(
            f"Order {order_id} is {row.status} and {ways}.",
            details={"status": row.status, "allowed": list(allowed)},
        )
    await db.execute(
        _SET_STATUS,
        {"b_tenant": tenant, "b_number": row.number, "b_status": status, "b_moment": now()},
    )
    return await get(db, tenant, order_id)


async def refunded(db: Connection, tenant: str, order_id: str) -> int:
    """What of an order was refunded, in minor units."""
    row = await db.first(_REFUNDED, tenant=tenant, number=int(order_id[1:]))
    return int(row[0]) if row else 0


async def refund(
    db: Connection, tenant: str, order_id: str, *, refund_id: str, amount: str, reason: str
) -> RefundGranted:
    """Grant a refund.

    Raises:
        NotFound: The tenant has no such order.
        InvalidInput: The amount is not positive.
        Conflict: Nothing was paid yet, more would be refunded than was paid, or the order's
            currency has no such amount.
    """
    row = await _row(db, _BY_NUMBER_LOCKED, tenant, order_id)
    wanted = of_order(amount, row.currency)
    if wanted <= 0:
        raise InvalidInput("The amount of a refund is more than nothing.")
    if row.status == "pending":
        raise Conflict(f"Order {order_id} is pending: nothing was paid that could be refunded.")
    (order,) = await _with_lines(db, tenant, [row])
    before = await refunded(db, tenant, order_id)
    left = order.total.amount - before
    if wanted > left:
        rest = Money.of(left, row.currency)
        raise Conflict(
            f"Of order {order_id} no more than {rest.formatted} can be refunded.",
            details={"refundable": rest.model_dump()},
        )
    moment = now()
    await db.execute(
        refunds.insert(),
        {
            "tenant_id": tenant,
            "id": refund_id,
            "order_number": row.number,
            "amount": wanted,
            "reason": reason,
            "created_at": moment,
        },
    )
    await db.execute(_TOUCH, {"b_tenant": tenant, "b_number": row.number, "b_moment": moment})
    granted = Money.of(wanted, row.currency)
    return RefundGranted(
        refund_id=refund_id,
        order_id=order_id,
        amount=granted,
        refunded=Money.of(before + wanted, row.currency),
        message=f"{granted.formatted} of order {order_id} were refunded.",
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


async def _row(db: Connection, statement: sa.Executable, tenant: str, order_id: str) -> sa.Row[Any]:
    row = await db.first(statement, tenant=tenant, number=int(order_id[1:]))
    if row is None:
        raise NotFound("order", order_id)
    return row


async def _with_lines(db: Connection, tenant: str, rows: Sequence[sa.Row[Any]]) -> list[Order]:
    lines: defaultdict[int, list[sa.Row[Any]]] = defaultdict(list)
    for line in await db.all(_LINES, tenant=tenant, numbers=[row.number for row in rows]):
        lines[line.order_number].append(line)
    return [_order(row, lines[row.number]) for row in rows]


def _order(row: sa.Row[Any], lines: Sequence[sa.Row[Any]]) -> Order:
    total = sum(line.quantity * line.unit_price for line in lines)
    return Order(
        id=f"O{row.number}",
        customer_id=row.customer_id,
        lines=[
            Line(
                sku=line.sku,
                description=line.description,
                quantity=line.quantity,
                unit_price=Money.of(line.unit_price, row.currency),
                total=Money.of(line.quantity * line.unit_price, row.currency),
            )
            for line in lines
        ],
        currency=row.currency,
        total=Money.of(total, row.currency),
        shipping_address=row.shipping_address,
        status=row.status,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
