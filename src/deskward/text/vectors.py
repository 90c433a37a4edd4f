"""The port of what turns texts into vectors of their meaning."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
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

    def __hash__(self) -> int:
        """As any object's: the vectors of the last questions are remembered."""
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


AT_ONCE = 16
"""So many passages are given to the model at a time, so that other work gets its turn."""
WORKERS = os.cpu_count() or 1
"""So many threads find the vectors of passages."""
LATER = 5
"""How much passages stand back behind whatever else wants a processor (`nice`)."""


def _stand_back() -> None:
    """Have this thread work when nothing else does; where threads have no priority, never mind."""
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LATER)


# A person who waits for an answer does not wait behind a manual that is read in, which takes all
# processors, but only while nothing else wants them.
_questions = ThreadPoolExecutor(1, thread_name_prefix="vectors-of-questions")
_passages = ThreadPoolExecutor(
    WORKERS, thread_name_prefix="vectors-of-passages", initializer=_stand_back
)


async def embedded(embedder: Embedder, texts: Sequence[str], *, query: bool = False) -> Vectors:
    """The vectors of texts, made beside the event loop; questions do not wait for passages.

    Raises:
        EmbeddingFailed: There are no vectors for now.
    """
    import numpy as np

    loop = asyncio.get_running_loop()
    threads = _questions if query else _passages
    parts = [texts[start : start + AT_ONCE] for start in range(0, len(texts), AT_ONCE)]
    work = partial(embedder.embed, query=query)
    found: list[Vectors] = []
    # No more at a time than are worked on, so that others who have passages get their turn.
    for at in range(0, len(parts), WORKERS):
        some = (loop.run_in_executor(threads, work, part) for part in parts[at : at + WORKERS])
        found += await asyncio.gather(*some)
    return np.concatenate(found) if found else np.zeros((0, embedder.dimensions), np.float32)
