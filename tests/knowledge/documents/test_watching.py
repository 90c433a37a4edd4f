"""Folders that are sources are read again as soon as a file in them changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from deskward.app import Desk
from deskward.core.database import Database
from deskward.core.tasks import background
from deskward.integrations.sources import watching
from deskward.integrations.sources.watching import Folders, watch_folders
from tests.conftest import Call
from tests.knowledge.documents.conftest import Sync, documents_of, syncer, write

SECONDS = 30


async def told(call: Call, source_id: str, *paths: str) -> None:
    """Wait until these are the documents of a source."""
    async with asyncio.timeout(SECONDS):
        while set(await documents_of(call, source_id, state="ready")) != set(paths):
            await asyncio.sleep(0.05)


class Watched:
    """Which folders are watched."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now: set[str] = set()
        watched = watching._watched

        async def noting(database: Database, folders: Folders, wake: Callable[[], None]) -> None:
            self.now = set(folders.values())
            await watched(database, folders, wake)

        monkeypatch.setattr(watching, "_watched", noting)

    async def until(self, *folders: Path) -> None:
        """Wait until these are watched."""
        async with asyncio.timeout(SECONDS):
            while self.now != set(map(str, folders)):
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)  # until the system has been asked to


async def test_what_changes_in_a_folder_is_found_without_being_asked_for(
    sqlite_desk: Desk, sqlite_call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOKS", 0.2)
    watched = Watched(monkeypatch)
    sync: Sync = syncer(sqlite_desk, sqlite_call)
    write(tmp_path / "one", a_md="# A\n\nAlpha.\n")
    write(tmp_path / "two", b_md="# B\n\nBeta.\n")
    async with background(watch_folders(sqlite_desk.database, sqlite_desk.jobs.wake)):
        one = await sync(kind="folder", location=str(tmp_path / "one"))
        await watched.until(tmp_path / "one")
        write(tmp_path / "one", deep__c_md="# C\n\nGamma.\n")
        await told(sqlite_call, one["source_id"], "a.md", "deep/c.md")
        two = await sync(kind="folder", location=str(tmp_path / "two"), name="Two")
        await watched.until(tmp_path / "one", tmp_path / "two")
        (tmp_path / "two" / "b.md").unlink()
        (tmp_path / "one" / "a.md").rename(tmp_path / "two" / "d.md")
        await told(sqlite_call, one["source_id"], "deep/c.md")
        await told(sqlite_call, two["source_id"], "d.md")


async def test_a_folder_that_is_gone_ends_nothing(
    sqlite_desk: Desk, sqlite_call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "LOOKS", 0.2)
    monkeypatch.setattr(watching, "AGAIN_AFTER", 0.2)
    watched = Watched(monkeypatch)
    sync: Sync = syncer(sqlite_desk, sqlite_call)
    write(tmp_path / "one", a_md="# A\n\nAlpha.\n")
    one = await sync(kind="folder", location=str(tmp_path / "one"))
    async with background(watch_folders(sqlite_desk.database, sqlite_desk.jobs.wake)) as task:
        await watched.until(tmp_path / "one")
        (tmp_path / "one").rename(tmp_path / "away")
        await watched.until()
        assert not task.done()
        (tmp_path / "away").rename(tmp_path / "one")
        await watched.until(tmp_path / "one")
        write(tmp_path / "one", b_md="# B\n\nBeta.\n")
        await told(sqlite_call, one["source_id"], "a.md", "b.md")
