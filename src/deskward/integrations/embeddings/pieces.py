"""SentencePiece models of known pieces (sentencepiece_model.proto)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deskward.integrations.embeddings.protobuf import content, single, whole

NORMAL, UNKNOWN, CONTROL = 1, 2, 3
UNIGRAM = 1


def unigram_model(
    pieces: Iterable[tuple[bytes, float]], control: Sequence[int], unknown: int
) -> bytes:
    """A model that cuts texts into their most probable pieces.

    Args:
        pieces: Each with the logarithm of its probability.
        control: The numbers of those that no text has.
        unknown: The number of what stands for all others.
    """
    kinds = dict.fromkeys(control, CONTROL) | {unknown: UNKNOWN}
    endings = {kind: whole(3, kind) for kind in (NORMAL, UNKNOWN, CONTROL)}
    written = [
        content(1, content(1, piece) + single(2, score) + endings[kinds.get(number, NORMAL)])
        for number, (piece, score) in enumerate(pieces)
    ]
    first, *_, last = control
    training = whole(3, UNIGRAM) + whole(40, unknown) + whole(41, first) + whole(42, last)
    # Texts are normalised before; a space is put before the first word, and several become one.
    normal = content(1, "identity") + whole(3, 1) + whole(4, 1) + whole(5, 1)
    return b"".join([*written, content(2, training), content(3, normal)])
