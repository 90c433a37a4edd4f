"""SentencePiece models of known pieces (sentencepiece_model.proto)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deskward.integrations.embeddings.graph import Array
from deskward.integrations.embeddings.protobuf import content, whole

NORMAL, UNKNOWN, CONTROL = 1, 2, 3
UNIGRAM = 1
LONGEST = 118
"""Bytes of a piece: with all that is written beside it, its length fits into one byte."""

_PIECE, _TEXT, _SCORE, _KIND = b"\x0a", b"\x0a", b"\x15", b"\x18"
"""What begins each field of a piece: its number and how it is written."""


def unigram_model(
    texts: bytes, ends: Array, scores: Array, control: Sequence[int], unknown: int
) -> bytes:
    """A model that cuts texts into their most probable pieces.

    There are a quarter of a million, so all are written together: one by one they take a second.

    Args:
        texts: The pieces, one after the other.
        ends: Where each ends in `texts`, after a 0.
        scores: The logarithm of each one's probability, as 32-bit floats.
        control: The numbers of those that no text has.
        unknown: The number of what stands for all others.

    Raises:
        ValueError: A piece is too long to be one.
    """
    ends = ends.astype(np.int64)
    sizes = np.diff(ends)
    if sizes.max(initial=0) > LONGEST:
        raise ValueError(f"a piece of a text has more than {LONGEST} bytes")
    before, after = _columns(len(sizes), 4), _columns(len(sizes), 7)
    before[:, 0], before[:, 2] = _PIECE[0], _TEXT[0]
    before[:, 1], before[:, 3] = sizes + 9, sizes
    after[:, 0], after[:, 5], after[:, 6] = _SCORE[0], _KIND[0], NORMAL
    after[:, 1:5] = scores.astype("<f4").view(np.uint8).reshape(-1, 4)
    after[list(control), 6], after[unknown, 6] = CONTROL, UNKNOWN
    # Where each piece begins in what is written, and where each byte of its text goes.
    starts = ends[:-1] + 11 * np.arange(len(sizes))
    written = np.empty(int(ends[-1]) + 11 * len(sizes), np.uint8)
    written[starts[:, None] + np.arange(4)] = before
    places = np.repeat(starts + 4 - ends[:-1], sizes) + np.arange(ends[-1])
    written[places] = np.frombuffer(texts, np.uint8, int(ends[-1]))
    written[(starts + 4 + sizes)[:, None] + np.arange(7)] = after
    first, *_, last = control
    training = whole(3, UNIGRAM) + whole(40, unknown) + whole(41, first) + whole(42, last)
    # Texts are normalised before; a space is put before the first word, and several become one.
    normal = content(1, "identity") + whole(3, 1) + whole(4, 1) + whole(5, 1)
    return written.tobytes() + content(2, training) + content(3, normal)


def _columns(rows: int, count: int) -> Array:
    found: Array = np.empty((rows, count), np.uint8)
    return found
