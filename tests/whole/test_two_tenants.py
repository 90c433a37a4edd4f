"""Two tenants on one process, with the same customer address: nothing crosses (Show 4).

Mail, threads, search, webhooks and notices; each tenant's mails are its own in every part of them.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core import worker
from deskward.core.events import events
from deskward.core.settings import Settings
from deskward.email.tags import ticket_of
from deskward.gate.context import Context
from deskward.inbox.addresses import meant
from deskward.inbox.filing import Inbox
from deskward.inbox.models import incoming_mails
from deskward.notices import hearing
from deskward.notices.models import NAMES, notices
from deskward.security import members, tenants
from deskward.security.principals import Kind, Principal
from tests.email.conftest import mail_server, server, with_mail
from tests.inbox.conftest import brought, settled
from tests.inbox.shapes import mail
from tests.inbox.test_bounces import bounce
from tests.services.mail import Mail
from tests.services.receiver import Receiver, receiver

__all__ = ["mail_server", "server"]

SAME = "anna@example.com"
BANK, SHOP = "default", "acme"
OWN = {BANK: "support@bank.example", SHOP: "help@shop.example"}
WORDS = {BANK: "mortgage", SHOP: "sneakers"}
"""What is only spoken of there."""

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL", 0.05)
    monkeypatch.setattr(hearing, "PAUSE", timedelta(0))


@pytest.fixture
async def hooks() -> AsyncIterator[Receiver]:
    async with receiver() as made:
        yield made


@pytest.fixture
async def desk(settings: Settings, server: Mail, offline: Any) -> AsyncIterator[Desk]:
    changed = with_mail(settings, server, webhook_networks="127.0.0.0/8", sender_email=OWN[BANK])
    changed = changed.changed(mail_addresses=OWN[BANK], smtp_username=server.user)
    async with open_desk(changed, model=offline) as opened:
        for tenant, name in ((BANK, "The Bank"), (SHOP, "Shop & Söhne")):
            await _set_up(opened, tenant, name)
        yield opened


async def _set_up(desk: Desk, tenant: str, name: str) -> None:
    """A tenant as an operator sets it up, with a chief who hears of everything."""
    async with desk.database.transaction() as db:
        told = {
            "name": name,
            "reply_to": OWN[tenant],
            "mail_domains": [OWN[tenant].partition("@")[2]],
            "signature": f"Yours, {name}",
            "time_zone": "Europe/Berlin",
            "hours": "mon-fri=09:00-17:00" if tenant == BANK else "sat=10:00-12:00",
        }
        await tenants.change(db, tenant, told)
        await members.admit(db, tenant, Kind.STAFF, "carla")
        theirs = members.members
        told = {"email": f"carla@{tenant}.example", "languages": ["en"], "roles": ["support-3"]}
        mine = (theirs.c.tenant_id == tenant) & (theirs.c.id == "carla")
        await db.execute(sa.update(theirs).where(mine).values(told))
    await call(desk, tenant, "switch_notices", on=list(NAMES), everybody=True)


async def call(desk: Desk, tenant: str, tool: str, by: str = "carla", **arguments: Any) -> Any:
    caller = Principal(Kind.STAFF, by, tenant, ("support-3",))
    outcome = await desk.gate.call(tool, arguments, Context(caller, "rest"))
    assert outcome.status == "ok", outcome.value
    return outcome.value


async def quiet(desk: Desk) -> None:
    """Wait until nothing is left to be heard, told or sent."""
    await settled(desk)
    waiting = sa.select(events.c.seq).where(events.c.status == "waiting")
    left = (waiting, sa.select(notices.c.id), sa.text("SELECT id FROM jobs"))
    async with asyncio.timeout(60):
        while any([await desk.database.reader.all(query) for query in left]):
            desk.jobs.wake()
            await asyncio.sleep(0.05)


def received(server: Mail, address: str) -> list[tuple[str, EmailMessage]]:
    """What an address got: by whom it was sent, and the mail."""
    found = []
    for each in server.received:
        if address in each.recipients:
            message = message_from_bytes(each.content, policy=default)
            assert isinstance(message, EmailMessage)
            found.append((each.sender, message))
    return found


def told_of(tenant: str, mails: list[tuple[str, EmailMessage]]) -> list[tuple[str, EmailMessage]]:
    domain = OWN[tenant].partition("@")[2]
    return [(sender, each) for sender, each in mails if domain in str(each["From"])]


async def test_nothing_crosses(desk: Desk, server: Mail, hooks: Receiver) -> None:
    for tenant in (BANK, SHOP):
        path = f"/{tenant}"
        hooks.secrets[path] = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"
        kinds = ["ticket.created", "message.created", "message.delivery", "ticket.updated"]
        told: dict[str, Any] = {
            "url": hooks.url(path),
            "events": kinds,
            "secret": hooks.secrets[path],
        }
        await call(desk, tenant, "add_webhook", **told)

    tickets = {}
    for tenant in (BANK, SHOP):  # with the same Message-ID, too
        text = f"I want to talk of {WORDS[tenant]}."
        raw = mail(text, From=SAME, To=OWN[tenant], Message_ID="<1@x.example>", Subject="Hello")
        row = await brought(desk, raw, tenant)
        tickets[tenant] = f"T{row.number}"
    await quiet(desk)
    for tenant in (BANK, SHOP):
        told = {"ticket_id": tickets[tenant], "update": {"reply": f"Of {WORDS[tenant]}, then."}}
        await call(desk, tenant, "update_ticket", **told)
        told = {"ticket_id": tickets[tenant], "update": {"template": "holding"}}
        await call(desk, tenant, "update_ticket", **told)
        told = {"ticket_id": tickets[tenant], "text": f"@carla look at {WORDS[tenant]}"}
        await call(desk, tenant, "add_ticket_note", by="otto", **told)
    await quiet(desk)

    answers = received(server, SAME)
    for tenant, other in ((BANK, SHOP), (SHOP, BANK)):
        await _look_at_records(desk, tenant, other, tickets)
        mails = told_of(tenant, answers)
        for sender, each in mails:
            _look_at_mail(sender, each, tenant, other, desk)
        [holding] = [each for _, each in mails if "Our hours" in _text(each)]
        hours = "Monday–Friday 9:00" if tenant == BANK else "Saturday 10:00"
        assert f"Our hours: {hours}" in _text(holding).replace("\u202f", " ")
        _look_at_hooks(hooks, tenant, other)
        notes = received(server, f"carla@{tenant}.example")
        assert notes
        for _, each in notes:
            assert WORDS[other] not in each.as_string()
            assert OWN[tenant] in str(each["From"])
    assert {str(each["From"].addresses[0].domain) for _, each in answers} == {
        address.partition("@")[2] for address in OWN.values()
    }

    # What is answered to one tenant is part of its thread, whatever else the mail says.
    for tenant, other in ((BANK, SHOP), (SHOP, BANK)):
        to = next(each["Reply-To"] for _, each in told_of(tenant, answers) if each["Reply-To"])
        follows = [each["Message-ID"] for _, each in answers]
        raw = mail(
            f"More of {WORDS[tenant]}.",
            From=SAME,
            To=str(to),
            Message_ID="<2@x.example>",
            References=" ".join(map(str, follows)),
        )
        row = await brought(desk, raw, tenant)
        assert f"T{row.number}" == tickets[tenant]
        await quiet(desk)
        await _look_at_records(desk, tenant, other, tickets)


async def _look_at_records(desk: Desk, tenant: str, other: str, tickets: dict[str, str]) -> None:
    found = await call(desk, tenant, "search_tickets", query=WORDS[other])
    assert found["tickets"] == []
    found = await call(desk, tenant, "search_tickets", query=WORDS[tenant])
    assert [each["id"] for each in found["tickets"]] == [tickets[tenant]]
    told: dict[str, Any] = {"ticket_id": tickets[tenant], "limit": 100}
    thread = await call(desk, tenant, "list_ticket_messages", **told)
    assert WORDS[other] not in repr(thread)
    assert WORDS[other] not in repr(await call(desk, tenant, "list_incoming_mails"))
    customers = await call(desk, tenant, "list_customers", limit=100)
    assert sum(SAME in repr(each) for each in customers["customers"]) == 1


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def _look_at_mail(sender: str, message: EmailMessage, tenant: str, other: str, desk: Desk) -> None:
    own, theirs = OWN[tenant], OWN[other].partition("@")[2]
    assert sender == own
    assert message["From"].addresses[0].addr_spec == own
    assert str(message["Message-ID"]).endswith(f"@{own.partition('@')[2]}>")
    whole = message.as_string() + _text(message)
    assert theirs not in whole
    assert WORDS[other] not in whole
    if message["In-Reply-To"] is None:
        return  # a notice
    name = "The Bank" if tenant == BANK else "Shop & Söhne"
    assert message["From"].addresses[0].display_name == name
    assert f"Yours, {name}" in _text(message)
    key = desk.gate.port(Inbox).rules.key
    to = str(message["Reply-To"])
    assert re.fullmatch(rf"{own.partition('@')[0]}\+t\d+-\w+@{own.partition('@')[2]}", to)
    assert ticket_of(to, key, tenant) is not None
    assert ticket_of(to, key, other) is None


def _look_at_hooks(hooks: Receiver, tenant: str, other: str) -> None:
    came = [each for each in hooks.came if each.path == f"/{tenant}"]
    assert {each.event["type"] for each in came} >= {"ticket.created", "message.created"}
    for each in came:
        assert each.signed
        assert each.event["data"]["tenant"] == tenant
        assert WORDS[other] not in repr(each.event)


async def test_a_tenant_that_is_answered_at_anothers_address_gets_its_answers(
    desk: Desk, server: Mail
) -> None:
    """It has none of its own: MAIL_REPLY_TO is for all, so only the tag says whose a mail is."""
    async with desk.database.transaction() as db:
        await tenants.change(db, SHOP, {"reply_to": None, "mail_domains": []})
    shared = desk.settings.changed(mail_reply_to=OWN[BANK])
    async with open_desk(shared, model=desk.conversations.agent.model) as again:
        raw = mail("Of sneakers.", From=SAME, To="x@y.example", Message_ID="<1@x.example>")
        row = await brought(again, raw, SHOP)
        told: dict[str, Any] = {"ticket_id": f"T{row.number}", "update": {"reply": "Red ones?"}}
        await call(again, SHOP, "update_ticket", **told)
        await quiet(again)
        [(sender, answer)] = [e for e in received(server, SAME) if e[1]["In-Reply-To"]]
        assert sender == OWN[BANK]
        to = str(answer["Reply-To"])
        assert to.startswith("support+t")
        rules, reader = again.gate.port(Inbox).rules, again.database.reader
        assert await meant(reader, rules, BANK, [to]) == SHOP
        assert await meant(reader, rules, BANK, [to, OWN[BANK]]) == BANK
        assert await meant(reader, rules, BANK, [OWN[BANK]]) == BANK
        forged = to.replace("-", "-0", 1).replace("@", "@", 1)
        assert await meant(reader, rules, BANK, [forged]) == BANK

        # Its bounces come to the bank's mailbox, and are none of the bank's.
        report = bounce(str(answer["Message-ID"]), SAME)
        await brought(again, report, BANK, envelope_from="")
        rows = await reader.all(
            sa.select(incoming_mails.c.tenant_id).where(incoming_mails.c.status == "report")
        )
        assert [each.tenant_id for each in rows] == [SHOP]
        thread = await call(again, SHOP, "list_ticket_messages", ticket_id=f"T{row.number}")
        assert thread["messages"][-1]["delivery"] == "bounced"
