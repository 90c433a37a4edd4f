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
from deskward.core import worker
from deskward.core.events import events, tell
from deskward.core.settings import Settings
from deskward.customers.models import customers
from deskward.email.models import emails
from deskward.notices import hearing, wording
from deskward.notices.models import NAMES, notices
from deskward.security import members
from deskward.security.principals import Kind, Principal
from tests.conftest import CUSTOMER, FOREIGN, STAFF, Call, caller
from tests.email.conftest import mail_server, server, with_mail
from tests.services.mail import Mail

__all__ = ["mail_server", "server"]

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
    left = (waiting, sa.select(notices.c.id), sa.text("SELECT id FROM jobs"))
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
        for language in wording.LANGUAGES:
            subject, text = wording.letter(language, [(name, {"id": "T1"})])
            assert subject
            assert "{" not in subject + text
