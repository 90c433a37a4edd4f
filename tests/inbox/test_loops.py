"""A program that answers every mail meets the desk, which answers new tickets: they do not loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core.jobs import jobs
from deskward.core.settings import Settings
from deskward.inbox.reading.alike import HALF, digests
from tests.email.conftest import with_mail
from tests.inbox.conftest import ADDRESSES, brought
from tests.inbox.shapes import mail
from tests.rounds import rounds
from tests.services.mail import Mail
from tests.services.mail import mail as mail_server

ROUNDS = rounds(40, 200)
QUESTION = "How do I reset a forgotten password?"
ASKED = {"Subject": "Password"}

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[Mail]:
    with mail_server() as running:
        yield running


@pytest.fixture
async def desk(sqlite_settings: Settings, server: Mail, offline) -> AsyncIterator[Desk]:
    """A desk that answers new tickets alone, by mail."""
    settings = with_mail(sqlite_settings, server, mail_addresses=ADDRESSES, handle_new_tickets=True)
    async with open_desk(settings, model=offline) as opened:
        yield opened


async def quiet(desk: Desk) -> None:
    """Wait until nothing is left to do."""
    async with asyncio.timeout(60):
        while await desk.database.reader.first(sa.select(jobs.c.id)) is not None:
            desk.jobs.wake()
            await asyncio.sleep(0.02)


def _never(number: int, _last: Any) -> bytes:
    return mail(QUESTION, Message_ID=f"<{number}@x.example>", Auto_Submitted="auto-replied")


def _threaded(number: int, last: Any) -> bytes:
    follows = {"In_Reply_To": last["Message-ID"]} if last else {}
    return mail(QUESTION + "?" * number, Message_ID=f"<{number}@x.example>", **ASKED, **follows)


def _tagged(number: int, last: Any) -> bytes:
    to = {"To": last["Reply-To"]} if last else {}
    return mail(QUESTION + "?" * number, Message_ID=f"<{number}@x.example>", **ASKED, **to)


def _same_words(number: int, _last: Any) -> bytes:
    return mail(QUESTION, Message_ID=f"<{number}@x.example>", **ASKED)


def _anew(number: int, _last: Any) -> bytes:
    text = QUESTION.upper() if number % 2 else QUESTION + "?" * number
    return mail(text, Message_ID=f"<{number}@x.example>", **ASKED)


def _numbered(number: int, _last: Any) -> bytes:
    text = f"{QUESTION} Thanks! ({12 + number})"
    return mail(text, Message_ID=f"<{number}@x.example>", **ASKED)


@pytest.mark.parametrize(
    ("responder", "most"),
    [(_never, 0), (_threaded, 1), (_tagged, 1), (_same_words, 1), (_anew, 1), (_numbered, 2)],
)
async def test_a_program_that_answers_everything_gets_at_most_one_or_two_answers(
    desk: Desk, server: Mail, responder: Any, most: int
) -> None:
    for number in range(ROUNDS):
        last = message_from_bytes(server.received[-1].content) if server.received else None
        row = await brought(desk, responder(number, last))
        assert row.status == "filed"
        await quiet(desk)
    assert len(server.received) == most


def test_what_is_the_same_but_for_numbers() -> None:
    def near(one: str, other: str) -> bool:
        first, second = digests(one), digests(other)
        assert (len(first), first[:HALF] == second[:HALF]) == (2 * HALF, one == other)
        return first[HALF:] == second[HALF:]

    assert near(
        "We have got your mail. Ticket 12 is open.", "We have got your mail. Ticket 7 is open."
    )
    assert near(
        "お問い合わせ番号12345を受け付けましたのでしばらくお待ちください",
        "お問い合わせ番号9を受け付けましたのでしばらくお待ちください",
    )
    assert near("Мы получили ваше письмо, номер AB12CD.", "Мы получили ваше письмо, номер X9.")
    assert not near("Order 12?", "Order 13?"), "too little to tell"
    assert not near("4711", "4712")
    assert not near(
        "Where is my parcel, please, of order 12?", "Where is my money, please, of order 12?"
    )


async def test_two_desks_that_answer_alone_fall_silent(
    desk: Desk, server: Mail, sqlite_settings: Settings, offline, tmp_path
) -> None:
    with mail_server() as other_server:
        told = with_mail(
            sqlite_settings,
            other_server,
            sender_email="robot@example.com",
            mail_addresses="robot@example.com",
            handle_new_tickets=True,
            data_dir=tmp_path / "other",
        )
        async with open_desk(told, demo=True, model=offline) as other:
            await brought(desk, mail(QUESTION, From="robot@example.com", **ASKED))
            seen = [0, 0]
            for _ in range(ROUNDS):
                await quiet(desk)
                await quiet(other)
                for number, (from_, to) in enumerate(((server, other), (other_server, desk))):
                    for each in from_.received[seen[number] :]:
                        seen[number] += 1
                        await brought(to, each.content, envelope_from=each.sender)
            assert seen == [1, 0]
