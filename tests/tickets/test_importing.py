"""Files of tickets: what is read of them, what they bring, and what they are refused for."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.cli import importing
from deskward.cli.importing import import_file
from deskward.core.custom_fields import CustomFields
from deskward.core.line_files import NotRead, batches
from deskward.customers.models import external_ids
from deskward.tickets import exporting
from deskward.tickets.file_lines import lines
from deskward.tickets.importing import Batch, _State
from deskward.tickets.models import tickets
from tests.cli.conftest import Cli, cli, folder
from tests.conftest import STAFF, Call, hire

__all__ = ["cli", "folder"]

FIELDS = CustomFields.parse("device=text")
AT = "2024-03-01T12:00:00Z"


def line(key: str = "1", **more: Any) -> dict[str, Any]:
    """A line of a file."""
    said = [
        {"text": f"heliotrope {key}", "created_at": AT},
        {"text": "we look", "by": "staff", "author": "anna", "created_at": "2024-03-02T12:00:00Z"},
    ]
    return {
        "system": "zendesk",
        "external_id": key,
        "customer": {"id": "user_001"},
        "subject": f"Ticket {key}",
        "messages": said,
    } | more


async def taken(
    desk: Desk,
    *told: dict[str, Any] | str,
    dry: bool = False,
    size: int = 5,
    tenant: str = "default",
) -> list[tuple[int, str, str]]:
    """What becomes of each line of a file."""
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in told)
    opened = io.BufferedReader(io.BytesIO(text.encode()))
    seen: set[tuple[str, str]] | None = set() if dry else None
    reports = []
    for found in batches(lines(opened, FIELDS), size):
        batch = Batch(found, seen)
        async with desk.database.transaction() as db:
            await batch.take(db, tenant)
        reports += batch.reports
    return [(one.line, one.what, one.told) for one in reports]


async def there(desk: Desk, tenant: str = "default") -> int:
    row = await desk.database.reader.first(
        sa.select(sa.func.count()).select_from(tickets).where(tickets.c.tenant_id == tenant)
    )
    assert row is not None
    return int(row[0])


async def test_a_ticket_comes_with_its_messages(desk: Desk, call: Call) -> None:
    await hire(desk, "anna")
    more: dict[str, Any] = {
        "status": "resolved",
        "priority": "high",
        "assignee": "anna",
        "team": "billing",
        "tags": ["vip", "vip", "ü"],
        "fields": {"device": "reader 3"},
        "language": "de",
        "channel": "mail",
        "created_at": "2024-02-01T00:00:00+01:00",
    }
    assert await taken(desk, line(**more)) == [(1, "created", "")]
    found = await call("search_tickets", STAFF, query="heliotrope")
    (ticket,) = found.value["tickets"]
    wanted = {
        "subject": "Ticket 1",
        "body": "heliotrope 1",
        "reply": "we look",
        "customer_id": "user_001",
        "created_at": "2024-01-31T23:00:00Z",
        "updated_at": "2024-03-02T12:00:00Z",
        "resolved_at": "2024-03-02T12:00:00Z",
        "source": "mail",
        "tags": ["vip", "ü"],
        "messages": 2,
        "heard": 1,
    }
    wanted |= {name: more[name] for name in ("status", "priority", "assignee", "team", "fields")}
    assert {name: ticket[name] for name in wanted} == wanted
    thread = await call("list_ticket_messages", STAFF, ticket_id=ticket["id"])
    told = [(one["seq"], one["by"], one["author"], one["text"]) for one in thread.value["messages"]]
    assert told == [(1, "customer", "user_001", "heliotrope 1"), (2, "staff", "anna", "we look")]


async def test_a_file_again_changes_nothing_and_more_messages_are_added(
    desk: Desk, call: Call
) -> None:
    before = await there(desk)
    two = [line("1"), line("2"), line("1")]
    assert [what for _, what, _ in await taken(desk, *two)] == ["created", "created", "unchanged"]
    assert [what for _, what, _ in await taken(desk, *two, size=1)] == ["unchanged"] * 3
    assert await there(desk) == before + 2
    found = (await call("search_tickets", STAFF, query="heliotrope")).value["tickets"][-1]["id"]
    changed = {"ticket_id": found, "update": {"priority": "urgent"}}
    assert (await call("update_ticket", STAFF, **changed)).status == "ok"
    third = {"text": "mauve", "created_at": "2024-03-03T12:00:00Z"}
    longer = line("1", priority="low", messages=[*line("1")["messages"], third])
    assert await taken(desk, longer) == [(1, "changed", "1 messages")]
    (ticket,) = (await call("search_tickets", STAFF, query="mauve")).value["tickets"]
    assert (ticket["id"], ticket["messages"], ticket["heard"]) == (found, 3, 2)
    assert ticket["priority"] == "urgent"  # what the desk has said since stays


async def test_messages_go_to_the_ticket_that_took_over(desk: Desk, call: Call) -> None:
    await taken(desk, line("1"), line("2"))
    page = (await call("search_tickets", STAFF, query="heliotrope")).value["tickets"]
    newer, older = page[0]["id"], page[1]["id"]
    merge = await call("merge_tickets", STAFF, ticket_id=older, into=newer)
    assert merge.status == "ok", merge.value
    third = {"text": "mauve", "created_at": AT}
    first = "1" if page[1]["subject"] == "Ticket 1" else "2"
    longer = line(first, messages=[*line(first)["messages"], third])
    assert await taken(desk, longer) == [(1, "changed", "1 messages")]
    (ticket,) = (await call("search_tickets", STAFF, query="mauve")).value["tickets"]
    assert (ticket["id"], ticket["messages"]) == (newer, 6)  # with the note of the merger


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("{", "no JSON object"),
        ("[]", "no JSON object"),
        ({"external_id": None}, "external_id"),
        ({"customer": {"id": "nobody"}}, "no customer 'nobody'"),
        ({"customer": {"email": "nobody@example.com"}}, "Import the customers before"),
        ({"customer": {"email": "x"}}, "customer.email"),
        ({"customer": {"email": "a b@"}}, "no mail address"),
        ({"customer": {}}, "name the customer by"),
        ({"customer": {"id": "user_001", "email": "a@example.com"}}, "name the customer by"),
        ({"customer": {"external_id": {"system": "crm", "id": "7"}}}, "'crm:7'"),
        ({"assignee": "nobody"}, "no member of staff"),
        ({"status": "new"}, "status"),
        ({"colour": "red"}, "colour"),
        ({"fields": {"size": "3"}}, "no field 'size'"),
        ({"messages": []}, "messages"),
        (
            {"messages": [{"text": "x", "created_at": "2024-03-01T12:00:00"}]},
            "messages.0.created_at",
        ),
        ({"messages": [{"text": "", "created_at": AT}]}, "messages.0.text"),
        ({"messages": [{"text": "x", "kind": "note", "by": "staff", "created_at": AT}]}, "no note"),
        ({"messages": [{"text": "x", "kind": "note", "created_at": AT}]}, "by staff or an agent"),
        ({"subject": "x" * 201}, "subject"),
        ({"messages": [{"text": "\ud800", "created_at": AT}]}, "unicode"),
        ({"subject": "a\0b"}, "NUL"),
    ],
)
async def test_a_line_that_is_wrong_is_refused_alone(
    sqlite_desk: Desk, wrong: dict[str, Any] | str, told: str
) -> None:
    bad = wrong if isinstance(wrong, str) else line("bad", **wrong)
    found = await taken(sqlite_desk, line("1"), bad, line("2"))
    assert [what for _, what, _ in found] == ["created", "refused", "created"]
    assert told in found[1][2]


async def test_customers_are_known_by_any_of_their_ids(desk: Desk, call: Call) -> None:
    async with desk.database.transaction() as db:
        values = {"tenant_id": "default", "customer_id": "user_002", "system": "crm"}
        await db.execute(external_ids.insert(), {**values, "external_id": "7"})
    made = await call("create_customer", STAFF, name="Zoë", emails=["Zoe@Example.com"])
    zoe = made.value["customer_id"]
    found = await taken(
        desk,
        line("1", customer={"external_id": {"system": "crm", "id": "7"}}),
        line("2", customer={"email": "zoe@EXAMPLE.com"}),
        line("3", customer="user_001"),
    )
    assert [what for _, what, _ in found] == ["created"] * 3, found
    page = await call("search_tickets", STAFF, query="heliotrope", order="oldest")
    owners = {one["subject"]: one["customer_id"] for one in page.value["tickets"]}
    assert owners == {"Ticket 1": "user_002", "Ticket 2": zoe, "Ticket 3": "user_001"}
    other = await taken(desk, line("1", customer={"email": "zoe@example.com"}), tenant="acme")
    assert [what for _, what, _ in other] == ["refused"]


async def test_a_dry_run_tells_the_same_and_changes_nothing(desk: Desk) -> None:
    before = await there(desk)
    told = [line("1"), line("2", assignee="nobody"), line("1"), line("3")]
    dry = await taken(desk, *told, dry=True, size=1)
    assert await there(desk) == before
    real = await taken(desk, *told, size=1)
    assert [what for _, what, _ in dry] == [what for _, what, _ in real]
    assert [what for _, what, _ in real] == ["created", "refused", "unchanged", "created"]


async def test_what_is_exported_is_imported(desk: Desk, call: Call) -> None:
    await hire(desk, "anna", "otto", "staff_001", "staff_002")
    await taken(desk, line("1", tags=["vip"], spam=True))
    told = [one async for one in exporting.every(desk.database.reader, "default")]
    assert len(told) == await there(desk)
    again = await taken(desk, *told)  # in the desk that they came from
    assert {what for _, what, _ in again} == {"unchanged"}, again
    async with desk.database.transaction() as db:
        for table in reversed(tickets.metadata.sorted_tables):
            if table.name in ("ticket_words", "ticket_links", "ticket_messages", "ticket_sources"):
                await db.execute(sa.delete(table))
        await db.execute(sa.delete(tickets).where(tickets.c.tenant_id == "default"))
    assert {what for _, what, _ in await taken(desk, *told)} == {"created"}
    once_more = [one async for one in exporting.every(desk.database.reader, "default")]
    assert once_more == told
    assert (await call("search_tickets", STAFF, query="heliotrope")).value["tickets"]


def test_a_file_that_is_none_is_not_read() -> None:
    for data in (b"\x00\x01\x02", b"\xff\xfe\x00", '{"a":"ü"}'.encode("cp1252")):
        with pytest.raises(NotRead):
            list(lines(io.BufferedReader(io.BytesIO(data)), FIELDS))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"status": "done"},
            "status: It is one of 'open', 'pending', 'resolved' or 'closed', and not \"done\".",
        ),
        ({"subject": ""}, "subject: It is empty. Give it a value, or leave it out."),
        ({"colour": "red"}, "colour: There is no such field. Leave it out, or mend its name."),
        ({"messages": []}, "messages: It is empty. Give it a value, or leave it out."),
        (
            {"messages": [{"text": "a", "created_at": "yesterday"}]},
            "messages.0.created_at: It is to be a moment with its offset from UTC, such as "
            '2026-01-31T12:00:00Z, and not "yesterday".',
        ),
        (
            {"messages": [{"text": "a", "created_at": "2026-01-31T12:00:00"}]},
            "messages.0.created_at: It is to be a moment with its offset from UTC, such as "
            '2026-01-31T12:00:00Z, and not "2026-01-31T12:00:00".',
        ),
        (
            {"messages": [{"text": "a", "created_at": AT, "kind": "note"}]},
            "messages.0: a note is by staff or an agent: no customer reads it.",
        ),
        ({"customer": {}}, "customer: name the customer by an id, an email or an external_id."),
        ({"customer": 7}, 'customer: It is to be an object, such as {"name": "value"}, and not 7.'),
        ({"spam": "perhaps"}, 'spam: It is to be true or false, and not "perhaps".'),
        (
            {"language": "Klingon!"},
            'language: "Klingon!" is not of the form that is wanted, which is that of "de".',
        ),
        ({"tags": "vip"}, 'tags: It is to be a list, such as ["a", "b"], and not "vip".'),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_plain_words(
    wrong: dict[str, Any], told: str
) -> None:
    data = json.dumps(line() | wrong).encode()
    (one,) = lines(io.BufferedReader(io.BytesIO(data)), FIELDS)
    assert one.problem == told


def test_the_command_takes_tickets_over_and_gives_them(cli: Cli, folder: Path) -> None:
    file, out = folder / "in.jsonl", folder / "out.jsonl"
    file.write_text("\n".join([json.dumps(line("1")), "no", json.dumps(line("2"))]), "utf-8")
    code, said, _ = cli("tickets", "import", str(file), "--dry-run")
    last = "Would be: 2 created, 0 changed, 0 unchanged, 1 refused."
    assert (code, said.splitlines()[-1]) == (1, last)
    code, said, problems = cli("tickets", "import", str(file))
    assert (code, said) == (1, "2 created, 0 changed, 0 unchanged, 1 refused.\n")
    assert "line 2: refused: It is no JSON object." in problems
    again = cli("tickets", "import", str(file))
    assert again[1].startswith("0 created, 0 changed, 2 unchanged")
    assert cli("tickets", "export", str(out))[0] == 0
    told = [json.loads(one) for one in out.read_text("utf-8").splitlines()]
    assert [one["external_id"] for one in told if one["system"] == "zendesk"] == ["1", "2"]
    assert cli("ledger", "verify")[0] == 0


async def test_lines_that_take_too_long_together_are_taken_fewer_at_a_time(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    took = _State.take

    async def slowly(self: _State, one: Any) -> Any:
        await asyncio.sleep(0.1)
        return await took(self, one)

    monkeypatch.setattr(_State, "take", slowly)
    monkeypatch.setattr(desk.gate.runner, "time_limit", 1.0)
    file = tmp_path / "tickets.jsonl"
    file.write_text("\n".join(json.dumps(line(str(n))) for n in range(24)), encoding="utf-8")
    await hire(desk, STAFF.id)
    code = await import_file(
        *(desk, replace(STAFF, roles=("support-3",)), file, "import_tickets"),
        lambda opened: batches(lines(opened, FIELDS), 20),
        lambda found: Batch(found, None),
        dry=False,
    )
    assert (code, capsys.readouterr().out) == (
        0,
        "24 created, 0 changed, 0 unchanged, 0 refused.\n",
    )
    row = await desk.database.reader.first(sa.select(sa.func.count()).select_from(tickets))
    assert row is not None
    assert row[0] >= 24


async def test_the_database_sees_how_its_tables_have_grown(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's plans of the time when they were empty read all of a tenant's rows for each."""
    monkeypatch.setattr(importing, "FIRST_LINES", 20)
    file = tmp_path / "tickets.jsonl"
    file.write_text("\n".join(json.dumps(line(str(n))) for n in range(24)), encoding="utf-8")
    await hire(desk, STAFF.id)
    code = await import_file(
        *(desk, replace(STAFF, roles=("support-3",)), file, "import_tickets"),
        lambda opened: batches(lines(opened, FIELDS), 20),
        lambda found: Batch(found, None),
        dry=False,
    )
    assert code == 0
    if desk.database.is_sqlite:
        return
    known = sa.text("SELECT reltuples FROM pg_class WHERE relname = 'ticket_messages'")
    row = await desk.database.reader.first(known)
    assert row is not None
    assert row[0] >= 40
