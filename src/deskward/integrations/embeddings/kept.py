"""Vectors of passages, kept by what they are of: an index that is built anew asks no model again.

They stand in a file of DATA_DIR, not in the database: it may go at any time, and each machine has
its own. Questions are not kept, as they are what customers said.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deskward.core.private import private_folder
from deskward.text.vectors import Embedder

if TYPE_CHECKING:
    from deskward.text.vectors import Vectors

log = logging.getLogger(__name__)

MOST = 200_000
"""So many vectors are kept, the newest: some 400 MB of those of 896 numbers."""
WAIT = 2.0
"""Seconds that another process may hold the file."""
_TABLE = """
CREATE TABLE IF NOT EXISTS vectors (
    number INTEGER PRIMARY KEY, model TEXT NOT NULL, digest BLOB NOT NULL, vector BLOB NOT NULL,
    UNIQUE (model, digest)
)
"""


class Kept:
    """An embedder that remembers passages."""

    def __init__(
        self, embedder: Embedder, path: Path, *, most: int = MOST, shared: bool = False
    ) -> None:
        """Remember what this one makes.

        Args:
            path: The file, which is made at the first passage. One that cannot be read or written
                is done without, and that is logged.
            most: How many vectors are kept.
            shared: Whether others use the model, too, so that it is not closed with this.
        """
        self._shared = shared
        self._embedder, self._path, self._most = embedder, path, most
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        self._broken = False

    @property
    def name(self) -> str:
        """The model and its version."""
        return self._embedder.name

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self._embedder.dimensions

    @property
    def local(self) -> bool:
        """Whether it works on this machine."""
        return self._embedder.local

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Vectors:
        """A vector for each text; see `Embedder`."""
        if query or not texts:
            return self._embedder.embed(texts, query=query)
        import numpy as np

        digests = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
        kept = self._read(digests)
        missing = {d: t for d, t in zip(digests, texts, strict=True) if d not in kept}
        if missing:
            # Rounded, so that a vector is the same whether it was kept or made just now.
            made = self._embedder.embed(list(missing.values())).astype("<f2")
            new = dict(zip(missing, (vector.tobytes() for vector in made), strict=True))
            self._write(new)
            kept |= new
        rows = [np.frombuffer(kept[digest], "<f2") for digest in digests]
        found = np.stack(rows).astype(np.float32)
        vectors: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
        return vectors

    def close(self) -> None:
        """Close the file, and let go of the model."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
            self._broken = True  # a thread that still makes vectors opens it no more
        if not self._shared:
            self._embedder.close()

    def _read(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        size = 2 * self.dimensions
        found: dict[bytes, bytes] = {}
        with self._lock:
            try:
                file = self._opened()
                for digest in set(digests) if file else ():
                    assert file is not None
                    query = "SELECT vector FROM vectors WHERE model = ? AND digest = ?"
                    row = file.execute(query, (self.name, digest)).fetchone()
                    if row is not None and len(row[0]) == size:
                        found[digest] = row[0]
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)
        return found

    def _write(self, vectors: dict[bytes, bytes]) -> None:
        with self._lock:
            try:
                file = self._opened()
                if file is None:
                    return
                with file:
                    file.executemany(
                        "INSERT OR REPLACE INTO vectors (model, digest, vector) VALUES (?, ?, ?)",
                        [(self.name, digest, vector) for digest, vector in vectors.items()],
                    )
                    file.execute(
                        "DELETE FROM vectors WHERE number <= (SELECT max(number) FROM vectors) - ?",
                        (self._most,),
                    )
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)

    def _opened(self) -> sqlite3.Connection | None:
        if self._file is None and not self._broken:
            # For the owner alone: from a vector something of its text can be guessed.
            private_folder(self._path.parent)
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._file = sqlite3.connect(self._path, timeout=WAIT, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(_TABLE)
        return self._file

    def _give_up(self, error: Exception) -> None:
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            return  # another process writes; what is made anew costs time only
        log.warning("vectors are not kept in %s: %s", self._path, error)
        self._broken = True
        if self._file is not None:
            with contextlib.suppress(sqlite3.Error):
                self._file.close()
            self._file = None
