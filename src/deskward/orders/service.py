"""Rules and queries of orders."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.core.money import MOST, Money, minor_units
from deskward.core.paging import newest
from deskward.customers import service as customers
from deskward.orders import paying, payouts
from deskward.orders.models import (
    Line,
    NewLine,
    Order,
    OrderList,
    PaymentRecorded,
    RefundGranted,
    RefundStatus,
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
        InvalidInput: There is no such currency, or a price has too many decimals for it, or all
            together is too much.
    """
    await customers.require(db, tenant, customer_id)
    prices = [minor_units(line.unit_price, currency) for line in lines]
    if sum(price * line.quantity for price, line in zip(prices, lines, strict=True)) > MOST:
        raise InvalidInput("The order costs more than can be reckoned with exactly.")
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


def check_transition(order_id: str, present: Status, wanted: Status) -> None:
    """See that an order of one status can become of another.

    Raises:
        Conflict: It cannot.
    """
    allowed = TRANSITIONS[present]
    if wanted not in allowed:
        ways = f"can only become {' or '.join(allowed)}" if allowed else "can no longer change"
        raise Conflict(
            f"Order {order_id} is {present} and {ways}.",
            details={"status": present, "allowed": list(allowed)},
        )


async def set_status(
    db: Connection, tenant: str, order_id: str, status: Status, *, call: str
) -> Order:
    """Move an order on to another status. What is confirmed is paid.

    Args:
        call: The request that does it.

    Raises:
        NotFound: The tenant has no such order.
        Conflict: An order of its status cannot become that.
    """
    row = await _row(db, _BY_NUMBER_LOCKED, tenant, order_id)
    check_transition(order_id, row.status, status)
    await db.execute(
        _SET_STATUS,
        {"b_tenant": tenant, "b_number": row.number, "b_status": status, "b_moment": now()},
    )
    order = await get(db, tenant, order_id)
    rest = order.total.amount - order.paid.amount
    if status == "confirmed" and rest > 0:
        told = {"call": call, "reference": "The order was confirmed."}
        await paying.take_in(db, tenant, order_id, rest, **told)
        order = await get(db, tenant, order_id)
    return order


async def refund(
    db: Connection,
    tenant: str,
    order_id: str,
    *,
    refund_id: str,
    amount: str,
    reason: str,
    call: str,
    pays: bool,
) -> RefundGranted:
    """Grant a refund, and have it paid out where somebody pays.

    Args:
        call: The request that grants it.
        pays: Whether there is a payment provider.

    Raises:
        NotFound: The tenant has no such order.
        InvalidInput: The amount is not positive.
        Conflict: Nothing was paid, more would be refunded than was paid, or the order's currency
            has no such amount.
    """
    row = await _row(db, _BY_NUMBER_LOCKED, tenant, order_id)
    wanted, before = await paying.check_refund(db, tenant, order_id, amount, row.currency)
    status: RefundStatus = "queued" if pays else "granted"
    await db.execute(
        refunds.insert(),
        {
            "tenant_id": tenant,
            "id": refund_id,
            "order_number": row.number,
            "amount": wanted,
            "reason": reason,
            "created_at": now(),
            "status": status,
            "call": call,
        },
    )
    if pays:
        await payouts.add(db, tenant, refund_id)
    await paying.touch(db, tenant, row.number)
    granted = Money.of(wanted, row.currency)
    told = "is on its way" if pays else "was granted; it is recorded here, and paid out elsewhere"
    return RefundGranted(
        refund_id=refund_id,
        order_id=order_id,
        amount=granted,
        refunded=Money.of(before + wanted, row.currency),
        status=status,
        message=f"A refund of {granted.formatted} of order {order_id} {told}.",
    )


async def record_payment(
    db: Connection,
    tenant: str,
    order_id: str,
    *,
    payment_id: str,
    amount: str,
    reference: str,
    call: str,
) -> PaymentRecorded:
    """Record money that came in for an order.

    Raises:
        NotFound: The tenant has no such order.
        InvalidInput: The amount is not positive.
        Conflict: It is more than the order costs with what came in before, or no amount of the
            order's currency.
    """
    order = await get(db, tenant, (await _locked(db, tenant, order_id)))
    came = paying.of_order(amount, order.currency)
    if came <= 0:
        raise InvalidInput("The amount of a payment is more than nothing.")
    before = order.paid.amount
    if before + came > order.total.amount:
        rest = Money.of(order.total.amount - before, order.currency)
        raise Conflict(
            f"For order {order_id} no more than {rest.formatted} is left to pay.",
            details={"payable": rest.model_dump()},
        )
    of = {"call": call, "reference": reference, "payment_id": payment_id}
    await paying.take_in(db, tenant, order_id, came, **of)
    await paying.touch(db, tenant, int(order_id[1:]))
    return PaymentRecorded(
        payment_id=payment_id,
        order_id=order_id,
        paid=Money.of(before + came, order.currency),
        message=f"{Money.of(came, order.currency).formatted} came in for order {order_id}.",
    )


async def _locked(db: Connection, tenant: str, order_id: str) -> str:
    await _row(db, _BY_NUMBER_LOCKED, tenant, order_id)
    return order_id


async def _row(db: Connection, statement: sa.Executable, tenant: str, order_id: str) -> sa.Row[Any]:
    row = await db.first(statement, tenant=tenant, number=int(order_id[1:]))
    if row is None:
        raise NotFound("order", order_id)
    return row


async def _with_lines(db: Connection, tenant: str, rows: Sequence[sa.Row[Any]]) -> list[Order]:
    lines: defaultdict[int, list[sa.Row[Any]]] = defaultdict(list)
    for line in await db.all(_LINES, tenant=tenant, numbers=[row.number for row in rows]):
        lines[line.order_number].append(line)
    money = await paying.moved(db, tenant, [row.number for row in rows])
    return [_order(row, lines[row.number], money[row.number]) for row in rows]


def _order(row: sa.Row[Any], lines: Sequence[sa.Row[Any]], money: Sequence[sa.Row[Any]]) -> Order:
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
        **paying.shown(money, row.currency),
        shipping_address=row.shipping_address,
        status=row.status,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def without_payments(order: Order) -> Order:
    """An order without its payments and refunds, which hold texts of others."""
    return order.model_copy(update={"payments": [], "refunds": []})
