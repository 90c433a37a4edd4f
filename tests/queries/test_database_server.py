"""The database server: figures, records by address, kept contacts, as far as a role sees them."""

import json
from typing import Any

import pytest

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.entrypoints.mcp.protocol import ProtocolError
from deskward.entrypoints.mcp.resources import answered
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.queries.records import MOST
from deskward.security.principals import Kind, Principal
from deskward.security.roles import FILE as ROLES
from tests.conftest import CUSTOMER, SERVICE, STAFF
from tests.policies import FILES, policy_of
from tests.queries.conftest import AUDITOR, FOREIGN, HIDDEN, PERSONAL, TIER_1, TIER_2

SEED = {
    "query_database",
    "get_customer_context",
    "search_knowledge_base",
    "save_interaction",
    "get_analytics",
}
MODEL = Principal(Kind.STAFF, "anna", "default", ("support",), agent="editor")


async def call(desk: Desk, name: str, principal: Principal = TIER_1, **arguments: Any) -> Outcome:
    context = Context(principal, "mcp" if principal.agent else "cli")
    return await desk.gate.call(name, arguments, context)


async def read(desk: Desk, address: str, principal: Principal = TIER_1) -> dict[str, Any]:
    params = {"uri": address}
    told = await answered(
        desk.gate, Context(principal, "mcp"), "resources/read", params, stateless=True
    )
    [content] = told["contents"]
    assert content["mimeType"] == "application/json"
    found: dict[str, Any] = json.loads(content["text"])
    return found


async def test_the_server_has_the_tools_of_the_seed(
    sqlite_settings: Settings, offline: Any
) -> None:
    async with open_desk(sqlite_settings, model=offline, chat=False, only="database") as desk:
        assert desk.gate.tools.keys() >= SEED
        assert not desk.gate.tools.keys() & {"update_ticket", "get_customer", "search_faq"}
        context = await call(desk, "get_customer_context", customer_id="user_001")
        assert context.value["customer_id"] == "user_001"


async def test_a_contact_is_kept_and_is_part_of_what_is_known(desk: Desk) -> None:
    saved = await call(
        desk,
        "save_interaction",
        customer_id="user_001",
        channel="phone",
        summary="The router works again.",
        occurred_at="2026-01-31T10:00:00+01:00",
    )
    assert saved.value["saved_by"] == "staff:anna", saved.value
    known = await call(desk, "get_customer_context", customer_id="user_001")
    [one] = known.value["history"]["interactions"]
    assert (one["source"], one["kind"], one["summary"]) == (
        "desk",
        "phone",
        "The router works again.",
    )
    assert one["at"].startswith("2026-01-31T09:00:00")
    assert not (await call(desk, "get_customer_context", customer_id="user_002")).value["history"][
        "interactions"
    ]
    records = (await read(desk, "db://interactions"))["records"]
    assert [each["summary"] for each in records] == ["The router works again."]
    masked = (await read(desk, "db://interactions", AUDITOR))["records"]
    assert [each["summary"] for each in masked] == ["[masked]"]
    figures = (await call(desk, "get_analytics")).value["figures"]
    [kept] = [each for each in figures if each["name"] == "interactions"]
    assert kept["groups"] == []  # it was long ago
    told = (await call(desk, "get_analytics", days=366)).value["figures"]
    [kept] = [each for each in told if each["name"] == "interactions"]
    assert kept["groups"] == [{"value": "phone", "count": 1}]


@pytest.mark.parametrize(
    ("arguments", "principal", "code"),
    [
        ({"customer_id": "nobody"}, TIER_1, "CUSTOMER_NOT_FOUND"),
        ({"customer_id": "a1"}, TIER_1, "CUSTOMER_NOT_FOUND"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, TIER_1, "CONFLICT"),
        ({"occurred_at": "2026-01-01T00:00:00"}, TIER_1, "INVALID_INPUT"),
        ({"channel": "pigeon"}, TIER_1, "INVALID_INPUT"),
        ({"summary": ""}, TIER_1, "INVALID_INPUT"),
        ({}, AUDITOR, "FORBIDDEN"),
        ({}, CUSTOMER, "FORBIDDEN"),
    ],
)
async def test_a_contact_that_cannot_be_kept_is_refused(
    sqlite_desk: Desk, arguments: dict[str, Any], principal: Principal, code: str
) -> None:
    given = {"customer_id": "user_001", "channel": "phone", "summary": "Called.", **arguments}
    outcome = await call(sqlite_desk, "save_interaction", principal, **given)
    assert outcome.error is not None
    assert outcome.error.error_code == code
    assert not (await read(sqlite_desk, "db://interactions"))["records"]


async def test_programs_and_models_of_staff_keep_contacts(sqlite_desk: Desk) -> None:
    given = {"customer_id": "user_001", "channel": "chat", "summary": "Asked for the fees."}
    for principal in (SERVICE, MODEL):
        outcome = await call(sqlite_desk, "save_interaction", principal, **given)
        assert outcome.status == "ok", outcome.value
    # Who has read what customers wrote keeps nothing without a person.
    context = Context(MODEL, "mcp", client="editor")
    await sqlite_desk.gate.call("read_records", {"collection": "tickets"}, context)
    outcome = await sqlite_desk.gate.call("save_interaction", given, context)
    assert outcome.status == "pending", outcome.value


async def test_all_records_come_a_page_at_a_time_and_none_twice(desk: Desk) -> None:
    for name, key in (("customers", "id"), ("tickets", "number"), ("knowledge_articles", "id")):
        whole = (await call(desk, "read_records", collection=name, limit=MOST)).value["records"]
        assert len(whole) > 2
        paged: list[Any] = []
        cursor: str | None = None
        while True:
            given = {"collection": name, "limit": 2, "cursor": cursor}
            page = (await desk.gate.call("read_records", given, Context(TIER_1, "cli"))).value
            assert 0 < len(page["records"]) <= 2
            paged += page["records"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
            assert (await read(desk, page["next_address"]))["records"][0] not in paged
        assert paged == whole
        assert len({one[key] for one in paged}) == len(paged)
        told = json.dumps(whole)
        assert FOREIGN not in told
        assert HIDDEN not in told


async def test_what_is_personal_is_masked_for_an_auditor(desk: Desk) -> None:
    for name in ("customers", "tickets"):
        page = await read(desk, f"db://{name}", AUDITOR)
        assert page["masked"]
        assert "[masked]" in json.dumps(page)
        assert PERSONAL not in json.dumps(page)
        assert PERSONAL in json.dumps(await read(desk, f"db://{name}", TIER_2))


async def test_resources_are_listed_and_read_by_whom_policy_lets(sqlite_desk: Desk) -> None:
    async def listed(principal: Principal) -> list[str]:
        context = Context(principal, "mcp")
        told = await answered(sqlite_desk.gate, context, "resources/list", {}, stateless=True)
        return [one["uri"] for one in told["resources"] if one["uri"].startswith("db://")]

    names = ("analytics", "customers", "interactions", "knowledge_articles", "tickets")
    assert await listed(STAFF) == [f"db://{name}" for name in names]
    assert await listed(CUSTOMER) == []
    for address in (
        "db://customers?offset=1",
        "db://nothing",
        "db://",
        "db://accounts",
        "db://customers/x",
    ):
        with pytest.raises(ProtocolError, match="not found"):
            await read(sqlite_desk, address)
    with pytest.raises(ProtocolError):
        await read(sqlite_desk, "db://customers", CUSTOMER)
    with pytest.raises(ProtocolError, match="type integer"):
        await read(sqlite_desk, "db://tickets?cursor=x")


async def test_figures_are_those_of_the_records(desk: Desk) -> None:
    told = (await call(desk, "get_analytics", TIER_2)).value
    figures = {one["name"]: one for one in told["figures"]}
    records = (await read(desk, "db://tickets", TIER_2))["records"]
    by_status = {each["value"]: each["count"] for each in figures["tickets"]["groups"]}
    for status, count in by_status.items():
        assert count == sum(one["status"] == status for one in records)
    assert figures["tickets"]["total"] == len(records) > 2
    assert "interactions" not in told["left_out"]
    rows = (await read(desk, "db://analytics", TIER_2))["records"]
    assert {(one["value"], one["count"]) for one in rows if one["figure"] == "tickets"} == set(
        by_status.items()
    )


async def test_what_a_role_may_not_read_is_in_no_figure_and_no_list(sqlite_desk: Desk) -> None:
    gate = sqlite_desk.gate
    roles = FILES[ROLES].replace("tickets:read", "tickets:none")
    gate.policy = policy_of({**FILES, ROLES: roles}, gate.tools.values())
    told = (await call(sqlite_desk, "get_analytics")).value
    assert {"tickets", "new_tickets", "overdue_tickets"} <= set(told["left_out"])
    assert "customers" in {one["name"] for one in told["figures"]}
    listed = (await call(sqlite_desk, "list_records")).value
    assert "tickets" not in {one["id"] for one in listed["entries"]}
    assert (await call(sqlite_desk, "read_records", collection="tickets")).error is not None
