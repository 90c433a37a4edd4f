"""Notices reach whom they concern: in their language, not too often, and nobody else."""

from __future__ import annotations

import asyncio
import email
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.conversations import news
from deskward.conversations.store import Where
from deskward.core import worker
from deskward.core.events import events, tell
from deskward.core.settings import Settings
from deskward.customers.models import customers
from deskward.email import bounced
from deskward.email.models import emails
from deskward.gate.context import Context
from deskward.notices import hearing, wording
from deskward.notices.models import NAMES, notices
from deskward.security import members
from deskward.security.principals import Kind, Principal
from deskward.security.tenants import tenants
from deskward.tickets.models import tickets
from tests.conftest import CUSTOMER, FOREIGN, STAFF, Call, caller
from tests.email.conftest import mail_server, server, with_mail
from tests.services.mail import Mail

__all__ = ["mail_server", "server"]

LEFT = "SELECT id FROM jobs WHERE kind NOT IN ('handover_waits', 'diagnosis_quiet')"
"""What is left to do, but for what waits for its time."""
CHIEF = Principal(Kind.STAFF, "carla", "default", ("support-3",))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL", 0.05)
    monkeypatch.setattr(hearing, "PAUSE", timedelta(0))


@pytest.fixture
async def desk(settings: Settings, server: Mail, offline: Any) -> AsyncIterator[Desk]:
    """A desk that sends mail, and sends every notice."""
    async with open_desk(with_mail(settings, server), model=offline) as opened:
        await admit(opened, "anna", "anna@desk.example", ["de-CH"])
        await admit(opened, "otto", "otto@desk.example", ["fr"], roles=("support-2",))
        done = await caller(opened)("switch_notices", CHIEF, on=list(NAMES), everybody=True)
        assert done.status == "ok", done.value
        yield opened


async def admit(desk: Desk, name: str, address: str, languages: Any, roles: Any = ()) -> None:
    async with desk.database.transaction() as db:
        await members.admit(db, "default", Kind.STAFF, name)
        told = {"email": address, "languages": list(languages), "roles": list(roles)}
        table = members.members
        await db.execute(sa.update(table).where(table.c.id == name).values(told))


async def say(desk: Desk, kind: Any, record: str, data: Any, customer: str | None = None) -> None:
    async with desk.database.transaction() as db:
        await tell(db, "default", kind, record, data, customer_id=customer)


async def settled(desk: Desk) -> None:
    """Wait until nothing is left to be heard, sent or delivered."""
    waiting = sa.select(events.c.seq).where(events.c.status == "waiting")
    left = (waiting, sa.select(notices.c.id), sa.text(LEFT))
    async with asyncio.timeout(30):
        while any([await desk.database.reader.all(query) for query in left]):
            desk.jobs.wake()
            await asyncio.sleep(0.05)


async def mails(desk: Desk, server: Mail) -> dict[str, list[EmailMessage]]:
    """What came, by whom it came to."""
    await settled(desk)
    found: dict[str, list[EmailMessage]] = {}
    for envelope in server.received:
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        for address in envelope.recipients:
            found.setdefault(address, []).append(message)
    return found


def body(message: EmailMessage) -> str:
    part = message.get_body()
    assert part is not None
    return str(part.get_content())


async def test_each_is_told_in_their_language_and_marked_as_automatic(
    desk: Desk, call: Call, server: Mail
) -> None:
    async with desk.database.transaction() as db:
        await db.execute(sa.update(customers).values(language="pt-BR"))
    opened = (await call("create_ticket", customer_id="user_001", subject="A", body="B")).value
    ticket = opened["ticket_id"]
    await call("update_ticket", CHIEF, ticket_id=ticket, update={"assignee": "anna"})
    await call("create_ticket", FOREIGN, customer_id="user_001", subject="A", body="B")
    found = await mails(desk, server)
    assert set(found) == {"alex.morgan@example.com", "anna@desk.example"}
    [received] = found["alex.morgan@example.com"]
    assert received["subject"] == f"Recebemos o seu pedido {ticket}"
    assert received["auto-submitted"] == "auto-generated"
    [assigned] = found["anna@desk.example"]
    assert f"Das Ticket {ticket} wurde Ihnen zugewiesen." in body(assigned)


@pytest.mark.parametrize(
    ("of_tickets", "told"),
    [(None, "Nous avons reçu votre demande"), ("es-MX", "Hola"), ("ru", "Nous avons reçu")],
)
async def test_who_has_told_no_language_is_written_to_in_their_tickets_or_the_tenants(
    desk: Desk, call: Call, server: Mail, of_tickets: str | None, told: str
) -> None:
    async with desk.database.transaction() as db:
        await db.execute(sa.update(customers).values(language=None))
        await db.execute(sa.update(tickets).values(language=of_tickets))
        await db.execute(sa.update(tenants).values(languages=["fr", "de"]))
    await call("create_ticket", customer_id="user_001", subject="A", body="B")
    [mail] = (await mails(desk, server))["alex.morgan@example.com"]
    assert told in body(mail)


async def test_what_staff_do_themselves_they_are_not_told_and_customers_are(
    desk: Desk, call: Call, server: Mail
) -> None:
    ticket = (await call("list_tickets", STAFF)).value["tickets"][0]["id"]
    await call("update_ticket", STAFF, ticket_id=ticket, update={"assignee": STAFF.id})
    await call("update_address", CUSTOMER, user_id="user_001", new_address="1 New Street, Bern")
    assert set(await mails(desk, server)) == {"alex.morgan@example.com"}


async def test_many_are_joined_and_nobody_is_flooded(
    desk: Desk, server: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "PAUSE", timedelta(seconds=3))
    for number in range(30):
        await say(desk, "ticket.updated", f"T{number}", {"assignee": "anna"})
        await asyncio.sleep(0.01)
    found = (await mails(desk, server))["anna@desk.example"]
    assert 1 < len(found) <= 3
    told = "".join(map(body, found))
    assert all(f"Das Ticket T{number} wurde" in told for number in range(30))
    assert "Dinge sind geschehen" in found[-1]["subject"]


async def test_approvals_and_handovers_concern_those_who_may(
    desk: Desk, call: Call, server: Mail
) -> None:
    await say(desk, "approval.waiting", "a" * 32, {"tool": "x"}, "user_001")
    await say(desk, "conversation.handed_over", "T7", {"team": None}, "user_001")
    ticket = (await call("list_tickets", STAFF)).value["tickets"][0]["id"]
    note = "@Anna, @ghost and me@otto: look at this. (@anna.)"
    assert (await call("add_ticket_note", CHIEF, ticket_id=ticket, text=note)).status == "ok"
    found = await mails(desk, server)
    assert set(found) == {"anna@desk.example", "otto@desk.example"}
    otto = "".join(map(body, found["otto@desk.example"]))
    assert "Un client attend" in otto
    assert "a" * 32 in otto
    assert ticket in "".join(map(body, found["anna@desk.example"]))
    assert ticket not in otto
    assert "T7" not in "".join(map(body, found["anna@desk.example"]))  # has no role of her own


async def test_what_is_switched_off_is_not_sent(desk: Desk, call: Call, server: Mail) -> None:
    assert (await call("switch_notices", CUSTOMER, off=["received"])).status == "ok"
    assert (await call("switch_notices", CUSTOMER, on=["assigned"])).error is not None
    assert (await call("switch_notices", CUSTOMER, off=["received"], everybody=True)).error
    await call("create_ticket", customer_id="user_001", subject="A", body="B")
    await call("create_ticket", STAFF, customer_id="user_002", subject="A", body="B")
    assert len(await mails(desk, server)) == 1
    shown = (await call("list_notices", CUSTOMER)).value["notices"]
    assert [one["name"] for one in shown if not one["wanted"]] == ["received"]
    server.received.clear()
    await call("switch_notices", CHIEF, off=list(NAMES), everybody=True)
    await call("create_ticket", STAFF, customer_id="user_002", subject="A", body="B")
    assert await mails(desk, server) == {}
    assert await desk.database.reader.all(sa.select(events).where(events.c.status != "done")) == []


async def test_who_is_gone_gets_none_and_programs_are_not_answered(
    desk: Desk, server: Mail
) -> None:
    async with desk.database.transaction() as db:
        await members.set_disabled(db, "default", Kind.STAFF, "otto", disabled=True)
        await db.execute(
            sa.update(customers).where(customers.c.id == "user_002").values(email=None)
        )
    await say(desk, "ticket.created", "T1", {}, "nobody")
    await say(desk, "ticket.created", "T1", {}, "user_002")
    await say(desk, "ticket.created", "T1", {"automatic": True}, "user_001")
    await say(desk, "ticket.updated", "T1", {"assignee": "otto"})
    await say(desk, "conversation.handed_over", "T1", {})
    assert await mails(desk, server) == {}


async def test_two_processes_send_one_mail(
    desk: Desk, settings: Settings, server: Mail, offline: Any
) -> None:
    async with open_desk(with_mail(settings, server), model=offline):
        for number in range(20):
            owner = f"user_00{1 + number % 2}"
            await say(desk, "customer.updated", owner, {"changed": ["password"]}, owner)
        found = await mails(desk, server)
    rows = await desk.database.reader.all(sa.select(emails))
    assert sum(map(len, found.values())) == len(rows)
    assert len(rows) <= 20


@pytest.mark.parametrize("name", [*NAMES, wording.FRAME])
def test_every_notice_is_worded_in_every_language(name: str) -> None:
    template = wording.templates()[name]
    assert tuple(template) == wording.LANGUAGES
    assert len({str(words) for words in template.values()}) == len(wording.LANGUAGES)
    if name != wording.FRAME:
        told = {"id": "T1", "product": "Acme API", "message": "It was a disk."}
        for language in wording.LANGUAGES:
            subject, text = wording.letter(language, [(name, told)])
            assert subject
            assert "{" not in subject + text


@pytest.fixture
async def fresh(sqlite_settings: Settings, server: Mail, offline: Any) -> AsyncIterator[Desk]:
    """A desk with a mail server, on which nobody has switched anything."""
    changed = with_mail(sqlite_settings, server, notices=True)
    async with open_desk(changed, model=offline) as opened:
        await admit(opened, "anna", "anna@desk.example", ["de-CH"], roles=("support",))
        await admit(opened, "carla", "carla@desk.example", ["fr"], roles=("support-3",))
        yield opened


async def test_a_desk_with_a_mail_server_tells_the_usual_by_itself(
    fresh: Desk, server: Mail
) -> None:
    call = caller(fresh)
    ticket = (await call("create_ticket", customer_id="user_001", subject="A", body="B")).value
    await call("update_ticket", STAFF, ticket_id=ticket["ticket_id"], update={"assignee": "carla"})
    await call("hand_over", CUSTOMER, customer_id="user_001", reason="Help me")
    await call("update_address", CUSTOMER, user_id="user_001", new_address="1 New Street, Bern")
    note = {"ticket_id": ticket["ticket_id"], "text": "@carla look"}
    await call("add_ticket_note", STAFF, **note)
    found = await mails(fresh, server)
    assert set(found) == {
        "alex.morgan@example.com",
        "anna@desk.example",
        "carla@desk.example",
    }
    customer = "".join(map(body, found["alex.morgan@example.com"]))
    assert "received" in customer
    assert "address" not in customer  # is off until somebody switches it on
    carla = "".join(map(body, found["carla@desk.example"]))
    assert "attribué" in carla
    assert "Un client attend" in carla
    assert "wartet auf einen Menschen" in "".join(map(body, found["anna@desk.example"]))
    server.received.clear()
    done = await call("switch_notices", CHIEF, off=list(NAMES), everybody=True)
    assert done.status == "ok"
    await call("hand_over", STAFF, customer_id="user_002", reason="Help me")
    assert await mails(fresh, server) == {}
    shown = (await call("list_notices", CHIEF, everybody=True)).value["notices"]
    assert not any(one["sent"] for one in shown)


@pytest.mark.parametrize("changed", [{"notices": False}, {"smtp_server": None}], ids=str)
async def test_without_a_mail_server_or_where_it_is_switched_off_nothing_is_told(
    sqlite_settings: Settings, server: Mail, offline: Any, changed: dict[str, Any]
) -> None:
    chosen = with_mail(sqlite_settings, server, **{"notices": True, **changed})
    async with open_desk(chosen, model=offline) as desk:
        await caller(desk)("create_ticket", customer_id="user_001", subject="A", body="B")
        assert await desk.database.reader.all(sa.select(events)) == []
        shown = (await caller(desk)("list_notices", CHIEF, everybody=True)).value["notices"]
        assert not any(one["sent"] for one in shown)


async def test_nothing_goes_to_an_address_that_bounced_until_it_lives(
    fresh: Desk, server: Mail
) -> None:
    async with fresh.database.transaction() as db:
        await bounced.remember(db, "default", "Alex.Morgan@example.com")
        await bounced.remember(db, "default", "anna@desk.example")
    call = caller(fresh)
    await call("create_ticket", customer_id="user_001", subject="A", body="B")
    await call("hand_over", STAFF, customer_id="user_002", reason="Help me")
    assert "alex.morgan@example.com" not in await mails(fresh, server)
    assert "anna@desk.example" not in await mails(fresh, server)
    async with fresh.database.transaction() as db:
        await bounced.lives(db, "default", "alex.morgan@example.com")
    await call("create_ticket", customer_id="user_001", subject="A", body="B")
    assert "alex.morgan@example.com" in await mails(fresh, server)


async def test_an_answer_that_is_read_or_goes_by_mail_is_not_told_twice(
    desk: Desk, server: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hearing, "READING", timedelta(0))
    await say(desk, "message.created", "T1", {"by": "desk", "delivery": "queued"}, "user_001")
    assert await mails(desk, server) == {}
    call = caller(desk)
    reader = await desk.conversations.send(Context(CUSTOMER, "rest"), "s", "I want a human")
    _ = [placed async for placed in reader]
    found = (await call("search_tickets", STAFF, query="channel:chat status:open")).value
    ticket = found["tickets"][0]["id"]
    await settled(desk)
    server.received.clear()
    monkeypatch.setattr(hearing, "READING", timedelta(seconds=2))
    for text in ("Read.", "Not read."):
        await call("answer_in_conversation", STAFF, ticket_id=ticket, text=text)
    here = Where("default", CUSTOMER.label, "s")
    read = next(one for one in await news.after(desk.database.reader, here, 0) if one.text)
    async with desk.database.transaction() as db:
        await news.received(db, here, read.id)
    [mail] = (await mails(desk, server))["alex.morgan@example.com"]
    assert body(mail).count(ticket) == 1


async def test_what_is_due_is_told_to_who_works_on_it_and_then_to_those_who_lead(
    fresh: Desk, server: Mail
) -> None:
    async with fresh.database.transaction() as db:
        table = members.members
        await db.execute(sa.update(table).where(table.c.id == "anna").values(teams=["billing"]))
    await say(fresh, "ticket.due_soon", "T1", {"assignee": "carla", "team": "billing"})
    await say(fresh, "ticket.due_soon", "T2", {"assignee": None, "team": "billing"})
    await say(fresh, "conversation.waiting_long", "T3", {"to": "team", "team": "billing"})
    await say(fresh, "conversation.waiting_long", "T4", {"to": "leads", "team": "billing"})
    found = {to: "".join(map(body, got)) for to, got in (await mails(fresh, server)).items()}
    told = {
        to: {name for name in ("T1", "T2", "T3", "T4") if name in text}
        for to, text in found.items()
    }
    assert told == {"anna@desk.example": {"T2", "T3"}, "carla@desk.example": {"T1", "T4"}}
