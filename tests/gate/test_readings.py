"""Every text of every tool's answer, by every way back: the next writing call's policy knows it."""

from dataclasses import replace

import pytest

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.evaluation.attack_ways import written_by_agent
from deskward.gate.confirmed import take_answer
from deskward.gate.context import Context
from deskward.gate.provenance import Record
from deskward.gate.readings import Reading, note
from deskward.security.principals import AGENT, Kind
from tests.conftest import CUSTOMER, STAFF
from tests.everything import GROUPS
from tests.gate.texts import CASES, giving, probe
from tests.policies import policy_of

ALL = [tool for group in GROUPS for tool in group.tools]


def test_there_are_many() -> None:
    assert len(CASES) > 60


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("some", [6, pytest.param(1, marks=pytest.mark.slow)])
async def test_every_text_counts_by_every_way_back(sqlite_settings: Settings, some: int) -> None:
    """In the same step, the next turn, another process, and over MCP and REST with one key."""
    agent = replace(STAFF, roles=("support-3",)).with_agent(AGENT)
    async with open_desk(sqlite_settings, demo=True) as desk, open_desk(sqlite_settings) as other:
        for number, (case, (name, value)) in enumerate(list(CASES.items())[::some]):
            giving(desk, name, value)
            session = f"s{number}"
            context = Context(agent, "agent", session_id=session)
            assert await probe(desk, context) == [], case
            read = await desk.gate.call("probe", {}, context)
            assert (read.status, bool(read.sources)) == ("ok", True), (case, read.value)
            assert await probe(desk, context), case
            assert await probe(desk, Context(agent, "agent", session_id=session)), case
            assert await probe(other, Context(agent, "agent", session_id=session)), case
            for door, back in (("mcp", "rest"), ("rest", "mcp")):
                key, _ = await desk.keys.create(
                    tenant_id="default", kind=Kind.STAFF, subject_id="anna", roles=("support-3",)
                )
                keyed = await desk.keys.verify(key)
                await desk.gate.call("probe", {}, Context(keyed, door))  # type: ignore[arg-type]  # of the doors that there are
                assert await probe(desk, Context(keyed, back)), case  # type: ignore[arg-type]  # of the doors that there are
                assert await probe(other, Context(keyed, back)), case  # type: ignore[arg-type]  # of the doors that there are


async def test_nothing_read_taints_nothing(sqlite_desk: Desk) -> None:
    context = Context(replace(STAFF, roles=("support-3",)), "mcp")
    empty = {"status": "closed", "customer_id": "user_003"}
    await sqlite_desk.gate.call("list_tickets", empty, context)
    await sqlite_desk.gate.call("get_account_balance", {"user_id": "user_001"}, context)
    assert context.reading.sources == frozenset()


FAQ = ["author", "outside"]
"""Whose texts an answer of the FAQ may hold: articles, and documents that are filed there."""
ORDER = {
    "lines": [{"sku": "A-1", "description": "Cup", "quantity": 1, "unit_price": "1.00"}],
    "currency": "USD",
    "shipping_address": "5 Elm Street, Boston, MA 02101",
}
"""Its address is the customer's own where they have written it themselves."""


async def order_of(desk: Desk, context: Context, **more: str) -> dict[str, str]:
    """An order that somebody makes, and nobody has to approve; gives how it is named."""
    desk.gate.policy = policy_of('@id("all") permit (principal, action, resource);', ALL)
    made = await desk.gate.call("create_order", {**ORDER, **more}, context)
    assert made.status == "ok", made.value
    return {"order_id": made.value["order_id"]}


async def test_a_text_that_goes_through_a_record_comes_out_tainted(sqlite_desk: Desk) -> None:
    """A customer's address: theirs where they wrote it, others' where a tainted agent did."""
    reader = Context(CUSTOMER, "mcp")
    mine = await order_of(sqlite_desk, Context(CUSTOMER, "rest"))
    read = await sqlite_desk.gate.call("get_order_by_id", mine, reader)
    assert read.sources == frozenset()
    agent = replace(STAFF, roles=("support-3",)).with_agent(AGENT)
    tainted = Context(agent, "agent", reading=Reading({"author"}))
    laundered = await order_of(sqlite_desk, tainted, customer_id=CUSTOMER.id)
    read = await sqlite_desk.gate.call("get_order_by_id", laundered, reader)
    assert read.sources == reader.reading.sources == frozenset({"author", "customer"})


async def test_a_customers_words_are_not_the_staffs(sqlite_desk: Desk) -> None:
    """What staff alone wrote taints none of them; what a customer wrote does."""
    theirs = await order_of(sqlite_desk, Context(CUSTOMER, "rest"))
    ours = await order_of(sqlite_desk, Context(STAFF, "rest"), customer_id=CUSTOMER.id)
    for named, sources in ((ours, frozenset()), (theirs, frozenset({"customer"}))):
        read = await sqlite_desk.gate.call("get_order_by_id", named, Context(STAFF, "mcp"))
        assert read.sources == sources


async def test_what_a_key_has_read_elsewhere_counts_at_once(sqlite_settings: Settings) -> None:
    """Also for a process that has just looked, and found nothing read."""
    async with open_desk(sqlite_settings, demo=True) as desk, open_desk(sqlite_settings) as other:
        key, _ = await desk.keys.create(tenant_id="default", kind=Kind.STAFF, subject_id="anna")
        keyed = await desk.keys.verify(key)
        nothing = {"status": "closed", "customer_id": "user_003"}
        await other.gate.call("list_tickets", nothing, Context(keyed, "rest"))
        await desk.gate.call("get_faq", {"q": "transfer"}, Context(keyed, "rest"))
        assert await probe(other, Context(keyed, "rest")) == FAQ


async def test_what_a_customers_own_agent_wrote_comes_out_tainted(sqlite_desk: Desk) -> None:
    """A customer's order: their own words when they wrote it, others' when a tainted agent did."""
    call = sqlite_desk.gate.call
    order = {
        "lines": [{"sku": "A-1", "description": "Cup", "quantity": 1, "unit_price": "1.00"}],
        "currency": "USD",
        "shipping_address": "5 Elm Street, Boston, MA 02101",
    }
    by_hand = await call("create_order", order, Context(CUSTOMER, "rest"))
    by_agent = await written_by_agent(sqlite_desk, "create_order", order, CUSTOMER)
    for made, sources in ((by_hand, set()), (by_agent, {"customer", "author"})):
        assert made.status == "ok", made.value
        read = {"order_id": made.value["order_id"]}
        reader = Context(CUSTOMER.with_agent(AGENT), "agent", session_id=read["order_id"])
        assert (await call("get_order_by_id", read, reader)).sources == sources
        assert await probe(sqlite_desk, replace(reader, reading=Reading())) == sorted(sources)


async def test_what_staff_wrote_by_hand_taints_no_staff_and_what_their_agent_wrote_does(
    sqlite_desk: Desk,
) -> None:
    staff = replace(STAFF, roles=("support-3",))
    ticket = {"customer_id": "user_001", "subject": "A cup", "body": "It is broken."}
    by_hand = await sqlite_desk.gate.call("create_ticket", ticket, Context(staff, "rest"))
    by_agent = await written_by_agent(sqlite_desk, "create_ticket", ticket, staff)
    for made, tainted in ((by_hand, False), (by_agent, True)):
        assert made.status == "ok", made.value
        read = {"ticket_id": made.value["ticket_id"]}
        reader = Context(staff.with_agent(AGENT), "agent", session_id=read["ticket_id"])
        found = await sqlite_desk.gate.call("get_ticket", read, reader)
        assert ("author" in found.sources, bool(found.sources)) == (tainted, tainted)


async def test_a_customers_profile_is_no_others_text_unless_an_agent_wrote_it(
    sqlite_desk: Desk,
) -> None:
    """From the operator's books, or by the customer's own hand; read over MCP with their key."""
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001"
    )
    mine = await sqlite_desk.keys.verify(key)
    call = sqlite_desk.gate.call
    own = {"new_address": "5 Elm Street, Boston, MA 02101"}
    for arguments in (None, own):
        if arguments:
            assert (await call("update_address", arguments, Context(mine, "rest"))).error is None
        for read in ("get_account_details", "get_customer"):
            assert (await call(read, {}, Context(mine, "mcp"))).sources == frozenset()
    frozen = await call("freeze_card", {"card": "4242"}, Context(mine, "mcp"))
    assert frozen.status == "ok", frozen.value
    staff = Context(STAFF, "mcp")
    others = await call("get_account_details", {"user_id": "user_001"}, staff)
    assert others.sources == {"customer"}
    async with sqlite_desk.database.transaction() as db:
        await note(db, "default", Record("customer", "user_001", mine.label), {"author"})
    assert (await call("get_account_details", {}, Context(mine, "mcp"))).sources == {
        "author",
        "customer",
    }
    again = Context(mine, "mcp")
    wants = await call("freeze_card", {"card": "4444"}, again)
    assert wants.status == "confirm", wants.value  # it protects and can be lifted
    done = await take_answer(
        sqlite_desk.gate, wants.value["confirmation_id"], again, True, "button"
    )
    assert done.status == "ok", done.value
    final = await call("deactivate_card", {"card": "4444"}, again)
    assert final.status == "confirm"
    asked = await take_answer(
        sqlite_desk.gate, final.value["confirmation_id"], again, True, "button"
    )
    assert asked.status == "pending"


async def test_a_service_that_has_listed_tickets_still_has_them_handled(sqlite_desk: Desk) -> None:
    """Every step of it is judged again; what a program chooses itself waits as before."""
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.SERVICE, subject_id="website"
    )
    context = Context(await sqlite_desk.keys.verify(key), "mcp")
    call = sqlite_desk.gate.call
    listed = await call("list_tickets", {"status": "open", "limit": 1}, context)
    assert listed.sources
    ticket = {"ticket_id": listed.value["tickets"][0]["id"]}
    handled = await call("handle_ticket", ticket, Context(context.principal, "mcp"))
    assert handled.status == "ok", handled.value
    raised = {**ticket, "update": {"priority": "urgent"}}
    waits = await call("update_ticket", raised, Context(context.principal, "mcp"))
    assert waits.status == "pending"


async def test_another_desks_key_is_no_models(sqlite_desk: Desk) -> None:
    """A hub of ours: what it calls its own gate has judged, whatever its key has read."""
    call, complaint = sqlite_desk.gate.call, {"complaint_id": "C1001", "resolution": "Sent again."}
    for roles, status in ((("service",), "pending"), (("desk",), "ok")):
        key, _ = await sqlite_desk.keys.create(
            tenant_id="default", kind=Kind.SERVICE, subject_id=f"a-{roles[0]}", roles=roles
        )
        context = Context(await sqlite_desk.keys.verify(key), "mcp")
        assert (await call("get_complaint", {"complaint_id": "C1001"}, context)).sources
        done = await call("resolve_complaint", complaint, Context(context.principal, "mcp"))
        assert done.status == status, done.value


async def test_only_a_person_clears_what_was_read(sqlite_desk: Desk) -> None:
    agent = Context(CUSTOMER.with_agent(AGENT), "agent", session_id="s1")
    await sqlite_desk.gate.call("get_faq", {"q": "transfer"}, agent)
    assert await probe(sqlite_desk, replace(agent, reading=Reading())) == FAQ
    where = {"holder": "session", "owner": CUSTOMER.label, "id": "s1"}
    tier_2 = replace(STAFF, roles=("support-2",))
    for refused in (Context(tier_2.with_agent(AGENT), "agent"), Context(tier_2, "mcp")):
        assert (await sqlite_desk.gate.call("clear_taint", where, refused)).error is not None
    assert await probe(sqlite_desk, replace(agent, reading=Reading())) == FAQ
    assert (await sqlite_desk.gate.call("clear_taint", where, Context(tier_2, "rest"))).value
    assert await probe(sqlite_desk, replace(agent, reading=Reading())) == []


async def test_a_deleted_sessions_reading_goes_with_it_and_a_keys_stays(sqlite_desk: Desk) -> None:
    key, _ = await sqlite_desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id="user_001"
    )
    mine = await sqlite_desk.keys.verify(key)
    await sqlite_desk.gate.call("get_faq", {"q": "transfer"}, Context(mine, "mcp"))
    said = "How long does a transfer take?"
    async for _ in await sqlite_desk.conversations.send(Context(mine, "agent"), "s1", said):
        pass
    other = Context(CUSTOMER.with_agent(AGENT), "agent", session_id="s2")
    await sqlite_desk.gate.call("get_faq", {"q": "transfer"}, other)

    def again(session: str) -> Context:
        return Context(CUSTOMER.with_agent(AGENT), "agent", session_id=session)

    assert await probe(sqlite_desk, again("s1")) == FAQ
    done = await sqlite_desk.gate.act("delete_session", {"session_id": "s1"}, Context(mine, "rest"))
    assert done.error is None
    assert await probe(sqlite_desk, again("s1")) == []
    assert await probe(sqlite_desk, again("s2")) == FAQ
    assert await probe(sqlite_desk, Context(mine, "mcp")) == FAQ
