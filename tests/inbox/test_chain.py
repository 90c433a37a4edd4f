"""The whole way of mails, with real servers: Postfix, Dovecot and the desk, each a program.

Out: desk → SMTP → Postfix → LMTP → Dovecot. In, of one tenant: Postfix → LMTP → Dovecot → IMAP with
IDLE, signed in with tokens (XOAUTH2); of another one: Postfix → LMTP → the desk itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiosmtpd.controller import Controller

from deskward.app import open_desk
from deskward.security import tenants
from deskward.security.principals import Kind
from tests.conftest import settings_in
from tests.inbox.shapes import mail
from tests.services.dovecot import Dovecot, dovecot
from tests.services.greenmail import GreenMail, greenmail
from tests.services.postfix import postfix
from tests.services.programs import free_port
from tests.services.server import server
from tests.services.tokens import PUBLIC, Issuer, token_server

BOX = "support@desk.example"
SHOP = "help@shop.example"
ANNA = "anna@customers.example"
GONE = "gone@full.example"
PROMPT = 20.0
"""Seconds in which a mail is there; without IDLE it would be looked for every 120 seconds."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dovecot"), pytest.mark.timeout(300)]


@dataclass
class Chain:
    """The desk with its mail servers."""

    url: str
    keys: dict[str, str]
    smtp_port: int
    boxes: Dovecot

    async def send(self, raw: bytes, to: str, sender: str = ANNA) -> None:
        """Send a mail as a customer's program does."""

        def work() -> None:
            with smtplib.SMTP("127.0.0.1", self.smtp_port) as client:
                client.sendmail(sender, [to], raw)

        await asyncio.to_thread(work)

    async def get(self, path: str, tenant: str = "default") -> Any:
        async with httpx2.AsyncClient(timeout=20) as client:
            answer = await client.get(
                f"{self.url}{path}", headers={"Authorization": f"Bearer {self.keys[tenant]}"}
            )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def answer(self, ticket: str, text: str, tenant: str = "default") -> None:
        async with httpx2.AsyncClient(timeout=20) as client:
            answer = await client.patch(
                f"{self.url}/tickets/{ticket}",
                json={"reply": text},
                headers={"Authorization": f"Bearer {self.keys[tenant]}"},
            )
        assert answer.status_code == 200, answer.text

    async def ticket(self, subject: str, tenant: str = "default") -> str:
        """The ticket of a subject, once there is one."""

        async def look() -> str | None:
            found = (await self.get("/tickets?limit=100", tenant))["tickets"]
            return next((each["id"] for each in found if each["subject"] == subject), None)

        found: str = await until(look)
        return found

    async def messages(self, ticket: str, many: int, tenant: str = "default") -> list[Any]:
        """The messages of a ticket, once there are so many."""

        async def look() -> list[Any] | None:
            found = (await self.get(f"/tickets/{ticket}/messages", tenant))["messages"]
            return found if len(found) >= many else None

        found: list[Any] = await until(look)
        return found

    async def received(self, address: str, many: int) -> list[EmailMessage]:
        """What is in somebody's mailbox, once there are so many."""

        async def look() -> list[EmailMessage] | None:
            found = await asyncio.to_thread(self.boxes.messages, address)
            return found if len(found) >= many else None

        found: list[EmailMessage] = await until(look)
        return found


async def until(look: Any) -> Any:
    async with asyncio.timeout(60):
        while not (found := await look()):
            await asyncio.sleep(0.05)
    return found


async def keys_of(folder: Path, *names: str) -> dict[str, str]:
    """A key of a member of staff, of each tenant."""
    made = {}
    async with open_desk(settings_in(folder), chat=False) as desk:
        for name in names:
            async with desk.database.transaction() as db:
                await tenants.ensure(db, name)
            made[name], _ = await desk.keys.create(
                tenant_id=name, kind=Kind.STAFF, subject_id="nora", roles=("support",)
            )
    return made


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with token_server(BOX) as found:
        yield found


class _Full:
    """Takes no mail, as the server of somebody whose mailbox is full."""

    async def handle_RCPT(self, *_: Any) -> str:
        return "552 5.2.2 The mailbox is full"


@contextlib.contextmanager
def refusing(port: int) -> Iterator[None]:
    """Run a server that takes no mail."""
    controller = Controller(_Full(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


@pytest.fixture
async def chain(tmp_path: Path, issuer: Issuer) -> AsyncIterator[Chain]:
    keys = await keys_of(tmp_path, "default", "shop")
    listen, full = free_port(), free_port()
    ways = {
        "shop.example": f"lmtp:inet:127.0.0.1:{listen}",
        "full.example": f"smtp:[127.0.0.1]:{full}",
    }
    domains = "desk.example customers.example shop.example full.example"
    with (
        dovecot(PUBLIC) as boxes,
        postfix(boxes.lmtp_port, domains, ways) as smtp_port,
        refusing(full),
    ):
        told: dict[str, Any] = {
            "DOMAINS": "",
            "IMAP_SERVER": "127.0.0.1",
            "IMAP_PORT": str(boxes.imap_port),
            "IMAP_USERNAME": BOX,
            "IMAP_TOKEN_URL": issuer.url,
            "IMAP_CLIENT_ID": "desk",
            "IMAP_POLL": "120",
            "MAIL_ADDRESSES": f"{BOX}, shop={SHOP}",
            "MAIL_LISTEN_PORT": str(listen),
            "SMTP_SERVER": "127.0.0.1",
            "SMTP_PORT": str(smtp_port),
            "SENDER_EMAIL": BOX,
            "NOTICES": "false",  # every mail that comes is counted
        }
        async with server(tmp_path, "serve", **told) as (url, _):
            yield Chain(url, keys, smtp_port, boxes)


def letter(subject: str, text: str, sender: str = ANNA, **fields: str | None) -> bytes:
    told = {"From": f"Anna <{sender}>", "Message_ID": f"<{subject}@customers.example>"}
    return mail(text, Subject=subject, **(told | fields))


async def test_a_thread_goes_through_postfix_and_dovecot_and_back(
    chain: Chain, issuer: Issuer
) -> None:
    began = time.monotonic()
    await chain.send(letter("First", "My parcel is late."), BOX)
    ticket = await chain.ticket("First")
    assert time.monotonic() - began < PROMPT
    assert issuer.asked[0]["client_id"] == "desk"

    await chain.answer(ticket, "It comes tomorrow.")
    [answer] = await chain.received(ANNA, 1)
    assert answer["References"] == answer["In-Reply-To"] == "<First@customers.example>"
    assert f"support+{ticket.lower()}-" in answer["Reply-To"]
    assert answer["From"].endswith(f"<{BOX}>")

    began = time.monotonic()
    back = letter("Re: First", "Thank you!", In_Reply_To=answer["Message-ID"])
    await chain.send(back, answer["Reply-To"])
    messages = await chain.messages(ticket, 3)
    assert time.monotonic() - began < PROMPT
    assert [each["by"] for each in messages] == ["customer", "staff", "customer"]
    assert messages[1]["delivery"] == "sent"

    # From elsewhere, and without what it follows: only the signed address says where it belongs.
    await chain.send(
        letter("Another subject", "From work.", "anna@work.customers.example"), answer["Reply-To"]
    )
    assert (await chain.messages(ticket, 4))[3]["text"] == "From work."


async def test_a_thread_of_another_tenant_comes_to_the_desk_itself(chain: Chain) -> None:
    await chain.send(letter("Shoes", "Do you have red shoes?"), SHOP)
    ticket = await chain.ticket("Shoes", "shop")
    await chain.answer(ticket, "We do.", "shop")
    [answer] = await chain.received(ANNA, 1)
    assert answer["Reply-To"].startswith("help+t")
    await chain.send(letter("Re: Shoes", "Good.", References=None), answer["Reply-To"])
    assert len(await chain.messages(ticket, 3, "shop")) == 3
    assert (await chain.get("/tickets"))["total"] == 0, "it is nothing of the other tenant's"


async def test_a_bounce_comes_back_to_the_answer_that_bounced(chain: Chain) -> None:
    raw = letter("Full", "Can you hear me?", GONE)
    await chain.send(raw, BOX, GONE)
    ticket = await chain.ticket("Full")
    await chain.answer(ticket, "We can.")

    async def bounced() -> Any:
        found = (await chain.get(f"/tickets/{ticket}/messages"))["messages"][-1]
        return found if found["delivery"] == "bounced" else None

    assert "The mailbox is full" in (await until(bounced))["detail"]


async def test_a_thread_goes_through_greenmail(tmp_path: Path) -> None:
    """A server of another make: SMTP, and IMAP with IDLE and a password."""
    keys = await keys_of(tmp_path, "default")
    with greenmail(BOX, ANNA) as box:
        told: dict[str, Any] = {
            "DOMAINS": "",
            "IMAP_SERVER": "127.0.0.1",
            "IMAP_PORT": str(box.imap_port),
            "IMAP_USERNAME": BOX,
            "IMAP_PASSWORD": box.password,
            "IMAP_POLL": "120",
            "IMAP_MOVE_TO": "Fetched",
            "MAIL_ADDRESSES": BOX,
            "SMTP_SERVER": "127.0.0.1",
            "SMTP_PORT": str(box.smtp_port),
            "SENDER_EMAIL": BOX,
            "NOTICES": "false",  # every mail that comes is counted
        }
        async with server(tmp_path, "serve", **told) as (url, _):
            chain = Chain(url, keys, box.smtp_port, _as_boxes(box))
            for number in range(3):
                began = time.monotonic()
                await chain.send(letter(f"S{number}", f"Text {number}"), BOX)
                ticket = await chain.ticket(f"S{number}")
                assert time.monotonic() - began < PROMPT
            await chain.answer(ticket, "An answer.")
            [answer] = await chain.received(ANNA, 1)
            assert answer["In-Reply-To"] == "<S2@customers.example>"
            await chain.send(letter("Re: S2", "Thanks.", In_Reply_To=answer["Message-ID"]), BOX)
            assert len(await chain.messages(ticket, 3)) == 3
            assert chain.boxes.messages(BOX) == [], "all is moved"


def _as_boxes(box: GreenMail) -> Dovecot:
    """What reads mailboxes over IMAP, which asks for nothing that is Dovecot's."""
    return Dovecot(box.imap_port, 0, password=box.password)
