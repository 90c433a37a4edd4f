"""A model whose code, too, is loaded when the first text comes: it brings numpy and an engine."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deskward.core.memory import give_back
from deskward.text.vectors import Embedder

if TYPE_CHECKING:
    from deskward.text.vectors import Vectors

IDLE = 120.0
"""Seconds without a text after which a model is let go: it has some 100 MB, and is soon loaded."""

_keepers = 0


@contextmanager
def kept_loaded() -> Iterator[None]:
    """Have `close` let go of nothing meanwhile: of several desks in one process each closes it."""
    global _keepers
    _keepers += 1
    try:
        yield
    finally:
        _keepers -= 1


class Lazy:
    """Stands for a model of this machine of which name and dimensions are known before."""

    local = True

    def __init__(
        self, name: str, dimensions: int, make: Callable[[], Embedder], *, idle: float = IDLE
    ) -> None:
        """Stand for a model.

        Args:
            make: Loads it; called again where it was let go.
            idle: Seconds without a text after which it is let go.
        """
        self.name, self.dimensions = name, dimensions
        self._make, self._idle = make, idle
        self._lock = threading.Lock()
        self._made: Embedder | None = None
        self._used = 0.0
        self._timer: threading.Timer | None = None

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """A vector for each text; see `Embedder`."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            made = self._made
            self._used = time.monotonic()
            if self._timer is None:
                self._wait(self._idle)
        # Whoever works with it has it to the end, even if it is let go meanwhile.
        return made.embed(texts, query=query)

    def close(self) -> None:
        """Let go of the model, if it was loaded, and is not to be kept (`kept_loaded`)."""
        if _keepers:
            return
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._let_go()

    def _wait(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        with self._lock:
            if self._timer is None:
                return
            self._timer = None
            rest = self._used + self._idle - time.monotonic()
            if rest > 0:
                self._wait(rest)
            else:
                self._let_go()

    def _let_go(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            made.close()
            del made
            gc.collect()  # onnxruntime's session holds itself
            give_back()
