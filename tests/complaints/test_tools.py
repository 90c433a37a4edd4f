"""Complaints: registering, finding, changing, resolving, archiving."""

from typing import Any

import pytest

from deskward.gate.outcome import Outcome
from deskward.security.principals import Principal
from tests.conftest import AUDITOR, CUSTOMER, FOREIGN, OTHER, SERVICE, STAFF, Call

STATES = ("open", "in_progress", "resolved", "archived")


def code(outcome: Outcome) -> str:
    error: str = outcome.value["error"]["code"]
    return error


def ids(outcome: Outcome) -> list[str]:
    return [complaint["id"] for complaint in outcome.value["complaints"]]


async def register(call: Call, principal: Principal = CUSTOMER, **arguments: Any) -> Outcome:
    outcome: Outcome = await call(
        "register_complaint", principal, **{"description": "It is late.", **arguments}
    )
    return outcome


async def bring_to(call: Call, complaint_id: str, state: str) -> None:
    if state == "in_progress":
        update = {"status": "in_progress"}
        await call("update_complaint", STAFF, complaint_id=complaint_id, update=update)
    if state in ("resolved", "archived"):
        await call("resolve_complaint", STAFF, complaint_id=complaint_id, resolution="Done.")
    if state == "archived":
        await call("archive_complaint", STAFF, complaint_id=complaint_id)


async def test_a_complaint_is_registered_and_looked_up(call: Call) -> None:
    registered = await register(
        call, subject="Late", category="delivery", priority="high", order_id="my order of May"
    )
    assert registered.value == {
        "complaint_id": "C1002",
        "status": "open",
        "message": "Complaint C1002 was registered.",
    }
    complaint = (await call("get_complaint", complaint_id="C1002")).value
    told = ("customer_id", "subject", "description", "category", "priority", "order_id")
    assert [complaint[key] for key in told] == [
        "user_001",
        "Late",
        "It is late.",
        "delivery",
        "high",
        "my order of May",
    ]
    assert (complaint["status"], complaint["resolution"], complaint["revision"]) == (
        "open",
        None,
        1,
    )


async def test_the_subject_is_taken_from_the_description(call: Call) -> None:
    await register(call, description="It came late.\nVery late. " + "x" * 100)
    complaint = (await call("get_complaint", complaint_id="C1002")).value
    assert complaint["subject"].startswith("It came late. Very late. xxx")
    assert len(complaint["subject"]) == 80
    assert (complaint["category"], complaint["priority"]) == ("other", "normal")


async def test_numbers_count_up_per_tenant(call: Call) -> None:
    assert [(await register(call)).value["complaint_id"] for _ in range(2)] == ["C1002", "C1003"]
    assert (await register(call, FOREIGN)).value["complaint_id"] == "C1002"


@pytest.mark.parametrize(
    "arguments",
    [
        {"description": ""},
        {"description": "a\0b"},
        {"description": "x" * 10_001},
        {"subject": ""},
        {"subject": "x" * 201},
        {"category": "weather"},
        {"priority": "highest"},
        {"order_id": "x" * 65},
        {"order_id": "O1\n"},
    ],
)
async def test_a_complaint_that_cannot_be_is_refused(call: Call, arguments: dict[str, Any]) -> None:
    assert code(await register(call, **arguments)) == "INVALID_INPUT"
    assert (await call("search_complaints")).value["total"] == 1


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("deed", ["update", "resolve", "archive"])
async def test_a_complaint_moves_on_only_as_it_may(call: Call, state: str, deed: str) -> None:
    await register(call)
    await bring_to(call, "C1002", state)
    before = (await call("get_complaint", complaint_id="C1002")).value
    assert before["status"] == state
    arguments: dict[str, dict[str, Any]] = {
        "update": {"update": {"priority": "low"}},
        "resolve": {"resolution": "We sent another."},
        "archive": {},
    }
    outcome = await call(f"{deed}_complaint", STAFF, complaint_id="C1002", **arguments[deed])
    after = (await call("get_complaint", complaint_id="C1002")).value
    if state in {"archive": ("resolved",)}.get(deed, ("open", "in_progress")):
        assert outcome.value["complaint"] == after
        assert after["revision"] == before["revision"] + 1
        assert after["updated_at"] > before["updated_at"]
        became = {"update": state, "resolve": "resolved", "archive": "archived"}[deed]
        assert after["status"] == became
    else:
        assert code(outcome) == "CONFLICT"
        assert outcome.value["error"]["details"]["status"] == state
        assert after == before


async def test_a_resolution_is_kept(call: Call) -> None:
    await bring_to(call, "C1001", "archived")
    complaint = (await call("get_complaint", complaint_id="C1001")).value
    assert (complaint["status"], complaint["resolution"]) == ("archived", "Done.")


async def test_an_update_changes_what_it_names(call: Call) -> None:
    update = {"description": "All new.", "category": "product", "status": "in_progress"}
    changed = await call("update_complaint", STAFF, complaint_id="C1001", update=update)
    assert changed.value["message"] == "Complaint C1001 was changed."
    complaint = (await call("get_complaint", complaint_id="C1001")).value
    assert {key: complaint[key] for key in update} == update
    assert (complaint["priority"], complaint["order_id"]) == ("normal", "O1001")


@pytest.mark.parametrize("update", [{}, {"status": "resolved"}, {"subject": "x"}, {"priority": 1}])
async def test_an_update_that_cannot_be_is_refused(call: Call, update: dict[str, Any]) -> None:
    outcome = await call("update_complaint", STAFF, complaint_id="C1001", update=update)
    assert code(outcome) == "INVALID_INPUT"


async def test_a_change_of_what_is_not_there_is_refused(call: Call) -> None:
    for name, arguments in (
        ("update_complaint", {"update": {"priority": "low"}}),
        ("resolve_complaint", {"resolution": "Done."}),
        ("archive_complaint", {}),
        ("get_complaint", {}),
    ):
        outcome = await call(name, STAFF, complaint_id="C9999", **arguments)
        assert code(outcome) == "COMPLAINT_NOT_FOUND"
        assert code(await call(name, STAFF, complaint_id="O1", **arguments)) == "INVALID_INPUT"


async def test_customers_see_and_register_their_own(call: Call) -> None:
    await register(call, OTHER)
    assert ids(await call("search_complaints")) == ["C1001"]
    assert ids(await call("search_complaints", OTHER)) == ["C1002"]
    assert ids(await call("search_complaints", STAFF)) == ["C1002", "C1001"]
    assert code(await call("get_complaint", complaint_id="C1002")) == "COMPLAINT_NOT_FOUND"
    assert code(await call("search_complaints", customer_id="user_002")) == "FORBIDDEN"
    assert code(await call("search_complaints", customer_id=None)) == "FORBIDDEN"
    assert code(await register(call, customer_id="user_002")) == "FORBIDDEN"
    outcome = await call("resolve_complaint", complaint_id="C1001", resolution="Mine.")
    assert code(outcome) == "FORBIDDEN"
    outcome = await call("update_complaint", complaint_id="C1001", update={"priority": "urgent"})
    assert code(outcome) == "FORBIDDEN"


async def test_what_services_and_auditors_may_do(call: Call) -> None:
    assert (await register(call, SERVICE, customer_id="user_002")).status == "ok"
    assert (await call("search_complaints", SERVICE)).status == "ok"
    outcome = await call(
        "update_complaint", SERVICE, complaint_id="C1001", update={"priority": "high"}
    )
    assert outcome.status == "ok"
    outcome = await call("resolve_complaint", SERVICE, complaint_id="C1001", resolution="Done.")
    assert outcome.status == "ok"
    assert (await call("archive_complaint", SERVICE, complaint_id="C1001")).status == "ok"
    assert code(await call("get_complaint", AUDITOR, complaint_id="C1001")) == "FORBIDDEN"


async def test_tenants_are_apart(call: Call) -> None:
    complaint = (await call("get_complaint", FOREIGN, complaint_id="C1001")).value
    assert complaint["subject"] == "Nobody called me back"
    await register(call)
    assert code(await call("get_complaint", FOREIGN, complaint_id="C1002")) == (
        "COMPLAINT_NOT_FOUND"
    )
    assert ids(await call("search_complaints", FOREIGN, query="keyboard")) == []


async def test_complaints_are_found_by_what_they_say(call: Call) -> None:
    await register(call, subject="Refund", description="50% off was promised", category="billing")
    await register(call, subject="A_b", description="Nothing came of it")
    assert ids(await call("search_complaints", query="KEYBOARD")) == ["C1001"]
    assert ids(await call("search_complaints", query="refund")) == ["C1002"]
    assert ids(await call("search_complaints", query="0%")) == ["C1002"]
    assert ids(await call("search_complaints", query="%")) == ["C1002"]
    assert ids(await call("search_complaints", query="_")) == ["C1003"]
    assert ids(await call("search_complaints", category="billing")) == ["C1002"]
    await bring_to(call, "C1003", "resolved")
    assert ids(await call("search_complaints", status="resolved")) == ["C1003"]
    for bad in ("", "a\0b", "x" * 201):
        assert code(await call("search_complaints", query=bad)) == "INVALID_INPUT"


async def test_complaints_come_in_pages(call: Call) -> None:
    for _ in range(3):
        await register(call)
    page = await call("search_complaints", limit=2, offset=1)
    assert (page.value["total"], ids(page)) == (4, ["C1003", "C1002"])
    assert code(await call("search_complaints", limit=101)) == "INVALID_INPUT"


async def test_a_complaint_needs_no_customer_on_file(call: Call) -> None:
    assert (await register(call, STAFF, customer_id="walk-in.7")).status == "ok"
    assert ids(await call("search_complaints", STAFF, customer_id="walk-in.7")) == ["C1002"]
