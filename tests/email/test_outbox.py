"""At most once: what became of a mail is sent, failed or unknown, and never a second copy."""

import asyncio

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core import jobs
from deskward.core.database import now
from deskward.core.settings import Settings
from deskward.email import outbox
from deskward.email.models import emails
from deskward.gate.context import Context
from tests.conftest import STAFF
from tests.email.conftest import Send, with_mail
from tests.services.mail import Drop, Mail

pytestmark = pytest.mark.xdist_group("mail")

MAIL = {"to": "alice@example.com", "subject": "s", "body": "b"}


async def until(desk: Desk, email_id: str, status: str) -> str:
    async with asyncio.timeout(20):
        while True:
            found = await outbox.get(desk.database.reader, "default", None, email_id)
            if found.status == status:
                return found.message
            await asyncio.sleep(0.02)


async def test_the_same_key_sends_once(send: Send, server: Mail) -> None:
    outcomes = await asyncio.gather(*(send("send_text_email", key="k", **MAIL) for _ in range(5)))
    statuses = {o.value["status"] if o.status == "ok" else o.error.error_code for o in outcomes}
    assert "sent" in statuses
    assert statuses <= {"sent", "CALL_IN_PROGRESS"}
    assert (await send("send_text_email", key="k", **MAIL)).value["status"] == "sent"
    assert len(server.received) == 1


async def test_a_refused_recipient_is_told_and_the_others_get_it(send: Send, server: Mail) -> None:
    server.faults.refused = {"gone@example.com"}
    outcome = await send(
        "send_email", to=["alice@example.com", "gone@example.com"], subject="s", body="b"
    )
    assert outcome.value["status"] == "sent"
    assert outcome.value["refused"] == {"gone@example.com": "550 5.1.1 No such user here"}
    assert server.received[0].recipients == ("alice@example.com",)


async def test_a_mail_that_nobody_can_get_has_failed(send: Send, server: Mail) -> None:
    server.faults.refused = {"alice@example.com"}
    assert (await send("send_text_email", **MAIL)).value["status"] == "failed"
    server.faults.refused = set()
    server.faults.answer = "554 5.7.1 Spam"
    outcome = await send("send_text_email", **MAIL)
    assert outcome.value["status"] == "failed"
    assert "554" in outcome.value["message"]
    assert server.received == []


@pytest.mark.parametrize("drop", list(Drop))
async def test_a_connection_that_breaks_at_the_end_is_unknown(
    send: Send, server: Mail, desk: Desk, drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RETRIES", (0.0,))
    server.faults.drop = drop
    outcome = await send("send_text_email", **MAIL)
    assert outcome.value["status"] == "unknown"
    server.faults.drop = None
    await asyncio.sleep(0.3)
    assert await until(desk, outcome.value["email_id"], "unknown")
    assert len(server.received) == (1 if drop is Drop.AFTER else 0)


async def test_a_server_that_is_busy_is_tried_again(
    send: Send, server: Mail, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "RETRIES", (0.1,))
    server.faults.delayed = {"alice@example.com"}
    outcome = await send(
        "send_email", to=["bob@example.com", "alice@example.com"], subject="s", body="b"
    )
    assert outcome.value["status"] == "queued"
    assert server.received == []
    server.faults.delayed = set()
    await until(desk, outcome.value["email_id"], "sent")
    assert [r.recipients for r in server.received] == [("bob@example.com", "alice@example.com")]


async def test_a_server_that_is_away_is_waited_for_also_after_a_restart(
    sqlite_settings: Settings, server: Mail, offline
) -> None:
    away = with_mail(sqlite_settings, server, smtp_port=1)
    async with open_desk(away, model=offline) as desk:
        outcome = await desk.gate.call("send_text_email", MAIL, Context(STAFF, "rest"))
        assert outcome.value["status"] == "queued"
        assert "away" in outcome.value["message"]
        async with desk.database.transaction() as transaction:
            await transaction.execute(sa.update(jobs.jobs).values(due_at=now()))
    async with open_desk(with_mail(sqlite_settings, server), model=offline) as desk:
        await until(desk, outcome.value["email_id"], "sent")
    assert len(server.received) == 1


async def test_a_mail_is_given_up_in_the_end(
    send: Send, server: Mail, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "GIVE_UP", outbox.GIVE_UP * 0)
    server.faults.delayed = {"alice@example.com"}
    outcome = await send("send_text_email", **MAIL)
    assert outcome.value["status"] == "failed"
    assert "Given up" in outcome.value["message"]


async def test_a_mail_that_was_being_sent_when_the_process_died_is_unknown(
    sqlite_settings: Settings, server: Mail, offline
) -> None:
    async with open_desk(sqlite_settings, model=offline) as desk:
        outcome = await desk.gate.call("send_text_email", MAIL, Context(STAFF, "rest"))
        email_id = outcome.value["email_id"]
        async with desk.database.transaction() as transaction:
            await transaction.execute(sa.update(emails).values(status="sending"))
            await jobs.add(
                transaction, "j" * 32, outbox.JOB, {"tenant": "default", "email_id": email_id}
            )
    async with open_desk(with_mail(sqlite_settings, server), model=offline) as desk:
        assert "not known" in await until(desk, email_id, "unknown")
    assert server.received == []
