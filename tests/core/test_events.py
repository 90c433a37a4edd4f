"""Events: told where somebody listens, with what they tell of, and gone with their owner."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core.events import KINDS, events, listen, tell
from deskward.core.settings import Settings
from tests.conftest import CUSTOMER, FOREIGN, STAFF, Call, hire
from tests.customers.test_erasure import erased


async def told(desk: Desk, **only: Any) -> list[sa.Row[Any]]:
    query = sa.select(events).order_by(events.c.seq)
    for name, value in only.items():
        query = query.where(events.c[name] == value)
    return list(await desk.database.reader.all(query))


async def have(desk: Desk, tenant: str, listener: str, *kinds: Any) -> None:
    async with desk.database.transaction() as db:
        await listen(db, tenant, listener, kinds)


async def test_what_nobody_listens_to_leaves_no_row(desk: Desk, call: Call) -> None:
    await have(desk, "default", "l1", "ticket.resolved")
    await have(desk, "acme", "l2", *KINDS)
    ticket = (await call("create_ticket", subject="A", body="B", customer_id="user_001")).value
    await call("update_ticket", STAFF, ticket_id=ticket["ticket_id"], update={"priority": "high"})
    assert await told(desk) == []


async def test_each_listener_of_the_tenant_is_told_in_order(desk: Desk, call: Call) -> None:
    await have(desk, "default", "l1", *KINDS)
    await have(desk, "default", "l2", "ticket.created", "customer.updated")
    await have(desk, "acme", "l3", *KINDS)
    await hire(desk, "anna")
    opened = (await call("create_ticket", subject="A", body="B", customer_id="user_001")).value
    ticket_id = opened["ticket_id"]
    await call("update_ticket", STAFF, ticket_id=ticket_id, update={"assignee": "anna"})
    await call("update_ticket", STAFF, ticket_id=ticket_id, update={"status": "resolved"})
    await call("update_address", CUSTOMER, user_id="user_001", new_address="1 New Street, Bern")
    await call("update_address", FOREIGN, user_id="user_001", new_address="1 New Street, Bern")
    rows = await told(desk, listener="l1")
    assert [(row.kind, row.record, row.by) for row in rows] == [
        ("ticket.created", ticket_id, "customer:user_001"),
        ("ticket.updated", ticket_id, "staff:anna"),
        ("ticket.resolved", ticket_id, "staff:anna"),
        ("customer.updated", "user_001", "customer:user_001"),
    ]
    assert rows[1].data == {"assignee": "anna"}
    assert rows[0].customer_id == "user_001"
    other = await told(desk, listener="l2")
    assert [row.kind for row in other] == ["ticket.created", "customer.updated"]
    assert other[0].id == rows[0].id  # one event, told twice
    assert [row.tenant_id for row in await told(desk, listener="l3")] == ["acme"]


async def test_what_is_undone_was_never_told(desk: Desk) -> None:
    async def fail() -> None:
        async with desk.database.transaction() as db:
            await tell(db, "default", "ticket.created", "T1")
            raise ZeroDivisionError

    await have(desk, "default", "l1", *KINDS)
    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await told(desk) == []


async def test_another_process_begins_and_ends_to_listen(desk: Desk, settings: Settings) -> None:
    async with open_desk(settings, model=desk.conversations.agent.model) as other:
        for kinds, count in ((KINDS, 1), ((), 1), (("ticket.created",), 2)):
            await have(other, "default", "l1", *kinds)
            async with desk.database.transaction() as db:
                await tell(db, "default", "ticket.created", "T1", {"status": "open"})
            assert len(await told(other)) == count


async def test_events_go_with_their_customer_and_the_erasure_is_told(
    desk: Desk, call: Call
) -> None:
    await have(desk, "default", "l1", *KINDS)
    for owner in ("user_001", "user_002"):
        await call("create_ticket", STAFF, subject="A", body="B", customer_id=owner)
    await call("update_address", CUSTOMER, user_id="user_001", new_address="1 New Street, Bern")
    async with desk.database.transaction() as db:
        await tell(db, "default", "ticket.updated", "T7", {"from": "user_001"})
    await erased(desk, call)
    left = [(row.kind, row.customer_id) for row in await told(desk)]
    assert ("customer.erased", None) in left
    assert "user_001" not in {owner for _, owner in left}
