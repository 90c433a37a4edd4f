"""A mail that came back: the message says so, and nobody else can say it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email import message_from_bytes
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.email.models import emails
from deskward.gate.context import Context
from tests.conftest import STAFF
from tests.email.conftest import mail_server, server, with_mail
from tests.inbox.conftest import ADDRESSES, Bring, messages
from tests.inbox.shapes import mail, multi, part
from tests.services.mail import Mail

__all__ = ["mail_server", "server"]


@pytest.fixture
async def desk(sqlite_settings: Settings, server: Mail, offline) -> AsyncIterator[Desk]:
    settings = with_mail(sqlite_settings, server, mail_addresses=ADDRESSES)
    async with open_desk(settings, model=offline) as opened:
        yield opened


async def answered(desk: Desk, bring: Bring, server: Mail) -> tuple[int, str]:
    """A ticket by mail that was answered by mail; gives its number, and the answer's Message-ID."""
    row = await bring(mail("My card was declined."))
    change = {"ticket_id": f"T{row.number}", "update": {"reply": "We look."}}
    outcome = await desk.gate.call("update_ticket", change, Context(STAFF, "rest"))
    assert outcome.error is None, outcome.error
    async with asyncio.timeout(20):
        while (await last(desk, row.number))["delivery"] != "sent":
            await asyncio.sleep(0.02)
    return row.number, str(message_from_bytes(server.received[-1].content)["Message-ID"])


async def last(desk: Desk, number: int) -> dict[str, Any]:
    return (await messages(desk, number))[-1]


def bounce(message_id: str, recipient: str = "anna@example.com", action: str = "failed") -> bytes:
    status = (
        f"Reporting-MTA: dns; mx.example.com\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\n"
        f"Action: {action}\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n"
    )
    body, kind = multi(
        "report; report-type=delivery-status",
        part("It could not be delivered."),
        part(status, "message/delivery-status"),
        part(f"Message-ID: {message_id}\r\nSubject: x\r\n", "text/rfc822-headers"),
    )
    named = f"<{recipient}{action}@mx.example>"
    return mail(body, kind, None, From="MAILER-DAEMON@mx.example.com", Message_ID=named)


async def test_a_bounce_stands_on_the_message(desk: Desk, bring: Bring, server: Mail) -> None:
    number, message_id = await answered(desk, bring, server)
    row = await bring(bounce(message_id), envelope_from="")
    assert (row.status, row.number) == ("report", None)
    assert "550 no such user" in row.reason
    message = await last(desk, number)
    assert (message["delivery"], message["text"]) == ("bounced", "We look.")
    assert "550 no such user" in message["detail"]
    mailed = await desk.database.reader.first(sa.select(emails.c.refused))
    assert mailed is not None
    assert mailed.refused == {"anna@example.com": "550 no such user"}


async def test_what_is_no_failure_of_that_mail_changes_nothing(
    desk: Desk, bring: Bring, server: Mail
) -> None:
    number, message_id = await answered(desk, bring, server)
    for raw, tenant in (
        (bounce(message_id, action="delayed"), "default"),
        (bounce(message_id, "eve@evil.example"), "default"),
        (bounce("<0123456789abcdef0123456789abcdef@desk.example>"), "default"),
        (bounce(message_id), "acme"),
    ):
        row = await bring(raw, tenant, envelope_from="")
        assert (row.status, row.number) == ("report", None)
    assert (await last(desk, number))["delivery"] == "sent"
    found = await desk.database.reader.all(sa.text("SELECT 1 FROM tickets WHERE source = 'mail'"))
    assert len(found) == 1


async def test_an_answer_to_who_came_by_a_signed_address_goes_to_the_customer(
    desk: Desk, bring: Bring, server: Mail
) -> None:
    number, _ = await answered(desk, bring, server)
    to = message_from_bytes(server.received[-1].content)["Reply-To"]
    raw = mail("Me, too.", From="eve@evil.example", To=to, Message_ID="<2@x.example>")
    other = await bring(raw)
    assert other.number == number
    change = {"ticket_id": f"T{number}", "update": {"reply": "Here is all of it."}}
    await desk.gate.call("update_ticket", change, Context(STAFF, "rest"))
    async with asyncio.timeout(20):
        while len(server.received) < 2:
            await asyncio.sleep(0.02)
    assert server.received[-1].recipients == ("anna@example.com",)
