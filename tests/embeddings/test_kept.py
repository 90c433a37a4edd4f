"""Vectors that are kept by what they are of."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from deskward.agent.model import Model
from deskward.app import open_desk
from deskward.core.settings import Settings
from deskward.integrations.embeddings.kept import Kept

if TYPE_CHECKING:
    from deskward.text.vectors import Vectors


class Counting:
    """Makes a vector of a text's letters; counts the texts."""

    dimensions, local = 8, True

    def __init__(self, name: str = "counting") -> None:
        self.name = name
        self.asked: list[str] = []
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        with self._lock:
            self.asked += texts
        seeds = [sum(map(ord, text)) + 7 * len(self.name) for text in texts]
        made = np.array([np.random.default_rng(seed).normal(size=8) for seed in seeds])
        return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vectors.db"


def kept(path: Path, model: Counting, **more: Any) -> Kept:
    return Kept(model, path, **more)


def test_a_passage_is_asked_about_once_also_after_a_restart(path: Path) -> None:
    model = Counting()
    first = kept(path, model)
    made = first.embed(["a", "b", "a"])
    assert sorted(model.asked) == ["a", "b"]
    first.close()
    second = kept(path, model)
    again = second.embed(["b", "a", "c"])
    second.close()
    assert sorted(model.asked) == ["a", "b", "c"]
    assert np.array_equal(again[:2], made[[1, 0]])
    assert made[0] @ model.embed(["a"])[0] == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(again, axis=1) == pytest.approx(np.ones(3))


def test_vectors_of_another_model_are_others(path: Path) -> None:
    one, other = Counting(), Counting("another")
    first = kept(path, one).embed(["a"])
    second = kept(path, other).embed(["a"])
    assert one.asked == other.asked == ["a"]
    assert not np.allclose(first, second)


def test_what_customers_ask_is_not_kept(path: Path) -> None:
    model = Counting()
    embedder = kept(path, model)
    embedder.embed(["where is my card"], query=True)
    embedder.embed(["where is my card"], query=True)
    assert len(model.asked) == 2
    assert not path.exists()


def test_the_file_is_for_its_owner_alone_and_holds_no_text(path: Path) -> None:
    embedder = kept(path, Counting())
    embedder.embed(["a very telling passage"])
    embedder.close()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert b"telling" not in path.read_bytes()


def test_only_the_newest_are_kept(path: Path) -> None:
    embedder = kept(path, Counting(), most=5)
    for number in range(20):
        embedder.embed([f"text {number}"])
    embedder.close()
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM vectors").fetchone() == (5,)


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"x" * 5000]
)
def test_a_damaged_file_is_done_without(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(content)
    model = Counting()
    embedder = kept(path, model)
    with caplog.at_level(logging.WARNING):
        assert embedder.embed(["a"]).shape == (1, 8)
        assert embedder.embed(["a"]).shape == (1, 8)
    embedder.close()
    assert model.asked == ["a", "a"]
    assert len(caplog.records) == 1


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    embedder = kept(tmp_path / "file" / "vectors.db", Counting())
    assert embedder.embed(["a"]).shape == (1, 8)


def test_the_folder_is_made(tmp_path: Path) -> None:
    model = Counting()
    embedder = kept(tmp_path / "data" / "vectors.db", model)
    embedder.embed(["a"])
    embedder.embed(["a"])
    embedder.close()
    assert model.asked == ["a"]


def test_a_vector_of_another_length_is_not_taken(path: Path) -> None:
    model = Counting()
    embedder = kept(path, model)
    embedder.embed(["a"])
    embedder.close()
    with sqlite3.connect(path) as file:
        file.execute("UPDATE vectors SET vector = x'0000'")
    again = kept(path, model)
    assert again.embed(["a"]).shape == (1, 8)
    again.close()
    assert model.asked == ["a", "a"]


def test_several_threads_and_processes_share_it(path: Path) -> None:
    model = Counting()
    several = [kept(path, model) for _ in range(3)]
    texts = [f"text {number}" for number in range(30)]
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda number: several[number % 3].embed(texts), range(12)))
    for embedder in several:
        embedder.close()
    assert all(np.array_equal(each, found[0]) for each in found)
    assert len(model.asked) < 12 * 30


async def test_a_desk_that_has_ended_writes_none(
    sqlite_settings: Settings, offline: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the vectors of its tools, which a thread still makes when it ends."""
    begun, ended = threading.Event(), threading.Event()

    class Slow(Counting):
        def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
            begun.set()
            ended.wait(30)
            return super().embed(texts, query=query)

    class Other:
        name = "other"
        stream, close = offline.stream, offline.close

    threads = ThreadPoolExecutor(1)
    monkeypatch.setattr("deskward.text.vectors._passages", threads)
    monkeypatch.setattr("deskward.app.choose_embedder", lambda *_, **__: None)
    monkeypatch.setattr("deskward.app.for_sentences", lambda *_: Slow())
    async with open_desk(sqlite_settings, model=Other()):
        assert await asyncio.to_thread(begun.wait, 30)
    ended.set()
    threads.shutdown()
    assert [each.name for each in sqlite_settings.data_dir.glob("vectors*")] == ["vectors.db"]
    with sqlite3.connect(sqlite_settings.data_dir / "vectors.db") as file:
        assert file.execute("SELECT count(*) FROM vectors").fetchone() == (0,)
