"""A folder and its documents: what is new comes in, what is gone goes, the rest is not read."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from deskward.app import Desk
from deskward.core.database import now
from deskward.core.jobs import Job, jobs
from deskward.gate.context import Context
from deskward.knowledge.documents import changes, sources
from deskward.knowledge.parsing.pool import Parser
from deskward.knowledge.syncing import RECORD, Syncs, job_of
from deskward.security import tenants
from deskward.security.principals import Kind, Principal
from tests.conftest import CUSTOMER, STAFF, Call
from tests.knowledge.documents.conftest import (
    CHIEF,
    Sync,
    documents_of,
    settled,
    texts_of,
    write,
)

GUIDE = """---
audience: customer
product: Router
version: 2.x
tags: [network, setup]
---
# Setting up

Plug it in.

## Light

It turns green.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with three documents."""
    made = tmp_path / "docs"
    write(
        made,
        guide_md=GUIDE,
        intern__rules_md="# Rules\n\nNobody tells.",
        notes_txt="Ein Satz ist das.",
    )
    (made / "logo.png").write_bytes(b"\x89PNG")
    return made


async def test_documents_come_with_what_is_said_of_them(
    desk: Desk, call: Call, sync: Sync, folder: Path
) -> None:
    source = await sync(kind="folder", location=str(folder))
    assert (source["state"], source["ready"], source["failed"]) == ("ready", 3, 0)
    found = await documents_of(call, source["source_id"])
    guide = found["guide.md"]
    assert (guide["title"], guide["product"], guide["versions"]) == (
        "Setting up",
        "Router",
        "==2.*",
    )
    assert (guide["audience"], guide["tags"]) == ("customer", ["network", "setup"])
    assert found["intern/rules.md"]["audience"] == "staff"  # nobody said that customers may see it
    assert (found["notes.txt"]["language"], guide["language"]) == ("de", "en")
    shown = (await call("get_document", CHIEF, document_id=guide["document_id"])).value
    assert [(one["headings"], one["text"]) for one in shown["parts"]] == [
        ([], "Plug it in."),
        (["Light"], "It turns green."),
    ]
    assert shown["address"] == (folder / "guide.md").as_uri()


async def test_only_what_changed_is_read_again(
    desk: Desk, call: Call, sync: Sync, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = await sync(kind="folder", location=str(folder))
    before = await texts_of(desk)
    read: list[str] = []
    plain = Parser.read

    async def counted(self: Parser, form: str, path: str, data: bytes) -> Any:
        read.append(path)
        return await plain(self, form, path, data)

    monkeypatch.setattr(Parser, "read", counted)
    (folder / "guide.md").write_text(GUIDE.replace("green", "blue"), encoding="utf-8")
    (folder / "notes.txt").unlink()
    write(folder, new_rst="New\n===\n\nText.")
    source = await sync(source["source_id"])
    assert sorted(read) == ["guide.md", "new.rst"]
    assert sorted(await documents_of(call, source["source_id"])) == [
        "guide.md", "intern/rules.md", "new.rst",
    ]  # fmt: skip
    after = await texts_of(desk)
    assert {before[one] for one in before.keys() - after.keys()} == {
        "It turns green.", "Ein Satz ist das.",
    }  # fmt: skip
    assert {after[one] for one in after.keys() - before.keys()} == {"It turns blue.", "Text."}
    read.clear()
    await sync(source["source_id"])
    assert read == []


async def test_other_settings_have_all_read_anew(
    desk: Desk, call: Call, sync: Sync, folder: Path
) -> None:
    source = await sync(kind="folder", location=str(folder))
    texts = await texts_of(desk)
    rules = [{"path": "intern/*", "category": "internal"}, {"path": "*.txt", "language": "nl"}]
    changed = {"settings": {"audience": "customer", "exclude": ["guide*"], "rules": rules}}
    outcome = await call("change_source", CHIEF, source_id=source["source_id"], **changed)
    assert outcome.status == "ok", outcome.value
    await settled(desk, call, source["source_id"])
    found = await documents_of(call, source["source_id"])
    assert {path: (one["audience"], one["category"]) for path, one in found.items()} == {
        "intern/rules.md": ("customer", "internal"),
        "notes.txt": ("customer", ""),
    }
    assert found["notes.txt"]["language"] == "nl"
    assert (await texts_of(desk)).keys() < texts.keys()  # the same words keep their ids


async def test_links_out_of_the_folder_are_reported(
    call: Call, sync: Sync, folder: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("# Secret\n\nThe password.", encoding="utf-8")
    (folder / "out.md").symlink_to(secret)
    (folder / "up").symlink_to(tmp_path)
    (folder / "within.md").symlink_to(folder / "guide.md")
    os.mkfifo(folder / "pipe.md")
    source = await sync(kind="folder", location=str(folder))
    failed = await documents_of(call, source["source_id"], state="failed")
    assert {path: one["reason"] for path, one in failed.items()} == {
        "out.md": "it is a symbolic link out of the folder, which is not followed",
        "up": "it is a symbolic link out of the folder, which is not followed",
        "pipe.md": "it is no regular file",
    }
    assert source["ready"] == 3


async def test_a_folder_that_is_gone_leaves_what_was_read(
    desk: Desk, call: Call, sync: Sync, folder: Path
) -> None:
    source = await sync(kind="folder", location=str(folder))
    folder.rename(folder.with_name("elsewhere"))
    source = await sync(source["source_id"])
    assert source["state"] == "failed"
    assert source["reason"] == f"There is no folder {folder}."
    assert source["ready"] == 3
    folder.with_name("elsewhere").rename(folder)
    source = await sync(source["source_id"])
    assert (source["state"], source["reason"]) == ("ready", None)


async def test_what_is_removed_is_found_no_more(
    desk: Desk, call: Call, sync: Sync, folder: Path
) -> None:
    before = await texts_of(desk)
    source = await sync(kind="folder", location=str(folder))
    removed = await call("remove_source", CHIEF, source_id=source["source_id"])
    assert removed.value["message"] == "It was removed. Documents forgotten: 3."
    assert await texts_of(desk) == before
    assert (await call("get_source", CHIEF, source_id=source["source_id"])).error is not None


async def test_two_syncs_at_once_are_one(desk: Desk, call: Call, sync: Sync, folder: Path) -> None:
    source = await sync(kind="folder", location=str(folder))
    for _ in range(5):
        await call("sync_source", CHIEF, source_id=source["source_id"])
    desk.jobs.wake()
    rows = await desk.database.reader.all(jobs.select().where(jobs.c.kind == "knowledge.sync"))
    assert len(rows) <= 1
    await settled(desk, call, source["source_id"])


async def test_folders_are_named_at_the_machine_alone(desk: Desk, folder: Path) -> None:
    named = {"name": "Etc", "kind": "folder", "location": str(folder)}
    for door in ("rest", "mcp"):
        outcome = await desk.gate.call("add_source", named, Context(CHIEF, door))
        assert outcome.error is not None
        assert outcome.error.error_code == "FORBIDDEN"
    git = {"name": "Git", "kind": "git", "location": f"file://{folder}"}
    outcome = await desk.gate.call("add_source", git, Context(CHIEF, "rest"))
    assert outcome.error is not None
    assert outcome.error.error_code == "FORBIDDEN"


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"kind": "folder", "location": "docs"}, "whole path"),
        ({"kind": "folder", "location": "/no/such/folder"}, "There is no folder"),
        ({"kind": "git", "location": "ext::sh -c id"}, "whole path"),
        ({"kind": "git", "location": "--upload-pack=id"}, "no location"),
        ({"kind": "git", "location": "http://git.example.com/docs"}, "not encrypted"),
        ({"kind": "git", "location": "https://a:b@git.example.com/docs"}, "password"),
        ({"kind": "web", "location": "https://127.0.0.1/"}, "not public"),
        ({"kind": "web", "location": "file:///etc/passwd"}, "no address"),
        ({"kind": "s3", "location": "bucket"}, "s3://"),
    ],
)
async def test_locations_that_are_none(
    sqlite_call: Call, asked: dict[str, Any], problem: str
) -> None:
    outcome = await sqlite_call("add_source", CHIEF, name="Odd", **asked)
    assert outcome.error is not None
    assert problem in outcome.error.message


async def test_who_may(call: Call, folder: Path) -> None:
    named = {"name": "Mine", "kind": "folder", "location": str(folder)}
    for somebody in (CUSTOMER, STAFF):
        assert (await call("add_source", somebody, **named)).error is not None
    assert (await call("list_documents", CUSTOMER)).error is not None
    assert (await call("list_documents", STAFF)).status == "ok"


async def test_a_name_is_there_once(call: Call, sync: Sync, folder: Path) -> None:
    await sync(kind="folder", location=str(folder))
    twice = await call("add_source", CHIEF, name="Handbook", kind="folder", location=str(folder))
    assert twice.error is not None
    assert "already" in twice.error.message


async def test_tenants_have_their_own(desk: Desk, call: Call, sync: Sync, folder: Path) -> None:
    theirs = Principal(Kind.STAFF, "carla", "acme", ("support-3",))
    source = await sync(kind="folder", location=str(folder))
    assert (await call("get_source", theirs, source_id=source["source_id"])).error is not None
    assert (await call("list_sources", theirs)).value["sources"] == []
    document = next(iter((await documents_of(call, source["source_id"])).values()))
    named = {"document_id": document["document_id"]}
    assert (await call("get_document", theirs, **named)).error is not None
    assert (await desk.database.reader.all(changes.select())) is not None


async def test_nothing_is_read_for_a_tenant_that_is_closed(
    desk: Desk, call: Call, sync: Sync, folder: Path
) -> None:
    source = await sync(kind="folder", location=str(folder), every_minutes=1)
    async with desk.database.transaction() as transaction:
        await tenants.close(transaction, "default")
        late = sources.update().values(next_at=now() - timedelta(minutes=5))
        await transaction.execute(late)
    await desk.gate.port(Syncs).look()
    queued = jobs.select().where(jobs.c.kind == "knowledge.sync")
    assert await desk.database.reader.all(queued) == []
    assert source["next_at"] is not None


async def test_a_schedule_has_a_source_read_by_itself(
    desk: Desk, call: Call, sync: Sync, folder: Path
) -> None:
    source = await sync(kind="folder", location=str(folder), every_minutes=1)
    write(folder, later_md="# Later\n\nBy itself.")
    async with desk.database.transaction() as transaction:
        await transaction.execute(sources.update().values(next_at=now() - timedelta(minutes=5)))
    async with asyncio.timeout(20):
        while "later.md" not in await documents_of(call, source["source_id"]):
            desk.jobs.wake()
            await asyncio.sleep(0.05)


async def test_a_sync_that_is_given_up_is_tried_again(
    desk: Desk, call: Call, sync: Sync, folder: Path
) -> None:
    source = await sync(kind="folder", location=str(folder))
    job = Job(job_of("default", source["source_id"]), "knowledge.sync", {
        "tenant": "default", "source": source["source_id"],
    }, 6, "lease")  # fmt: skip
    async with desk.database.transaction() as transaction:
        await RECORD.ended(transaction, job, "Its process was lost 6 times in the middle of it.")
    shown = (await call("get_source", CHIEF, source_id=source["source_id"])).value
    assert (shown["state"], shown["wanted"]) == ("failed", False)
    assert "lost 6 times" in shown["reason"]
    assert shown["next_at"] is not None
    async with desk.database.transaction() as transaction:
        await RECORD.again(transaction, job)
    assert (await settled(desk, call, source["source_id"]))["state"] == "ready"


@pytest.mark.parametrize(
    ("stored", "told"),
    [({"colour": "red"}, "colour"), ({"rules": [{"path": 3}]}, "rules.0.path"), ([], "dictionary")],
)
async def test_settings_of_another_version_are_said_so_until_they_are_set_anew(
    desk: Desk, call: Call, sync: Sync, folder: Path, stored: Any, told: str
) -> None:
    source = await sync(kind="folder", location=str(folder))
    asked = {"source_id": source["source_id"]}
    async with desk.database.transaction() as transaction:
        await transaction.execute(sa.update(sources).values(settings=stored))
    failed = await sync(**asked)
    assert failed["state"] == "failed"
    assert told in failed["reason"]
    assert "change_source" in failed["reason"]
    assert "pydantic" not in failed["reason"].casefold()
    assert failed["settings"] is None
    assert failed["ready"] == source["ready"]  # what was read is still found
    (listed,) = (await call("list_sources", CHIEF)).value["sources"]
    assert listed["reason"] == failed["reason"]
    assert (await call("change_source", CHIEF, **asked, settings={})).status == "ok"
    mended = await settled(desk, call, source["source_id"])
    assert (mended["state"], mended["reason"], mended["ready"]) == ("ready", None, source["ready"])


async def test_a_secret_under_another_key_is_said_so(
    desk: Desk, call: Call, sync: Sync, folder: Path
) -> None:
    source = await sync(kind="folder", location=str(folder))
    async with desk.database.transaction() as transaction:
        await transaction.execute(sa.update(sources).values(secrets=b"x" * 64))
    failed = await sync(source["source_id"])
    assert failed["state"] == "failed"
    assert "SECRET_KEY" in failed["reason"]
    changed = {"source_id": source["source_id"], "secret": "another"}
    assert (await call("change_source", CHIEF, **changed)).status == "ok"
    assert (await settled(desk, call, source["source_id"]))["state"] == "ready"
