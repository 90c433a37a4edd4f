"""Limits over many records hold whatever comes at once: what was done today is counted."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from deskward.app import Desk
from deskward.core.settings import Settings
from deskward.gate import counters, judging
from deskward.gate.approvals import ApprovalVoid
from deskward.gate.approved import run_approved
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.policy.engine import Verdict
from deskward.gate.tool import Risk, ToolGroup
from deskward.orders.models import RefundGranted
from deskward.security.api_keys import ApiKeys
from deskward.security.principals import Kind, Principal
from tests.conftest import STAFF, Call, recorded
from tests.gate.acting import SHIPPED, TOOLS, gates, ordered, refund, refunded
from tests.policies import policy_of
from tests.rounds import rounds

LEAD = Principal(Kind.STAFF, "lena", "default", ("support-3",))
LIMIT = 5000
"""What support refunds unattended, in cents: of an order, for a customer, and by itself, a day."""
_numbers = count()


def somebody(key: str | None = None) -> Principal:
    """A member of staff who has done nothing yet."""
    return dataclasses.replace(STAFF, id=f"staff-{next(_numbers)}", key=key)


async def counted(gate: Gate) -> dict[tuple[str, str], tuple[int, int]]:
    """What is counted of refunds: whose → calls and sum."""
    rows = await gate.database.reader.all(
        sa.select(counters.counters).where(counters.counters.c.name == "orders:refund")
    )
    return {(row.whose, row.owner): (row.calls, row.amount) for row in rows}


async def twenty(several: list[Gate], order_ids: list[str], by: list[Principal]) -> None:
    """Twenty refunds of $50 at once, of which only one is within what support does alone."""
    calls = (
        refund(several[n % len(several)], order_ids[n % len(order_ids)], "50", by[n % len(by)])
        for n in range(20)
    )
    statuses = Counter(outcome.status for outcome in await asyncio.gather(*calls))
    assert statuses == {"ok": 1, "pending": 19}
    assert await refunded(several[0], order_ids) == LIMIT


async def test_twenty_orders_of_a_customer_are_one_sum(settings: Settings) -> None:
    async with gates(settings, 2) as several:
        order_ids = [await ordered(several[0]) for _ in range(20)]
        await twenty(several, order_ids, [somebody() for _ in range(20)])


async def test_twenty_customers_of_a_member_of_staff_are_one_sum(settings: Settings) -> None:
    async with gates(settings, 2) as several:
        order_ids = [await ordered(several[0], f"user_00{n}") for n in (1, 2, 3)]
        await twenty(several, order_ids, [somebody()])


async def test_all_who_come_with_a_key_are_one_sum(settings: Settings) -> None:
    async with gates(settings, 2) as several:
        order_ids = [await ordered(several[0], f"user_00{n}") for n in (1, 2, 3)]
        keys = ApiKeys(several[0].database, SHIPPED.roles)
        _, key = await keys.create(
            tenant_id=STAFF.tenant, kind=STAFF.kind, subject_id="a-client", roles=STAFF.roles
        )
        await twenty(several, order_ids, [somebody(key.prefix) for _ in range(20)])


@pytest.mark.slow
async def test_a_limit_over_orders_holds_in_many_races_of_32(settings: Settings) -> None:
    async with gates(settings, 4) as several:
        for _ in range(rounds(15, 100)):
            by = somebody()
            order_ids = [await ordered(several[0], f"user_00{n}") for n in (1, 2)]
            async with several[0].database.transaction() as transaction:
                await transaction.execute(sa.delete(counters.counters))
            calls = (refund(several[n % 4], order_ids[n % 2], "30", by) for n in range(32))
            statuses = Counter(outcome.status for outcome in await asyncio.gather(*calls))
            assert statuses == {"ok": 1, "pending": 31}


ATTEMPTS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 3),
        st.integers(0, 2),
        st.integers(1, 60),
        st.integers(0, 5),
        st.sampled_from([None, None, "k1", "k2"]),
    ),
    min_size=2,
    max_size=14,
)


@examples(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ATTEMPTS)
async def test_no_interleaving_passes_a_limit(settings: Settings, attempts: list[Any]) -> None:
    await interleaved(settings, attempts)


@pytest.mark.slow
@examples(max_examples=rounds(40, 150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ATTEMPTS)
async def test_none_of_many_interleavings_passes_a_limit(
    settings: Settings, attempts: list[Any]
) -> None:
    await interleaved(settings, attempts)


async def interleaved(settings: Settings, attempts: list[Any]) -> None:
    """Refunds of two customers' orders, by three members of staff, over three gates."""
    async with gates(settings, 3) as several:
        async with several[0].database.transaction() as transaction:
            await transaction.execute(sa.delete(counters.counters))
        staff = [somebody() for _ in range(3)]
        order_ids = [await ordered(several[0], f"user_00{1 + n % 2}") for n in range(4)]

        async def attempt(one: Any) -> tuple[Any, str]:
            gate, order, by, dollars, turns, key = one
            for _ in range(turns):
                await asyncio.sleep(0)
            outcome = await refund(several[gate], order_ids[order], str(dollars), staff[by], key)
            return one, "again" if outcome.repeated else outcome.status

        ended = await asyncio.gather(*map(attempt, attempts))
        done = [one for one, status in ended if status == "ok"]
        sums: defaultdict[tuple[str, str], int] = defaultdict(int)
        for _, order, by, dollars, _, _ in done:
            sums["customer", f"customer:user_00{1 + order % 2}"] += 100 * dollars
            sums["principal", staff[by].label] += 100 * dollars
            sums["tenant", ""] += 100 * dollars
        assert all(total <= LIMIT for (whose, _), total in sums.items() if whose != "tenant")
        assert {whose: total for whose, (_, total) in (await counted(several[0])).items()} == sums
        assert await refunded(several[0], order_ids) == sums["tenant", ""]


async def test_what_fails_is_not_counted(desk: Desk, call: Call) -> None:
    order_id = await ordered(desk.gate)
    outcome = await refund(desk.gate, order_id, "2000", LEAD)
    assert outcome.value["error"]["code"] == "CONFLICT"  # more than was paid
    assert await counted(desk.gate) == {}


async def test_what_waits_is_counted_once_it_is_made(desk: Desk, call: Call) -> None:
    order_id = await ordered(desk.gate)
    asked = await refund(desk.gate, order_id, "60")
    assert await counted(desk.gate) == {}
    waiting = await desk.gate.approvals.get(
        desk.database.reader, "default", asked.value["approval_id"]
    )
    async with desk.database.transaction() as transaction:
        await desk.gate.approvals.decide(
            transaction, waiting, "approved", by="staff:lena", comment=""
        )
    waiting = await desk.gate.approvals.get(desk.database.reader, "default", waiting.id)
    for _ in range(2):  # twice asked for, once made
        assert (await run_approved(desk.gate, waiting)).status == "ok"
    assert (await counted(desk.gate))["customer", "customer:user_001"] == (1, 6000)
    assert (await refund(desk.gate, await ordered(desk.gate), "1")).status == "pending"


async def test_a_repetition_is_answered_whatever_the_limit_and_counts_once(
    desk: Desk, call: Call
) -> None:
    order_id = await ordered(desk.gate)
    text = """
        @id("all") permit (principal, action, resource);
        @id("never-more") forbid (principal, action == Action::"refund_order", resource)
        when { context.today.principal.count > 1 };
    """
    desk.gate.policy = policy_of(text, TOOLS)
    outcomes = [await refund(desk.gate, order_id, "50", key="k") for _ in range(3)]
    assert [outcome.repeated for outcome in outcomes] == [False, True, True]
    assert (await counted(desk.gate))["principal", "staff:anna"] == (1, 5000)
    other = await refund(desk.gate, order_id, "50", key="another")
    assert other.value["error"]["code"] == "FORBIDDEN"


async def test_a_limit_that_was_reached_while_a_call_waited_holds(desk: Desk, call: Call) -> None:
    """What a person approves is judged again, by what was done in the meantime."""
    text = """
        @id("all") permit (principal, action, resource);
        @id("ask") forbid (principal, action == Action::"refund_order", resource)
        when { context.unattended && context.record.amount > 5000 };
        @id("never-more") forbid (principal, action == Action::"refund_order", resource)
        when { context.today.customer.amount > 10000 };
    """
    desk.gate.policy = policy_of(text, TOOLS)
    first, other = await ordered(desk.gate), await ordered(desk.gate)
    asked = await refund(desk.gate, first, "60")
    for _ in range(2):
        assert (await refund(desk.gate, other, "25")).status == "ok"
    waiting = await desk.gate.approvals.get(
        desk.database.reader, "default", asked.value["approval_id"]
    )
    refused = await call("approve_call", LEAD, approval_id=waiting.id)
    assert refused.value["error"]["details"] == {"policies": ["never-more"]}
    outcome = await run_approved(desk.gate, waiting)  # as one that was approved before
    assert outcome.value["error"]["details"] == {"policies": ["never-more"]}
    assert await refunded(desk.gate, [first]) == 0


async def test_a_record_that_changes_between_approval_and_deed_voids_it(
    desk: Desk, call: Call
) -> None:
    order_id = await ordered(desk.gate)
    asked = await refund(desk.gate, order_id, "60")
    waiting = await desk.gate.approvals.get(
        desk.database.reader, "default", asked.value["approval_id"]
    )
    assert (await refund(desk.gate, order_id, "5", LEAD)).status == "ok"
    outcome = await run_approved(desk.gate, waiting)
    assert outcome.error is not None
    assert isinstance(outcome.error, ApprovalVoid)


async def test_currencies_are_not_added_and_calls_are(desk: Desk, call: Call) -> None:
    dollars, euros = await ordered(desk.gate), await ordered(desk.gate, currency="EUR")
    by = somebody()
    for order_id in (dollars, euros):
        assert (await refund(desk.gate, order_id, "40", by)).status == "ok"
    outcome = await refund(desk.gate, euros, "20", by)
    assert outcome.status == "pending"
    facts = (await recorded(desk))[-1]["facts"]
    assert facts["today"]["principal"] == {"count": 3, "amount": 6000}
    assert facts["today"]["key"] == {"count": 0, "amount": 0}


async def test_a_mail_that_is_not_sent_is_not_counted(
    desk: Desk, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = {"to": "alex.morgan@example.com", "subject": "A", "body": "B"}
    assert (await call("send_text_email", STAFF, **mail)).status == "ok"

    async def mails() -> list[int]:
        rows = await desk.database.reader.all(
            sa.select(counters.counters).where(counters.counters.c.name == "email:send")
        )
        return sorted(row.calls for row in rows)

    before = await mails()
    assert set(before) == {1}
    failing = {**mail, "attachments": ["f" * 32], "to": [mail["to"]]}
    assert (await call("send_email_with_attachments", STAFF, **failing)).error is not None
    assert await mails() == before


async def test_the_days_are_those_of_the_desks_zone(
    sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = sqlite_desk.gate
    gate.zone = ZoneInfo("Pacific/Auckland")
    order_id = await ordered(gate)
    moment = datetime(2026, 6, 1, 11, 59, tzinfo=ZoneInfo("UTC"))  # one minute before midnight
    for later, day in ((0, date(2026, 6, 1)), (1, date(2026, 6, 2)), (3000, date(2026, 6, 4))):
        at = moment + timedelta(minutes=later)
        monkeypatch.setattr(judging, "now", lambda at=at: at)
        assert (await refund(gate, order_id, "10", LEAD)).status == "ok"
        days = await gate.database.reader.all(sa.select(counters.counters.c.day).distinct())
        assert max(row.day for row in days) == day
    # The first refund of a day forgets what is over for more than a day.
    assert [row.day for row in days] == [date(2026, 6, 4)]


def test_what_destroys_or_acts_outside_is_counted_without_a_word() -> None:
    uncounted = [tool.name for tool in TOOLS if not tool.counted]
    assert {TOOL.risk for TOOL in TOOLS if TOOL.name in uncounted} == {Risk.READ, Risk.WRITE}
    assert all(tool.counted for tool in TOOLS if tool.risk in (Risk.DESTRUCTIVE, Risk.OUTSIDE))


def test_a_tool_that_takes_an_amount_and_does_not_say_what_it_spends_is_an_error() -> None:
    tools = ToolGroup("probe")

    async def pay_out(ctx: Context, amount: int) -> RefundGranted:
        """Pay."""
        raise NotImplementedError

    for risk in (Risk.DESTRUCTIVE, Risk.OUTSIDE):
        with pytest.raises(TypeError, match="spends"):
            tools.tool(scope="orders:refund", risk=risk, rest="POST /probe")(pay_out)


def test_facts_from_before_there_were_counters_say_that_nothing_was_done() -> None:
    facts = {
        "door": "rest",
        "args": {},
        "taint": [],
        "tainted": False,
        "own_words": False,
        "about_known": True,
        "weekday": 3,
        "minute": 720,
        "doubts": [],
        "record": {"amount": 100, "currency": "USD"},
    }
    decision = SHIPPED.judge_named("refund_order", STAFF, facts)
    assert (decision.verdict, decision.errors) == (Verdict.ALLOW, ())
