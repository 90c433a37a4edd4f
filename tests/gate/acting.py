"""Gates as of several processes on one database, and refunds to race with."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Database
from deskward.core.settings import Settings
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.gate.policy.engine import Policy
from deskward.orders.models import refunds
from deskward.orders.payments import LedgerOnly
from deskward.orders.payouts import Payouts
from deskward.orders.service import set_status
from deskward.security.principals import Principal
from tests.conftest import STAFF
from tests.everything import GROUPS
from tests.policies import FILES, policy_of

TOOLS = [tool for group in GROUPS for tool in group.tools]
SHIPPED = policy_of(FILES, TOOLS)


@contextlib.asynccontextmanager
async def gates(
    settings: Settings, count: int, policy: Policy = SHIPPED
) -> AsyncIterator[list[Gate]]:
    """Gates with connections of their own to one database."""
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            database = Database(settings.database_location)
            stack.push_async_callback(database.close)
            ports: dict[type, Any] = {Payouts: Payouts(database, LedgerOnly())}
            gate = Gate(TOOLS, database=database, policy=policy, key=settings.key, ports=ports)
            made.append(gate)
        yield made


async def ordered(gate: Gate, owner: str = "user_001", currency: str = "USD") -> str:
    """A confirmed order over 1000."""
    outcome = await gate.call(
        "create_order",
        {
            "customer_id": owner,
            "lines": [{"sku": "A", "description": "A", "quantity": 1, "unit_price": "1000"}],
            "currency": currency,
            "shipping_address": "1 Long Road, Boston",
        },
        Context(STAFF, "rest"),
    )
    order_id = str(outcome.value["order_id"])
    async with gate.database.transaction() as transaction:
        await set_status(transaction, "default", order_id, "confirmed", call="test")
    return order_id


async def refund(
    gate: Gate, order_id: str, amount: str, by: Principal = STAFF, key: str | None = None
) -> Outcome:
    """Refund a part of an order."""
    arguments = {"order_id": order_id, "amount": amount, "reason": "Broken."}
    return await gate.call("refund_order", arguments, Context(by, "rest"), idempotency_key=key)


async def refunded(gate: Gate, order_ids: Iterable[str]) -> int:
    """What was refunded of orders, in minor units."""
    numbers = [int(order_id[1:]) for order_id in order_ids]
    row = await gate.database.reader.first(
        sa.select(sa.func.sum(refunds.c.amount)).where(refunds.c.order_number.in_(numbers))
    )
    return int(row[0] or 0) if row else 0
