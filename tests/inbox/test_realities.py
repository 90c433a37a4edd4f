"""What really comes: addresses in other forms, people who are away, and mails that are too much."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.email.models import emails
from deskward.files.models import files
from deskward.gate.context import Context
from deskward.inbox.filing import Inbox
from deskward.inbox.models import incoming_mails
from tests.conftest import STAFF
from tests.email.conftest import mail_server, server, with_mail
from tests.inbox.conftest import ADDRESSES, Bring, brought, messages, settled
from tests.inbox.shapes import mail, multi, part
from tests.inbox.test_bounces import bounce
from tests.services.mail import Mail

__all__ = ["mail_server", "server"]

MB = 1_000_000


@pytest.fixture
async def desk(settings: Settings, server: Mail, offline) -> AsyncIterator[Desk]:
    changed = with_mail(settings, server, mail_addresses=ADDRESSES)
    async with open_desk(changed, model=offline) as opened:
        yield opened


@pytest.fixture
def bring(desk: Desk) -> Bring:
    async def run(raw: bytes, tenant: str = "default", **told: Any) -> Any:
        return await brought(desk, raw, tenant, **told)

    return run


def letter(number: int, text: str = "", **fields: str | None) -> bytes:
    named = {"Message_ID": f"<{number}@x.example>"}
    return mail(text or f"Text {number}", **(named | fields))


async def answer(desk: Desk, number: int, text: str = "We look.") -> dict[str, Any]:
    change = {"ticket_id": f"T{number}", "update": {"reply": text}}
    outcome = await desk.gate.call("update_ticket", change, Context(STAFF, "rest"))
    assert outcome.error is None, outcome.error
    return (await messages(desk, number))[-1]


async def recipients(desk: Desk) -> list[str]:
    rows = await desk.database.reader.all(sa.select(emails.c.recipients))
    return [address for row in rows for address in row.recipients["to"]]


async def test_an_address_in_capitals_or_with_a_tag_is_the_same_customers(
    desk: Desk, bring: Bring
) -> None:
    first = await bring(letter(1))
    loud = await bring(letter(2, From="ANNA@Example.COM", References="<1@x.example>"))
    assert (loud.customer_id, loud.number) == (first.customer_id, first.number)
    tagged = letter(3, From="Anna <anna+shop@example.com>", References="<1@x.example>")
    row = await bring(tagged)
    assert (row.customer_id, row.number) == (first.customer_id, first.number)
    await answer(desk, first.number)
    assert await recipients(desk) == ["anna@example.com"], "and is answered where they are known"
    # Somebody who is only known with a tag is not whoever has the address without it.
    other = await bring(letter(4, From="bert+x@example.com"))
    bare = await bring(letter(5, From="bert@example.com"))
    assert other.customer_id != bare.customer_id


async def test_a_customer_writes_from_any_of_their_addresses(desk: Desk, bring: Bring) -> None:
    first = await bring(letter(1))
    both = {"emails": ["anna@example.com", "anna@work.example"]}
    told = {"customer_id": first.customer_id, "update": both}
    chief = STAFF.__class__(STAFF.kind, "carla", "default", ("support-3",))
    changed = await desk.gate.call("update_customer", told, Context(chief, "rest"))
    assert changed.status == "ok", changed.value
    second = await bring(letter(2, From="anna@work.example", References="<1@x.example>"))
    assert (second.customer_id, second.number) == (first.customer_id, first.number)
    await answer(desk, first.number)
    assert await recipients(desk) == ["anna@work.example"], "where they wrote from"


async def test_a_mail_that_a_colleague_passes_on_is_kept_whole(desk: Desk, bring: Bring) -> None:
    text = (
        "Can you take this?\r\n\r\n-------- Forwarded Message --------\r\nSubject: My card\r\n"
        "From: Carl <carl@example.net>\r\nTo: nora@desk.example\r\n\r\nIt was declined."
    )
    row = await bring(
        letter(1, text, From="Nora <nora@colleagues.example>", Subject="Fwd: My card")
    )
    [message] = await messages(desk, row.number)
    whole = message["whole"] or message["text"]
    assert "Can you take this?" in message["text"]
    assert "carl@example.net" in whole
    assert "It was declined." in whole


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: My card",
        "Out of Office",
        "Automatische Antwort: Ihre Anfrage",
        "Abwesenheitsnotiz",
        "Réponse automatique : Votre demande",
        "Respuesta automática: Su tarjeta",
        "Risposta automatica: la tua carta",
        "Fuori ufficio - torno lunedì",
        "自動応答: お問い合わせ",
    ],
)
async def test_who_is_away_gets_no_answer_whatever_the_header_says(
    sqlite_settings: Settings, offline, subject: str
) -> None:
    settings = sqlite_settings.changed(mail_addresses=ADDRESSES)
    async with open_desk(settings, model=offline) as desk:
        row = await brought(desk, letter(1, Subject=subject))
        assert (row.status, row.automatic) == ("filed", "away")
        for number, person in enumerate(("Out of office hours?", "Automatic reply does not work")):
            row = await brought(desk, letter(2 + number, Subject=person))
            assert row.automatic is None


async def test_of_two_recipients_one_has_it(desk: Desk, bring: Bring) -> None:
    told = {"to": ["anna@example.com", "bob@example.com"], "subject": "s", "body": "b"}
    chief = STAFF.__class__(STAFF.kind, "carla", "default", ("support-3",))
    sent = await desk.gate.call("send_email", told, Context(chief, "rest"))
    assert sent.value["status"] == "sent", sent.value
    named = f"<{sent.value['email_id']}@example.com>"
    await bring(bounce(named, "bob@example.com"), envelope_from="")
    row = await desk.database.reader.first(sa.select(emails.c.refused, emails.c.status))
    assert row is not None
    assert (row.status, row.refused) == ("sent", {"bob@example.com": "550 no such user"})


async def test_a_date_of_next_year_changes_no_order(desk: Desk, bring: Bring) -> None:
    later = (datetime.now(UTC) + timedelta(days=400)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    first = await bring(letter(1, Date=later))
    await bring(letter(2, References="<1@x.example>", Date="Mon, 1 Jan 1990 00:00:00 +0000"))
    found = await messages(desk, first.number)
    assert [each["text"] for each in found] == ["Text 1", "Text 2"]
    now = datetime.now(UTC)
    assert all(datetime.fromisoformat(each["created_at"]) <= now for each in found)


async def test_ids_that_are_missing_doubled_or_long(desk: Desk, bring: Bring, server: Mail) -> None:
    rows = [await bring(letter(n, f"No id {n}", Message_ID=None)) for n in range(2)]
    rows += [await bring(letter(9, f"Same id {n}", Subject=f"S{n}")) for n in range(2)]
    assert all(row is not None and row.status == "filed" for row in rows)
    long = f"<{'x' * 485}@long.example>"
    first = await bring(letter(3, "Long", Message_ID=long, From="lena@example.com"))
    message = await answer(desk, first.number)
    assert message["in_reply_to"] == long
    follows = {"In_Reply_To": message["message_id"], "References": f"{long} x"}
    back = await bring(letter(4, "Back", From="lena@example.com", **follows))
    assert back.number == first.number
    huge = await bring(letter(5, "Huge", Message_ID=f"<{'y' * 5000}@x>", From="uwe@example.com"))
    assert huge.status == "filed"
    assert (await answer(desk, huge.number))["in_reply_to"] is None


async def test_a_thread_of_three_hundred(desk: Desk, bring: Bring) -> None:
    first = await bring(letter(1))
    chain = " ".join(f"<{n}.deep@x.example>" for n in range(299))
    last = await bring(letter(2, References=f"{chain}\r\n <1@x.example>"))
    assert last.number == first.number
    # The first one of so many is not looked for; the nearest ones are.
    near = await bring(letter(3, References="<298.deep@x.example>"))
    assert near.number == first.number


async def test_a_file_that_names_a_folder_stays_where_files_are(desk: Desk, bring: Bring) -> None:
    names = ["../../etc/passwd", "..\\..\\boot.txt", "/etc/shadow.txt", "C:\\Windows\\a.txt"]
    parts = [part("x", "text/plain", None, f'attachment; filename="{name}"') for name in names]
    body, kind = multi("mixed", part("Here."), *parts)
    row = await bring(mail(body, kind))
    rows = await desk.database.reader.all(sa.select(files.c.name))
    assert sorted(each.name for each in rows) == ["a.txt", "boot.txt", "shadow.txt"]
    assert list(row.left_out) != []
    assert all("/" not in each.name and "\\" not in each.name for each in rows)


@pytest.mark.slow
async def test_a_zip_that_would_grow_is_kept_as_it_is(desk: Desk, bring: Bring) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"{number}.txt", b"\0" * 100 * MB)
    data = packed.getvalue()
    assert len(data) < MB
    disposition = 'attachment; filename="all.zip"'
    body, kind = multi("mixed", part("Look."), part(data, "application/zip", "base64", disposition))
    began = time.process_time()
    row = await bring(mail(body, kind))
    assert time.process_time() - began < 5, "nobody has opened it"
    assert row.status == "filed"
    [kept] = await desk.database.reader.all(sa.select(files.c.content))
    assert bytes(kept.content) == data


@pytest.mark.slow
async def test_a_mail_of_25_megabytes_is_filed_without_what_is_too_large(desk: Desk) -> None:
    rules = desk.gate.port(Inbox).rules
    disposition = 'attachment; filename="film.mp4"'
    film = part(b"\x01" * 18 * MB, "video/mp4", "base64", disposition)
    small = part(b"notes", "text/plain", "base64", 'attachment; filename="notes.txt"')
    body, kind = multi("mixed", part("My film."), film, small)
    raw = mail(body, kind)
    assert 24 * MB < len(raw) <= rules.largest
    row = await brought(desk, raw)
    assert row.status == "filed"
    assert list(row.left_out) == ["film.mp4"]
    [*_, message] = [e for e in await messages(desk, row.number) if e["kind"] == "message"]
    assert message["text"] == "My film."
    assert len(message["files"]) == 1


async def test_two_thousand_recipients(desk: Desk, bring: Bring) -> None:
    many = ",\r\n ".join(f"a{n}@x.example" for n in range(2000))
    row = await bring(letter(1, To=many, Cc="support@desk.example"))
    assert row.status == "filed"
    await answer(desk, row.number)
    assert await recipients(desk) == ["anna@example.com"], "an answer goes to nobody else"
    await settled(desk)
    left = await desk.database.reader.all(
        sa.select(incoming_mails.c.id).where(incoming_mails.c.status == "broken")
    )
    assert left == []
