"""What becomes of mails: tickets, messages, bounces, loops, spam, and what is broken."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.jobs import jobs
from deskward.customers import service as customers
from deskward.customers.erasure import erase
from deskward.email.tags import tagged, ticket_of
from deskward.escalation.timers import CHECK
from deskward.files.models import files
from deskward.gate.context import Context
from deskward.inbox.addresses import MOST, meant
from deskward.inbox.filing import Inbox
from deskward.inbox.intake import JOB, arrival, keep
from deskward.inbox.models import incoming_mails, mail_threads
from deskward.tickets import service as tickets
from deskward.tickets.models import tickets as table
from tests.conftest import STAFF, recorded
from tests.inbox.conftest import Bring, brought, messages, settled
from tests.inbox.shapes import mail, multi, part

ALEX = "Alex Morgan <alex.morgan@example.com>"  # user_001 of the demo


def _letter(text: str = "My card was declined.", **fields: str | None) -> bytes:
    return mail(text, "text/plain; charset=utf-8", None, **{"From": ALEX, **fields})


async def test_a_mail_opens_a_ticket_of_its_customer(desk: Desk, bring: Bring) -> None:
    row = await bring(_letter())
    assert (row.status, row.customer_id, row.automatic) == ("filed", "user_001", None)
    ticket = await tickets.get(desk.database.reader, "default", f"T{row.number}")
    assert (ticket.subject, ticket.body, ticket.source) == (
        "My card", "My card was declined.", "mail"
    )  # fmt: skip
    (message,) = await messages(desk, row.number)
    assert (message["by"], message["message_id"]) == ("customer", "<one@example.com>")
    assert any(row.get("door") == "mail" for row in await recorded(desk))


async def test_somebody_new_becomes_a_customer_whose_address_is_not_verified(
    desk: Desk, bring: Bring
) -> None:
    row = await bring(_letter(From="Zoë <zoe@new.example>"))
    profile = await customers.profile(desk.database.reader, "default", row.customer_id)
    assert profile.name == "Zoë"
    assert [(each.value, each.verified) for each in profile.emails] == [("zoe@new.example", False)]
    again = await bring(_letter("And more.", From="zoe@new.example", Message_ID="<2@new.example>"))
    assert again.customer_id == row.customer_id
    assert again.number != row.number


async def test_the_same_mail_twice_is_one_message(desk: Desk, bring: Bring) -> None:
    raw = _letter()
    first = await bring(raw)
    assert await bring(raw) is None
    other_way = b"Received: from elsewhere\r\nX-Spam-Score: 1\r\n" + raw
    assert await bring(other_way) is None
    assert len(await messages(desk, first.number)) == 1
    without = _letter(Message_ID=None)
    assert await bring(without) is not None
    assert await bring(without) is None


async def test_one_message_id_for_all_mails_loses_none(bring: Bring) -> None:
    first = await bring(_letter("One", Date="Tue, 3 Feb 2026 10:00:00 +0000"))
    second = await bring(_letter("Two", Date="Tue, 3 Feb 2026 11:00:00 +0000"))
    assert first.status == second.status == "filed"


async def test_an_answer_finds_its_ticket_by_what_it_follows(desk: Desk, bring: Bring) -> None:
    first = await bring(_letter())
    answer = await bring(
        _letter("Still.\r\n\r\nOn 3 Feb 2026 10:12, Alex wrote:\r\n> My card was declined.",
                Message_ID="<2@x.example>", References="<one@example.com>")
    )  # fmt: skip
    assert answer.number == first.number
    _, second = await messages(desk, first.number)
    assert second["text"] == "Still."
    assert "> My card was declined." in second["whole"]


async def test_another_sender_who_names_a_mail_does_not_get_into_its_ticket(bring: Bring) -> None:
    first = await bring(_letter())
    for number, subject in enumerate((f"Re: My card [T{first.number}]", f"T{first.number}")):
        theirs = await bring(
            _letter("Let me in.", From="eve@evil.example", Subject=subject,
                    Message_ID=f"<e{number}@evil.example>", References="<one@example.com>")
        )  # fmt: skip
        assert theirs.number != first.number


async def test_a_number_in_a_subject_says_nothing(bring: Bring) -> None:
    first = await bring(_letter())
    again = await bring(_letter(Subject=f"T{first.number}", Message_ID="<2@x.example>", Date="x"))
    assert again.number != first.number


async def test_a_signed_address_finds_the_ticket_also_from_another_address(
    desk: Desk, bring: Bring
) -> None:
    key = desk.gate.port(Inbox).rules.key
    first = await bring(_letter())
    address = tagged("support@desk.example", key, "default", f"T{first.number}")
    other = await bring(
        _letter("From my other address.", From="alex@home.example", To=address,
                Message_ID="<2@x.example>")
    )  # fmt: skip
    assert other.number == first.number
    assert other.customer_id != first.customer_id
    # What follows from there belongs to it, too.
    later = await bring(
        _letter("More.", From="alex@home.example", Message_ID="<3@x.example>",
                In_Reply_To="<2@x.example>")
    )  # fmt: skip
    assert later.number == first.number
    forged = address.replace("-", "-0")
    assert ticket_of(forged, key, "default") is None
    assert ticket_of(address, key, "acme") is None
    assert ticket_of(address.upper(), key, "default") == f"T{first.number}"


async def test_mails_in_any_order_are_one_ticket(desk: Desk, bring: Bring) -> None:
    last = await bring(_letter("3", Message_ID="<3@x.example>", In_Reply_To="<2@x.example>"))
    first = await bring(_letter("1", Message_ID="<1@x.example>"))
    assert last.number != first.number  # nothing says yet that they belong together
    await bring(_letter("2", Message_ID="<2@x.example>", In_Reply_To="<1@x.example>"))
    after = await bring(_letter("4", Message_ID="<4@x.example>", In_Reply_To="<3@x.example>"))
    read = await messages(desk, first.number)
    assert {each["text"] for each in read if each["kind"] == "message"} == {"1", "2", "3", "4"}
    merged = await tickets.get(desk.database.reader, "default", f"T{last.number}")
    assert merged.merged_into == f"T{first.number}"
    assert after.number == first.number


async def test_tenants_are_apart(desk: Desk, bring: Bring) -> None:
    raw = _letter()
    ours, theirs = await bring(raw), await bring(raw, "acme")
    assert (ours.tenant_id, theirs.tenant_id) == ("default", "acme")
    reply = _letter("Yes.", Message_ID="<2@x.example>", References="<one@example.com>")
    assert (await bring(reply, "acme")).number == theirs.number
    assert len(await messages(desk, ours.number)) == 1


async def test_an_answer_opens_a_resolved_ticket_and_a_program_does_not(
    desk: Desk, bring: Bring
) -> None:
    first = await bring(_letter())
    ticket_id = f"T{first.number}"
    change = {"ticket_id": ticket_id, "update": {"status": "resolved"}}
    assert (await desk.gate.call("update_ticket", change, Context(STAFF, "rest"))).error is None
    away = await bring(
        _letter("I am away.", Message_ID="<2@x.example>", References="<one@example.com>",
                Auto_Submitted="auto-replied")
    )  # fmt: skip
    assert (away.number, away.automatic) == (first.number, "auto-submitted")
    ticket = await tickets.get(desk.database.reader, "default", ticket_id)
    assert ticket.status == "resolved"
    assert [each["kind"] for each in await messages(desk, first.number)] == ["message", "note"]
    await bring(_letter("No.", Message_ID="<3@x.example>", References="<one@example.com>"))
    assert (await tickets.get(desk.database.reader, "default", ticket_id)).status == "open"


async def test_what_the_desk_itself_sent_is_nobodys_message(bring: Bring) -> None:
    for address in ("desk@desk.example", "support+t1-00@desk.example", "Help@Acme.example"):
        row = await bring(_letter(From=address, Message_ID=f"<{address}>"))
        assert (row.status, row.number) == ("ignored", None)


async def test_spam_opens_no_ticket_until_a_person_wants_it(desk: Desk, bring: Bring) -> None:
    row = await bring(_letter(X_Spam_Flag="YES"))
    assert (row.status, row.number) == ("spam", None)
    retried = await desk.gate.call(
        "retry_incoming_mail", {"incoming_id": row.id}, Context(STAFF, "rest")
    )
    assert retried.error is None
    await settled(desk)
    found = await _shown(desk, row.id)
    assert found["status"] == "filed"
    assert found["ticket_id"] is not None


async def test_a_mail_without_a_sender_is_kept_and_shown(desk: Desk, bring: Bring) -> None:
    row = await bring(_letter(From=None))
    assert row.status == "broken"
    listed = await desk.gate.call(
        "list_incoming_mails", {"status": "broken"}, Context(STAFF, "rest")
    )
    assert [each["incoming_id"] for each in listed.value["mails"]] == [row.id]
    shown = await _shown(desk, row.id)
    assert shown["parts"] == [{"kind": "own", "text": "My card was declined."}]


async def test_a_mail_that_cannot_be_filed_is_not_in_the_way(
    desk: Desk, bring: Bring, monkeypatch
) -> None:
    from deskward.inbox import filing

    def fail(_raw: bytes, _sender: str | None) -> Any:
        raise KeyError("x")

    monkeypatch.setattr(filing, "_read", fail)
    row = await bring(_letter())
    assert (row.status, row.reason) == ("broken", "It could not be read (KeyError).")
    monkeypatch.undo()
    assert (await bring(_letter(Message_ID="<2@x.example>"))).status == "filed"
    await desk.gate.call("retry_incoming_mail", {"incoming_id": row.id}, Context(STAFF, "rest"))
    await settled(desk)
    assert (await _shown(desk, row.id))["status"] == "filed"


async def test_files_are_kept_by_type_and_size(desk: Desk, bring: Bring) -> None:
    def file(name: str, data: bytes) -> bytes:
        return part(data, "application/octet-stream", "base64", f'attachment; filename="{name}"')

    body, kind = multi(
        "mixed", part("See there."), file("bill.pdf", b"%PDF-1"), file("run.exe", b"MZ"),
        file("fake.png", b"MZ"), file("big.txt", b"x" * 11_000_000),
        file("winmail.dat", b"\x78\x9f\x3e\x22"),
    )  # fmt: skip
    row = await bring(mail(body, kind, None, From=ALEX))
    assert sorted(row.left_out) == ["big.txt", "fake.png", "run.exe"]
    message, note = await messages(desk, row.number)
    assert len(message["files"]) == 2
    assert "run.exe" in note["text"]
    assert note["kind"] == "note"
    stored = await desk.database.reader.all(sa.select(files.c.name, files.c.owner))
    assert {tuple(each) for each in stored} == {
        ("bill.pdf", "customer:user_001"), ("winmail.dat", "customer:user_001")
    }  # fmt: skip


async def test_html_is_shown_without_what_acts_or_loads(desk: Desk, bring: Bring) -> None:
    html = (
        "<p onclick=x>Hello</p><img src='https://spy.example/1.gif'><script>x</script>"
        "<a href='javascript:x'>there</a><style>p{background:url(https://spy.example)}</style>"
    )
    row = await bring(mail(html, "text/html", None, From=ALEX))
    (message,) = await messages(desk, row.number)
    assert message["text"] == "Hello\n\nthere"
    for each in ("spy", "script", "onclick", "style"):
        assert each not in message["html"]
        assert each not in (await _shown(desk, row.id))["html"]


async def test_too_many_mails_and_the_same_words_are_a_programs(bring: Bring) -> None:
    first = await bring(_letter("I am away.", Message_ID="<1@x.example>"))
    second = await bring(_letter("I  am away.", Message_ID="<2@x.example>"))
    assert (first.automatic, second.automatic) == (None, "says the same again")
    for number in range(18):
        row = await bring(_letter(f"Question {number}", Message_ID=f"<q{number}@x.example>"))
        assert row.automatic is None
    assert (await bring(_letter("One more"))).automatic == "too many in an hour"


async def test_only_what_people_write_is_handled_at_once(desk: Desk) -> None:
    inbox = desk.gate.port(Inbox)
    object.__setattr__(inbox.rules, "new_tickets", "some.job")
    await brought(desk, _letter())
    await brought(desk, _letter("x", Message_ID="<2@x.example>", Precedence="bulk"))
    kinds = await desk.database.reader.all(sa.select(jobs.c.kind))
    assert [each.kind for each in kinds if each.kind not in (JOB, CHECK)] == ["some.job"]


async def test_two_at_once_from_somebody_new_are_one_customer(desk: Desk) -> None:
    found = [
        arrival(_letter(str(n), From="new@new.example", Message_ID=f"<{n}@x.example>",
                        References="<root@x.example>"), "command")
        for n in range(12)
    ]  # fmt: skip

    async def one(each: Any) -> None:
        async with desk.database.transaction() as db:
            await keep(db, "default", each)

    await asyncio.gather(*(one(each) for each in found))
    await settled(desk)
    rows = await desk.database.reader.all(
        sa.select(incoming_mails.c.customer_id, incoming_mails.c.number, incoming_mails.c.status)
    )
    assert len({tuple(row) for row in rows}) == 1
    assert len(await messages(desk, rows[0].number)) == 12


async def test_an_erased_customers_mails_are_gone(desk: Desk, bring: Bring) -> None:
    row = await bring(_letter(From="zoe@new.example"))
    customer = await customers.get(desk.database.reader, "default", row.customer_id)
    async with desk.database.transaction() as db:
        await erase(db, desk.gate.ledger.keys, "default", customer)
    left = await desk.database.reader.all(sa.select(incoming_mails.c.id))
    threads = await desk.database.reader.all(sa.select(mail_threads.c.name))
    assert (left, threads) == ([], [])


async def _shown(desk: Desk, mail_id: str) -> dict[str, Any]:
    outcome = await desk.gate.call(
        "get_incoming_mail", {"incoming_id": mail_id}, Context(STAFF, "rest")
    )
    assert outcome.error is None, outcome.error
    found: dict[str, Any] = outcome.value
    return found


async def test_a_thread_in_any_order_is_one_ticket(desk: Desk, bring: Bring) -> None:
    chance = random.Random(5)
    for thread in range(4):
        numbers = list(range(10))
        chance.shuffle(numbers)
        for number in numbers:
            before = f"<{thread}.{number - 1}@x.example>" if number else None
            row = await bring(
                _letter(f"{thread} {number}", Message_ID=f"<{thread}.{number}@x.example>",
                        In_Reply_To=before, Subject=f"Thread {thread}")
            )  # fmt: skip
            assert row.status == "filed"
    rows = await desk.database.reader.all(
        sa.select(table.c.subject, table.c.messages, table.c.number).where(
            table.c.source == "mail", table.c.merged_into.is_(None)
        )
    )
    assert sorted(row.subject for row in rows) == [f"Thread {thread}" for thread in range(4)]
    for row in rows:
        read = await messages(desk, row.number)
        told = {each["text"] for each in read if each["kind"] == "message"}
        assert told == {f"{row.subject[-1]} {number}" for number in range(10)}


async def test_whose_a_mail_is_costs_little_whomever_it_names(desk: Desk) -> None:
    rules = desk.gate.port(Inbox).rules
    looked_up: list[str] = []

    class Counting:
        async def first(self, _: Any, **told: Any) -> None:
            looked_up.append(str(told))

        async def all(self, _: Any) -> list[Any]:
            return []

    db: Any = Counting()
    assert await meant(db, rules, "default", [f"a{n}@x.example" for n in range(2000)]) == "default"
    assert looked_up == []
    tags = [f"a{n}+t1001-{'0' * 20}@x.example" for n in range(2000)]
    assert await meant(db, rules, "default", tags) == "default"
    assert 0 < len(looked_up) <= 2 * MOST
