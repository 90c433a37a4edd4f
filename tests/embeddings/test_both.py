"""Two models in one vector, and which desks have them."""

from __future__ import annotations

import numpy as np
import pytest

from deskward.core.settings import Settings
from deskward.integrations.embeddings.both import Both
from deskward.integrations.embeddings.choose import choose_embedder, for_sentences
from deskward.integrations.embeddings.e5 import E5
from deskward.integrations.embeddings.use import Use
from deskward.integrations.embeddings.weights import e5_weights, use_weights

TEXTS = ["How do I reset my password?", "Wie setze ich mein Passwort zurück?", "Es regnet."]


def test_a_desk_has_both_and_shares_the_quick_one_with_the_skills() -> None:
    settings = Settings.alone()
    both = choose_embedder(settings)
    assert isinstance(both, Both)
    assert both.name == f"{E5.name}+{Use.name}"
    assert (both.dimensions, both.local) == (E5.dimensions + Use.dimensions, True)
    assert for_sentences(settings, both) is both._parts[1]


def test_the_cosine_is_the_mean_of_both() -> None:
    slow, quick = e5_weights(), use_weights()
    assert slow
    assert quick
    e5, use = E5(slow), Use(quick)
    both = Both(e5, use)
    vectors = both.embed(TEXTS, query=True)
    assert vectors.shape == (3, both.dimensions)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    alone = [model.embed(TEXTS, query=True) for model in (e5, use)]
    wanted = sum(each @ each.T for each in alone) / 2
    assert np.allclose(vectors @ vectors.T, wanted, atol=1e-5)
    assert both.embed([]).shape == (0, both.dimensions)
    both.close()
