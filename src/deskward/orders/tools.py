"""The tools of orders."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypedDict

from pydantic import Field

from deskward.core.money import Currency, decimals_by_currency
from deskward.core.paging import Limit, Offset
from deskward.customers import service as customers
from deskward.gate.context import Context
from deskward.gate.counters import Spent
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup
from deskward.orders import paying, service
from deskward.orders.models import (
    MAX_LINES,
    Amount,
    NewLine,
    Order,
    OrderChanged,
    OrderCreated,
    OrderId,
    OrderList,
    OrderNumber,
    OrderNumbers,
    PaymentRecorded,
    RefundGranted,
    ShippingAddress,
    Sku,
    Status,
)
from deskward.orders.payouts import Payouts
from deskward.orders.wishes import WISHES
from deskward.text import goods

tools = ToolGroup("orders", questions=Path(__file__).with_name("questions.yaml"), wishes=WISHES)


class OrderFacts(TypedDict):
    """What policies may know of the order that a call is about; `total` is in minor units."""

    id: str
    owner: str
    status: str
    total: int
    currency: str
    revision: int


class RefundFacts(OrderFacts):
    """The order, and the `amount` of all its refunds with this one, in minor units.

    So a limit cannot be passed in parts.
    """

    amount: int


async def order_facts(ctx: Context, arguments: Mapping[str, Any]) -> OrderFacts:
    """The facts of a call about an order."""
    order = await service.get(ctx.db, ctx.tenant, arguments["order_id"])
    return {
        "id": order.id,
        "owner": order.customer_id,
        "status": order.status,
        "total": order.total.amount,
        "currency": order.currency,
        "revision": order.revision,
    }


async def refund_facts(ctx: Context, arguments: Mapping[str, Any]) -> RefundFacts:
    """The facts of a refund."""
    facts = await order_facts(ctx, arguments)
    before = await paying.refunded(ctx.db, ctx.tenant, facts["id"])
    return {**facts, "amount": before + paying.of_order(arguments["amount"], facts["currency"])}


async def can_refund(ctx: Context, arguments: Mapping[str, Any]) -> object:
    """See that so much was paid and is left."""
    order = await service.get(ctx.db, ctx.tenant, arguments["order_id"])
    return await paying.check_refund(
        ctx.db, ctx.tenant, order.id, arguments["amount"], order.currency
    )


@tools.tool(
    scope="orders:create",
    risk=Risk.WRITE,
    rest="POST /orders",
    together=decimals_by_currency(
        lambda price: {"properties": {"lines": {"items": {"properties": {"unit_price": price}}}}}
    ),
)
async def create_order(
    ctx: Context,
    customer_id: OwnCustomerId,
    lines: Annotated[list[NewLine], Field(min_length=1, max_length=MAX_LINES)],
    currency: Currency,
    shipping_address: ShippingAddress,
) -> OrderCreated:
    """Create an order for a customer.

    Args:
        customer_id: The customer who orders.
        lines: What is ordered.
        currency: The currency of all prices, as an ISO 4217 code.
        shipping_address: Where it is to be sent, in one line.
    """
    order = await service.create(
        ctx.db,
        ctx.tenant,
        customer_id,
        lines=lines,
        currency=currency,
        shipping_address=shipping_address,
    )
    return OrderCreated(
        order_id=order.id,
        status=order.status,
        total=order.total,
        message=f"Order {order.id} was created.",
    )


@tools.tool(
    scope="orders:read",
    risk=Risk.READ,
    rest="GET /orders/{order_id}",
    facts=order_facts,
)
async def get_order_by_id(ctx: Context, order_id: OrderId, brief: bool = False) -> Order:
    """Look up an order: its status, lines, total and shipping address.

    Args:
        order_id: The order.
        brief: Whether to leave out its payments and refunds: who asks then reads no text of others.
    """
    order = await service.get(ctx.db, ctx.tenant, order_id)
    return service.without_payments(order) if brief else order


@tools.tool(
    scope="orders:read",
    risk=Risk.READ,
    rest="GET /customers/{customer_id}/orders",
)
async def get_orders_by_customer(
    ctx: Context,
    customer_id: OwnCustomerId,
    limit: Limit = 20,
    offset: Offset = 0,
    brief: bool = False,
) -> OrderList:
    """List a customer's orders, the newest first.

    Args:
        customer_id: The customer who ordered.
        limit: How many to list at the most.
        offset: How many to pass over.
        brief: Whether to leave out their payments and refunds: who asks then reads no text of
            others.
    """
    await customers.require(ctx.db, ctx.tenant, customer_id)
    found = await service.find(
        ctx.db, ctx.tenant, customer_id=customer_id, limit=limit, offset=offset
    )
    if not brief:
        return found
    return found.model_copy(update={"orders": list(map(service.without_payments, found.orders))})


@tools.tool(
    scope="orders:read",
    risk=Risk.READ,
    rest="GET /customers/{customer_id}/orders/numbers",
)
async def list_order_numbers(
    ctx: Context,
    customer_id: OwnCustomerId,
    words: Annotated[str, Field(min_length=1, max_length=300)] | None = None,
    limit: Limit = 20,
) -> OrderNumbers:
    """Tell which order somebody means: ids, statuses, dates and totals, and no text of anybody's.

    The words are compared with the articles here, so that who asks reads nothing of them.

    Args:
        customer_id: The customer who ordered.
        words: What was said of it, such as "the one with the charger": orders are marked with an
            article that is called so, in any language.
        limit: How many to list at the most.
    """
    await customers.require(ctx.db, ctx.tenant, customer_id)
    found = await service.find(ctx.db, ctx.tenant, customer_id=customer_id, limit=limit, offset=0)
    told = {one.id: " ".join(line.description for line in one.lines) for one in found.orders}
    meant = goods.called(words or "", told)
    numbers = [
        OrderNumber(
            id=one.id,
            status=one.status,
            total=one.total,
            created_at=one.created_at,
            named=one.id in meant,
        )
        for one in found.orders
    ]
    return OrderNumbers(total=found.total, orders=numbers)


@tools.tool(
    scope="orders:read",
    risk=Risk.READ,
    rest="GET /orders/search",
)
async def search_orders(
    ctx: Context,
    customer_id: OwnCustomerId | None = None,
    sku: Sku | None = None,
    address: Annotated[str, Field(min_length=1, max_length=300)] | None = None,
    status: Status | None = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> OrderList:
    """Find orders by article, shipping address or status, the newest first.

    Args:
        customer_id: Only this customer's.
        sku: Only those with this article.
        address: Only those whose shipping address has this in it, in capitals or not.
        status: Only those with this status.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    return await service.find(
        ctx.db,
        ctx.tenant,
        customer_id=customer_id,
        sku=sku,
        address=address,
        status=status,
        limit=limit,
        offset=offset,
    )


@tools.tool(scope="orders:list", risk=Risk.READ, rest="GET /orders")
async def get_all_orders(ctx: Context, limit: Limit = 20, offset: Offset = 0) -> OrderList:
    """List the orders of all customers, the newest first.

    Args:
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    return await service.find(ctx.db, ctx.tenant, limit=limit, offset=offset)


async def can_move_on(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """See that an order can become of a status."""
    order = await service.get(ctx.db, ctx.tenant, arguments["order_id"])
    service.check_transition(order.id, order.status, arguments["status"])


@tools.tool(
    scope="orders:write",
    risk=Risk.WRITE,
    rest="PATCH /orders/{order_id}/status",
    facts=order_facts,
    possible=can_move_on,
)
async def update_order_status(ctx: Context, order_id: OrderId, status: Status) -> OrderChanged:
    """Move an order on to another status.

    A pending order can be confirmed or cancelled, a confirmed one shipped or cancelled, a shipped
    one delivered or returned, a delivered one returned.

    Args:
        order_id: The order.
        status: What it becomes.
    """
    order = await service.set_status(ctx.db, ctx.tenant, order_id, status, call=ctx.request_id)
    return OrderChanged(
        success=True, message=f"Order {order.id} is now {order.status}.", order=order
    )


def refund_spends(arguments: Mapping[str, Any], order: Mapping[str, Any]) -> Spent:
    """What a refund spends."""
    currency = order["currency"]
    return Spent(paying.of_order(arguments["amount"], currency), currency)


@tools.tool(
    scope="orders:refund",
    risk=Risk.DESTRUCTIVE,
    rest="POST /orders/{order_id}/refunds",
    facts=refund_facts,
    possible=can_refund,
    spends=refund_spends,
)
async def refund_order(
    ctx: Context,
    order_id: OrderId,
    amount: Amount,
    reason: Annotated[str, Field(min_length=1, max_length=1000, examples=["It came broken."])],
) -> RefundGranted:
    """Grant a refund of all or a part of what was paid for an order.

    Args:
        order_id: The order.
        amount: How much, in the order's currency.
        reason: Why.
    """
    return await service.refund(
        ctx.db,
        ctx.tenant,
        order_id,
        refund_id=ctx.effect_id,
        amount=amount,
        reason=reason,
        call=ctx.request_id,
        pays=ctx.port(Payouts).payments.pays,
    )


@tools.tool(
    scope="orders:pay",
    risk=Risk.WRITE,
    rest="POST /orders/{order_id}/payments",
    facts=order_facts,
)
async def record_payment(
    ctx: Context,
    order_id: OrderId,
    amount: Amount,
    reference: Annotated[str, Field(min_length=1, max_length=200, examples=["Bank transfer 4711"])],
) -> PaymentRecorded:
    """Record money that came in for an order. Only what came in can be refunded.

    Args:
        order_id: The order.
        amount: How much, in the order's currency.
        reference: By what it can be found where it came in.
    """
    return await service.record_payment(
        ctx.db,
        ctx.tenant,
        order_id,
        payment_id=ctx.effect_id,
        amount=amount,
        reference=reference,
        call=ctx.request_id,
    )
