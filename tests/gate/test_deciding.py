"""A call is judged by the record as it is when the call acts, and no call comes in between."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterable

import pytest
import sqlalchemy as sa

from deskward.app import GROUPS
from deskward.core.database import Database, now
from deskward.core.locking import locked
from deskward.core.settings import Settings
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.gate.tool import Risk
from deskward.orders.models import orders, refunds
from deskward.tickets.models import tickets
from tests.conftest import STAFF
from tests.policies import FILES, policy_of

TOOLS = [tool for group in GROUPS for tool in group.tools]
POLICY = policy_of(FILES, TOOLS)


@contextlib.asynccontextmanager
async def gates(settings: Settings, count: int) -> AsyncIterator[list[Gate]]:
    """Gates as of so many processes: each with connections of its own to one database."""
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for _ in range(count):
            database = Database(settings.database_location)
            stack.push_async_callback(database.close)
            made.append(Gate(TOOLS, database=database, policy=POLICY, key=settings.key))
        yield made


async def ordered(gate: Gate, price: str = "1000", owner: str = "user_001") -> str:
    """A confirmed order."""
    outcome = await gate.call(
        "create_order",
        {
            "customer_id": owner,
            "lines": [{"sku": "A", "description": "A", "quantity": 1, "unit_price": price}],
            "currency": "USD",
            "shipping_address": "1 Long Road, Boston",
        },
        Context(STAFF, "rest"),
    )
    order_id = str(outcome.value["order_id"])
    async with gate.database.transaction() as transaction:
        await transaction.execute(
            sa.update(orders).where(orders.c.number == int(order_id[1:])).values(status="confirmed")
        )
    return order_id


async def refund(gate: Gate, order_id: str, amount: str) -> Outcome:
    arguments = {"order_id": order_id, "amount": amount, "reason": "Broken."}
    return await gate.call("refund_order", arguments, Context(STAFF, "rest"))


async def refunded(gate: Gate, order_ids: Iterable[str]) -> int:
    numbers = [int(order_id[1:]) for order_id in order_ids]
    row = await gate.database.reader.first(
        sa.select(sa.func.sum(refunds.c.amount)).where(refunds.c.order_number.in_(numbers))
    )
    return int(row[0] or 0) if row else 0


async def race(all_gates: list[Gate], order_id: str) -> None:
    """32 refunds of $30 at once on an order of which support may refund $50 alone."""
    calls = (refund(all_gates[n % len(all_gates)], order_id, "30") for n in range(32))
    outcomes = await asyncio.gather(*calls)
    assert Counter(outcome.status for outcome in outcomes) == {"ok": 1, "pending": 31}
    assert await refunded(all_gates[0], [order_id]) == 3000


async def test_of_32_refunds_at_once_the_limit_lets_one_through(settings: Settings) -> None:
    async with gates(settings, 3) as several:
        for _ in range(3):
            await race(several, await ordered(several[0]))


@pytest.mark.slow
async def test_of_32_refunds_at_once_the_limit_lets_one_through_100_times(
    settings: Settings,
) -> None:
    async with gates(settings, 4) as several:
        for _ in range(100):
            await race(several, await ordered(several[0]))


async def test_what_changes_while_a_call_waits_is_known_to_policy(settings: Settings) -> None:
    """Another process refunds while this one is about to: it waits, and counts that in."""
    async with gates(settings, 2) as (here, there):
        order_id = await ordered(here)
        number = int(order_id[1:])
        async with there.database.transaction() as other:
            await other.execute(
                sa.update(orders).where(orders.c.number == number).values(revision=7)
            )
            waiting = asyncio.create_task(refund(here, order_id, "30"))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            await other.execute(
                refunds.insert(),
                {
                    "tenant_id": "default",
                    "id": "f" * 32,
                    "order_number": number,
                    "amount": 4000,
                    "reason": "Late.",
                    "created_at": now(),
                },
            )
        outcome = await waiting
        assert outcome.status == "pending"
        assert await refunded(here, [order_id]) == 4000


def test_what_is_read_is_locked_and_what_is_counted_is_not() -> None:
    row = sa.select(tickets)
    taking = locked(row)
    assert isinstance(taking, sa.Select)
    assert "FOR NO KEY UPDATE" in str(taking.compile(dialect=sa.dialects.postgresql.dialect()))
    taken = row.with_for_update()
    assert locked(taken) is taken
    for counted in (
        sa.select(sa.func.count()).select_from(tickets),
        sa.select(sa.func.coalesce(sa.func.sum(tickets.c.revision), 0)),
        sa.select(sa.func.max(tickets.c.number) + 1),
    ):
        assert locked(counted) is counted


def test_only_what_works_by_other_calls_holds_no_transaction() -> None:
    assert [tool.name for tool in TOOLS if tool.composed] == ["handle_ticket"]
    assert all(tool.risk is not Risk.READ for tool in TOOLS if tool.composed)
