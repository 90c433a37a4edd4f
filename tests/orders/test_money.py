"""What came in for an order, what goes back, and what becomes of paying it out."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from babel.core import get_global
from babel.numbers import get_currency_precision, get_territory_currencies, list_currencies

from deskward.agent.model import Model
from deskward.app import Desk, open_desk
from deskward.core import jobs
from deskward.core.currencies import TENDER, places_of
from deskward.core.errors import Conflict
from deskward.core.money import decimal_of, format_money, minor_units
from deskward.core.settings import Settings
from deskward.gate.approvals import approvals
from deskward.orders.models import refunds
from deskward.security.principals import Kind, Principal
from tests.conftest import OTHER, STAFF, Call, caller
from tests.everything import RECORDS
from tests.services.provider import Provider, Way, provider

LEAD = Principal(Kind.STAFF, "lea", "default", ("support-3",))


async def refund(call: Call, amount: str, order_id: str = "O1001", **more: Any) -> Any:
    arguments = {"order_id": order_id, "amount": amount, "reason": "It came broken."}
    return await call("refund_order", LEAD, **arguments, **more)


async def test_what_was_never_paid_is_not_refunded_whatever_came_of_the_order(call: Call) -> None:
    for order_id, way in (("O1003", ()), ("O1003", ("cancelled",))):
        for status in way:
            await call("update_order_status", STAFF, order_id=order_id, status=status)
        refused = await refund(call, "1.00", order_id)
        assert refused.value["error"]["code"] == "CONFLICT"
        assert "Nothing was paid" in refused.value["error"]["message"]


async def test_what_was_paid_can_be_refunded_once_it_is_cancelled(call: Call) -> None:
    paid = {"order_id": "O1003", "amount": "20.00", "reference": "Bank transfer 7"}
    assert (await call("record_payment", LEAD, **paid)).value["paid"]["amount"] == 2000
    over = await call("record_payment", LEAD, **{**paid, "amount": "36.51"})
    assert "no more than $36.50 is left to pay" in over.value["error"]["message"]
    await call("update_order_status", STAFF, order_id="O1003", status="cancelled")
    assert "no more than $20.00" in (await refund(call, "20.01", "O1003")).value["error"]["message"]
    granted = (await refund(call, "20.00", "O1003")).value
    assert (granted["status"], granted["refunded"]["amount"]) == ("granted", 2000)
    assert "paid out elsewhere" in granted["message"]
    order = (await call("get_order_by_id", LEAD, order_id="O1003")).value
    assert (order["paid"]["amount"], order["refunded"]["amount"]) == (2000, 2000)
    (came,), (back,) = order["payments"], order["refunds"]
    assert came["reference"] == "Bank transfer 7"
    assert came["call"]
    assert back["call"]
    assert back["status"] == "granted"
    assert back["call"] != came["call"]


async def test_impossible_amounts_are_refused_before_anybody_is_asked(
    desk: Desk, call: Call
) -> None:
    refused = await call("refund_order", STAFF, order_id="O1004", amount="9999.00", reason="Late.")
    assert refused.value["error"]["code"] == "CONFLICT"
    assert "no more than $438.00" in refused.value["error"]["message"]
    assert await desk.database.reader.all(sa.select(approvals.c.id)) == []


async def test_a_confirmed_order_is_paid_by_the_call_that_confirmed_it(call: Call) -> None:
    await call("update_order_status", STAFF, order_id="O1003", status="confirmed")
    order = (await call("get_order_by_id", order_id="O1003")).value
    assert order["paid"] == order["total"]
    assert [one["amount"] for one in order["payments"]] == [order["total"]]


async def test_who_records_payments(sqlite_call: Call) -> None:
    paid = {"order_id": "O1003", "amount": "20.00", "reference": "x"}
    assert (await sqlite_call("record_payment", STAFF, **paid)).status == "pending"
    assert (await sqlite_call("record_payment", OTHER, **paid)).status == "error"


async def outcome(desk: Desk, *final: str) -> Any:
    for _ in range(3000):
        row = await desk.database.reader.first(sa.select(refunds))
        if row is not None and row.status in final:
            return row
        desk.jobs.wake()
        await asyncio.sleep(0.02)
    raise AssertionError(f"it is {row and row.status}: {row and row.detail}")


def paying(settings: Settings, there: Provider) -> Settings:
    return settings.changed(payments_url=there.url, payments_key="s3cret", payments_timeout=2.0)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deskward.orders.payouts.RETRIES", (0.02,))


@pytest.mark.parametrize(
    ("ways", "status", "asked"),
    [
        (["succeeded"], "paid", 1),
        (["pending", "pending", "succeeded"], "paid", 3),
        (["failed"], "failed", 1),
        (["cut", "succeeded"], "paid", 2),
        (["silent", "silent"], "paid", 2),
        (["busy", "broken", "nonsense", "succeeded"], "paid", 4),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
)
async def test_a_refund_is_paid_out_once_whatever_the_provider_answers(
    settings: Settings, offline: Model, ways: list[Way], status: str, asked: int
) -> None:
    async with provider() as there:
        there.ways = list(ways)
        async with open_desk(paying(settings, there), model=offline) as desk:
            call = caller(desk)
            granted = (await refund(call, "30.00")).value
            assert granted["status"] == "queued"
            assert "on its way" in granted["message"]
            row = await outcome(desk, "paid", "failed", "unknown")
            order = (await call("get_order_by_id", LEAD, order_id="O1001")).value
        assert (row.status, len(there.asked)) == (status, asked)
        assert set(there.asked) == {granted["refund_id"]}
        assert set(there.bearer) == {"Bearer s3cret"}
        assert len(there.paid) == (status == "paid")
        for body in there.paid.values():
            assert (body["amount"], body["currency"], body["order_id"]) == ("30.00", "USD", "O1001")
        (shown,) = order["refunds"]
        assert shown["status"] == status
        assert order["refunded"]["amount"] == (3000 if status == "paid" else 0)
        if status == "failed":
            assert shown["detail"] == "The card was closed."


async def test_nobody_knows_after_a_day(
    settings: Settings, offline: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    monkeypatch.setattr("deskward.orders.payouts.GIVE_UP", timedelta())
    async with provider() as there:
        there.ways = ["broken"]
        async with open_desk(paying(settings, there), model=offline) as desk:
            await refund(caller(desk), "30.00")
            assert (await outcome(desk, "unknown")).detail == "oh"
            over = (await refund(caller(desk), "80.00")).value
            assert "no more than" in over["error"]["message"]  # it may have been paid


async def test_a_failed_refund_leaves_room_and_is_not_tried_again_beside_another(
    settings: Settings, offline: Model
) -> None:
    async with provider() as there:
        there.ways = ["failed", "succeeded"]
        async with open_desk(paying(settings, there), model=offline) as desk:
            first = (await refund(caller(desk), "89.80")).value
            row = await outcome(desk, "failed")
            assert (await refund(caller(desk), "89.80")).status == "ok"
            job = jobs.Job(row.id, "orders.payout", _payload(row), 1, "")
            with pytest.raises(Conflict, match="in its place"):
                async with desk.database.transaction() as transaction:
                    await RECORDS["orders.payout"].again(transaction, job)
            assert first["refund_id"] == row.id


async def test_a_payout_whose_process_died_is_asked_for_under_its_key(
    settings: Settings, offline: Model
) -> None:
    async with provider() as there:
        there.ways = ["silent"]
        slow = paying(settings, there).changed(payments_timeout=30.0)
        async with open_desk(slow, model=offline) as desk:
            await refund(caller(desk), "30.00")
            while not there.asked:
                await asyncio.sleep(0.02)
        there.ways = ["succeeded"]
        async with open_desk(paying(settings, there), model=offline) as desk:
            async with desk.database.transaction() as transaction:  # its lease is over
                table = jobs.jobs
                past = sa.func.now() if transaction.dialect == "postgresql" else table.c.created_at
                await transaction.execute(sa.update(table).values(due_at=past))
            assert (await outcome(desk, "paid")).reference.startswith("pay-")
        assert len(there.paid) == 1
        assert len(set(there.asked)) == 1


def _payload(row: Any) -> dict[str, str]:
    return {"tenant": row.tenant_id, "refund_id": row.id}


async def test_money_comes_out_in_the_form_in_which_it_goes_in(call: Call) -> None:
    """A price of 25,000,000 dong as well: its currency has no smaller unit."""
    line = {"sku": "TV-1", "description": "TV", "quantity": 2, "unit_price": "25000000"}
    order = {"lines": [line], "currency": "VND", "shipping_address": "1 Test Road, Ely"}
    made = (await call("create_order", customer_id="user_001", **order)).value
    assert made["total"]["value"] == "50000000"
    paid = {"order_id": made["order_id"], "amount": made["total"]["value"], "reference": "7"}
    assert (await call("record_payment", LEAD, **paid)).value["paid"] == made["total"]
    assert (await call("get_account_balance")).value["balance"]["value"] == "5420.50"


async def test_what_cannot_be_reckoned_exactly_is_refused(call: Call) -> None:
    line = {"sku": "X", "description": "X", "quantity": 10_000, "unit_price": "999999999999"}
    order = {"lines": [line], "currency": "USD", "shipping_address": "1 Test Road, Ely"}
    refused = await call("create_order", customer_id="user_001", **order)
    assert refused.value["error"]["code"] == "INVALID_INPUT"


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (123, "CHF", "CHF\u00a01.23"),
        (-123, "CHF", "-CHF\u00a01.23"),
        (123, "USD", "$1.23"),
        (25_000_000, "VND", "₫25,000,000"),
        (1234, "KWD", "KWD\u00a01.234"),
    ],
)
def test_a_letter_and_a_digit_have_a_space_between(amount: int, currency: str, said: str) -> None:
    assert format_money(amount, currency) == said
    assert minor_units(decimal_of(amount, currency), currency) == amount


def test_the_currencies_are_those_of_cldr() -> None:
    day = date(2026, 1, 1)
    found = {
        currency
        for territory in get_global("territory_currencies")
        for currency in get_territory_currencies(territory, day, non_tender=False)
    }
    assert sorted(found) == TENDER
    every = list_currencies() | {"XYZ"}
    assert {code: places_of(code) for code in every} == {
        code: get_currency_precision(code) for code in every
    }
