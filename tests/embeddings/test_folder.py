"""A model of sentences in a folder, made here: its network counts tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from deskward.core.settings import Settings
from deskward.integrations.embeddings.choose import choose_embedder
from deskward.integrations.embeddings.folder import Folder
from deskward.integrations.embeddings.graph import Graph
from deskward.text.vectors import EmbeddingFailed

WORDS = ["[UNK]", "card", "lost", "money", "query:"]


def network(given: str = "input_ids", width: int = 4) -> bytes:
    """Looks each token up in a table: token 1 is (1, 0, 0, 0), and so on."""
    graph = Graph()
    table = graph.weight(np.eye(len(WORDS), width, -1, dtype=np.float32) + np.float32(0.01))
    (result,) = graph.node("Gather", table, given)
    return graph.model(given, None, result, width)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "small-model"
    place.mkdir()
    (place / "model.onnx").write_bytes(network())
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, "[UNK]"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.save(str(place / "tokenizer.json"))
    return place


def chosen(folder: Path) -> Folder:
    found = choose_embedder(Settings.alone(embeddings=f"folder:{folder}"), check=True)
    assert isinstance(found, Folder)
    return found


def test_texts_have_the_vectors_of_the_model(folder: Path) -> None:
    model = chosen(folder)
    vectors = model.embed(["card lost", "lost card", "money"])
    assert vectors.shape == (3, model.dimensions) == (3, 4)
    assert vectors[0] @ vectors[1] == pytest.approx(1)
    assert vectors[0] @ vectors[2] < 0.2
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3))


def test_the_folder_says_what_is_put_before_a_question(folder: Path) -> None:
    plain = chosen(folder)
    config = {"prompts": {"query": "query: ", "document": ""}}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(config), "utf-8")
    marked = chosen(folder)
    assert np.allclose(marked.embed(["card"]), plain.embed(["card"]))
    assert not np.allclose(marked.embed(["card"], query=True), plain.embed(["card"], query=True))
    assert marked.name != plain.name


def test_the_folder_says_which_token_counts(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    config = {"word_embedding_dimension": 4, "pooling_mode_cls_token": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(config), "utf-8")
    first, other = chosen(folder).embed(["card lost lost lost", "card"])
    assert first @ other == pytest.approx(1)


def test_models_of_one_name_are_told_apart(folder: Path, tmp_path: Path) -> None:
    name = chosen(folder).name
    assert name.startswith("small-model-")
    (folder / "model.onnx").write_bytes(network(width=3))
    assert chosen(folder).name != name


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json"])
def test_a_file_that_is_missing_is_named(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(ValueError, match=missing):
        chosen(folder)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no folder"):
        chosen(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("model.onnx", b"no model", "model.onnx cannot be read"),
        ("tokenizer.json", b"{}", "tokenizer.json cannot be read"),
        ("config_sentence_transformers.json", b"[", "cannot be read"),
        ("config_sentence_transformers.json", b'{"prompts": {"query": 3}}', "no texts"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_at_start(
    folder: Path, name: str, text: bytes, why: str
) -> None:
    (folder / name).write_bytes(text)
    with pytest.raises(ValueError, match=why):
        chosen(folder)


def test_a_network_that_wants_what_a_text_does_not_have_is_told(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(network("pixel_vals"))
    with pytest.raises(ValueError, match="wants pixel_vals"):
        chosen(folder)


def test_a_folder_that_breaks_later_is_told(folder: Path, monkeypatch: Any) -> None:
    model = Folder(folder)
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EmbeddingFailed, match="cannot be read"):
        model.embed(["card"])
