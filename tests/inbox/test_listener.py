"""A mail server hands mail over: by LMTP and SMTP, for the desk's own addresses alone."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core.database import Database, now
from deskward.core.errors import Unavailable
from deskward.core.settings import Settings
from deskward.inbox.boxes import BoxVault
from deskward.inbox.filing import Inbox
from deskward.inbox.models import incoming_mails
from deskward.integrations.mail.choose import mail_comes_in
from deskward.security.tenants import tenants
from tests.inbox.conftest import ADDRESSES, settled
from tests.inbox.shapes import mail
from tests.services.postfix import postfix
from tests.services.programs import free_port


@pytest.fixture(params=["lmtp", "smtp"])
def protocol(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
async def desk(settings: Settings, protocol: str, offline) -> AsyncIterator[Desk]:
    changed = settings.changed(
        mail_addresses=f"{ADDRESSES}, acme=@all.example",
        mail_listen_port=free_port(),
        mail_listen_protocol=protocol,
        mail_max_mb=1,
    )
    async with open_desk(changed, model=offline) as opened:
        rules = opened.gate.port(Inbox).rules
        vault = opened.gate.port(BoxVault)
        async with mail_comes_in(changed, opened.database, rules, opened.jobs.wake, vault):
            yield opened


@contextmanager
def client(desk: Desk) -> Iterator[smtplib.SMTP]:
    inbox = desk.settings.inbox
    kind = smtplib.LMTP if inbox.listen_protocol == "lmtp" else smtplib.SMTP
    assert inbox.listen_port is not None
    with kind("127.0.0.1", inbox.listen_port) as opened:
        yield opened


async def send(desk: Desk, raw: bytes, *to: str, sender: str = "anna@example.com") -> object:
    """Hand a mail over; gives what the desk did not take of it."""

    def work() -> object:
        with client(desk) as opened:
            try:
                return opened.sendmail(sender, list(to), raw)
            except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
                return error

    return await asyncio.to_thread(work)


async def rows(desk: Desk) -> list[tuple[str, str, str]]:
    await settled(desk)
    found = await desk.database.reader.all(
        sa.select(incoming_mails.c.tenant_id, incoming_mails.c.status, incoming_mails.c.sender)
    )
    return sorted(tuple(row) for row in found)


async def test_mail_for_the_desk_is_taken_for_each_tenant(desk: Desk) -> None:
    tagged = "support+t1-x@desk.example"
    for address in (tagged, "Help@acme.example", "any@all.example"):
        assert await send(desk, mail("Hello"), address) == {}
    assert await rows(desk) == [
        ("acme", "filed", "anna@example.com"),
        ("default", "filed", "anna@example.com"),
    ]


async def test_mail_for_a_tenants_own_address_is_taken_while_it_is_open(desk: Desk) -> None:
    row = {"name": "Bank", "reply_to": "Hello@bank.example"}
    mine = tenants.c.tenant_id == "default"
    async with desk.database.transaction() as db:
        await db.execute(sa.update(tenants).where(mine).values(**row))
    assert await send(desk, mail("Hello"), "hello+t1-x@bank.example") == {}
    own = mail("Hello", From="hello@bank.example", Message_ID="<2@x.example>")
    assert await send(desk, own, "hello@bank.example") == {}
    assert sorted(status for _, status, _ in await rows(desk)) == ["filed", "ignored"]
    async with desk.database.transaction() as db:
        await db.execute(sa.update(tenants).where(mine).values(closed_at=now()))
    refused = await send(desk, mail("Hello"), "hello@bank.example")
    assert isinstance(refused, smtplib.SMTPRecipientsRefused)


async def test_mail_for_anybody_else_is_not_taken(desk: Desk) -> None:
    for address in ("root@localhost", "a@evil.example", "support@desk.example.evil.example",
                    "support%evil.example@x.example", "@all.example:a@evil.example"):  # fmt: skip
        refused = await send(desk, mail("Relay me"), address)
        assert isinstance(refused, smtplib.SMTPRecipientsRefused), address
    some = await send(desk, mail("Hello"), "support@desk.example", "a@evil.example")
    assert isinstance(some, dict)
    assert list(some) == ["a@evil.example"]
    assert len(await rows(desk)) == 1


@pytest.mark.parametrize("protocol", ["lmtp"], indirect=True)
async def test_every_recipient_gets_an_answer_by_lmtp(desk: Desk) -> None:
    def work() -> bytes:
        with socket.create_connection(("127.0.0.1", desk.settings.inbox.listen_port or 0)) as raw:
            raw.sendall(b"LHLO x\r\nMAIL FROM:<a@b.example>\r\n")
            for address in (b"support@desk.example", b"help@acme.example"):
                raw.sendall(b"RCPT TO:<" + address + b">\r\n")
            raw.sendall(b"DATA\r\n" + mail("Hello") + b"\r\n.\r\nQUIT\r\n")
            return b"".join(iter(lambda: raw.recv(4096), b""))

    assert (await asyncio.to_thread(work)).count(b"250 2.0.0 It is kept") == 2
    assert [tenant for tenant, _, _ in await rows(desk)] == ["acme", "default"]


async def test_what_cannot_be_kept_stays_with_the_server(desk: Desk, monkeypatch) -> None:
    def away(_self: Database, _entries: object = None) -> object:
        raise Unavailable("The database is away.")

    monkeypatch.setattr(Database, "transaction", away)
    answer = await send(desk, mail("Hello"), "support@desk.example")
    code = (
        next(iter(answer.recipients.values()))[0]
        if isinstance(answer, smtplib.SMTPRecipientsRefused)
        else getattr(answer, "smtp_code", None)
    )
    assert code == 451
    monkeypatch.undo()
    assert await rows(desk) == []
    assert await send(desk, mail("Hello"), "support@desk.example") == {}
    assert len(await rows(desk)) == 1


async def test_what_is_too_large_is_refused_for_good(desk: Desk) -> None:
    answer = await send(desk, mail("x\r\n" * 600_000), "support@desk.example")
    assert getattr(answer, "smtp_code", 0) == 552
    assert await rows(desk) == []


async def test_long_lines_nobodys_mail_and_other_letters_are_taken(desk: Desk) -> None:
    assert await send(desk, mail("x" * 5000), "support@desk.example") == {}
    bounce = mail("y", From="MAILER-DAEMON@x.example", Message_ID="<2@x.example>")
    assert await send(desk, bounce, "support@desk.example", sender="") == {}
    found = await desk.database.reader.all(
        sa.select(incoming_mails.c.envelope_from, incoming_mails.c.envelope_to)
    )
    assert sorted(row.envelope_from for row in found) == ["", "anna@example.com"]


async def test_a_client_that_leaves_in_the_middle_leaves_nothing(desk: Desk) -> None:
    def leave() -> None:
        port = desk.settings.inbox.listen_port
        with socket.create_connection(("127.0.0.1", port)) as raw:
            hello = b"LHLO" if desk.settings.inbox.listen_protocol == "lmtp" else b"EHLO"
            raw.sendall(
                hello + b" x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@desk.example>\r\n"
                b"DATA\r\nSubject: half\r\n\r\nnot yet"
            )
            raw.recv(4096)

    await asyncio.to_thread(leave)
    assert await send(desk, mail("Hello"), "support@desk.example") == {}
    assert len(await rows(desk)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["lmtp"], indirect=True)
async def test_postfix_hands_over_what_it_takes_also_after_the_desk_was_away(desk: Desk) -> None:
    port = desk.settings.inbox.listen_port
    assert port is not None
    with postfix(port, "desk.example") as smtp_port:

        def bring(number: int) -> object:
            with smtplib.SMTP("127.0.0.1", smtp_port) as opened:
                raw = mail(f"Text {number}", Message_ID=f"<{number}@x.example>")
                return opened.sendmail("anna@example.com", ["support@desk.example"], raw)

        def relay() -> int:
            with smtplib.SMTP("127.0.0.1", smtp_port) as opened:
                opened.ehlo()
                opened.mail("anna@example.com")
                return opened.rcpt("a@evil.example")[0]

        assert await asyncio.to_thread(relay) == 554
        for number in range(10):
            assert await asyncio.to_thread(bring, number) == {}
        async with asyncio.timeout(60):
            while len(await rows(desk)) < 10:
                await asyncio.sleep(0.1)
    assert {status for _, status, _ in await rows(desk)} == {"filed"}
