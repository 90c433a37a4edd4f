"""Vectors in a file: appended by one process, mapped into memory and searched by many.

A record is the key of a passage and its vector in half precision; the last one of a key counts. A
search looks at one bit of every dimension of each (the side of the mean that it is on), and
compares exactly those that are nearest so: nothing has to be built, nothing is missed by a filter,
and 100,000 vectors take a millisecond or two.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

EXACTLY = 4_096
"""Vectors up to which all are compared exactly."""
NEAREST = 1_000
"""Of more than those, how many are compared exactly at least."""

Floats = npt.NDArray[np.float32]
Keys = npt.NDArray[np.uint64]


class VectorFile:
    """The vectors of one folder, as one process sees them."""

    def __init__(self, path: Path, dimensions: int) -> None:
        """Open a file of vectors, which need not be there yet.

        Args:
            dimensions: Of each vector.
        """
        self.path = path
        self._record = np.dtype([("key", "<u8"), ("vector", "<f2", (dimensions,))])
        self._width = -(-dimensions // 64)
        self._rows: npt.NDArray[Any] = np.empty(0, self._record)
        self._mean = np.zeros(dimensions, np.float32)
        self._mean_of = 0
        self._bits = np.empty((self._width, 0), np.uint64)
        self._counts = np.empty(0, np.bool_)
        self._small: Floats | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, keys: Sequence[int], vectors: Sequence[Sequence[float]]) -> None:
        """Write vectors to the disk; whoever calls is the only one who writes."""
        records = np.empty(len(keys), self._record)
        records["key"] = np.asarray(keys, np.uint64)
        records["vector"] = np.asarray(vectors, np.float32)
        with self.path.open("ab") as file:
            # A process that was killed may have left half a record.
            whole = file.seek(0, os.SEEK_END) // self._record.itemsize
            file.truncate(whole * self._record.itemsize)
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())

    def keep_only(self, keys: Keys, path: Path) -> None:
        """Write the records that count of some keys, and no others, to a new file."""
        self.refresh()
        kept = self._rows[self._counts & np.isin(self._rows["key"], keys)]
        with path.open("wb") as file:
            file.write(np.ascontiguousarray(kept).tobytes())
            file.flush()
            os.fsync(file.fileno())

    def has(self, keys: Keys) -> bool:
        """Whether there is a vector of each of some keys."""
        return bool(np.isin(keys, np.asarray(self._rows["key"])).all())

    def refresh(self) -> None:
        """See what has been appended."""
        size = self.path.stat().st_size if self.path.exists() else 0
        count, before = size // self._record.itemsize, len(self._rows)
        if count == before:
            return
        self._rows = np.memmap(self.path, self._record, "r", shape=(count,))
        # Sides of a mean of few say little of many: it is taken anew as they grow.
        if count > 2 * self._mean_of:
            sample = self._rows["vector"][:: max(1, count // 10_000)]
            self._mean, self._mean_of, before = sample.mean(axis=0, dtype=np.float32), count, 0
        bits = np.empty((self._width, count), np.uint64)
        bits[:, :before] = self._bits[:, :before]
        for at in range(before, count, 10_000):
            bits[:, at : at + 10_000] = self._sides(self._rows["vector"][at : at + 10_000])
        keys = np.asarray(self._rows["key"])
        _, last = np.unique(keys[::-1], return_index=True)
        counts = np.zeros(count, np.bool_)
        counts[count - 1 - last] = True
        small = np.asarray(self._rows["vector"], np.float32) if count <= EXACTLY else None
        self._bits, self._counts, self._small = bits, counts, small

    def search(
        self, vector: Sequence[float], count: int, among: Keys | None = None
    ) -> list[tuple[int, float]]:
        """The keys whose vectors are nearest to one, with their cosines, the nearest first.

        Args:
            among: Only these keys; all where it is None.
        """
        allowed = self._counts
        if among is not None:
            allowed = allowed & np.isin(self._rows["key"], among)
        wanted = np.asarray(vector, np.float32)
        if self._small is not None:
            places = np.flatnonzero(allowed)
            cosines = _cosines(self._small, wanted)[places]
        else:
            places = self._near(wanted, max(NEAREST, 4 * count), allowed)
            cosines = _cosines(np.asarray(self._rows["vector"][places], np.float32), wanted)
        if len(places) > count:
            best = np.argpartition(-cosines, count)[:count]
            places, cosines = places[best], cosines[best]
        order = np.argsort(-cosines, kind="stable")
        keys = self._rows["key"][places[order]]
        return list(zip(keys.tolist(), cosines[order].tolist(), strict=True))

    def _near(
        self, wanted: Floats, count: int, allowed: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.intp]:
        """The places of at least `count` allowed records that are nearest by their sides."""
        sides = self._sides(wanted[np.newaxis])
        away = np.zeros(self._bits.shape[1], np.uint16)
        for part, side in zip(self._bits, sides[:, 0], strict=True):
            away += np.bitwise_count(part ^ side)
        if not allowed.all():
            away[~allowed] = 64 * self._width + 1
        reached = np.cumsum(np.bincount(away, minlength=64 * self._width + 2))
        limit = min(int(np.searchsorted(reached, count)), 64 * self._width)
        return np.flatnonzero(away <= limit)

    def _sides(self, vectors: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
        """A bit for each dimension of each vector, as (words of 64 bits, vectors)."""
        above = np.zeros((len(vectors), 64 * self._width), np.bool_)
        above[:, : vectors.shape[1]] = vectors > self._mean
        return np.ascontiguousarray(np.packbits(above, axis=1).view(np.uint64).T)


def _cosines(vectors: Floats, wanted: Floats) -> Floats:
    # A product of matrices would use all cores, and wait for them where they are busy: 25 ms
    # instead of 0.05 were seen.
    return np.asarray(np.vecdot(vectors, wanted), np.float32)
