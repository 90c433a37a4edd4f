"""Forty bombs and broken files in one folder: each is reported, and the desk goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.knowledge.formats.blocks import Broken
from deskward.knowledge.parsing.pool import Limits, Parser
from tests.conftest import STAFF, Call, caller
from tests.knowledge.documents.bombs import FILES, lay
from tests.knowledge.documents.conftest import Sync, documents_of, syncer


@pytest.fixture
async def desk(sqlite_settings: Settings, offline: Any) -> AsyncIterator[Desk]:
    """A desk on which reading a document may cost little."""
    settings = sqlite_settings.changed(knowledge_seconds=2, knowledge_memory_mb=500)
    async with open_desk(settings, model=offline) as opened:
        yield opened


@pytest.fixture
def call(desk: Desk) -> Call:
    return caller(desk)


@pytest.fixture
def sync(desk: Desk, call: Call) -> Sync:
    return syncer(desk, call)


async def _timed(call: Call, meanwhile: Awaitable[Any]) -> float:
    """Seconds that 99 of 100 calls take at the most while something goes on."""
    took: list[float] = []
    waits = asyncio.ensure_future(meanwhile)
    while not waits.done():
        begun = time.perf_counter()
        assert (await call("list_articles", STAFF)).status == "ok"
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(0.02)
    return sorted(took)[int(len(took) * 0.99)]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_each_is_reported_and_the_desk_goes_on(
    call: Call, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.knowledge.documents.conftest.SECONDS", 240.0)
    folder = tmp_path / "bombs"
    count = lay(folder)
    (folder / "good.md").write_text("# Good\n\nStill here.", encoding="utf-8")
    usual = await _timed(call, asyncio.sleep(2))
    syncing = asyncio.ensure_future(sync(kind="folder", location=str(folder)))
    during = await _timed(call, syncing)
    source = await syncing
    print(f"p99 {usual * 1000:.1f} ms before, {during * 1000:.1f} ms during it")
    assert (source["state"], source["ready"]) == ("ready", 1)
    assert source["failed"] == count >= 40
    found = await documents_of(call, source["source_id"], state="failed")
    assert [name for name in FILES if not found[name]["reason"]] == []
    wrong = {
        name: found[name]["reason"] for name, (_, why) in FILES.items()
        if why not in found[name]["reason"]
    }  # fmt: skip
    assert wrong == {}
    assert "1,000.0 MB" in found["gigabyte.txt"]["reason"]
    assert "symbolic link" in found["out.md"]["reason"]
    # Nobody waits for it: the loop was never held for long, on a machine that others use, too.
    assert during < max(2 * usual, 0.5)


async def test_a_child_that_dies_is_replaced() -> None:
    parser = Parser(Limits(seconds=5, memory=500))
    try:
        good = await parser.read("markdown", "a.md", b"# A\n\nText.")
        assert [chunk.text for chunk in good.chunks] == ["Text."]
        child = parser._child
        assert child is not None
        child.kill()
        await child.wait()
        again = await parser.read("markdown", "a.md", b"# A\n\nText.")
        assert again == good
        assert parser._child is not child
    finally:
        await parser.aclose()


@pytest.mark.slow
async def test_too_much_memory_costs_that_document_alone() -> None:
    parser = Parser(Limits(seconds=20, memory=320))
    try:
        with pytest.raises(Broken, match=r"memory|read within|passages"):
            await parser.read("markdown", "a.md", b"# h\n\ntext\n\n" * 600_000)
        read = await parser.read("markdown", "b.md", b"# B\n\nText.")
        assert read.title == "B"
    finally:
        await parser.aclose()


async def test_the_child_has_nothing_of_the_desks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "s" * 32)
    parser = Parser()
    try:
        await parser.read("text", "a.txt", b"hello")
        assert parser._child is not None
        environment = Path(f"/proc/{parser._child.pid}/environ").read_bytes()
        assert b"SECRET_KEY" not in environment
        limits = Path(f"/proc/{parser._child.pid}/limits").read_text("utf-8")
        assert "Max address space         1000000000" in limits
    finally:
        await parser.aclose()
