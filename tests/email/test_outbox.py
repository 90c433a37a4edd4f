"""At most once: what became of a mail is sent, failed or unknown, and never a second copy."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core import jobs
from deskward.core.database import Database, now
from deskward.core.jobs import Job, JobLost, RetryLater
from deskward.core.settings import Settings
from deskward.email import outbox
from deskward.email.mailer import NotNow, Refused, Unclear
from deskward.email.models import Letter, emails
from deskward.email.outbox import Outbox
from deskward.gate.context import Context
from tests.conftest import STAFF
from tests.email.conftest import Send, with_mail
from tests.everything import RECORDS
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


class Halting:
    """A mailer that waits at the two places where a process could have been stopped."""

    configured = True

    def __init__(self) -> None:
        self.go = {"before": asyncio.Event(), "after": asyncio.Event()}
        self.at = {"before": asyncio.Event(), "after": asyncio.Event()}
        self.sent: list[str] = []
        self.says: Exception | None = None

    async def deliver(
        self,
        message: EmailMessage,
        recipients: Sequence[str],
        *,
        sender: str,
        before_content: Callable[[], Awaitable[None]],
    ) -> dict[str, str]:
        await self._halt("before")
        await before_content()
        await self._halt("after")
        if self.says is not None:
            raise self.says
        self.sent.append(message["Subject"])
        return {}

    async def _halt(self, place: str) -> None:
        self.at[place].set()
        await self.go[place].wait()

    async def test(self) -> str:
        return ""


@dataclass
class Sleeper:
    """An attempt at a mail, in a process that sleeps at a place, and what it will do then."""

    database: Database
    outbox: Outbox
    mailer: Halting
    job: Job

    async def status(self) -> str:
        (row,) = await self.database.reader.all(sa.select(emails))
        return str(row.status)

    async def lapse(self) -> Job:
        """Its lease ends, and another process takes the job."""
        async with self.database.transaction() as transaction:
            await transaction.execute(sa.update(jobs.jobs).values(due_at=now()))
        return await take(self.database)


async def take(database: Database) -> Job:
    (row,) = await database.reader.all(sa.select(jobs.jobs))
    async with database.transaction() as transaction:
        job = await jobs.claim(transaction, row)
    assert job is not None
    return job


def outbox_of(database: Database, mailer: Any) -> Outbox:
    return Outbox(
        database,
        mailer,
        sender_name="Desk",
        sender_email="desk@example.com",
        max_attachments=10,
        wake=lambda: None,
    )


@pytest.fixture
async def sleeper(settings: Settings) -> AsyncIterator[Sleeper]:
    database = Database(settings.database_location)
    mailer = Halting()
    boxed = outbox_of(database, mailer)
    letter = Letter(to=["alice@example.com"], subject="s", text="b")
    sending = asyncio.create_task(boxed.send("default", "staff:anna", "e" * 32, letter))
    async with asyncio.timeout(20):
        while not await database.reader.all(sa.select(jobs.jobs)):
            await asyncio.sleep(0.01)
    yield Sleeper(database, boxed, mailer, await take(database))
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await database.close()


def awake(mailer: Halting | None = None) -> Halting:
    mailer = mailer or Halting()
    for event in mailer.go.values():
        event.set()
    return mailer


async def test_whoever_slept_before_the_content_does_not_send_it(sleeper: Sleeper) -> None:
    slept = asyncio.create_task(sleeper.outbox.deliver(sleeper.job))
    await sleeper.mailer.at["before"].wait()
    other = awake()
    await outbox_of(sleeper.database, other).deliver(await sleeper.lapse())
    awake(sleeper.mailer)
    with pytest.raises(JobLost):
        await slept
    assert (other.sent, sleeper.mailer.sent) == (["s"], [])
    assert await sleeper.status() == "sent"


@pytest.mark.parametrize(
    ("says", "status"),
    [
        (None, "sent"),
        (Refused("554 no"), "failed"),
        (NotNow("451 later"), "failed"),
        (Unclear("cut"), "unknown"),
    ],
    ids=["taken", "refused", "not now", "cut"],
)
async def test_whoever_slept_with_the_mail_in_hand_is_the_only_one_to_send_it(
    sleeper: Sleeper, says: Exception | None, status: str
) -> None:
    sleeper.mailer.says = says
    slept = asyncio.create_task(sleeper.outbox.deliver(sleeper.job))
    sleeper.mailer.go["before"].set()
    await sleeper.mailer.at["after"].wait()
    assert await sleeper.status() == "sending"
    other = awake()
    await outbox_of(sleeper.database, other).deliver(await sleeper.lapse())
    assert await sleeper.status() == "unknown"  # as far as the other one can know
    awake(sleeper.mailer)
    with contextlib.suppress(RetryLater):
        await slept
    assert other.sent == []
    assert await sleeper.status() == status  # and what the first one learns counts


async def test_a_sleeper_does_not_put_back_what_another_one_sent(sleeper: Sleeper) -> None:
    sleeper.mailer.says = NotNow("the connection broke")

    async def broken(*_: object, **__: object) -> dict[str, str]:
        await sleeper.mailer._halt("before")
        raise NotNow("the connection broke")

    sleeper.mailer.deliver = broken  # type: ignore[method-assign]  # it breaks sooner
    slept = asyncio.create_task(sleeper.outbox.deliver(sleeper.job))
    await sleeper.mailer.at["before"].wait()
    other = awake()
    await outbox_of(sleeper.database, other).deliver(await sleeper.lapse())
    awake(sleeper.mailer)
    with pytest.raises(JobLost):
        await slept
    assert await sleeper.status() == "sent"


@pytest.mark.slow
async def test_a_mail_whose_job_has_a_bug_does_not_stay_queued(
    send: Send, server: Mail, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr("deskward.email.compose.message", bug)
        outcome = await send("send_text_email", **MAIL)
        email_id = outcome.value["email_id"]
        assert "a bug" in await until(desk, email_id, "failed")
    # A person has it tried again, once the bug is mended.
    async with desk.database.transaction() as transaction:
        await jobs.retry(transaction, email_id, RECORDS)
    desk.jobs.wake()
    await until(desk, email_id, "sent")
    assert len(server.received) == 1


async def test_a_cancelled_mail_is_not_sent(
    sqlite_settings: Settings, server: Mail, offline
) -> None:
    async with open_desk(with_mail(sqlite_settings, server, smtp_port=1), model=offline) as desk:
        outcome = await desk.gate.call("send_text_email", MAIL, Context(STAFF, "rest"))
        email_id = outcome.value["email_id"]
        async with desk.database.transaction() as transaction:
            await jobs.cancel(transaction, email_id, RECORDS)
    async with open_desk(with_mail(sqlite_settings, server), model=offline) as desk:
        assert "cancelled" in await until(desk, email_id, "failed")
        await asyncio.sleep(0.3)
    assert server.received == []


async def test_what_a_server_says_is_told_whole(send: Send, server: Mail) -> None:
    """Its words may hold what separated recipients in the prose that this once was."""
    server.faults.refused = {"gone@example.com"}
    server.faults.refusal = "550 5.1.1 No; such: user; here: at all"
    to = ["alice@example.com", "gone@example.com"]
    outcome = await send("send_email", to=to, subject="s", body="b")
    assert outcome.value["refused"] == {"gone@example.com": server.faults.refusal}
