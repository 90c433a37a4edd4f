"""The index follows the database: by what changed, as often as it takes, or as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from deskward.app import Desk
from deskward.knowledge import feeding
from deskward.knowledge.documents import changes
from deskward.knowledge.feeding import Feeder
from deskward.knowledge.passages import Passage
from tests.conftest import Call
from tests.knowledge.documents.conftest import Memory, Sync, texts_of, write
from tests.knowledge.test_articles import EDITOR


async def fed(desk: Desk, index: Memory) -> None:
    """Work on what waits until nothing does."""
    feeder = desk.gate.port(Feeder)
    feeder.index, feeder.begins_at = index, 0.0
    async with asyncio.timeout(20):
        while await desk.database.reader.first(changes.select().limit(1)) is not None:
            desk.jobs.wake()
            await asyncio.sleep(0.02)


async def test_the_index_has_what_the_database_has(
    desk: Desk, call: Call, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "AT_ONCE", 3)
    index = Memory()
    index.fails = 2
    folder = tmp_path / "docs"
    write(folder, a_md="# A\n\nOne.\n\n## B\n\nTwo.", b_md="# C\n\nThree.")
    source = await sync(kind="folder", location=str(folder))
    await fed(desk, index)
    there = index.kept["default"]
    assert {one.id: one.text for one in there.values()} == await texts_of(desk)
    mine = {one.text: one for one in there.values()}
    assert (mine["Two."].headings, mine["Two."].audience) == (("B",), "staff")
    assert mine["Two."].title == "A"
    (folder / "b.md").unlink()
    (folder / "a.md").write_text("---\naudience: customer\n---\n# A\n\nOne.\n", encoding="utf-8")
    await sync(source["source_id"])
    await fed(desk, index)
    assert {one.id: one.text for one in there.values()} == await texts_of(desk)
    assert {one.text: one.audience for one in there.values()}["One."] == "customer"


async def test_articles_are_in_while_they_are_published(desk: Desk, call: Call) -> None:
    index = Memory()
    await fed(desk, index)
    demo = len(index.kept["default"])
    assert demo  # the demo's, which were published before anybody asked
    asked = {"question": "Wo parke ich?", "answer": "Im Hof.", "language": "de"}
    await call("create_article", EDITOR, **asked)
    await fed(desk, index)
    assert len(index.kept["default"]) == demo
    named = {"article_id": "wo-parke-ich"}
    await call("publish_article", EDITOR, **named)
    await fed(desk, index)
    (found,) = [one for one in index.kept["default"].values() if one.text == "Im Hof."]
    assert (found.title, found.language, found.audience) == ("Wo parke ich?", "de", "customer")
    await call("change_article", EDITOR, **named, answer="Hinter dem Haus.")
    await call("publish_article", EDITOR, **named)
    await fed(desk, index)
    texts = {one.text for one in index.kept["default"].values()}
    assert "Im Hof." not in texts
    assert "Hinter dem Haus." in texts
    await call("unpublish_article", EDITOR, **named)
    await fed(desk, index)
    assert len(index.kept["default"]) == demo


async def test_an_index_that_was_lost_is_made_anew(desk: Desk) -> None:
    index = Memory()
    await fed(desk, index)
    whole = dict(index.kept["default"])
    lost = sorted(whole)[0]
    del index.kept["default"][lost]
    index.kept["default"]["f" * 32] = whole[lost]  # of a document that is gone
    feeder = Feeder(desk.database, index)
    assert await feeder.rebuild("default") == 2
    await fed(desk, index)
    assert index.kept["default"] == whole
    assert await feeder.rebuild("default") == 0


async def test_what_is_filled_keeps_its_meaning_for_whoever_searches_next(desk: Desk) -> None:
    async def same(found: Sequence[Passage]) -> list[list[float]]:
        return [[1.0] for _ in found]

    index = Memory()
    feeder = Feeder(desk.database, index, same)
    await feeder.fill("default")
    await feeder.catch_up("default", whole=True)
    assert all(one.vector == [1.0] for one in index.kept["default"].values())
