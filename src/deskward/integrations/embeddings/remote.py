"""Vectors from a service that speaks OpenAI's embeddings API (`POST …/embeddings`)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx2
import numpy as np

from deskward.integrations.embeddings.encoder import unit
from deskward.integrations.embeddings.graph import Array
from deskward.text.vectors import EmbeddingFailed

AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
TRIES = 3
LONGEST_WAIT = 5.0
"""Seconds that are waited at most before it is asked again, whatever it wishes."""
TOGETHER = 64
"""So many texts go into one request."""
LONGEST = 16_000
"""Later characters of a text are not sent."""
MOST = 32 * 1024 * 1024
"""Bytes of an answer that are read."""


class Remote:
    """Vectors of one model of a service."""

    local = False

    def __init__(self, url: str, model: str, *, headers: Mapping[str, str], timeout: float) -> None:
        """Take a model; the service is not asked yet.

        Args:
            url: The address that requests are posted to.
            model: The model, as the service names it.
            headers: Sent along, a key among them.
            timeout: Seconds that one request may take.
        """
        self.name = f"{model}@{urlsplit(url).netloc}"
        self._url, self._model = url, model
        self._headers, self._timeout = dict(headers), timeout
        self._lock = threading.Lock()

    @cached_property
    def dimensions(self) -> int:
        """How many numbers a vector has: the service is asked for one."""
        return len(self._asked(["dimensions"])[0])

    def embed(self, texts: Sequence[str], *, query: bool = False) -> Array:
        """A vector for each text; see `Embedder`."""
        found: list[list[float]] = []
        for start in range(0, len(texts), TOGETHER):
            # The API refuses a text without characters.
            part = [text[:LONGEST] or " " for text in texts[start : start + TOGETHER]]
            found += self._asked(part)
        if not found:
            return np.zeros((0, self.dimensions), np.float32)
        vectors = np.array(found, dtype=np.float32)
        if vectors.shape[1] != self.dimensions:
            raise EmbeddingFailed(
                f"{self.name} answered with {vectors.shape[1]} numbers for a text, "
                f"and with {self.dimensions} before: another model answers there now"
            )
        return unit(vectors)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._client.close()

    @cached_property
    def _client(self) -> httpx2.Client:
        return httpx2.Client(timeout=self._timeout, trust_env=False, headers=self._headers)

    def _asked(self, texts: Sequence[str]) -> list[list[float]]:
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        with self._lock:
            client = self._client
        for tried in range(1, TRIES + 1):
            why, wait = "", 0.2 * 2**tried
            try:
                with client.stream("POST", self._url, json=body) as response:
                    told = _read(response)
                    if response.status_code == 200:
                        return _vectors(told, len(texts))
                    why = f"it answered {response.status_code}{_said(told)}"
                    again = response.status_code in AGAIN
                    wait = _wished(response, wait)
            except httpx2.HTTPError as error:
                why, again = f"{type(error).__name__}: {error}", True
            except ValueError as error:
                raise EmbeddingFailed(f"{self.name} is not understood: {error}") from error
            if not again or tried == TRIES:
                break
            time.sleep(wait)
        raise EmbeddingFailed(f"{self.name} gives no vectors: {why}")


def _read(response: httpx2.Response) -> bytes:
    """The answer.

    Raises:
        ValueError: It is too long.
    """
    data = bytearray()
    for piece in response.iter_bytes():
        data += piece
        if len(data) > MOST:
            raise ValueError(f"its answer is longer than {MOST} bytes")
    return bytes(data)


def _vectors(told: bytes, count: int) -> list[list[float]]:
    """The vectors in an answer, in the order of the texts.

    Raises:
        ValueError: It has not one vector of numbers for each text, all of one length.
    """
    answer = json.loads(told)
    entries = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(entries, list) or len(entries) != count:
        raise ValueError(f"it has not one vector for each of {count} texts")
    found: dict[int, list[float]] = {}
    for place, entry in enumerate(entries):
        vector = entry.get("embedding") if isinstance(entry, dict) else None
        if not isinstance(vector, list) or not vector:
            raise ValueError("an entry has no list of numbers")
        index = entry.get("index", place)
        if not isinstance(index, int):
            raise ValueError("an entry's index is no number")
        found[index] = [_number(value) for value in vector]
    if set(found) != set(range(count)) or len({len(vector) for vector in found.values()}) > 1:
        raise ValueError("its vectors are not one for each text, all of one length")
    return [found[index] for index in range(count)]


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
        raise ValueError("a vector has something else than numbers")
    return float(value)


def _said(told: bytes) -> str:
    """What an answer says of an error, shortly."""
    try:
        error = json.loads(told).get("error")
    except (ValueError, AttributeError):
        return ""
    message = error.get("message") if isinstance(error, dict) else error
    return f": {message[:200]}" if isinstance(message, str) and message else ""


def _wished(response: httpx2.Response, usual: float) -> float:
    after = response.headers.get("retry-after", "")
    wished = float(after) if after.isascii() and after.isdigit() and len(after) < 6 else usual
    return min(wished, LONGEST_WAIT)
