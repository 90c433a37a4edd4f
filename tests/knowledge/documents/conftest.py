"""A desk with an index in memory, and short ways to its sources."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from deskward.app import Desk
from deskward.core import worker
from deskward.integrations.search import choose
from deskward.knowledge.documents import passages
from deskward.knowledge.passages import Hit, Passage, Wanted
from deskward.security.principals import Kind, Principal
from tests.conftest import Call

CHIEF = Principal(Kind.STAFF, "carla", "default", ("support-3",))
SECONDS = 120.0


class Memory:
    """An index that only keeps what it is given."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Passage]] = {}
        self.fails = 0

    async def put(self, tenant: str, passages: Sequence[Passage]) -> None:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the index is away")
        self.kept.setdefault(tenant, {}).update({one.id: one for one in passages})

    async def remove(self, tenant: str, passage_ids: Sequence[str]) -> None:
        for one in passage_ids:
            self.kept.get(tenant, {}).pop(one, None)

    async def search(self, tenant: str, wanted: Wanted) -> list[Hit]:
        raise NotImplementedError

    async def ids(self, tenant: str) -> frozenset[str]:
        return frozenset(self.kept.get(tenant, {}))

    async def count(self, tenant: str) -> int:
        return len(self.kept.get(tenant, {}))

    async def aclose(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "POLL", 0.05)
    # These tests have an index of their own, to which what changed is brought.
    monkeypatch.setattr(choose, "BEGINS_AFTER", 1e9)


Sync = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


@pytest.fixture
def sync(desk: Desk, call: Call) -> Sync:
    """Add a source, or sync one that is there, and wait; gives how it does."""
    return syncer(desk, call)


def syncer(desk: Desk, call: Call) -> Sync:
    """See `sync`."""

    async def synced(source_id: str = "", **arguments: Any) -> dict[str, Any]:
        if source_id:
            outcome = await call("sync_source", CHIEF, source_id=source_id)
        else:
            outcome = await call("add_source", CHIEF, **{"name": "Handbook", **arguments})
        assert outcome.status == "ok", outcome.value
        return await settled(desk, call, outcome.value["source_id"])

    return synced


async def settled(desk: Desk, call: Call, source_id: str) -> dict[str, Any]:
    """How a source does once its sync is over."""
    async with asyncio.timeout(SECONDS):
        while True:
            desk.jobs.wake()
            shown: dict[str, Any] = (await call("get_source", CHIEF, source_id=source_id)).value
            if not shown["wanted"] and shown["state"] in ("ready", "failed"):
                return shown
            await asyncio.sleep(0.02)


async def documents_of(call: Call, source_id: str, **more: Any) -> dict[str, dict[str, Any]]:
    """The documents of a source, by their paths."""
    asked = {"source_id": source_id, "limit": 100, **more}
    listed = (await call("list_documents", CHIEF, **asked)).value
    return {one["path"]: one for one in listed["documents"]}


async def texts_of(desk: Desk, tenant: str = "default") -> dict[str, str]:
    """Id → text of all passages that the database has of sources."""
    rows = await desk.database.reader.all(passages.select().where(passages.c.tenant_id == tenant))
    return {row.id: row.text for row in rows}


def write(folder: Path, **files: str) -> None:
    """Write files; `__` in a name is a slash, `_` before the ending a dot."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/").rpartition("_")[0] + "." + name.rpartition("_")[2])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
