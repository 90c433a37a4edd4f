"""Replies take files: by mail, in the chat, over REST and the command line; nobody else's ever."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from deskward.app import Desk, open_desk
from deskward.conversations import archive
from deskward.conversations.store import Where
from deskward.core import database
from deskward.core.settings import Settings
from deskward.files import service as files
from deskward.gate.context import Context
from deskward.gate.outcome import Outcome
from deskward.security.principals import Kind, Principal
from tests.conftest import CUSTOMER, OTHER, STAFF
from tests.email.conftest import mail_server, server, with_mail
from tests.email.test_channel import mailed
from tests.entrypoints.conftest import client_of
from tests.services.mail import Mail

__all__ = ["mail_server", "server"]

COLLEAGUE = Principal(Kind.STAFF, "otto", "default", ("support",))
THEIRS = Principal(Kind.STAFF, "anna", "acme", ("support",))
PDF = b"%PDF-1.7 the invoice"
HERE = Where("default", CUSTOMER.label, "s")


@pytest.fixture
async def desk(settings: Settings, server: Mail, offline) -> AsyncIterator[Desk]:
    changed = with_mail(settings, server, email_max_attachment_mb=1, upload_tenant_quota_mb=4)
    async with open_desk(changed, model=offline) as opened:
        yield opened


async def upload(desk: Desk, who: Principal, name: str = "a.pdf", data: bytes = PDF) -> str:
    told = {"name": name, "sha256": hashlib.sha256(data).hexdigest()}
    made = await desk.gate.act("upload_file", told, Context(who, "rest", carried=data))
    assert made.status == "ok", made.value
    return str(made.value["file_id"])


async def call(desk: Desk, who: Principal, tool: str, door: Any = "rest", **told: Any) -> Outcome:
    return await desk.gate.call(tool, told, Context(who, door))


async def opened(desk: Desk, who: Principal = CUSTOMER) -> str:
    made = await call(desk, who, "create_ticket", subject="An invoice", body="Please send it.")
    return str(made.value["ticket_id"])


async def reply(
    desk: Desk, ticket: str, *file_ids: str, by: Principal = STAFF, door: Any = "rest"
) -> Outcome:
    update = {"reply": "Here it is.", "files": list(file_ids)}
    return await call(desk, by, "update_ticket", door, ticket_id=ticket, update=update)


async def handed_over(desk: Desk) -> str:
    """The ticket of a conversation in which the customer wants a person."""
    told = Context(CUSTOMER, "rest")
    async for _ in await desk.conversations.send(told, "s", "I want to talk to a human"):
        pass
    listed = await call(desk, STAFF, "list_tickets", customer_id=CUSTOMER.id, limit=100)
    [ticket] = [each["id"] for each in listed.value["tickets"] if each["session_id"]]
    return str(ticket)


async def last(desk: Desk, ticket: str, who: Principal = STAFF) -> dict[str, Any]:
    found = await call(desk, who, "list_ticket_messages", ticket_id=ticket, limit=100)
    message: dict[str, Any] = found.value["messages"][-1]
    return message


def code(outcome: Outcome) -> str:
    return str(outcome.value["error"]["code"]) if outcome.error else outcome.status


async def test_a_reply_by_mail_carries_its_files(desk: Desk, server: Mail) -> None:
    ticket = await opened(desk)
    await mailed(desk, ticket)
    names = ["invoice.pdf", "Überblick – März.txt"]
    sent = [await upload(desk, STAFF, names[0]), await upload(desk, STAFF, names[1], b"\xc3\xa4")]
    assert code(await reply(desk, ticket, *sent)) == "ok"
    for file_id in sent:  # what becomes of the author's own copies changes nothing
        await call(desk, STAFF, "delete_file", file_id=file_id)
    desk.jobs.wake()
    message = await _left(desk, ticket)
    assert message["delivery"] == "sent"
    mail = message_from_bytes(server.received[-1].content, policy=default)
    assert isinstance(mail, EmailMessage)
    found = {part.get_filename(): part.get_payload(decode=True) for part in mail.iter_attachments()}
    assert found == {names[0]: PDF, names[1]: b"\xc3\xa4"}
    listed = (await call(desk, CUSTOMER, "list_files")).value["files"]
    assert sorted(each["file_id"] for each in listed) == sorted(message["files"])


async def _left(desk: Desk, ticket: str) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while (message := await last(desk, ticket))["delivery"] == "queued":
            await asyncio.sleep(0.05)
    return message


async def test_only_ones_own_and_the_customers_own_files_are_sent(desk: Desk) -> None:
    ticket = await opened(desk)
    foreign = [
        await upload(desk, OTHER),
        await upload(desk, COLLEAGUE),
        await upload(desk, THEIRS),
        "0" * 32,
    ]
    for file_id in foreign:
        assert code(await reply(desk, ticket, file_id)) == "FILE_NOT_FOUND"
    mine, theirs = await upload(desk, STAFF), await upload(desk, CUSTOMER)
    assert code(await reply(desk, ticket, mine, foreign[0])) == "FILE_NOT_FOUND"
    assert (await last(desk, ticket))["files"] == [], "all of it, or nothing"
    assert (await last(desk, ticket))["by"] == "customer"
    assert code(await reply(desk, ticket, mine, theirs, mine)) == "ok"
    kept = (await last(desk, ticket))["files"]
    assert kept[1] == theirs
    assert len(kept) == 2
    assert (await last(desk, ticket, CUSTOMER))["files"] == kept


async def test_what_is_said_in_a_conversation_takes_files_too(desk: Desk) -> None:
    ticket = await handed_over(desk)
    mine, foreign = await upload(desk, STAFF), await upload(desk, COLLEAGUE)
    told = {"ticket_id": ticket, "text": "Here it is."}
    before = await last(desk, ticket)
    refused = await call(desk, STAFF, "answer_in_conversation", **told, files=[mine, foreign])
    assert code(refused) == "FILE_NOT_FOUND"
    assert await last(desk, ticket) == before, "all of it, or nothing"
    assert code(await call(desk, STAFF, "answer_in_conversation", **told, files=[mine])) == "ok"
    (kept,) = (await last(desk, ticket))["files"]
    said = (await archive.spoken(desk.database.reader, HERE))[-1].content
    assert said == f"Here it is.\n\na.pdf: /api/v1/files/{kept}"
    held = await desk.gate.act("download_file", {"file_id": kept}, Context(CUSTOMER, "rest"))
    assert held.status == "ok", "the customer can read it"


async def test_there_is_an_end_to_how_many_and_how_large(desk: Desk) -> None:
    ticket = await opened(desk)
    small = await upload(desk, STAFF)
    assert code(await reply(desk, ticket, *[small] * 11)) == "INVALID_INPUT"
    large = [await upload(desk, STAFF, "b.txt", b"x" * 600_000) for _ in range(2)]
    refused = await reply(desk, ticket, *large)
    assert code(refused) == "INVALID_INPUT"
    assert "1,000,000 bytes together" in refused.value["error"]["message"]
    for _ in range(4):  # each answer's files are the customer's, until the tenant has no room
        last_one = await reply(desk, ticket, large[0])
    await upload(desk, OTHER, "b.txt", b"x" * 300_000)
    last_one = await reply(desk, ticket, large[0])
    assert code(last_one) == "QUOTA_EXCEEDED"
    update = {"files": [small], "priority": "high"}
    alone = await call(desk, STAFF, "update_ticket", ticket_id=ticket, update=update)
    assert code(alone) == "INVALID_INPUT"


async def test_what_an_agent_would_send_a_person_looks_at(desk: Desk) -> None:
    ticket = await opened(desk)
    mine = await upload(desk, STAFF)
    agent = STAFF.with_agent("assistant")
    assert code(await reply(desk, ticket, mine, by=agent, door="agent")) == "pending"
    other = await upload(desk, OTHER)  # and nobody is asked of what can only fail
    assert code(await reply(desk, ticket, other, by=agent, door="agent")) == "FILE_NOT_FOUND"


async def test_files_are_had_by_whose_they_are_and_by_staff(desk: Desk) -> None:
    ticket = await opened(desk)
    name = 'a "b" – <c>.html.txt'
    data = b"<script>alert(1)</script>"
    assert code(await reply(desk, ticket, await upload(desk, STAFF, name, data))) == "ok"
    [file_id] = (await last(desk, ticket))["files"]
    keys = {}
    for who in (CUSTOMER, OTHER, STAFF, THEIRS):
        keys[who], _ = await desk.keys.create(
            tenant_id=who.tenant, kind=who.kind, subject_id=who.id, roles=who.roles
        )
    async with client_of(desk) as client:
        for who, status in ((CUSTOMER, 200), (STAFF, 200), (OTHER, 404), (THEIRS, 404)):
            headers = {"X-API-Key": keys[who]}
            answer = await client.get(f"/api/v1/files/{file_id}", headers=headers)
            assert answer.status_code == status, (who, answer.text)
            if status == 200:
                assert answer.content == data
                assert answer.headers["content-type"] == "application/octet-stream"
                assert answer.headers["x-content-type-options"] == "nosniff"
                assert answer.headers["content-disposition"].startswith("attachment; filename*=")
        mine = await upload(desk, COLLEAGUE)
        headers = {"X-API-Key": keys[STAFF]}
        assert (await client.get(f"/api/v1/files/{mine}", headers=headers)).status_code == 404
        assert (await client.get(f"/api/v1/files/{file_id}")).status_code == 401
        assert (await client.get("/api/v1/files/x", headers=headers)).status_code == 400
        change = {"reply": "Again.", "files": [file_id]}
        answer = await client.patch(f"/tickets/{ticket}", headers=headers, json=change)
        assert answer.status_code == 200, answer.text
    assert (await last(desk, ticket))["files"] == [file_id]


async def test_a_file_that_is_kept_no_longer_is_not_sent(desk: Desk, monkeypatch) -> None:
    ticket = await opened(desk)
    mine = await upload(desk, STAFF)
    moved = database.now() + timedelta(days=desk.settings.upload.days, minutes=1)
    monkeypatch.setattr(database, "clock", lambda: moved)
    assert code(await reply(desk, ticket, mine)) == "FILE_NOT_FOUND"
    found = await files.named(desk.database.reader, "default", [mine])
    assert found == {mine: "a.pdf"}, "nobody has deleted it yet"


async def test_in_the_chat_a_reply_shows_where_its_files_are(desk: Desk) -> None:
    ticket = await handed_over(desk)
    assert code(await reply(desk, ticket, await upload(desk, STAFF))) == "ok"
    message = await last(desk, ticket)
    [file_id] = message["files"]
    assert message["delivery"] == "sent"
    [*_, line] = await archive.spoken(desk.database.reader, HERE)
    assert line.content == f"Here it is.\n\na.pdf: /api/v1/files/{file_id}"
    key, _ = await desk.keys.create(
        tenant_id="default", kind=Kind.CUSTOMER, subject_id=CUSTOMER.id, roles=CUSTOMER.roles
    )
    async with client_of(desk) as client:
        link = line.content.rpartition(" ")[2]
        assert (await client.get(link, headers={"X-API-Key": key})).content == PDF
