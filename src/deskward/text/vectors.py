"""The port of what turns texts into vectors of their meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    # Heavy, and only who has vectors needs it.
    import numpy.typing as npt

    Vectors = npt.NDArray[Any]
    """One vector in each row, as 32-bit floats."""


class EmbeddingFailed(Exception):
    """There are no vectors for now: weights cannot be read, or a service does not answer."""


class Embedder(Protocol):
    """A model that turns texts into vectors, near each other where the texts mean the same."""

    @property
    def name(self) -> str:
        """The model and its version: vectors of two models are never compared."""
        ...

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has. It may have to load or to ask the model.

        Raises:
            EmbeddingFailed: It cannot.
        """
        ...

    @property
    def local(self) -> bool:
        """Whether it works on this machine: each sentence of a customer may be given to it."""
        ...

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """Return a vector of length 1 for each text: an array of `len(texts)` by `dimensions`.

        It takes a processor for as long as it takes, and may be called from several threads: call
        it beside the event loop, as `embedded` does. A text's vector does not depend on the texts
        beside it. `query` says that the texts are questions, which some models mark.

        Raises:
            EmbeddingFailed: There are no vectors for now.
        """
        ...

    def close(self) -> None:
        """Let go of what is open. It is not asked for vectors after that."""
        ...


# A person who waits for an answer does not wait behind a manual that is read in.
_questions = ThreadPoolExecutor(1, thread_name_prefix="vectors-of-questions")
_passages = ThreadPoolExecutor(1, thread_name_prefix="vectors-of-passages")
AT_ONCE = 16
"""So many passages are given to the model at a time, so that other work gets its turn."""


async def embedded(embedder: Embedder, texts: Sequence[str], *, query: bool = False) -> Vectors:
    """The vectors of texts, made beside the event loop; questions do not wait for passages.

    Raises:
        EmbeddingFailed: There are no vectors for now.
    """
    import numpy as np

    loop = asyncio.get_running_loop()
    threads = _questions if query else _passages
    found = [
        await loop.run_in_executor(
            threads, lambda part: embedder.embed(part, query=query), texts[start : start + AT_ONCE]
        )
        for start in range(0, len(texts), AT_ONCE)
    ]
    return np.concatenate(found) if found else np.zeros((0, embedder.dimensions), np.float32)
