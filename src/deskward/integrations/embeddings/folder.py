"""A model of sentences in a folder of yours: `model.onnx` and `tokenizer.json`.

As they lie in the repositories of sentence models, `onnx/model.onnx` too. `1_Pooling/config.json`,
`config_sentence_transformers.json` and `sentence_bert_config.json` are followed where they are.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from deskward.core.extras import extra
from deskward.integrations.embeddings.encoder import unit
from deskward.integrations.embeddings.graph import Array
from deskward.text.vectors import EmbeddingFailed

MODELS = ("model.onnx", "onnx/model.onnx")
KNOWN = frozenset({"input_ids", "attention_mask", "token_type_ids"})
LONGEST = 16_000
"""Later characters of a text do not count."""
ENDS = 1_000_000
"""Bytes at either end of the model by which it is told from others."""
TOKENS = 512
"""Later tokens do not count, where the folder does not say how many it reads."""


class Folder:
    """Vectors by the model of a folder. Its files are looked at at once, and read at first use."""

    local = True

    def __init__(self, folder: Path) -> None:
        """Look what is there.

        Raises:
            ValueError: A file is missing or is not what it should be; the message says which.
            MissingExtra: The reader of `tokenizer.json` is not installed.
        """
        with extra("folders", f"EMBEDDINGS=folder:{folder}"):
            import tokenizers  # noqa: F401 -- at first use it would be too late to say so
        if not folder.is_dir():
            raise ValueError(f"EMBEDDINGS names {folder}, which is no folder")
        found = [folder / name for name in MODELS if (folder / name).is_file()]
        if not found:
            raise ValueError(f"{folder} has no model.onnx, and no onnx/model.onnx either")
        if not (folder / "tokenizer.json").is_file():
            raise ValueError(f"{folder} has no tokenizer.json")
        self._folder, self._model = folder, found[0]
        self._pooling = _pooling(_config(folder / "1_Pooling" / "config.json"))
        prompts = _config(folder / "config_sentence_transformers.json").get("prompts") or {}
        self._query, self._passage = _prompts(prompts)
        longest = _config(folder / "sentence_bert_config.json").get("max_seq_length")
        self._longest = longest if isinstance(longest, int) and longest > 2 else TOKENS
        self._lock = threading.Lock()

    @cached_property
    def name(self) -> str:
        """The folder's name, with what tells this model from another of that name."""
        digest = hashlib.sha256(str(self._model.stat().st_size).encode())
        with self._model.open("rb") as file:
            # Training moves all weights, and a whole large file would take seconds.
            digest.update(file.read(ENDS))
            file.seek(max(0, self._model.stat().st_size - ENDS))
            digest.update(file.read(ENDS))
        digest.update((self._folder / "tokenizer.json").read_bytes())
        digest.update(json.dumps([self._pooling, self._query, self._passage]).encode())
        return f"{self._folder.resolve().name}-{digest.hexdigest()[:12]}"

    @cached_property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return len(self._vector("dimensions"))

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Array:
        """A vector for each text; see `Embedder`."""
        mark = self._query if query else self._passage
        found = [self._vector(mark + text[:LONGEST]) for text in texts]
        return unit(np.array(found, dtype=np.float32).reshape(-1, self.dimensions))

    def close(self) -> None:
        """There is nothing open."""

    def check(self) -> None:
        """Read the files and make a vector.

        Raises:
            EmbeddingFailed: They cannot be read, or do not fit together; the message says why.
        """
        self._vector("a first text")

    def _vector(self, text: str) -> Array:
        with self._lock:
            tokenizer, session, given = self._loaded
        encoding = tokenizer.encode(text)
        whole = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        try:
            results = session.run(None, {name: np.array([whole[name]]) for name in given})
        except Exception as error:  # onnxruntime's errors have no common class but this
            raise EmbeddingFailed(f"{self._model} cannot be run: {error}") from error
        found = np.asarray(results[0], dtype=np.float32)
        if found.ndim == 3:
            found = found[:, 0] if self._pooling == "cls" else found.mean(axis=1)
        if found.ndim != 2 or len(found) != 1 or not np.isfinite(found).all():
            raise EmbeddingFailed(f"{self._model} gives no vector for a text")
        vector: Array = found[0]
        return vector

    @cached_property
    def _loaded(self) -> tuple[Any, Any, list[str]]:
        import onnxruntime
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
            tokenizer.no_padding()
            tokenizer.enable_truncation(self._longest)
        except Exception as error:  # as tokenizers raises it
            raise EmbeddingFailed(
                f"{self._folder}/tokenizer.json cannot be read: {error}"
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            session = onnxruntime.InferenceSession(
                str(self._model), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no common class but this
            raise EmbeddingFailed(f"{self._model} cannot be read: {error}") from None
        given = [each.name for each in session.get_inputs()]
        if unknown := set(given) - KNOWN:
            raise EmbeddingFailed(
                f"{self._model} wants {', '.join(sorted(unknown))}, which a text does not have"
            )
        return tokenizer, session, given


def _config(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if not isinstance(read, dict):
        raise ValueError(f"{path} is no JSON object")
    return read


def _pooling(config: dict[str, Any]) -> str:
    """How tokens become one vector."""
    ways = [name for name, on in config.items() if name.startswith("pooling_mode_") and on is True]
    if ways in ([], ["pooling_mode_mean_tokens"]):
        return "mean"
    if ways == ["pooling_mode_cls_token"]:
        return "cls"
    raise ValueError(f"1_Pooling/config.json wants {', '.join(ways)}; known are mean and cls")


def _prompts(prompts: dict[str, Any]) -> tuple[str, str]:
    """What is put before a question and before a passage."""
    query = prompts.get("query") or ""
    passage = prompts.get("passage") or prompts.get("document") or ""
    if not isinstance(query, str) or not isinstance(passage, str):
        raise ValueError("config_sentence_transformers.json has prompts that are no texts")
    return query, passage
