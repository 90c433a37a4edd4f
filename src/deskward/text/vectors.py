"""The port of what turns texts into vectors of their meaning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """A model that turns texts into vectors, near each other where the texts mean the same."""

    name: str
    """The model and its version: vectors of two models are never compared."""
    dimensions: int

    def embed(self, texts: Sequence[str], *, query: bool = False) -> list[list[float]]:
        """Return a vector of length 1 for each text.

        It takes a processor for as long as it takes: call it beside the event loop. `query` says
        that the texts are questions, which some models mark.
        """
