"""What an engine has to know of the model that makes the vectors."""

from __future__ import annotations

from typing import Protocol


class Model(Protocol):
    """What makes the vectors; see `Embedder`."""

    @property
    def name(self) -> str:
        """The model and its version."""

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""


def about(model: Model | None) -> tuple[str, int]:
    """The name of a model and its dimensions; it may take as long as loading or asking it.

    Raises:
        EmbeddingFailed: It does not answer.
    """
    return (model.name, model.dimensions) if model is not None else ("", 0)
