"""multilingual-e5-small with its weights in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from deskward.integrations.embeddings.encoder import GIVEN, encoder
from deskward.integrations.embeddings.graph import Array
from deskward.integrations.embeddings.packed import PackedFile, unpacked
from deskward.integrations.embeddings.pieces import unigram_model


class Loaded:
    """The model in memory: some 110 MB."""

    def __init__(self, file: PackedFile, mean: Path) -> None:
        """Load them.

        Args:
            mean: The file of the mean that all vectors lie near.
        """
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
        control = [file.begin, 1, file.end]
        self._cutter = SentencePieceProcessor()
        self._cutter.LoadFromSerializedProto(
            unigram_model(file.pieces(), file.ends, file.scores, control, file.unknown)
        )
        self._file = file
        self.mean: Array = np.load(mean, allow_pickle=False)
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
