"""The embedded engine on the disk: several processes, damage, another model, a killed writer."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deskward.integrations.search.embedded import EmbeddedIndex
from deskward.integrations.search.folder import Folder
from deskward.integrations.search.vector_file import EXACTLY, VectorFile
from deskward.knowledge.passages import Wanted
from tests.knowledge.test_index import BOTH, DIMENSIONS, TENANT, Model, found, passage, vector_of

WRITER = """
import asyncio, sys
from pathlib import Path
from typing import Any
from deskward.integrations.search.embedded import EmbeddedIndex
from tests.knowledge.test_index import TENANT, Model, passage

async def main():
    index = EmbeddedIndex(Path(sys.argv[1]), Model())
    for n in range(int(sys.argv[2]), int(sys.argv[3])):
        await index.put(TENANT, [passage(f"p{n}", f"transfer number {n}", vector=True)])
        print(n, flush=True)
    await index.aclose()

asyncio.run(main())
"""


def _writes(root: Path, first: int, last: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(root), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _open(root: Path, model: str = "test", dimensions: int = DIMENSIONS) -> EmbeddedIndex:
    return EmbeddedIndex(root, Model(model, dimensions) if dimensions else None)


async def test_another_process_is_seen_at_once(tmp_path: Path) -> None:
    index = _open(tmp_path)
    await index.put(TENANT, [passage("here", "transfer from here", vector=True)])
    with _writes(tmp_path, 0, 3) as writer:
        assert writer.stdout is not None
        for n in range(3):
            assert int(await asyncio.to_thread(writer.stdout.readline)) == n
            assert (await found(index, f"number {n}"))[:1] == [f"p{n}"]
            vector = vector_of(f"transfer number {n}")
            assert f"p{n}" in await found(index, "", vector=vector)
            await index.put(TENANT, [passage(f"here{n}", "written meanwhile")])
    assert writer.returncode == 0
    assert await index.count(TENANT) == 7
    await index.aclose()


@pytest.mark.slow
async def test_writers_are_killed_and_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    index = _open(tmp_path)
    at = 0
    for _ in range(8):
        writer = _writes(tmp_path, at, at + 1_000)
        assert writer.stdout is not None
        for _ in range(3):
            at = int(await asyncio.to_thread(writer.stdout.readline)) + 1
        os.kill(writer.pid, signal.SIGKILL)
        rest = await asyncio.to_thread(writer.stdout.read)
        writer.stdout.close()
        writer.wait()
        at = max([at, *(int(line) + 1 for line in rest.split())])
        ids = await index.ids(TENANT)
        assert ids >= {f"p{n}" for n in range(at)}
        assert len(ids) == await index.count(TENANT)
        assert f"p{at - 1}" in await found(index, "", vector=vector_of(f"transfer number {at - 1}"))
    await index.aclose()


@pytest.mark.parametrize("change", [{"model": "other"}, {"dimensions": 32}, {"dimensions": 0}])
async def test_another_model_begins_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: dict
) -> None:
    index = _open(tmp_path)
    await index.put(TENANT, [passage("a", "transfer", vector=True)])
    await index.aclose()
    index = _open(tmp_path, **change)
    with caplog.at_level(logging.WARNING):
        assert await index.count(TENANT) == 0
        assert await found(index, "transfer") == []
    assert caplog.text.count("made anew from the database") == 1
    size = change.get("dimensions", DIMENSIONS)
    await index.put(TENANT, [passage("a", "transfer")])
    assert await found(index, "transfer", vector=vector_of("transfer")[:size]) == ["a"]
    await index.aclose()


@pytest.mark.parametrize(
    "pattern", ["meta.json", "*.term", "*.idx", "*.store", "*.fast", "vectors-*"]
)
@pytest.mark.parametrize("how", ["cut", "gone"])
async def test_a_damaged_file_begins_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, pattern: str, how: str
) -> None:
    index = _open(tmp_path)
    await index.put(TENANT, [passage(f"p{n}", f"transfer {n}", vector=True) for n in range(50)])
    await index.aclose()
    for file in tmp_path.glob(f"*/*/{pattern}"):
        if how == "gone":
            file.unlink()
        else:
            os.truncate(file, file.stat().st_size // 2)
    index = _open(tmp_path)
    with caplog.at_level(logging.WARNING):
        vector = vector_of("transfer 7")
        assert await found(index, "transfer", vector=vector) == []
        assert await index.count(TENANT) == 0
    assert caplog.text.count("made anew from the database") == 1
    await index.put(TENANT, [passage("p7", "transfer 7", vector=True)])
    assert await found(index, "transfer", vector=vector) == ["p7"]
    await index.aclose()


async def test_it_may_be_deleted_while_it_is_open(tmp_path: Path) -> None:
    index, other = _open(tmp_path), _open(tmp_path)
    await index.put(TENANT, [passage("a", "transfer", vector=True)])
    assert await found(other, "transfer") == ["a"]
    home = next(tmp_path.glob("*/"))
    home.rename(tmp_path / "elsewhere")
    assert await found(other, "transfer") == []
    assert await index.count(TENANT) == 0
    await index.put(TENANT, [passage("b", "transfer", vector=True)])
    assert await found(other, "transfer", vector=vector_of("transfer")) == ["b"]
    await index.aclose()
    await other.aclose()


async def test_a_full_disk_is_an_error_and_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = _open(tmp_path)
    await index.put(TENANT, [passage("a", "transfer", vector=True)])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(VectorFile, "append", full)
        with pytest.raises(OSError, match="No space"):
            await index.put(TENANT, [passage("b", "transfer", vector=True)])
    assert await found(index, "transfer") == ["a"]
    await index.aclose()


async def test_what_is_replaced_often_does_not_grow(tmp_path: Path) -> None:
    index = _open(tmp_path)
    for turn in range(12):
        many = [passage(f"p{n}", f"transfer {n} {turn}", vector=True) for n in range(200)]
        await index.put(TENANT, many)
    files = list(tmp_path.glob("*/*/vectors-*"))
    assert len(files) == 2
    record = 8 + 2 * DIMENSIONS
    assert all(file.stat().st_size <= (2 * 200 + 1_000) * record for file in files)
    wanted = Wanted("", BOTH, vector=vector_of("transfer 33 11"))
    assert (await index.search(TENANT, wanted))[0].passage_id == "p33"
    await index.aclose()


def test_many_vectors_are_searched_nearly_exactly(tmp_path: Path) -> None:
    numpy = pytest.importorskip("numpy")
    random = numpy.random.default_rng(7)
    count, dimensions = 3 * EXACTLY, 96
    # Like vectors of sentences: around common themes, and all to one side.
    themes = random.normal(size=(300, dimensions))[random.integers(300, size=count)]
    vectors = themes + 0.7 * random.normal(size=(count, dimensions)) + 0.5
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    file = VectorFile(tmp_path / "vectors-0", dimensions)
    file.append(range(count), vectors)
    file.append([5], [[-value for value in vectors[5]]])  # the last one of a key counts
    file.refresh()
    kept = numpy.arange(0, count, 2, dtype=numpy.uint64)
    right = right_among = 0
    for at in range(100, 150):
        cosines = vectors @ vectors[at]
        cosines[5] = -cosines[5]
        expected = numpy.argsort(-cosines)[:10]
        right += len(set(expected) & {key for key, _ in file.search(vectors[at], 10)})
        expected = [key for key in numpy.argsort(-cosines) if key % 2 == 0][:10]
        right_among += len(set(expected) & {key for key, _ in file.search(vectors[at], 10, kept)})
    assert right >= 0.97 * 500
    assert right_among >= 0.97 * 500


def test_vectors_are_searched_while_new_ones_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numpy = pytest.importorskip("numpy")
    count, dimensions = 2 * EXACTLY, 64
    vectors = numpy.random.default_rng(7).normal(size=(count + 1, dimensions))
    file = VectorFile(tmp_path / "vectors-0", dimensions)
    file.append(range(count), vectors[:count])
    file.refresh()
    sides, meanwhile = VectorFile._sides, []

    def interrupted(self: VectorFile, *given: object) -> object:
        monkeypatch.setattr(VectorFile, "_sides", sides)
        allowed = numpy.asarray([3, 4, count], dtype=numpy.uint64)
        meanwhile.extend(self.search(vectors[3], 1, allowed))
        return sides(self, *given)  # type: ignore[arg-type]  # whatever it was given

    monkeypatch.setattr(VectorFile, "_sides", interrupted)
    file.append([count], vectors[count:])
    file.refresh()
    assert meanwhile[0][0] == 3
    assert file.search(vectors[count], 1)[0][0] == count


def test_what_a_search_remembers_is_of_what_it_saw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Folder(tmp_path / "all", DIMENSIONS)
    folder.put([passage("old", "transfer", category="money", vector=True)])
    wanted = Wanted("transfer", BOTH, category="money", vector=vector_of("a card"))
    by_words = Folder._by_words

    def interrupted(self: Folder, *given: Any) -> Any:
        monkeypatch.setattr(Folder, "_by_words", by_words)
        self.put([passage("new", "a card", category="money", vector=True)])
        return by_words(self, *given)

    monkeypatch.setattr(Folder, "_by_words", interrupted)
    assert [hit.passage_id for hit in folder.search(wanted)] == ["old"]
    assert "new" in [hit.passage_id for hit in folder.search(wanted)]
