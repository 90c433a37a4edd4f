"""Mails of many threads, shuffled and doubled, while processes die: none is lost, none twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import smtplib
import sqlite3
from collections import Counter, defaultdict
from contextlib import AsyncExitStack, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deskward.app import open_desk
from deskward.core.tasks import background
from deskward.security.principals import Kind
from tests.conftest import settings_in
from tests.inbox.shapes import mail
from tests.rounds import rounds
from tests.services.dovecot import PASSWORD, Dovecot, dovecot
from tests.services.mail import mail as mail_server
from tests.services.programs import free_port
from tests.services.server import server

THREADS = rounds(8, 50)
MAILS = rounds(10, 20)
"""How many a thread has."""
KILLS = rounds(3, 20)
ANSWERS = 3
"""How many tickets staff answer in each life of the process, which may end at any moment of it."""
BOX = "support@desk.example"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dovecot"), pytest.mark.timeout(1700)]


def letters(chance: random.Random) -> list[bytes]:
    """All mails, shuffled, some of them twice. Two threads are of one customer each."""
    found = []
    for thread in range(THREADS):
        ids = [f"<{thread}.{number}@mail.example>" for number in range(MAILS)]
        for number, message_id in enumerate(ids):
            follows: dict[str, str | None] = {}
            if number:
                follows["In_Reply_To"] = ids[number - 1]
                if thread % 4:  # the others name only the mail before
                    follows["References"] = " ".join([ids[0], *ids[1:number][-8:]])
            text = (
                f"Thread {thread}, mail {number}.\r\n\r\nOn 3 Feb 2026 10:12, I wrote:\r\n> before"
            )
            found.append(
                mail(
                    text,
                    From=f"Customer {thread // 2} <c{thread // 2}@mail.example>",
                    Message_ID=message_id,
                    Subject=f"Thread {thread}",
                    **follows,
                )
            )
    found += chance.sample(found, len(found) // 5)
    chance.shuffle(found)
    return found


class Run:
    """A desk that is killed and started again, with its mailbox and the way out."""

    def __init__(self, folder: Path, box: Dovecot, out: Any) -> None:
        self.folder = folder
        self.settings = {
            "SERVER_PORT": str(free_port()),
            "DOMAINS": "",
            "DEFAULT_TENANT_ID": "default",
            "IMAP_SERVER": "127.0.0.1",
            "IMAP_PORT": str(box.imap_port),
            "IMAP_USERNAME": BOX,
            "IMAP_PASSWORD": PASSWORD,
            "IMAP_POLL": "1",
            "MAIL_ADDRESSES": BOX,
            "SMTP_SERVER": out.host,
            "SMTP_PORT": str(out.port),
            "SMTP_CA_FILE": str(out.certificate),
            "SENDER_EMAIL": out.user,
            "SENDER_PASSWORD": out.password,
            "NOTICES": "false",  # every mail that comes is counted
        }
        self.key = ""

    def served(self) -> Any:
        return server(self.folder, "serve", **self.settings)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.folder / "deskward.db", timeout=30) as file:
            return file.execute(query).fetchall()

    async def until(self, holds: Any) -> None:
        async with asyncio.timeout(600):
            while not holds():
                await asyncio.sleep(0.2)


async def test_nothing_is_lost_or_doubled_while_processes_die(tmp_path: Path) -> None:
    chance = random.Random(7)
    mails = letters(chance)
    with dovecot() as box, mail_server(box) as out:
        run = Run(tmp_path, box, out)
        async with open_desk(settings_in(tmp_path), chat=False) as desk:
            run.key, _ = await desk.keys.create(
                tenant_id="default", kind=Kind.STAFF, subject_id="anna", roles=("support",)
            )
        async with AsyncExitStack() as stack:
            part = len(mails) // (KILLS + 1) + 1
            for kill in range(KILLS + 1):
                _, pid = await stack.enter_async_context(run.served())
                some = mails[kill * part : (kill + 1) * part]
                await asyncio.to_thread(_deliver, box, some)
                if kill < KILLS:
                    async with background(_answer_some(run, kill, chance)):
                        await asyncio.sleep(chance.random() * 2)
                        os.kill(pid, signal.SIGKILL)
                    await stack.aclose()
            await run.until(lambda: _all_filed(run))
            tickets = _tickets(run)
            async with httpx2.AsyncClient(timeout=20) as client:
                for ticket in tickets.values():
                    await _answer(run, client, ticket, f"Last answer to {ticket}.")
            await run.until(lambda: not run.rows("SELECT 1 FROM jobs WHERE status != 'failed'"))
        _look_at_messages(run, tickets)
        _look_at_answers(run, box, tickets)


async def _answer_some(run: Run, life: int, chance: random.Random) -> None:
    """Answer some of the tickets that are open just now, until the process dies."""
    open_now = run.rows("SELECT number FROM tickets WHERE merged_into IS NULL")
    some = chance.sample(open_now, min(ANSWERS, len(open_now)))
    with suppress(httpx2.HTTPError):
        async with httpx2.AsyncClient(timeout=20) as client:
            for (number,) in some:
                with suppress(Merged):
                    await _answer(run, client, f"T{number}", f"Answer {life} to T{number}.")


def _deliver(box: Dovecot, mails: list[bytes]) -> None:
    with smtplib.LMTP("127.0.0.1", box.lmtp_port) as client:
        for raw in mails:
            client.sendmail("anna@example.com", [BOX], raw)


def _all_filed(run: Run) -> bool:
    with suppress(sqlite3.OperationalError):
        counted = run.rows("SELECT status, count(*) FROM incoming_mails GROUP BY status")
        return counted == [("filed", THREADS * MAILS)]
    return False


def _tickets(run: Run) -> dict[int, str]:
    """Thread → its ticket. Of a thread whose mails came in a bad order, tickets were merged."""
    found = run.rows("SELECT subject, number FROM tickets WHERE merged_into IS NULL")
    counted = Counter(subject for subject, _ in found)
    assert set(counted.values()) == {1}, counted
    assert len(found) == THREADS
    return {int(subject.split()[1]): f"T{number}" for subject, number in found}


class Merged(Exception):
    """A ticket became part of another one meanwhile."""


async def _answer(run: Run, client: httpx2.AsyncClient, ticket: str, text: str) -> None:
    url = f"http://127.0.0.1:{run.settings['SERVER_PORT']}/tickets/{ticket}"
    answer = await client.patch(
        url,
        json={"update": {"reply": text}},
        headers={"Idempotency-Key": text, "Authorization": f"Bearer {run.key}"},
    )
    if answer.status_code == 409:
        raise Merged
    assert answer.status_code == 200, answer.text


def _look_at_messages(run: Run, tickets: dict[int, str]) -> None:
    """Each mail is one message, in its thread's ticket."""
    found = run.rows("SELECT number, text FROM ticket_messages WHERE author LIKE 'customer:%'")
    by_ticket = defaultdict(list)
    for number, text in found:
        by_ticket[f"T{number}"].append(text)
    for thread, ticket in tickets.items():
        expected = [f"Thread {thread}, mail {number}." for number in range(MAILS)]
        assert sorted(by_ticket[ticket]) == sorted(expected)
    assert len(found) == THREADS * MAILS


def _look_at_answers(run: Run, box: Dovecot, tickets: dict[int, str]) -> None:
    """Each answer is in its customer's mailbox, once, and part of its thread.

    Of one that was cut off while the server got it nobody knows, and the message says so: it is
    there once, or not at all.
    """
    given = run.rows(
        "SELECT number, text, message_id, delivery FROM ticket_messages WHERE author = 'staff:anna'"
    )
    of_ticket = {ticket: thread for thread, ticket in tickets.items()}
    ours = {message_id for _, _, message_id, _ in given}
    answered = set()
    for number, text, message_id, delivery in given:
        thread = of_ticket[f"T{number}"]
        received = [
            each
            for each in box.messages(f"c{thread // 2}@mail.example")
            if each["Message-ID"] == message_id
        ]
        assert delivery in ("sent", "unknown"), (text, delivery)
        assert len(received) == 1 or (delivery == "unknown" and not received), (text, delivery)
        for answer in received:
            assert isinstance(answer, EmailMessage)
            _look_at_answer(answer, thread, text, ours)
        if received and text.startswith("Last"):
            answered.add(thread)
    assert answered == set(tickets), "after the last start nothing died any more"
    everything = sum(len(box.messages(f"c{who}@mail.example")) for who in range(THREADS // 2))
    assert everything <= len(given)


def _look_at_answer(answer: EmailMessage, thread: int, text: str, ours: set[str]) -> None:
    assert answer["Subject"] == f"Re: Thread {thread}"
    body = answer.get_body(("plain",))
    assert body is not None
    assert body.get_content().startswith(text)
    ids = {f"<{thread}.{number}@mail.example>" for number in range(MAILS)} | ours
    assert answer["In-Reply-To"] in ids
    references = str(answer["References"]).split()
    assert references[-1] == answer["In-Reply-To"]
    assert set(references) <= ids
    assert "+t" in str(answer["Reply-To"])
