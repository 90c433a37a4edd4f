"""Making, changing, finding, listing and merging customers, through the gate."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.database import metadata
from deskward.core.jobs import jobs
from deskward.core.personal import BOUND, LABEL, OWNER, columns
from deskward.customers.models import customers
from deskward.security.principals import Kind, Principal
from tests.agent.talk import Talk
from tests.conftest import CUSTOMER, FOREIGN, OTHER, SERVICE, STAFF, Call, recorded

LEAD = Principal(Kind.STAFF, "lena", "default", ("support-2",))
CHIEF = Principal(Kind.STAFF, "carl", "default", ("support-3",))


async def made(call: Call, principal: Principal = STAFF, **told: Any) -> dict[str, Any]:
    outcome = await call("create_customer", principal, **told)
    assert outcome.status == "ok", outcome.value
    value: dict[str, Any] = outcome.value
    return value


async def merged(call: Call, customer_id: str, into: str) -> Any:
    asked = await call("merge_customers", LEAD, customer_id=customer_id, into=into)
    assert asked.status == "pending", asked.value
    return await call("approve_call", CHIEF, approval_id=asked.value["approval_id"])


async def ended(desk: Desk, call: Call, customer_id: str) -> Any:
    """What becomes of a call about a customer once jobs are done."""
    async with asyncio.timeout(20):
        while await desk.database.reader.first(sa.select(jobs)) is not None:
            await asyncio.sleep(0.05)
    return await call("get_customer", STAFF, customer_id=customer_id)


async def test_a_customer_is_made_shown_and_changed(call: Call) -> None:
    told = await made(
        call,
        name="Jürg Müller",
        emails=["juerg@example.ch", "buero@example.ch"],
        language="de-CH",
        external_ids=[{"system": "crm", "id": "0031"}],
    )
    assert [one["value"] for one in told["emails"]] == ["juerg@example.ch", "buero@example.ch"]
    update = {"tier": "premium", "emails": ["neu@example.ch"], "language": None}
    changed = await call("update_customer", STAFF, customer_id=told["customer_id"], update=update)
    assert changed.value["email"] == "neu@example.ch"
    assert (changed.value["tier"], changed.value["language"]) == ("premium", None)
    assert changed.value["external_ids"] == [{"system": "crm", "id": "0031"}]
    late = {"name": "J", "revision": 1}
    again = await call("update_customer", STAFF, customer_id=told["customer_id"], update=late)
    assert again.error.status == 409


@pytest.mark.parametrize(
    "odd",
    [
        {"name": " "},
        {"name": "a\nb"},
        {"name": "A", "emails": ["nobody"]},
        {"name": "A", "phones": ["ring me"]},
        {"name": "A", "language": "klingon"},
        {"name": "A", "time_zone": "Mars/Olympus"},
        {"name": "A", "new_id": "a b"},
    ],
)
async def test_what_is_not_of_its_form_is_refused(sqlite_call: Call, odd: dict[str, Any]) -> None:
    refused = await sqlite_call("create_customer", STAFF, **odd)
    assert refused.error is not None
    assert refused.error.status == 400


async def test_a_field_that_is_not_declared_is_a_conflict_and_stores_nothing(
    sqlite_call: Call,
) -> None:
    odd = {"name": "Nobody Else", "fields": {"undeclared": "x"}}
    refused = await sqlite_call("create_customer", STAFF, **odd)
    assert refused.error is not None
    assert (refused.error.status, refused.error.details) == (409, {"field": "fields"})
    listed = await sqlite_call("list_customers", STAFF)
    assert "Nobody Else" not in listed.json


async def test_customers_and_strangers_reach_none_of_it(call: Call) -> None:
    for who in (CUSTOMER, OTHER):
        for tool, told in (
            ("create_customer", {"name": "A"}),
            ("update_customer", {"customer_id": who.id, "update": {"tier": "vip"}}),
            ("list_customers", {}),
            ("find_customers", {"q": "a"}),
            ("merge_customers", {"customer_id": who.id, "into": "user_003"}),
        ):
            assert (await call(tool, who, **told)).error.status == 403
    foreign = Principal(Kind.STAFF, "anna", "acme", ("support-2",))
    update = {"tier": "vip"}
    lost = await call("update_customer", foreign, customer_id="user_002", update=update)
    assert lost.error is not None
    assert lost.error.status == 404
    assert (await call("get_customer", FOREIGN)).value["name"] == "Chris Weber"


async def test_customers_are_found_in_any_script_and_case(call: Call) -> None:
    ids = {}
    for name in ("Zoë Ångström", "王伟", "ΑΝΔΡΈΑΣ Παπάς", "İrem Işık", "O'Brien 50% _"):
        told = await made(call, SERVICE, name=name, phones=["+41 44 555 01 99"])
        ids[name] = told["customer_id"]
    for text, name in (
        ("zoe angstrom", "Zoë Ångström"),
        ("ÅNGSTRÖM", "Zoë Ångström"),
        ("王", "王伟"),
        ("ανδρεασ", "ΑΝΔΡΈΑΣ Παπάς"),
        ("irem isik", "İrem Işık"),
        ("50%", "O'Brien 50% _"),
        (ids["王伟"], "王伟"),
    ):
        found = (await call("find_customers", STAFF, q=text)).value["customers"]
        assert [one["name"] for one in found] == [name], text
    shared = (await call("find_customers", STAFF, q="0041445550199")).value["customers"]
    assert len(shared) == 5
    for nothing in ("%", "'; --", "nobody at all", "  ."):
        found = (await call("find_customers", STAFF, q=nothing)).value["customers"]
        assert [one["name"] for one in found] == (["O'Brien 50% _"] if nothing == "%" else [])


async def test_all_customers_are_listed_a_page_at_a_time(call: Call) -> None:
    for number in range(7):
        await made(call, name=f"N {number}", tags=["vip", 'a"b'] if number % 2 else ["a"])
    seen: list[str] = []
    cursor = None
    while True:
        page = (await call("list_customers", STAFF, limit=3, cursor=cursor)).value
        seen += [one["customer_id"] for one in page["customers"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(set(seen))
    assert len([one for one in seen if one.startswith("C")]) == 7
    for tag, count in (("vip", 3), ('a"b', 3), ("a", 4), ("vi", 0), ("%", 0)):
        found = (await call("list_customers", STAFF, tag=tag)).value["customers"]
        assert len(found) == count, tag
    refused = (await call("list_customers", STAFF, cursor="!")).error
    assert (refused.status, refused.details["field"]) == (409, "cursor")


async def test_a_merged_customer_is_the_other_one(desk: Desk, call: Call) -> None:
    other = await made(
        call,
        name="Al Morgan",
        emails=["al@example.com"],
        phones=["+1 555 010 0001"],
        tags=["vip"],
        external_ids=[{"system": "crm", "id": "7"}],
        new_id="al",
    )
    al = Principal(Kind.CUSTOMER, "al", "default", ("customer",))
    await call("create_ticket", al, subject="S", body="B")
    for who in (al, CUSTOMER):
        await Talk(desk, who, "same").say("hello")
    await Talk(desk, al, "alone").say("hello")
    key, _ = await desk.keys.create(tenant_id="default", kind=Kind.CUSTOMER, subject_id="al")
    assert (await merged(call, other["customer_id"], "user_001")).status == "ok"
    gone = await ended(desk, call, "al")
    assert (gone.error.error_code, gone.error.details) == (
        *("CUSTOMER_MERGED", {"merged_into": "user_001"}),
    )
    one = (await call("get_customer", CUSTOMER)).value
    assert [address["value"] for address in one["emails"]] == [
        *("alex.morgan@example.com", "al@example.com"),
    ]
    assert (len(one["phones"]), one["tags"], one["name"]) == (1, ["vip"], "Alex Morgan")
    assert one["external_ids"] == [{"system": "crm", "id": "7"}]
    assert (await desk.keys.verify(key)).id == "user_001"
    found = (await call("list_tickets", CUSTOMER)).value["tickets"]
    assert "S" in [ticket["subject"] for ticket in found]
    sessions = metadata.tables["sessions"]
    rows = await desk.database.reader.all(sa.select(sessions.c.owner, sessions.c.id))
    assert {(row.owner, row.id) for row in rows} == {
        ("customer:user_001", "same"),
        ("customer:user_001", "alone"),
        ("customer:al", "same"),
    }
    again = await call("merge_customers", LEAD, customer_id="al", into="user_002")
    assert again.error.error_code == "CUSTOMER_MERGED"
    taken = await call("create_customer", STAFF, name="A", new_id="al")
    assert taken.error.status == 409
    assert any(row.get("tool") == "merge_customers" for row in await recorded(desk))


async def test_a_merger_moves_whatever_declares_its_owner(desk: Desk, call: Call) -> None:
    """No list of tables has to be remembered: what erasure finds, a merger moves."""
    await made(call, name="Al", new_id="al")
    al = Principal(Kind.CUSTOMER, "al", "default", ("customer",))
    await Talk(desk, al, "one").say("I want to report an issue: the teapot leaks")
    await call("register_complaint", al, description="It leaks.")
    await call("create_ticket", al, subject="S", body="B", key="k1")
    await merged(call, "al", "user_001")
    await ended(desk, call, "al")
    for table in metadata.sorted_tables:
        if BOUND in table.info or table.name == "merged_customers":
            continue
        for kind, name in ((OWNER, "al"), (LABEL, "customer:al")):
            for column in columns(table, kind):
                rows = await desk.database.reader.all(sa.select(table).where(column == name))
                assert rows == [], table.name


async def test_two_who_have_what_one_can_have_are_not_merged(desk: Desk, call: Call) -> None:
    await merged(call, "user_002", "user_001")
    kept = await ended(desk, call, "user_002")
    assert kept.status == "ok"
    for into in ("user_001", "nobody"):
        refused = await call("merge_customers", LEAD, customer_id="user_001", into=into)
        if into == "nobody":
            assert refused.error.status == 404


async def test_erasing_reaches_who_was_merged(desk: Desk, call: Call) -> None:
    from tests.customers.test_erasure import erased

    await made(
        call,
        name="Quentin Zebulon",
        emails=["zeb@example.com"],
        address="9 Quince Road, Dover",
        external_ids=[{"system": "crm", "id": "EXT-90210"}],
        new_id="zebulon_9",
    )
    told = "Quentin Zebulon of 9 Quince Road, Dover, zeb@example.com, EXT-90210, zebulon_9"
    await call("create_ticket", OTHER, subject="My friend", body=told)
    zeb = Principal(Kind.CUSTOMER, "zebulon_9", "default", ("customer",))
    await call("create_ticket", zeb, subject="teapot", body="teapot")
    await merged(call, "zebulon_9", "user_001")
    await ended(desk, call, "zebulon_9")
    await erased(desk, call)
    for table in metadata.sorted_tables:
        text = str([tuple(row) for row in await desk.database.reader.all(sa.select(table))])
        for trace in ("Zebulon", "Quince", "zeb@", "90210", "zebulon_9", "teapot"):
            assert trace not in text, (table.name, trace)
    left = await desk.database.reader.all(sa.select(customers.c.id))
    assert "user_002" in [row.id for row in left]
