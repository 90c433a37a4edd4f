"""Answers to tickets go by mail: threaded, quoted, with an address that finds its ticket."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.tickets import thread
from deskward.tickets.messages import Author
from tests.conftest import CUSTOMER, STAFF
from tests.email.conftest import Send, with_mail
from tests.services.mail import Mail

ASKED = "<first.1@mail.example.com>"


@pytest.fixture
async def desk(sqlite_settings: Settings, server: Mail, offline) -> AsyncIterator[Desk]:
    """A desk that sends mail, and has an address for answers."""
    settings = with_mail(
        sqlite_settings,
        server,
        mail_reply_to="help@desk.example, acme=acme@desk.example",
        mail_signature="Deskward Ltd\nThe Team",
    )
    async with open_desk(settings, model=offline) as opened:
        yield opened


async def mailed(desk: Desk, ticket: str, text: str = "My card?", mail: str = ASKED) -> None:
    async with desk.database.transaction() as db:
        await thread.receive(
            db,
            "default",
            ticket,
            text=text,
            author=Author.customer("user_001"),
            channel="mail",
            message_id=mail,
            address="alex@home.example.com",
        )


async def opened(send: Send) -> str:
    made = await send("create_ticket", CUSTOMER, subject="Kärte\tweg", body="It is gone.")
    return str(made.value["ticket_id"])


async def reply(send: Send, ticket: str, text: str, principal: Any = STAFF) -> dict[str, Any]:
    """The message that an answer is, once it is known what became of it."""
    outcome = await send("update_ticket", principal, ticket_id=ticket, update={"reply": text})
    assert outcome.status == "ok", outcome.value
    async with asyncio.timeout(15):
        while True:
            listed = await send("list_ticket_messages", ticket_id=ticket, limit=100)
            message = listed.value["messages"][-1]
            if message["delivery"] != "queued":
                return dict(message)
            await asyncio.sleep(0.05)


def last(server: Mail) -> EmailMessage:
    found = message_from_bytes(server.received[-1].content, policy=default)
    assert isinstance(found, EmailMessage)
    return found


def body(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


async def test_an_answer_goes_back_by_mail_and_is_threaded(
    desk: Desk, send: Send, server: Mail
) -> None:
    ticket = await opened(send)
    await mailed(desk, ticket)
    message = await reply(send, ticket, "We look.\n\nAnna")
    assert (message["delivery"], message["channel"]) == ("sent", "mail")
    mail = last(server)
    assert server.received[-1].recipients == ("alex@home.example.com",)
    assert (mail["Subject"], mail["In-Reply-To"]) == ("Re: Kärte weg", ASKED)
    assert mail["References"] == ASKED
    assert mail["Message-ID"] == message["message_id"]
    assert mail["Auto-Submitted"] is None
    text = body(mail)
    assert text.startswith("We look.\n\nAnna\n\n-- \nDeskward Ltd\nThe Team\n\n")
    assert "> My card?" in text
    assert "> It is gone." in text
    html = body(mail, "html")
    assert "<blockquote" in html

    assert re.fullmatch(rf"help\+{ticket.lower()}-\w+@desk\.example", str(mail["Reply-To"]))

    await mailed(desk, ticket, "And now?", "<second@mail.example.com>")
    again = await reply(send, ticket, "Done.")
    mail = last(server)
    assert mail["In-Reply-To"] == "<second@mail.example.com>"
    references = str(mail["References"]).split()
    assert references == [ASKED, message["message_id"], "<second@mail.example.com>"]
    assert again["message_id"] == mail["Message-ID"]


async def test_what_did_not_leave_is_not_called_sent(desk: Desk, send: Send, server: Mail) -> None:
    ticket = await opened(send)
    await mailed(desk, ticket)
    server.faults.refused.add("alex@home.example.com")
    message = await reply(send, ticket, "Hello")
    assert message["delivery"] == "failed"
    assert "550" in message["detail"]
    seen = await send("list_ticket_messages", CUSTOMER, ticket_id=ticket)
    assert seen.value["messages"][-1]["delivery"] == "failed"


async def test_what_an_agent_writes_says_so_and_leads_nowhere(
    desk: Desk, send: Send, server: Mail
) -> None:
    ticket = await opened(send)
    await mailed(desk, ticket)
    agent = replace(STAFF, agent="assistant")
    message = await reply(send, ticket, "Look at https://evil.example/x now.", agent)
    mail = last(server)
    assert message["by"] == "agent"
    assert mail["Auto-Submitted"] == "auto-replied"
    assert "https://evil.example" not in body(mail)


async def test_an_answer_to_what_came_otherwise_goes_to_the_customers_address(
    send: Send, server: Mail
) -> None:
    ticket = await opened(send)
    assert (await reply(send, ticket, "Hello"))["delivery"] == "sent"
    assert server.received[-1].recipients == ("alex.morgan@example.com",)
    assert last(server)["In-Reply-To"] is None


@pytest.mark.parametrize(
    "hostile",
    ["<a@b>\r\nBcc: all@example.com", "<a b@c>", "no brackets", "<ü@x>", f"<{'x' * 1200}@y>"],
)
async def test_no_header_is_made_of_a_strange_message_id(
    desk: Desk, send: Send, server: Mail, hostile: str
) -> None:
    ticket = await opened(send)
    await mailed(desk, ticket, mail=hostile[:998])
    assert (await reply(send, ticket, "Hello"))["delivery"] == "sent"
    mail = last(server)
    assert (mail["In-Reply-To"], mail["References"], mail["Bcc"]) == (None, None, None)
