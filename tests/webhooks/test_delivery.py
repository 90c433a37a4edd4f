"""What is told arrives: signed, in order per ticket, at least once, and to its tenant alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core import events as core_events
from deskward.core import jobs, outside
from deskward.core.database import now
from deskward.core.events import events, listen, tell
from deskward.core.settings import Settings
from deskward.features import SLICES
from deskward.gate.rotation import rotate
from deskward.security.hook_signatures import secret_bytes, signed
from deskward.webhooks import delivery
from tests.conftest import CUSTOMER, FOREIGN, STAFF, Call, caller, hire, recorded
from tests.services.receiver import Receiver, Taken
from tests.webhooks.conftest import CHIEF, THEIRS, Add, adder, until


async def say(desk: Desk, *records: str, tenant: str = "default") -> None:
    for record in records:
        async with desk.database.transaction() as db:
            await tell(db, tenant, "ticket.updated", record, {"status": "open"})


async def state(call: Call, webhook_id: str) -> Any:
    return (await call("get_webhook", CHIEF, webhook_id=webhook_id)).value


async def told(call: Call, webhook_id: str) -> list[Any]:
    found = await call("list_deliveries", CHIEF, webhook_id=webhook_id, limit=100)
    return list(reversed(found.value["deliveries"]))


def test_the_signature_is_that_of_the_specifications_libraries() -> None:
    headers = signed(
        secret_bytes("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_each_tenants_program_is_told_its_own_signed_and_in_order(
    desk: Desk, call: Call, add: Add, hooks: Receiver
) -> None:
    await hire(desk, "anna")
    await add("/ours", "ticket.created", "ticket.updated", "ticket.resolved")
    await add("/theirs", "ticket.created", "ticket.updated", by=THEIRS)
    opened = (await call("create_ticket", customer_id="user_001", subject="A", body="B")).value
    await call("create_ticket", FOREIGN, customer_id="user_001", subject="A", body="B")
    ticket = opened["ticket_id"]
    for change in ({"priority": "high"}, {"assignee": "anna"}, {"status": "resolved"}):
        await call("update_ticket", STAFF, ticket_id=ticket, update=change)
    await until(lambda: len(hooks.came) == 5)
    assert all(taken.signed for taken in hooks.came)
    ours = [taken.event for taken in hooks.came if taken.path == "/ours"]
    assert [event["type"] for event in ours] == [
        *("ticket.created", "ticket.updated", "ticket.updated", "ticket.resolved")
    ]
    assert {event["data"]["id"] for event in ours} == {ticket}
    assert ours[0]["data"] == {
        "status": "open",
        "tenant": "default",
        "id": ticket,
        "customer_id": "user_001",
        "by": CUSTOMER.label,
    }
    [theirs] = [taken.event for taken in hooks.came if taken.path == "/theirs"]
    assert theirs["data"]["tenant"] == "acme"


async def test_what_fails_is_told_again_before_what_follows_on_its_ticket(
    desk: Desk, call: Call, add: Add, hooks: Receiver
) -> None:
    tries: Counter[str] = Counter()

    def answer(taken: Taken) -> int:
        tries[taken.id] += 1
        return 500 if taken.event["data"]["id"] == "T1" and tries[taken.id] < 3 else 200

    hooks.answer = answer
    webhook = await add("/hook", "ticket.updated")
    await say(desk, "T1", "T2", "T1", "T3", "T1")
    await until(lambda: len(hooks.came) == 5 + 3 * 2)
    ids = [row["event_id"] for row in await told(call, webhook) if row["record"] == "T1"]
    assert len(ids) == 3
    came = [taken.id for taken in hooks.came if taken.event["data"]["id"] == "T1"]
    assert came == [one for one in ids for _ in range(3)]
    while (await state(call, webhook))["waiting"]:
        await asyncio.sleep(0.02)
    rows = await told(call, webhook)
    assert {row["status"] for row in rows} == {"done"}
    assert [row["attempts"] for row in rows] == [3, 1, 3, 1, 3]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            "302",
        ),
        (None, "no answer within"),
        (b"this is no HTTP\r\n\r\n", "RemoteProtocolError"),
        (b"HTTP/1.1 500 No\r\ncontent-length: 99999999\r\n\r\n" + b"x" * 1_000_000, "500"),
        (404, "404"),
    ],
)
async def test_odd_programs_are_no_success_and_cost_little(
    sqlite_settings: Settings,
    offline: Any,
    hooks: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    outcome: str,
) -> None:
    monkeypatch.setattr(outside, "TIMEOUT", 2.0)
    monkeypatch.setattr(delivery, "RETRIES", (60.0,) * 10)
    hooks.answer = lambda taken: answer if taken.path == "/odd" else 200
    settings = sqlite_settings.changed(webhook_networks="127.0.0.0/8")
    async with open_desk(settings, model=offline) as desk:
        call = caller(desk)
        add = adder(desk, hooks)
        odd, good = await add("/odd", "ticket.updated"), await add("/good", "ticket.updated")
        await say(desk, *(f"T{number}" for number in range(1, 21)))
        await until(lambda: sum(taken.path == "/good" for taken in hooks.came) == 20, 30)
        async with asyncio.timeout(30):
            while not (await state(call, odd))["failing_since"]:
                await asyncio.sleep(0.02)
        shown = await state(call, odd)
        assert outcome in shown["reason"]
        assert shown["waiting"] == 20
        assert sum(taken.path == "/odd" for taken in hooks.came) <= delivery.AT_ONCE
        while (await state(call, good))["waiting"]:
            await asyncio.sleep(0.02)


async def test_a_lasting_failure_disables_it_and_staff_can_have_it_made_good(
    desk: Desk, call: Call, add: Add, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.database.transaction() as db:
        await listen(db, "default", "staff", ["webhook.disabled"])
    monkeypatch.setattr(delivery, "RETRIES", (0.05,) * 1000)
    hooks.answer = lambda _: 503
    webhook = await add("/hook", "ticket.updated")
    await say(desk, "T1", "T2")
    monkeypatch.setattr(delivery, "LASTING", timedelta(seconds=0.3))
    async with asyncio.timeout(60):
        while (await state(call, webhook))["enabled"]:
            await asyncio.sleep(0.02)
    assert "nothing was taken" in (await state(call, webhook))["reason"]
    await say(desk, "T3")  # which nobody listens to any more
    found = await desk.database.reader.all(
        sa.select(events.c.record).where(events.c.kind == "webhook.disabled")
    )
    assert [row.record for row in found] == [webhook]
    hooks.answer = lambda _: 200
    hooks.came.clear()
    refused = await call("replay_webhook", CHIEF, webhook_id=webhook)
    assert refused.error is not None
    await call("enable_webhook", CHIEF, webhook_id=webhook)
    again = await call("replay_webhook", CHIEF, webhook_id=webhook)
    assert again.value["count"] == 2
    await say(desk, "T4")
    await until(lambda: len(hooks.came) == 3)
    assert [taken.event["data"]["id"] for taken in hooks.came] == ["T1", "T2", "T4"]


async def test_an_address_that_is_gone_is_told_nothing_more(
    desk: Desk, call: Call, add: Add, hooks: Receiver
) -> None:
    hooks.answer = lambda _: 410
    webhook = await add("/hook", "ticket.updated")
    await say(desk, "T1")
    async with asyncio.timeout(10):
        while (await state(call, webhook))["enabled"]:
            await asyncio.sleep(0.02)
    assert len(hooks.came) == 1


async def test_a_process_that_ends_in_the_middle_loses_nothing(
    local: Settings, offline: Any, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=1.5))
    hooks.answer = lambda _: None  # and so it is cut off in the middle of some
    async with open_desk(local, model=offline) as desk:
        await adder(desk, hooks)("/hook", "ticket.updated")
        await say(desk, *(f"T{number % 3}" for number in range(9)))
        await until(lambda: len(hooks.came) >= 2)
    begun = {taken.id for taken in hooks.came}
    hooks.came.clear()
    hooks.answer = lambda _: 200
    async with open_desk(local, model=offline), open_desk(local, model=offline):
        await until(lambda: len({taken.id for taken in hooks.came}) == 9)
    assert begun <= {taken.id for taken in hooks.came}
    for lane in ("T0", "T1", "T2"):
        came = [
            taken.event["timestamp"] for taken in hooks.came if taken.event["data"]["id"] == lane
        ]
        assert came == sorted(came)


async def test_the_secret_is_sealed_and_nobody_is_told_it_again(
    desk: Desk, call: Call, add: Add, hooks: Receiver
) -> None:
    webhook = await add("/hook", "ticket.updated")
    secret = hooks.secrets["/hook"]
    rows = str(await recorded(desk)) + str(await state(call, webhook))
    [row] = await desk.database.reader.all(sa.text("SELECT secret FROM webhooks"))
    assert secret not in rows
    assert secret_bytes(secret) not in bytes(row.secret)
    for bad in ("whsec_" + "A" * 40 + "!!", "A" * 44, "whsec_" + "A" * 92):
        arguments = {"url": hooks.url(), "events": ["ticket.updated"], "secret": bad}
        assert (await call("add_webhook", CHIEF, **arguments)).error is not None


async def test_another_secret_key_of_the_desk_changes_no_webhooks_secret(
    local: Settings, offline: Any, hooks: Receiver
) -> None:
    async with open_desk(local, model=offline) as desk:
        await adder(desk, hooks)("/hook", "ticket.updated")
        sealed = [one for part in SLICES for one in part.sealed]
        await rotate(desk.database, local.key, b"n" * 32, lambda *_: None, None, sealed)
    async with open_desk(local.changed(secret_key="n" * 32), model=offline) as desk:
        await say(desk, "T1")
        await until(lambda: bool(hooks.came))
    assert hooks.came[0].signed


async def test_one_that_is_removed_leaves_nothing(
    desk: Desk, call: Call, add: Add, hooks: Receiver
) -> None:
    webhook = await add("/hook", "ticket.updated")
    hooks.answer = lambda _: 500
    await say(desk, "T1")
    await until(lambda: len(hooks.came) > 0)
    assert (await call("remove_webhook", THEIRS, webhook_id=webhook)).error is not None
    assert (await call("remove_webhook", CHIEF, webhook_id=webhook)).status == "ok"
    for table in (core_events.events, core_events.listeners):
        assert await desk.database.reader.all(sa.select(table)) == []


async def test_what_was_told_long_ago_is_forgotten(
    desk: Desk, call: Call, add: Add, hooks: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook = await add("/hook", "ticket.updated")
    await say(desk, "T1")
    await until(lambda: len(hooks.came) == 1)
    monkeypatch.setattr(delivery, "FORGETS", timedelta())
    await asyncio.sleep(0.2)  # some looks later
    assert len(await told(call, webhook)) == 1
    later = now() + delivery.KEPT + timedelta(minutes=1)
    monkeypatch.setattr(delivery, "now", lambda: later)
    async with asyncio.timeout(10):
        while await told(call, webhook):
            await asyncio.sleep(0.02)
