"""The gate: validate, identify, policy, effect, run, ledger."""

import asyncio
import json

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.gate.approvals import approvals
from deskward.gate.context import Context
from tests.conftest import AUDITOR, CUSTOMER, FOREIGN, OTHER, SERVICE, STAFF, Call, hire, recorded


async def test_a_call_gives_the_answer_and_writes_a_row(desk: Desk, call: Call) -> None:
    outcome = await call("get_account_balance")
    assert outcome.value["balance"] == {
        "amount": 542050,
        "currency": "USD",
        "value": "5420.50",
        "formatted": "$5,420.50",
    }
    (row,) = await recorded(desk)
    assert row["tool"] == "get_account_balance"
    assert row["principal"]["id"] == "user_001"
    assert row["arguments"] == {"user_id": "user_001"}
    assert (row["verdict"], row["policies"]) == ("allow", ["customer-uses-own-accounts"])
    assert (row["status"], row.get("code")) == ("ok", None)
    assert row["result"] == outcome.value
    assert row["request_id"] == outcome.request_id


async def test_another_customer_is_refused_and_recorded(desk: Desk, call: Call) -> None:
    outcome = await call("get_account_balance", user_id="user_002")
    assert outcome.value["error"]["code"] == "FORBIDDEN"
    (row,) = await recorded(desk)
    assert row["arguments"] == {"user_id": "user_002"}
    assert (row["verdict"], row["policies"]) == ("deny", ["bound:user_id"])
    assert (row["status"], row["code"], row["result"]) == ("error", "FORBIDDEN", None)


async def test_the_tenant_is_the_callers(desk: Desk, call: Call) -> None:
    assert (await call("get_account_balance", FOREIGN)).value["balance"]["currency"] == "EUR"
    await call("create_ticket", subject="Ours", body="Ours")
    outcome = await call("get_ticket", FOREIGN, ticket_id="T1001")
    assert outcome.value["error"]["code"] == "TICKET_NOT_FOUND"


async def test_a_scope_that_is_missing_is_refused(call: Call) -> None:
    outcome = await call("update_ticket", ticket_id="T1001", update={"status": "open"})
    assert outcome.value["error"]["details"] == {"policies": ["scope:tickets:write"]}
    outcome = await call("get_account_balance", AUDITOR, user_id="user_001")
    assert outcome.value["error"]["code"] == "FORBIDDEN"


async def test_a_record_of_another_is_refused_by_policy(desk: Desk, call: Call) -> None:
    """The customer hears that it is not there; the ledger says which policy refused it."""
    await call("create_ticket", subject="Mine", body="Mine")
    outcome = await call("get_ticket", OTHER, ticket_id="T1001")
    missing = await call("get_ticket", OTHER, ticket_id="T4711")
    assert outcome.value["error"]["code"] == "TICKET_NOT_FOUND"
    said = json.dumps(outcome.value["error"]).replace("T1001", "T4711")
    assert json.loads(said) == missing.value["error"]
    row = (await recorded(desk))[1]
    assert (row["verdict"], row["policies"]) == ("deny", ["customer-not-others-records"])


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        ("get_transaction_history", {"limit": "five"}, "limit"),
        ("get_transaction_history", {"limit": "5"}, "limit"),
        ("get_transaction_history", {"limit": 0}, "limit"),
        ("get_transaction_history", {"limit": True}, "limit"),
        ("get_account_balance", {"extra": 1}, "extra"),
        ("create_ticket", {"subject": "A", "body": ""}, "body"),
        ("get_ticket", {"ticket_id": "1001"}, "ticket_id"),
        ("get_ticket", {}, "ticket_id"),
        ("get_ticket", {"ticket_id": None}, "ticket_id"),
        ("get_ticket", {"ticket_id": ["T1"]}, "ticket_id"),
        ("change_password", {"new_password": "short"}, "new_password"),
        ("change_password", {"new_password": 12345678}, "new_password"),
        ("update_address", {"new_address": "a\nb street 5"}, "new_address"),
    ],
)
async def test_bad_arguments_are_named_and_not_recorded(
    sqlite_desk: Desk, sqlite_call: Call, tool: str, arguments: dict, field: str
) -> None:
    outcome = await sqlite_call(tool, **arguments)
    error = outcome.value["error"]
    assert error["code"] == "INVALID_INPUT"
    assert error["details"]["fields"][0]["field"] == field
    (row,) = await recorded(sqlite_desk)
    assert row["code"] == "INVALID_INPUT"
    given = {str(value) for value in arguments.values()}
    assert not given & {str(value) for value in row["arguments"].values()}


async def test_doors_of_text_are_lenient(sqlite_desk: Desk) -> None:
    outcome = await sqlite_desk.gate.call(
        "get_transaction_history", {"limit": "1"}, Context(CUSTOMER, "rest"), strict=False
    )
    assert len(outcome.value["transactions"]) == 1


async def test_an_unknown_tool_is_an_error(sqlite_call: Call) -> None:
    assert (await sqlite_call("launch")).value["error"]["code"] == "UNKNOWN_TOOL"


async def test_repeating_a_call_gives_its_first_answer(desk: Desk, call: Call) -> None:
    first = await call("create_ticket", key="k1", subject="A", body="B")
    again = await call("create_ticket", key="k1", subject="A", body="B")
    assert again.value == first.value
    assert (first.repeated, again.repeated) == (False, True)
    assert (await call("list_tickets")).value["total"] == 1 + 7  # of the demo desk
    assert [row["status"] for row in await recorded(desk)] == ["ok", "repeated", "ok"]


async def test_a_key_with_other_arguments_is_an_error(call: Call) -> None:
    await call("create_ticket", key="k1", subject="A", body="B")
    outcome = await call("create_ticket", key="k1", subject="A", body="C")
    assert outcome.value["error"]["code"] == "IDEMPOTENCY_CONFLICT"
    outcome = await call("report_issue", key="k1", description="A")
    assert outcome.value["error"]["code"] == "IDEMPOTENCY_CONFLICT"


async def test_keys_belong_to_their_caller(call: Call) -> None:
    await call("create_ticket", key="k1", subject="A", body="B")
    other = await call("create_ticket", OTHER, key="k1", subject="A", body="B")
    foreign = await call("create_ticket", FOREIGN, key="k1", subject="A", body="B")
    assert not other.repeated
    assert not foreign.repeated


async def test_the_same_key_at_once_has_one_effect(desk: Desk, call: Call) -> None:
    outcomes = await asyncio.gather(
        *(call("create_ticket", key="k", subject="A", body="B") for _ in range(20))
    )
    assert {outcome.value.get("ticket_id") for outcome in outcomes} == {"T1001"}
    assert sum(not outcome.repeated for outcome in outcomes) == 1
    assert (await call("list_tickets")).value["total"] == 1 + 7  # of the demo desk


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "schlüssel"])
async def test_a_key_of_no_use_is_refused(sqlite_call: Call, key: str) -> None:
    outcome = await sqlite_call("create_ticket", key=key, subject="A", body="B")
    assert outcome.value["error"]["code"] == "INVALID_INPUT"


async def test_a_call_that_failed_can_be_repeated(call: Call) -> None:
    first = await call("create_ticket", STAFF, key="k", customer_id="nobody", subject="A", body="B")
    assert first.value["error"]["code"] == "CUSTOMER_NOT_FOUND"
    again = await call("create_ticket", STAFF, key="k", customer_id="nobody", subject="A", body="B")
    assert again.value["error"]["code"] == "CUSTOMER_NOT_FOUND"


async def test_a_call_that_needs_approval_is_stored_and_not_run(desk: Desk, call: Call) -> None:
    arguments = {"user_id": "user_001", "new_address": "1 New Road, Boston"}
    outcome = await call("update_address", STAFF, **arguments)
    assert outcome.status == "pending"
    assert outcome.value["status"] == "pending_approval"
    row = await desk.database.reader.first(sa.select(approvals))
    assert row is not None
    assert row.id == outcome.value["approval_id"]
    assert json.loads(row.arguments) == arguments
    assert (row.tenant_id, row.principal, row.tool) == ("default", "staff:anna", "update_address")
    assert row.policies == ["changing-a-customers-address-needs-approval"]
    assert row.policy_version == desk.gate.policy.version
    details = await call("get_account_details")
    assert details.value["address"] == "12 Garden Street, Springfield, IL 62701"
    assert (await recorded(desk))[0]["verdict"] == "ask"


async def test_asking_twice_gives_the_same_receipt(call: Call) -> None:
    arguments = {"user_id": "user_001", "new_address": "1 New Road, Boston"}
    first = await call("update_address", STAFF, **arguments)
    again = await call("update_address", STAFF, **arguments)
    keyed = await call("update_address", STAFF, key="k", **arguments)
    keyed_again = await call("update_address", STAFF, key="k", **arguments)
    assert {o.value["approval_id"] for o in (first, again, keyed, keyed_again)} == {
        first.value["approval_id"]
    }
    assert keyed_again.repeated
    other = await call(
        "update_address", STAFF, user_id="user_002", new_address="1 New Road, Boston"
    )
    assert other.value["approval_id"] != first.value["approval_id"]


async def test_a_secret_that_waits_is_not_stored(desk: Desk, call: Call) -> None:
    outcome = await call("deactivate_card", STAFF, user_id="user_001", card="4242 4242 4242 4242")
    assert outcome.status == "pending"
    row = await desk.database.reader.first(sa.select(approvals))
    assert row is not None
    assert json.loads(row.arguments)["card"] == "**********"


async def test_a_service_asks_before_it_closes_a_ticket(desk: Desk, call: Call) -> None:
    await hire(desk, "anna")
    await call("create_ticket", subject="A", body="B")
    assigned = await call("update_ticket", SERVICE, ticket_id="T1001", update={"assignee": "anna"})
    closing = await call("update_ticket", SERVICE, ticket_id="T1001", update={"status": "closed"})
    assert (assigned.status, closing.status) == ("ok", "pending")


async def test_secrets_are_masked_in_the_ledger(desk: Desk, call: Call) -> None:
    given = {"current_password": "oldSecurePass123", "new_password": "newSecurePass123"}
    await call("change_password", key="k", **given)
    (row,) = await recorded(desk)
    masked = dict.fromkeys(given, "**********")
    assert row["arguments"] == {"user_id": "user_001", **masked}


@pytest.mark.parametrize("body", ["a\0b", ["\0"], {"\0": 1}])
async def test_text_that_cannot_be_stored_is_refused(call: Call, body: object) -> None:
    outcome = await call("create_ticket", subject="A", body=body)
    assert outcome.value["error"]["code"] == "INVALID_INPUT"
    assert "NUL" in outcome.value["error"]["message"]
