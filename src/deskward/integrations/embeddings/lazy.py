"""A model whose code, too, is loaded when the first text comes: it brings numpy and an engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from deskward.text.vectors import Embedder

if TYPE_CHECKING:
    from deskward.text.vectors import Vectors


class Lazy:
    """Stands for a model of this machine of which name and dimensions are known before."""

    local = True

    def __init__(self, name: str, dimensions: int, make: Callable[[], Embedder]) -> None:
        self.name, self.dimensions = name, dimensions
        self._make = make
        self._lock = threading.Lock()
        self._made: Embedder | None = None

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """A vector for each text; see `Embedder`."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
        return self._made.embed(texts, query=query)

    def close(self) -> None:
        """Let go of the model, if it was loaded."""
        with self._lock:
            if self._made is not None:
                self._made.close()
