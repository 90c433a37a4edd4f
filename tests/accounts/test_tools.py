"""Accounts: money, transactions, details, password, address, cards."""

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from deskward.accounts.models import accounts
from deskward.app import Desk
from deskward.core.money import format_money
from deskward.security.passwords import verify_password
from tests.conftest import OTHER, STAFF, Call


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (542050, "USD", "$5,420.50"),
        (-8999, "USD", "-$89.99"),
        (985000, "JPY", "¥985,000"),
        (7700, "EUR", "€77.00"),
        (1234, "KWD", "KWD\u00a01.234"),
        (0, "USD", "$0.00"),
        (10**15, "USD", "$10,000,000,000,000.00"),
    ],
)
def test_money_is_written_in_its_currency(amount: int, currency: str, text: str) -> None:
    assert format_money(amount, currency) == text


async def test_transactions_come_newest_first(call: Call) -> None:
    history = (await call("get_transaction_history")).value["transactions"]
    assert [t["description"] for t in history] == ["Amazon Purchase", "Salary Deposit"]
    assert [t["amount"]["amount"] for t in history] == [-8999, 350000]
    assert len((await call("get_transaction_history", limit=1)).value["transactions"]) == 1


async def test_details_hold_everything_but_secrets(call: Call) -> None:
    outcome = await call("get_account_details")
    assert outcome.value["email"] == "alex.morgan@example.com"
    assert [card["last4"] for card in outcome.value["cards"]] == ["4242", "4444"]
    assert "password" not in outcome.text


async def test_a_password_is_changed_to_its_hash(desk: Desk, call: Call) -> None:
    await call("change_password", new_password="newSecurePass123")
    row = await desk.database.reader.first(
        sa.select(accounts.c.password_hash).where(
            accounts.c.user_id == "user_001", accounts.c.tenant_id == "default"
        )
    )
    assert row is not None
    assert await verify_password(row.password_hash, SecretStr("newSecurePass123"))


async def test_an_address_is_replaced(call: Call) -> None:
    outcome = await call("update_address", new_address="5 Main Street, Boston, MA 02101")
    assert outcome.value["address"] == "5 Main Street, Boston, MA 02101"
    assert (await call("get_customer")).value["address"] == "5 Main Street, Boston, MA 02101"


@pytest.mark.parametrize(
    "card", ["4242", "4242424242424242", "4242 4242 4242 4242", "4242-4242-4242-4242", " 4242 "]
)
async def test_a_card_is_named_by_its_digits(sqlite_call: Call, card: str) -> None:
    outcome = await sqlite_call("deactivate_card", card=card)
    assert outcome.value["card"] == {
        "card_id": "card_001",
        "brand": "Visa",
        "last4": "4242",
        "status": "deactivated",
    }
    again = await sqlite_call("deactivate_card", card=card)
    assert again.value["error"]["code"] == "CONFLICT"


async def test_the_only_active_card_need_not_be_named(call: Call) -> None:
    assert (await call("deactivate_card")).value["error"]["message"].endswith("4242, 4444.")
    await call("deactivate_card", card="4242")
    assert (await call("deactivate_card")).value["card"]["last4"] == "4444"
    assert (await call("deactivate_card")).value["error"]["code"] == "CARD_NOT_FOUND"
    assert (await call("deactivate_card", OTHER)).value["card"]["last4"] == "1881"


async def test_a_freeze_can_be_undone_and_a_deactivation_cannot(call: Call) -> None:
    frozen = await call("freeze_card", card="4242")
    assert [card["status"] for card in frozen.value["cards"]] == ["frozen"]
    assert (await call("freeze_card", card="4242")).value["error"]["code"] == "CONFLICT"
    assert (await call("unfreeze_card", card="4242")).value["cards"][0]["status"] == "active"
    assert (await call("unfreeze_card", card="4242")).value["error"]["code"] == "CONFLICT"
    await call("freeze_card", card="4242")
    assert (await call("deactivate_card", card="4242")).value["card"]["status"] == "deactivated"
    assert (await call("unfreeze_card", card="4242")).value["error"]["code"] == "CONFLICT"


async def test_without_a_card_all_are_frozen(call: Call) -> None:
    frozen = (await call("freeze_card")).value["cards"]
    assert [(card["last4"], card["status"]) for card in frozen] == [
        ("4242", "frozen"),
        ("4444", "frozen"),
    ]
    error = (await call("freeze_card")).value["error"]
    assert (error["code"], error["message"]) == (
        "CARD_NOT_FOUND",
        "No card of this account is active.",
    )
    assert len((await call("unfreeze_card")).value["cards"]) == 2
    assert (await call("get_account_details", OTHER)).value["cards"][0]["status"] == "active"


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("12", "INVALID_INPUT"),
        ("abcd", "CARD_NOT_FOUND"),
        ("Visa 12", "INVALID_INPUT"),
        ("٤٢٤٢", "INVALID_INPUT"),
        ("9999", "CARD_NOT_FOUND"),
        ("1881", "CARD_NOT_FOUND"),
    ],
)
async def test_a_card_that_is_not_there(sqlite_call: Call, card: str, code: str) -> None:
    assert (await sqlite_call("deactivate_card", card=card)).value["error"]["code"] == code


@pytest.mark.parametrize(
    "tool",
    ["get_account_balance", "get_account_details", "get_transaction_history", "get_customer"],
)
async def test_nobody_is_not_found(sqlite_call: Call, tool: str) -> None:
    name = "customer_id" if tool == "get_customer" else "user_id"
    outcome = await sqlite_call(tool, STAFF, **{name: "nobody"})
    assert outcome.value["error"]["code"] in ("ACCOUNT_NOT_FOUND", "CUSTOMER_NOT_FOUND")


async def test_a_card_is_named_by_its_make_where_there_is_one_of_it(sqlite_call: Call) -> None:
    frozen = (await sqlite_call("freeze_card", card="master card")).value["cards"]
    assert [card["last4"] for card in frozen] == ["4444"]
    assert (await sqlite_call("freeze_card", card="Amex")).value["error"]["code"] == (
        "CARD_NOT_FOUND"
    )
