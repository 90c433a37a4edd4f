"""Orders: creating, finding, and moving from status to status."""

from typing import Any

import pytest

from deskward.gate.outcome import Outcome
from deskward.orders.service import TRANSITIONS
from deskward.security.principals import Principal
from tests.conftest import AUDITOR, CUSTOMER, FOREIGN, OTHER, SERVICE, STAFF, Call

KEYBOARD = {"sku": "KB-9", "description": "Keyboard", "quantity": 2, "unit_price": "49.95"}
CABLE = {"sku": "CB-9", "description": "Cable", "quantity": 3, "unit_price": "0.1"}
WAY_TO: dict[str, tuple[str, ...]] = {
    "pending": (),
    "confirmed": ("confirmed",),
    "shipped": ("confirmed", "shipped"),
    "delivered": ("confirmed", "shipped", "delivered"),
    "cancelled": ("cancelled",),
    "returned": ("confirmed", "shipped", "returned"),
}


def code(outcome: Outcome) -> str:
    error: str = outcome.value["error"]["code"]
    return error


def ids(outcome: Outcome) -> list[str]:
    return [order["id"] for order in outcome.value["orders"]]


async def create(call: Call, principal: Principal = CUSTOMER, **changes: Any) -> Outcome:
    order = {"lines": [KEYBOARD], "currency": "USD", "shipping_address": "1 Test Road, Ely"}
    outcome: Outcome = await call("create_order", principal, **{**order, **changes})
    return outcome


async def test_an_order_is_created_and_looked_up(call: Call) -> None:
    created = (await create(call, lines=[KEYBOARD, CABLE])).value
    total = {"amount": 10020, "currency": "USD", "value": "100.20", "formatted": "$100.20"}
    assert created == {
        "order_id": "O1007",
        "status": "pending",
        "total": total,
        "message": "Order O1007 was created.",
    }
    order = (await call("get_order_by_id", order_id="O1007")).value
    assert order["total"] == total
    assert [(line["sku"], line["total"]["amount"]) for line in order["lines"]] == [
        ("KB-9", 9990),
        ("CB-9", 30),
    ]
    assert (order["customer_id"], order["shipping_address"], order["revision"]) == (
        "user_001",
        "1 Test Road, Ely",
        1,
    )


async def test_numbers_count_up_per_tenant(call: Call) -> None:
    assert (await create(call)).value["order_id"] == "O1007"
    assert (await create(call)).value["order_id"] == "O1008"
    assert (await create(call, FOREIGN)).value["order_id"] == "O1002"


@pytest.mark.parametrize(
    ("price", "currency", "amount"),
    [
        ("0", "USD", 0),
        ("19.9", "EUR", 1990),
        ("32800", "JPY", 32800),
        ("1.234", "KWD", 1234),
        ("9999999.99", "USD", 999999999),
    ],
)
async def test_prices_are_exact(sqlite_call: Call, price: str, currency: str, amount: int) -> None:
    line = {**KEYBOARD, "quantity": 10_000, "unit_price": price}
    created = await create(sqlite_call, lines=[line], currency=currency)
    assert created.value["total"]["amount"] == 10_000 * amount


@pytest.mark.parametrize(
    "changes",
    [
        {"lines": []},
        {"lines": [KEYBOARD] * 51},
        {"lines": [{**KEYBOARD, "quantity": 0}]},
        {"lines": [{**KEYBOARD, "quantity": 10_001}]},
        {"lines": [{**KEYBOARD, "unit_price": "-1"}]},
        {"lines": [{**KEYBOARD, "unit_price": "1e3"}]},
        {"lines": [{**KEYBOARD, "unit_price": 1.5}]},
        {"lines": [{**KEYBOARD, "unit_price": "1.005"}]},
        {"lines": [{**KEYBOARD, "unit_price": "1.5"}], "currency": "JPY"},
        {"lines": [{**KEYBOARD, "sku": "KB 9"}]},
        {"lines": [{**KEYBOARD, "sku": "K" * 65}]},
        {"lines": [{**KEYBOARD, "description": "a\0b"}]},
        {"lines": [{**KEYBOARD, "total": "1"}]},
        {"currency": "QQQ"},
        {"currency": "usd"},
        {"shipping_address": "x" * 301},
        {"shipping_address": "1 Test\nRoad"},
        {"shipping_address": "1 Test\0Road"},
    ],
)
async def test_an_order_that_cannot_be_is_refused(call: Call, changes: dict[str, Any]) -> None:
    assert code(await create(call, **changes)) == "INVALID_INPUT"
    assert (await call("get_all_orders", STAFF)).value["total"] == 6


async def test_an_order_needs_a_customer_that_there_is(call: Call) -> None:
    assert code(await create(call, STAFF, customer_id="user_404")) == "CUSTOMER_NOT_FOUND"
    outcome = await call("get_orders_by_customer", STAFF, customer_id="user_404")
    assert code(outcome) == "CUSTOMER_NOT_FOUND"


@pytest.mark.parametrize("before", WAY_TO)
@pytest.mark.parametrize("after", WAY_TO)
async def test_an_order_moves_on_only_as_it_may(call: Call, before: str, after: str) -> None:
    await create(call)
    for step in WAY_TO[before]:
        await call("update_order_status", STAFF, order_id="O1007", status=step)
    outcome = await call("update_order_status", STAFF, order_id="O1007", status=after)
    order = (await call("get_order_by_id", order_id="O1007")).value
    if (before, after) in {
        ("pending", "confirmed"),
        ("pending", "cancelled"),
        ("confirmed", "shipped"),
        ("confirmed", "cancelled"),
        ("shipped", "delivered"),
        ("shipped", "returned"),
        ("delivered", "returned"),
    }:
        assert outcome.value["message"] == f"Order O1007 is now {after}."
        assert outcome.value["order"] == order
        assert (order["status"], order["revision"]) == (after, len(WAY_TO[before]) + 2)
        assert order["updated_at"] > order["created_at"]
    else:
        assert code(outcome) == "CONFLICT"
        allowed = list(TRANSITIONS[before])  # type: ignore[index]  # a status as text
        assert outcome.value["error"]["details"] == {"status": before, "allowed": allowed}
        assert all(status in outcome.value["error"]["message"] for status in allowed)
        assert order["status"] == before


async def test_a_change_of_what_is_not_there_is_refused(call: Call) -> None:
    outcome = await call("update_order_status", STAFF, order_id="O9999", status="shipped")
    assert code(outcome) == "ORDER_NOT_FOUND"
    outcome = await call("update_order_status", STAFF, order_id="O1003", status="lost")
    assert code(outcome) == "INVALID_INPUT"
    assert code(await call("get_order_by_id", order_id="T1001")) == "INVALID_INPUT"
    assert code(await call("get_order_by_id", order_id="O" + "9" * 18)) == "ORDER_NOT_FOUND"


async def test_customers_see_their_own_orders(call: Call) -> None:
    assert ids(await call("get_orders_by_customer")) == ["O1003", "O1002", "O1001"]
    assert ids(await call("search_orders")) == ["O1003", "O1002", "O1001"]
    assert ids(await call("get_orders_by_customer", OTHER)) == ["O1005", "O1004"]
    assert ids(await call("search_orders", STAFF, sku="KB-201")) == ["O1005", "O1001"]
    assert ids(await call("search_orders", sku="KB-201")) == ["O1001"]
    assert code(await call("get_order_by_id", order_id="O1004")) == "ORDER_NOT_FOUND"
    assert code(await call("search_orders", customer_id="user_002")) == "FORBIDDEN"
    assert code(await call("search_orders", customer_id=None)) == "FORBIDDEN"
    assert code(await call("get_orders_by_customer", customer_id="user_002")) == "FORBIDDEN"
    assert code(await call("get_all_orders")) == "FORBIDDEN"
    assert code(await create(call, customer_id="user_002")) == "FORBIDDEN"


async def test_a_customer_may_cancel_and_nothing_else(call: Call) -> None:
    for status in ("confirmed", "shipped", "delivered", "returned", "pending"):
        outcome = await call("update_order_status", order_id="O1003", status=status)
        assert code(outcome) == "FORBIDDEN"
    outcome = await call("update_order_status", OTHER, order_id="O1003", status="cancelled")
    assert code(outcome) == "ORDER_NOT_FOUND"
    outcome = await call("update_order_status", order_id="O1003", status="cancelled")
    assert outcome.value["order"]["status"] == "cancelled"
    outcome = await call("update_order_status", order_id="O1002", status="cancelled")
    assert code(outcome) == "CONFLICT"
    assert "can only become delivered or returned" in outcome.value["error"]["message"]


async def test_what_staff_and_services_may_do(call: Call) -> None:
    for principal in (STAFF, SERVICE):
        assert (await create(call, principal, customer_id="user_002")).status == "ok"
        order_id = (await call("search_orders", principal, status="pending")).value["orders"][0]
        changed = await call(
            "update_order_status", principal, order_id=order_id["id"], status="confirmed"
        )
        assert changed.status == "ok"
        assert (await call("get_all_orders", principal)).status == "ok"
    assert (await call("get_order_by_id", AUDITOR, order_id="O1001")).status == "ok"
    outcome = await call("update_order_status", AUDITOR, order_id="O1003", status="cancelled")
    assert code(outcome) == "FORBIDDEN"
    assert code(await create(call, AUDITOR, customer_id="user_001")) == "FORBIDDEN"


async def test_tenants_are_apart(call: Call) -> None:
    assert ids(await call("get_orders_by_customer", FOREIGN)) == ["O1001"]
    assert (await call("get_order_by_id", FOREIGN, order_id="O1001")).value["currency"] == "EUR"
    assert code(await call("get_order_by_id", FOREIGN, order_id="O1002")) == "ORDER_NOT_FOUND"
    assert ids(await call("search_orders", FOREIGN, sku="KB-201")) == []
    outcome = await call("update_order_status", FOREIGN, order_id="O1003", status="cancelled")
    assert code(outcome) == "ORDER_NOT_FOUND"
    assert (await call("get_order_by_id", order_id="O1003")).value["status"] == "pending"


async def test_orders_are_found_by_what_they_hold(call: Call) -> None:
    assert ids(await call("search_orders", STAFF, status="cancelled")) == ["O1005"]
    assert ids(await call("search_orders", STAFF, address="lake ROAD")) == ["O1005", "O1004"]
    assert ids(await call("search_orders", STAFF, address="Lake", status="confirmed")) == ["O1004"]
    assert ids(await call("search_orders", STAFF, customer_id="user_003")) == ["O1006"]
    assert ids(await call("search_orders", STAFF, sku="kb-201")) == []
    assert ids(await call("search_orders", address="Lake")) == []


async def test_an_address_is_searched_as_it_is_written(call: Call) -> None:
    for address in ("100% Street", "100 Street", "A_B Road", "AXB Road", "Back\\Slash", "A/B Lane"):
        await create(call, shipping_address=address)
    for wanted, found in (
        ("100%", ["O1007"]),
        ("%", ["O1007"]),
        ("a_b", ["O1009"]),
        ("\\", ["O1011"]),
        ("A/B", ["O1012"]),
        ("' OR 1=1 --", []),
    ):
        assert ids(await call("search_orders", address=wanted)) == found, wanted
    for bad in ("", "a\0b", "x" * 301):
        assert code(await call("search_orders", address=bad)) == "INVALID_INPUT"


async def test_orders_come_in_pages(call: Call) -> None:
    page = (await call("get_all_orders", STAFF, limit=2, offset=1)).value
    assert (page["total"], page["limit"], page["offset"]) == (6, 2, 1)
    assert [order["id"] for order in page["orders"]] == ["O1005", "O1004"]
    assert [len(order["lines"]) for order in page["orders"]] == [1, 1]
    assert ids(await call("get_orders_by_customer", limit=1, offset=2)) == ["O1001"]
    assert ids(await call("search_orders", limit=1)) == ["O1003"]
    assert ids(await call("get_all_orders", STAFF, offset=100)) == []
    for bad in ({"limit": 0}, {"limit": 101}, {"offset": -1}, {"offset": 10**9}):
        assert code(await call("get_all_orders", STAFF, **bad)) == "INVALID_INPUT"


async def test_the_same_key_creates_one_order(call: Call) -> None:
    order = {"lines": [KEYBOARD], "currency": "USD", "shipping_address": "1 Test Road, Ely"}
    first = await call("create_order", key="k", **order)
    again = await call("create_order", key="k", **order)
    assert first.value == again.value
    assert (await call("get_orders_by_customer")).value["total"] == 4
