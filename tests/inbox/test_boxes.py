"""Several mailboxes, of several tenants: each is read for its tenant, by one process at a time."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.core.settings import Settings
from deskward.gate.sealing import sealed_anew
from deskward.inbox import boxes as table
from deskward.inbox.boxes import BoxVault, mail_boxes
from deskward.inbox.filing import Inbox
from deskward.inbox.models import incoming_mails, mailboxes
from deskward.integrations.mail import boxes as keeping
from deskward.integrations.mail import collector as collecting
from deskward.integrations.mail.boxes import Boxes
from deskward.integrations.mail.imap import Mailbox, MailboxAway
from deskward.integrations.mail.sources import of_box, secret_at
from deskward.security import tenants
from tests.inbox.conftest import settled
from tests.inbox.shapes import mail
from tests.services.dovecot import PASSWORD, Dovecot, dovecot

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dovecot")]


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
async def desk(settings: Settings, offline, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(keeping, "LOOK", 0.05)
    monkeypatch.setenv("BOX_PASSWORD", PASSWORD)
    async with open_desk(settings, model=offline) as opened:
        yield opened


@pytest.fixture
def box(request: pytest.FixtureRequest) -> str:
    """The local part of mailboxes of this test's own."""
    return f"b{abs(hash(request.node.nodeid))}"


async def declare(
    desk: Desk, tenant: str, name: str, box: Dovecot, username: str, **changes: Any
) -> None:
    kept = changes.pop("kept", {})
    secrets = changes.pop("secrets", {"password": "sealed" if kept else "env:BOX_PASSWORD"})
    told = {"server": "127.0.0.1", "port": box.imap_port, "username": username, "poll": 1}
    vault = desk.gate.port(BoxVault)
    async with desk.database.transaction() as db:
        await table.add(
            *(db, tenant, name, told | changes, secrets, kept), vault=vault, added_by="ann"
        )


@contextlib.asynccontextmanager
async def read(desk: Desk) -> AsyncIterator[Boxes]:
    """Have the declared boxes read, as `deskward serve` does."""
    rules, vault = desk.gate.port(Inbox).rules, desk.gate.port(BoxVault)
    boxes = Boxes(desk.settings.imap, desk.database, rules, desk.jobs.wake, vault)
    async with boxes.keep():
        yield boxes


def deliver(server: Dovecot, username: str, *numbers: int) -> None:
    with smtplib.LMTP("127.0.0.1", server.lmtp_port) as client:
        for number in numbers:
            named = f"<{username}-{number}>"
            raw = mail(f"Text {number}", Message_ID=named, Subject=f"S{number}")
            client.sendmail("anna@example.com", [username], raw)


async def kept(desk: Desk) -> list[tuple[str, str]]:
    """Tenant and subject of all mails that came, once they are filed."""
    await settled(desk)
    columns = (incoming_mails.c.tenant_id, incoming_mails.c.subject)
    rows = await desk.database.reader.all(sa.select(*columns).order_by(*columns))
    return [tuple(row) for row in rows]


async def until(look: Any, holds: Any) -> None:
    async with asyncio.timeout(40):
        while not holds(await look()):
            await asyncio.sleep(0.05)


async def problems(desk: Desk) -> dict[str, str | None]:
    rows = await desk.database.reader.all(sa.select(mailboxes.c.name, mailboxes.c.problem))
    return {row.name: row.problem for row in rows}


async def test_each_box_is_read_for_its_tenant_and_no_broken_one_is_in_the_way(
    desk: Desk, server: Dovecot, box: str
) -> None:
    names = [f"{box}-{number}@desk.example" for number in range(3)]
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        for number in range(8):  # more than the threads of a usual pool here
            port = silent.getsockname()[1]
            await declare(desk, "default", f"silent{number}", server, f"x{number}", port=port)
        secrets = {"password": "env:NOT_THERE"}
        await declare(desk, "acme", "unset", server, "nobody", secrets=secrets)
        wrong = {"password": "wrong-password-of-a-box"}
        await declare(desk, "acme", "wrong", server, f"{box}-w@desk.example", kept=wrong)
        await declare(desk, "default", "first", server, names[0])
        await declare(desk, "default", "second", server, names[1])
        await declare(desk, "acme", "first", server, names[2], kept={"password": PASSWORD})
        for number, name in enumerate(names):
            deliver(server, name, number)
        expected = [("acme", "S2"), ("default", "S0"), ("default", "S1")]
        async with asyncio.timeout(20), read(desk):  # a silent server is waited for for 30 seconds
            await until(lambda: kept(desk), lambda rows: rows == expected)
            await until(
                lambda: problems(desk),
                lambda found: sum(each is not None for each in found.values()) == 2,
            )
    found = await problems(desk)
    assert "NOT_THERE is not set" in str(found["nobody@127.0.0.1/INBOX"])
    assert "did not accept" in str(found[f"{box}-w@desk.example@127.0.0.1/INBOX"])
    assert "wrong-password" not in repr(found)


async def test_a_box_that_is_declared_changed_or_removed_meanwhile(
    desk: Desk, server: Dovecot, box: str
) -> None:
    username = f"{box}@desk.example"
    deliver(server, username, 1)
    vault = desk.gate.port(BoxVault)
    async with read(desk):
        await declare(desk, "acme", "help", server, username, kept={"password": "wrong"})
        await until(lambda: problems(desk), lambda found: "did not accept" in repr(found))
        async with desk.database.transaction() as db:
            place = {"password": "env:BOX_PASSWORD"}
            await table.change(db, "acme", "help", {}, place, {}, vault=vault)
        await until(lambda: kept(desk), lambda rows: rows == [("acme", "S1")])
        async with desk.database.transaction() as db:
            await table.remove(db, "acme", "help")
        deliver(server, username, 2)
        await asyncio.sleep(2)
        assert await kept(desk) == [("acme", "S1")]
        await declare(desk, "acme", "again", server, username)
        await until(lambda: kept(desk), lambda rows: rows == [("acme", "S1"), ("acme", "S2")])
        async with desk.database.transaction() as db:
            await tenants.close(db, "acme")
        await asyncio.sleep(0.5)
        deliver(server, username, 3)
        await asyncio.sleep(1.5)
        assert len(await kept(desk)) == 2


async def test_no_two_processes_read_a_box_at_once(
    desk: Desk, server: Dovecot, box: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    username = f"{box}@desk.example"
    await declare(desk, "default", "help", server, username)
    opened: Counter[str] = Counter()
    fetched: Counter[int] = Counter()
    original_open, original_fetch = Mailbox.open, Mailbox.fetch

    def counted_open(self: Mailbox) -> int:
        opened[str(self.settings.username)] += 1
        return original_open(self)

    def counted_fetch(self: Mailbox, uid: int, *, whole: bool) -> bytes | None:
        fetched[uid] += 1
        return original_fetch(self, uid, whole=whole)

    monkeypatch.setattr(Mailbox, "open", counted_open)
    monkeypatch.setattr(Mailbox, "fetch", counted_fetch)
    async with read(desk), read(desk), read(desk):
        await asyncio.to_thread(deliver, server, username, *range(30))
        await until(lambda: kept(desk), lambda rows: len(rows) == 30)
    assert opened == {username: 1}
    assert set(fetched.values()) == {1}
    assert len(fetched) == 30


async def test_who_has_lost_a_box_keeps_nothing_more_of_it(
    desk: Desk, server: Dovecot, box: str
) -> None:
    """A process that slept: its lease went to another one, which read on from where it was."""
    username = f"{box}@desk.example"
    await declare(desk, "default", "help", server, username)
    [declared] = await table.listed(desk.database.reader, "default")
    rules = desk.gate.port(Inbox).rules
    source = of_box(declared, desk.gate.port(BoxVault))
    slept, other = (
        collecting.Collector(desk.database, source, rules, desk.jobs.wake) for _ in range(2)
    )
    await slept._hold()
    state = await slept._open()
    async with desk.database.transaction() as db:
        await db.execute(sa.update(mailboxes).values(leased_until=sa.func.now()))
    deliver(server, username, 1, 2)
    assert await other.once() == 2
    # A server tells of new mails with an answer, so that only the next search sees them.
    await slept._call(lambda: slept._mailbox.above(0))
    with pytest.raises(collecting.NotHeld):
        await slept._fetch(state)
    await slept._call(slept._mailbox.close)
    assert len(await kept(desk)) == 2


@pytest.mark.parametrize("changed", [True, False])
async def test_a_process_that_has_not_heard_of_a_change_reads_nothing_more(
    desk: Desk, server: Dovecot, box: str, *, changed: bool
) -> None:
    """It slept, or cannot look: meanwhile the box became another tenant's, or another one's."""
    username = f"{box}@desk.example"
    await declare(desk, "default", "help", server, username)
    [declared] = await table.listed(desk.database.reader, "default")
    rules, vault = desk.gate.port(Inbox).rules, desk.gate.port(BoxVault)
    slept = collecting.Collector(desk.database, of_box(declared, vault), rules, desk.jobs.wake)
    assert await slept.once() == 0
    deliver(server, username, 1)
    async with desk.database.transaction() as db:
        if changed:
            await table.change(db, "default", "help", {"move_to": "Done"}, {}, {}, vault=vault)
        else:
            await table.remove(db, "default", "help")
    with pytest.raises(collecting.NotHeld):
        await slept.once()
    assert await kept(desk) == []
    if changed:
        return
    await declare(desk, "acme", "help", server, username)
    async with read(desk):
        await until(lambda: kept(desk), lambda rows: rows == [("acme", "S1")])
    with pytest.raises(collecting.NotHeld):
        await slept.once()


async def test_one_folder_is_read_for_one_tenant(desk: Desk, server: Dovecot) -> None:
    await declare(desk, "acme", "help", server, "Help@desk.example")
    for tenant, name, username, folder in (
        ("acme", "help", "other", "INBOX"),
        ("default", "mine", "help@DESK.example", "inbox"),
    ):
        with pytest.raises(Conflict):
            await declare(desk, tenant, name, server, username, folder=folder)
    await declare(desk, "default", "other", server, "help@desk.example", folder="Other")
    vault = desk.gate.port(BoxVault)
    async with desk.database.transaction() as db:
        with pytest.raises(Conflict):
            await table.change(db, "default", "other", {"folder": "INBOX"}, {}, {}, vault=vault)
    for changes, fault in (
        ({"port": 0}, "--port"),
        ({"security": "none", "server": "mail.example"}, "--security"),
        ({"secrets": {}}, "--password"),
        ({"token_url": "https://x.example", "secrets": {}}, "--client-id"),
    ):
        with pytest.raises(InvalidInput, match=fault):
            await declare(desk, "default", "wrong", server, "x", **changes)
    with pytest.raises(NotFound):
        await declare(desk, "nowhere", "x", server, "x")


async def test_a_secret_is_nowhere_to_be_seen(desk: Desk, server: Dovecot) -> None:
    secret = "the-secret-of-this-box"
    await declare(desk, "acme", "help", server, "a@x.example", kept={"password": secret})
    [row] = await desk.database.reader.all(sa.select(mail_boxes))
    assert secret not in repr(row)
    [box] = await table.listed(desk.database.reader)
    assert secret not in repr(box)
    vault = desk.gate.port(BoxVault)
    found = of_box(box, vault).imap()
    assert secret not in repr(found)
    assert found.password is not None
    assert found.password.get_secret_value() == secret
    with pytest.raises(MailboxAway, match="another SECRET_KEY"):
        of_box(box, BoxVault(b"x" * 32)).imap()
    anew = sealed_anew("mail boxes", "sealed")(desk.settings.key, b"n" * 32)
    after = dict(anew(row) or {})
    assert BoxVault(b"n" * 32).opened(box.id, after["sealed"]) == {"password": secret}


def test_secrets_stand_in_variables_and_files(tmp_path: Path, monkeypatch) -> None:
    file = tmp_path / "secret"
    for content in ("", " \n"):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(MailboxAway, match="is empty"):
            secret_at(f"file:{file}")
    file.write_text("s3cret\n", encoding="utf-8")
    assert secret_at(f"file:{file}") == "s3cret"
    monkeypatch.setenv("A_SECRET", "another")
    assert secret_at("env:A_SECRET") == "another"
    for place in ("env:NO_SUCH", f"file:{tmp_path}/none", f"file:{tmp_path}"):
        with pytest.raises(MailboxAway):
            secret_at(place)
