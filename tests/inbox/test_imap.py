"""Mail is fetched from a real mailbox: Dovecot, by IDLE and by looks, whatever dies in between."""

from __future__ import annotations

import asyncio
import smtplib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core.database import now
from deskward.core.settings import Settings
from deskward.inbox.boxes import BoxVault
from deskward.inbox.filing import Inbox
from deskward.inbox.models import incoming_mails, mailboxes
from deskward.integrations.mail.choose import choose_collector, mail_comes_in
from deskward.integrations.mail.collector import Collector, NotHeld
from deskward.integrations.mail.imap import MailboxAway
from tests.inbox.conftest import settled
from tests.inbox.shapes import mail
from tests.services.dovecot import PASSWORD, Dovecot, dovecot

BOX = "support@desk.example"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dovecot")]


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
def box(request: pytest.FixtureRequest) -> str:
    """An empty mailbox of this test's own."""
    return f"{abs(hash(request.node.nodeid))}@desk.example"


def deliver(server: Dovecot, box: str, *raws: bytes) -> None:
    """Bring mails into a mailbox, as a mail server does."""
    with smtplib.LMTP("127.0.0.1", server.lmtp_port) as client:
        for raw in raws:
            client.sendmail("anna@example.com", [box], raw)


def letter(number: int | str, text: str = "") -> bytes:
    named = f"<{number}@example.com>"
    return mail(text or f"Text {number}", Message_ID=named, Subject=f"S{number}")


@pytest.fixture
async def desk(
    sqlite_settings: Settings, server: Dovecot, box: str, offline
) -> AsyncIterator[Desk]:
    async with open_desk(with_box(sqlite_settings, server, box), model=offline) as opened:
        yield opened


def with_box(settings: Settings, server: Dovecot, box: str, **more: Any) -> Settings:
    return settings.changed(
        imap_server="127.0.0.1",
        imap_port=server.imap_port,
        imap_username=box,
        imap_password=PASSWORD,
        **more,
    )


def collector_of(desk: Desk, **changes: Any) -> Collector:
    settings = desk.settings.changed(**changes) if changes else desk.settings
    rules = desk.gate.port(Inbox).rules
    found = choose_collector(settings, desk.database, rules, desk.jobs.wake)
    assert found is not None
    return found


async def kept(desk: Desk) -> list[tuple[str, str]]:
    await settled(desk)
    rows = await desk.database.reader.all(
        sa.select(incoming_mails.c.subject, incoming_mails.c.status).order_by(
            incoming_mails.c.subject
        )
    )
    return [tuple(row) for row in rows]


async def test_what_is_unread_is_fetched_once_and_marked_as_read(
    desk: Desk, server: Dovecot, box: str
) -> None:
    deliver(server, box, letter(1), letter(2))
    collector = collector_of(desk)
    assert await collector.once() == 2
    assert await collector.once() == 0
    deliver(server, box, letter(3), letter(1))
    assert await collector_of(desk).once() == 1  # the first one came again
    assert await kept(desk) == [("S1", "filed"), ("S2", "filed"), ("S3", "filed")]
    assert unseen(server, box) == 0


async def test_mail_is_moved_where_it_is_to_go(desk: Desk, server: Dovecot, box: str) -> None:
    deliver(server, box, letter(1), letter(2))
    assert await collector_of(desk, imap_move_to="Fetched").once() == 2
    assert server.messages(box) == []
    deliver(server, box, letter(3))
    assert await collector_of(desk, imap_move_to="Fetched").once() == 1


async def test_new_mail_is_there_at_once_by_idle(desk: Desk, server: Dovecot, box: str) -> None:
    rules = desk.gate.port(Inbox).rules
    async with mail_comes_in(
        desk.settings, desk.database, rules, desk.jobs.wake, desk.gate.port(BoxVault)
    ):
        await until(lambda: state(desk), lambda row: row is not None and row.uid_validity > 0)
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await asyncio.to_thread(deliver, server, box, letter(1))
        await until(lambda: kept(desk), lambda rows: rows == [("S1", "filed")])
        assert time.monotonic() - began < 20  # a look comes every 60 seconds


async def test_a_desk_that_died_between_keeping_and_telling_goes_on(
    desk: Desk, server: Dovecot, box: str, monkeypatch
) -> None:
    deliver(server, box, letter(1), letter(2), letter(3))
    first = collector_of(desk)

    async def dies(*_: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(first, "_settle", dies)
    with pytest.raises(RuntimeError):
        await first.once()
    assert unseen(server, box) == 3
    assert await collector_of(desk).once() == 0
    assert unseen(server, box) == 0
    assert len(await kept(desk)) == 3


async def test_a_desk_that_died_before_keeping_fetches_again(
    desk: Desk, server: Dovecot, box: str, monkeypatch
) -> None:
    deliver(server, box, letter(1), letter(2), letter(3))
    first = collector_of(desk)
    original = first._keep

    async def dies(state: Any, uid: int, size: int | None) -> int:
        if uid == 2:
            raise RuntimeError("killed")
        return await original(state, uid, size)

    monkeypatch.setattr(first, "_keep", dies)
    with pytest.raises(RuntimeError):
        await first.once()
    assert await collector_of(desk).once() == 2
    assert len(await kept(desk)) == 3


async def test_numbers_that_are_not_valid_any_more_make_no_mail_twice(
    desk: Desk, server: Dovecot, box: str
) -> None:
    deliver(server, box, letter(1), letter(2))
    assert await collector_of(desk).once() == 2
    async with desk.database.transaction() as db:
        await db.execute(sa.update(mailboxes).values(uid_validity=1, kept=900, settled=900))
    deliver(server, box, letter(3))
    assert await collector_of(desk).once() == 1
    assert len(await kept(desk)) == 3


async def test_one_process_at_a_time_reads_a_mailbox(desk: Desk, server: Dovecot, box: str) -> None:
    rules = desk.gate.port(Inbox).rules
    async with mail_comes_in(
        desk.settings, desk.database, rules, desk.jobs.wake, desk.gate.port(BoxVault)
    ):
        await until(lambda: state(desk), lambda row: row is not None and row.lease is not None)
        with pytest.raises(NotHeld):
            await collector_of(desk).once()
    async with desk.database.transaction() as db:
        await db.execute(sa.update(mailboxes).values(leased_until=now()))
    assert await collector_of(desk).once() == 0


async def test_a_mail_over_the_limit_is_shown_and_stays_where_it_is(
    desk: Desk, server: Dovecot, box: str
) -> None:
    object.__setattr__(desk.gate.port(Inbox).rules, "largest", 10_000)
    deliver(server, box, letter(1, "x" * 20_000), letter(2))
    assert await collector_of(desk).once() == 2
    assert await kept(desk) == [("S1", "broken"), ("S2", "filed")]
    assert len(server.messages(box)) == 2


async def test_a_wrong_password_is_said_and_a_server_that_comes_back_is_read_again(
    desk: Desk, server: Dovecot, box: str
) -> None:
    with pytest.raises(MailboxAway, match="did not accept"):
        await collector_of(desk, imap_password="wrong").once()
    with pytest.raises(MailboxAway, match="cannot be reached"):
        await collector_of(desk, imap_port=1).once()
    assert await collector_of(desk).once() == 0


def unseen(server: Dovecot, box: str) -> int:
    import imaplib

    with imaplib.IMAP4("127.0.0.1", server.imap_port, timeout=10) as client:
        client.login(f'"{box}"', PASSWORD)
        client.select("INBOX", readonly=True)
        _, (found, *_) = client.search(None, "UNSEEN")
    return len(found.split())


async def state(desk: Desk) -> Any:
    return await desk.database.reader.first(sa.select(mailboxes))


async def until(look: Callable[[], Any], holds: Callable[[Any], bool]) -> None:
    async with asyncio.timeout(40):
        while not holds(await look()):
            await asyncio.sleep(0.05)
