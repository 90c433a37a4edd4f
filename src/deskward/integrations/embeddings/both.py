"""Two models in one vector: each finds what the other misses.

The cosine of two such vectors is the mean of both models' cosines, so that whatever searches needs
to know nothing of it. Measured in docs/decisions/0024-sentence-vectors.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deskward.text.vectors import Embedder

if TYPE_CHECKING:
    from deskward.text.vectors import Vectors


class Both:
    """The vectors of two models side by side."""

    def __init__(self, one: Embedder, other: Embedder) -> None:
        """Take two models; each is loaded at its first use."""
        self._parts = (one, other)

    @property
    def name(self) -> str:
        """Both models' names."""
        return "+".join(part.name for part in self._parts)

    @property
    def dimensions(self) -> int:
        """How many numbers both models' vectors have together."""
        return sum(part.dimensions for part in self._parts)

    @property
    def local(self) -> bool:
        """Whether both work on this machine."""
        return all(part.local for part in self._parts)

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """A vector for each text; see `Embedder`."""
        import numpy as np  # which a desk that nobody asks anything does without

        found = [part.embed(texts, query=query) for part in self._parts]
        both: Vectors = np.concatenate(found, axis=1) / np.float32(math.sqrt(len(found)))
        return both

    def close(self) -> None:
        """Let go of both."""
        for part in self._parts:
            part.close()
