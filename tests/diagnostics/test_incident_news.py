"""Who has joined an incident is told how it stands: once each, in their chat or by mail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk, open_desk
from deskward.conversations import news
from deskward.conversations.models import sessions
from deskward.conversations.store import Where
from deskward.core import jobs, worker
from deskward.core.database import now
from deskward.core.jobs import Job
from deskward.core.settings import Settings
from deskward.customers.models import customers
from deskward.diagnostics.incidents import telling
from deskward.diagnostics.incidents.models import incidents
from deskward.diagnostics.incidents.service import OVER, UPDATED
from deskward.diagnostics.models import diagnoses
from deskward.diagnostics.timers import QuietRules
from deskward.notices import hearing
from deskward.notices.models import notices
from deskward.tickets.chats import Chats
from tests.agent.scripted import tool
from tests.conftest import OTHER, STAFF, Call, caller
from tests.conversations.test_asking import events, script
from tests.diagnostics.test_incidents import TO_503, read, report
from tests.diagnostics.test_sessions import answer, code, do, start
from tests.email.conftest import mail_server, server, with_mail
from tests.notices.test_notices import body, mails
from tests.services.mail import Mail

__all__ = ["mail_server", "server"]

HERE = Where("default", "customer:user_001", "s")
START = tool(
    "start_diagnostic_session",
    product_name="Acme API",
    issue_description="Our calls get a 503",
    environment_info={"error_code": "503"},
)
MINE, THEIRS = "alex.morgan@example.com", "sam.rivera@example.com"


@pytest.fixture
async def mailing(
    settings: Settings, server: Mail, offline: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    """A desk that sends mail, and nothing but what is usual."""
    monkeypatch.setattr(worker, "POLL", 0.05)
    monkeypatch.setattr(hearing, "PAUSE", timedelta(0))
    async with open_desk(with_mail(settings, server, notices=True), model=offline) as opened:
        async with opened.database.transaction() as db:
            theirs = customers.c.id == "user_002"
            await db.execute(sa.update(customers).values(language="de"))
            await db.execute(sa.update(customers).where(theirs).values(email=THEIRS))
        yield opened


async def joined(call: Call, principal: Any = None) -> dict[str, Any]:
    by = {} if principal is None else {"by": principal}
    given = () if principal is None else (principal,)
    session: dict[str, Any] = await answer(call, await start(call, *given), *TO_503, **by)
    assert session["status"] == "joined_incident"
    return session


async def done(desk: Desk) -> None:
    """Wait until the jobs of incidents are done."""
    desk.jobs.wake()
    left = sa.select(jobs.jobs.c.id).where(jobs.jobs.c.kind.in_((OVER, UPDATED)))
    async with asyncio.timeout(30):
        while await desk.database.reader.first(left):
            await asyncio.sleep(0.02)


class Held(Job):
    """A job that nobody takes away."""

    async def hold(self, db: Any) -> None: ...


def held(incident_id: str) -> Job:
    payload = {"tenant": "default", "incident_id": incident_id}
    return Held(id="x", kind=UPDATED, payload=payload, attempt=1, lease="x")


async def said(desk: Desk) -> list[str | None]:
    return [one.text for one in await news.after(desk.database.reader, HERE, 0)]


async def test_each_customer_is_mailed_once_of_an_update_and_of_the_end(
    mailing: Desk, server: Mail
) -> None:
    call = caller(mailing)
    made = await report(call)
    first, second = await joined(call), await joined(call)
    await joined(call, OTHER)
    named = {"incident_id": made["incident_id"]}
    told = "Die Platte wird getauscht."
    done = await call("update_incident", STAFF, **named, customer_message=told, revision=1)
    assert (done.value["customer_message"], done.value["revision"]) == (told, 2)
    found = await mails(mailing, server)
    assert {who: len(got) for who, got in found.items()} == {MINE: 1, THEIRS: 1}
    assert found[MINE][0]["subject"] == "Neues zur Störung von Acme API"
    assert told in body(found[MINE][0])
    server.received.clear()
    late = await start(call, issue_description="The API answers 503.")
    late = (await do(call, "join_incident", late, **named)).value
    assert late["known_incidents"][0]["message"] == told  # who joins later is told by that
    await call("resolve_incident", STAFF, **named)
    found = await mails(mailing, server)
    assert {who: len(got) for who, got in found.items()} == {MINE: 1, THEIRS: 1}
    text = " ".join(body(found[MINE][0]).split())
    assert found[MINE][0]["subject"] == "Die Störung von Acme API ist behoben"
    assert f"(Diagnose {first['id']})" in text
    assert told not in text  # what was said while it went on is no longer so
    for one in (first, second, late):
        assert (await read(call, one))["status"] == "to_confirm"


async def test_who_walks_it_in_a_chat_is_told_there_and_mailed_only_unless_they_have_read_it(
    mailing: Desk, server: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = caller(mailing)
    made = await report(call)
    script(mailing, [START], ["It is known."])
    await events(mailing, "Unsere Aufrufe bekommen alle einen Fehler 503, und das seit heute.")
    named = {"incident_id": made["incident_id"]}
    assert (await call("get_incident", STAFF, **named)).value["sessions"] == 1
    await call("update_incident", STAFF, **named, customer_message="Bald ist es gut.")
    await done(mailing)
    [text] = await said(mailing)
    assert text == "Es gibt Neues zur Störung von Acme API: Bald ist es gut."
    [piece] = await news.after(mailing.database.reader, HERE, 0)
    async with mailing.database.transaction() as db:
        await news.received(db, HERE, piece.id)
    monkeypatch.setattr(hearing, "READING", timedelta(0))
    async with asyncio.timeout(30):
        while not await mailing.database.reader.all(sa.select(notices.c.id)):
            await asyncio.sleep(0.02)
    async with mailing.database.transaction() as db:
        await db.execute(sa.update(notices).values(due_at=now()))
    assert await mails(mailing, server) == {}
    await call("resolve_incident", STAFF, **named, customer_message="Es war die Platte.")
    await done(mailing)
    assert "ist behoben. Es war die Platte. Bitte" in str((await said(mailing))[-1])
    assert list(await mails(mailing, server)) == [MINE]  # nobody has read that


async def test_a_chat_that_is_over_is_told_nothing(mailing: Desk, server: Mail) -> None:
    call = caller(mailing)
    made = await report(call)
    script(mailing, [START], ["It is known."])
    await events(mailing, "Our calls get a 503.")
    async with mailing.database.transaction() as db:
        await db.execute(sa.update(sessions).values(ended_at=now()))
    await call("resolve_incident", STAFF, incident_id=made["incident_id"])
    assert list(await mails(mailing, server)) == [MINE]
    assert await said(mailing) == []


async def test_without_mail_a_chat_is_told_all_the_same(desk: Desk, call: Call) -> None:
    made = await report(call)
    script(desk, [START], ["It is known."])
    await events(desk, "Our calls get a 503.")
    await call("resolve_incident", STAFF, incident_id=made["incident_id"])
    await done(desk)
    assert str((await said(desk))[0]).startswith("The disturbance of Acme API is over. Please")


async def test_a_ticket_that_came_of_it_gets_a_note_while_it_waits(desk: Desk, call: Call) -> None:
    made = await report(call)
    waits, solved = await joined(call), await joined(call, OTHER)
    waits = (await do(call, "hand_over_diagnosis", waits)).value
    solved = (await do(call, "hand_over_diagnosis", solved, OTHER)).value
    ended = {"status": "resolved", "reply": "Done."}
    await call("update_ticket", STAFF, ticket_id=solved["ticket_id"], update=ended)
    await call("resolve_incident", STAFF, incident_id=made["incident_id"])
    await done(desk)
    texts = {}
    for one in (waits, solved):
        thread = await call("list_ticket_messages", STAFF, ticket_id=one["ticket_id"])
        texts[one["id"]] = [part["text"] for part in thread.value["messages"]]
    note = f"Incident I1001, which {waits['id']} had joined, is over."
    assert texts[waits["id"]].count(note) == 1
    assert not any("is over" in text for text in texts[solved["id"]])
    assert (await read(call, waits))["status"] == "handed_over"


async def test_a_job_that_is_cut_off_or_done_twice_tells_nobody_twice(
    desk: Desk, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await report(call)
    for _ in range(3):
        await joined(call)
    await joined(call, OTHER)
    monkeypatch.setattr(telling, "AT_ONCE", 1)
    heard: list[tuple[str, int]] = []

    async def tell(_db: Any, _tenant: str, chat: Any, name: str, _values: Any) -> str:
        if len(heard) == 1:
            heard.append(("", 0))
            raise RuntimeError("cut off")
        heard.append((chat[0], 1))
        return "x"

    async with desk.database.transaction() as db:
        await db.execute(sa.update(diagnoses).values(chat="s", told=0))

    job = held(made["incident_id"])
    with pytest.raises(RuntimeError):
        await telling.updated(desk.database, Chats(tell), job)
    for _ in range(3):
        await telling.updated(desk.database, Chats(tell), job)
    assert sorted(heard) == [("", 0), ("user_001", 1), ("user_002", 1)]
    rules = QuietRules(timedelta(1), timedelta(1))
    await telling.over(desk.database, rules, Chats(), job)


async def test_an_update_that_comes_late_hides_from_nobody_that_it_is_over(
    desk: Desk, call: Call
) -> None:
    made = await report(call)
    session = await joined(call)
    named = {"incident_id": made["incident_id"]}
    async with desk.database.transaction() as db:  # so that no job of the desk's own is in between
        await db.execute(sa.update(incidents).values(status="resolved", revision=5))
    await telling.updated(desk.database, Chats(), held(named["incident_id"]))
    rules = QuietRules(timedelta(1), timedelta(1))
    await telling.over(desk.database, rules, Chats(), held(named["incident_id"]))
    assert (await read(call, session))["status"] == "to_confirm"


async def test_only_people_of_the_desk_post_updates_and_only_of_what_goes_on(call: Call) -> None:
    made = await report(call)
    named = {"incident_id": made["incident_id"], "customer_message": "Soon."}
    assert code(await call("update_incident", **named)) == "FORBIDDEN"
    assert code(await call("update_incident", STAFF, **named, revision=7)) == "CONFLICT"
    unknown = await call("update_incident", STAFF, **{**named, "incident_id": "I9"})
    assert code(unknown) == "INCIDENT_NOT_FOUND"
    await call("resolve_incident", STAFF, incident_id=made["incident_id"])
    assert code(await call("update_incident", STAFF, **named)) == "CONFLICT"


async def test_what_customers_read_has_nothing_that_is_not_seen(call: Call) -> None:
    made = await report(call)
    named = {"incident_id": made["incident_id"]}
    hidden = "Soon.\x1b[31m \u202ekcab"
    await call("update_incident", STAFF, **named, customer_message=hidden, revision=1)
    known = (await joined(call))["known_incidents"]
    assert known[0]["message"] == "Soon.[31m kcab"
    await call("update_incident", STAFF, **named, customer_message="\u200b\u202e", revision=2)
    known = (await joined(call))["known_incidents"]
    assert known[0]["message"].startswith("There is a disturbance of Acme API")
