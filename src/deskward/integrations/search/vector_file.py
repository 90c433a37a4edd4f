"""Vectors in a file: appended by one process, mapped into memory and searched by many.

A record is the key of a passage and its vector in half precision; the last one of a key counts. A
search looks at one bit of every dimension of each (the side of the mean that it is on), and
compares exactly those that are nearest so: nothing has to be built, nothing is missed by a filter,
and 100,000 vectors take a millisecond or two.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a process has seen of a file: it is replaced whole, so that searches go on meanwhile.

    Attributes:
        rows: The records, mapped into memory.
        mean: Of `mean_of` vectors, to the sides of which bits are taken.
        bits: For each record a bit for each dimension, as (words of 64 bits, records).
        counts: Whether a record is the last one of its key.
        small: The vectors in single precision, where there are few.
    """

    rows: npt.NDArray[Any]
    mean: Floats
    mean_of: int
    bits: npt.NDArray[np.uint64]
    counts: npt.NDArray[np.bool_]
    small: Floats | None = None


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
        self._seen = _Seen(
            rows=np.empty(0, self._record),
            mean=np.zeros(dimensions, np.float32),
            mean_of=0,
            bits=np.empty((self._width, 0), np.uint64),
            counts=np.empty(0, np.bool_),
        )

    def __len__(self) -> int:
        return len(self._seen.rows)

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
        seen = self._seen
        kept = seen.rows[seen.counts & np.isin(seen.rows["key"], keys)]
        with path.open("wb") as file:
            file.write(np.ascontiguousarray(kept).tobytes())
            file.flush()
            os.fsync(file.fileno())

    def has(self, keys: Keys) -> bool:
        """Whether there is a vector of each of some keys."""
        return bool(np.isin(keys, np.asarray(self._seen.rows["key"])).all())

    def refresh(self) -> None:
        """See what has been appended. One thread at a time does; others may search meanwhile."""
        size = self.path.stat().st_size if self.path.exists() else 0
        count, before = size // self._record.itemsize, len(self._seen.rows)
        if count == before:
            return
        rows = np.memmap(self.path, self._record, "r", shape=(count,))
        mean, mean_of = self._seen.mean, self._seen.mean_of
        # Sides of a mean of few say little of many: it is taken anew as they grow.
        if count > 2 * mean_of:
            sample = rows["vector"][:: max(1, count // 10_000)]
            mean, mean_of, before = sample.mean(axis=0, dtype=np.float32), count, 0
        bits = np.empty((self._width, count), np.uint64)
        bits[:, :before] = self._seen.bits[:, :before]
        for at in range(before, count, 10_000):
            bits[:, at : at + 10_000] = self._sides(rows["vector"][at : at + 10_000], mean)
        keys = np.asarray(rows["key"])
        _, last = np.unique(keys[::-1], return_index=True)
        counts = np.zeros(count, np.bool_)
        counts[count - 1 - last] = True
        small = np.asarray(rows["vector"], np.float32) if count <= EXACTLY else None
        self._seen = _Seen(rows, mean, mean_of, bits, counts, small)

    def search(
        self, vector: Sequence[float], count: int, among: Keys | None = None
    ) -> list[tuple[int, float]]:
        """The keys whose vectors are nearest to one, with their cosines, the nearest first.

        Args:
            among: Only these keys; all where it is None.
        """
        seen = self._seen
        allowed = seen.counts
        if among is not None:
            allowed = allowed & np.isin(seen.rows["key"], among)
        wanted = np.asarray(vector, np.float32)
        if seen.small is not None:
            places = np.flatnonzero(allowed)
            cosines = _cosines(seen.small, wanted)[places]
        else:
            places = self._near(seen, wanted, max(NEAREST, 4 * count), allowed)
            cosines = _cosines(np.asarray(seen.rows["vector"][places], np.float32), wanted)
        if len(places) > count:
            best = np.argpartition(-cosines, count)[:count]
            places, cosines = places[best], cosines[best]
        order = np.argsort(-cosines, kind="stable")
        keys = seen.rows["key"][places[order]]
        return list(zip(keys.tolist(), cosines[order].tolist(), strict=True))

    def _near(
        self, seen: _Seen, wanted: Floats, count: int, allowed: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.intp]:
        """The places of at least `count` allowed records that are nearest by their sides."""
        sides = self._sides(wanted[np.newaxis], seen.mean)
        away = np.zeros(seen.bits.shape[1], np.uint16)
        for part, side in zip(seen.bits, sides[:, 0], strict=True):
            away += np.bitwise_count(part ^ side)
        if not allowed.all():
            away[~allowed] = 64 * self._width + 1
        reached = np.cumsum(np.bincount(away, minlength=64 * self._width + 2))
        limit = min(int(np.searchsorted(reached, count)), 64 * self._width)
        return np.flatnonzero(away <= limit)

    def _sides(self, vectors: npt.NDArray[Any], mean: Floats) -> npt.NDArray[np.uint64]:
        """A bit for each dimension of each vector, as (words of 64 bits, vectors)."""
        above = np.zeros((len(vectors), 64 * self._width), np.bool_)
        above[:, : vectors.shape[1]] = vectors > mean
        return np.ascontiguousarray(np.packbits(above, axis=1).view(np.uint64).T)


def _cosines(vectors: Floats, wanted: Floats) -> Floats:
    # A product of matrices would use all cores, and wait for them where they are busy: 25 ms
    # instead of 0.05 were seen.
    return np.asarray(np.vecdot(vectors, wanted), np.float32)
