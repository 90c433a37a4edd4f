"""A call is judged by the record as it is when the call acts, and no call comes in between."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
import sqlalchemy as sa

from deskward.core.database import now
from deskward.core.locking import locked
from deskward.core.settings import Settings
from deskward.gate.call import Gate
from deskward.gate.tool import Risk
from deskward.orders.models import orders, refunds
from deskward.tickets.models import tickets
from tests.gate.acting import TOOLS, gates, ordered, refund, refunded
from tests.policies import policy_of
from tests.rounds import rounds

PER_ORDER = policy_of(
    """
    @id("all") permit (principal, action, resource);
    @id("more-than-50-of-an-order-ask")
    forbid (principal, action == Action::"refund_order", resource)
    when { context.unattended && context.record.amount > 5000 };
    """,
    TOOLS,
)


async def race(several: list[Gate]) -> None:
    """32 refunds of $30 at once on an order of which $50 may be refunded unattended."""
    order_id = await ordered(several[0])
    calls = (refund(several[n % len(several)], order_id, "30") for n in range(32))
    outcomes = await asyncio.gather(*calls)
    assert Counter(outcome.status for outcome in outcomes) == {"ok": 1, "pending": 31}
    assert await refunded(several[0], [order_id]) == 3000


async def test_of_32_refunds_at_once_the_limit_lets_one_through(settings: Settings) -> None:
    async with gates(settings, 3, PER_ORDER) as several:
        for _ in range(3):
            await race(several)


@pytest.mark.slow
async def test_of_32_refunds_at_once_the_limit_lets_one_through_many_times(
    settings: Settings,
) -> None:
    async with gates(settings, 4, PER_ORDER) as several:
        for _ in range(rounds(15, 100)):
            await race(several)


async def test_what_changes_while_a_call_waits_is_known_to_policy(settings: Settings) -> None:
    """Another process refunds while this one is about to: it waits, and counts that in."""
    async with gates(settings, 2, PER_ORDER) as (here, there):
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
    composed = ["handle_ticket", "draft_article", "answer_step_by_test", "s3_download_file"]
    assert [tool.name for tool in TOOLS if tool.composed] == composed
    assert all(tool.risk is not Risk.READ for tool in TOOLS if tool.composed)
