"""The catalogue of tools: which of many are meant by what somebody says.

By vectors of sentences where there are any, and by words (BM25, Robertson and Zaragoza, 2009, over
name, description and parameters), put together by rank (reciprocal rank fusion, Cormack et al.,
2009). The order is the same for the same words, tools and vectors.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from deskward.gate.tool import Tool
from deskward.text.vectors import Embedder, EmbeddingFailed, embedded
from deskward.text.words import content_stems

log = logging.getLogger(__name__)

NAME_WEIGHT = 3
"""How often a word counts that stands in a tool's name."""
K1, B = 1.2, 0.75
"""BM25's usual constants."""
FUSED = 10
"""How little the first ranks count above the next; small, because what is sought is one tool."""
BESIDE = 0.2
"""How much a rank by words counts beside one by vectors."""
PATIENCE = 5.0
"""Seconds that one who asks waits for the vectors of tools that have none yet. The desk makes them
ahead; words alone tell until then."""
LONGEST = 2_000
"""Characters of what is said that are looked at."""
DESCRIBED = 600
"""Characters of a description that a vector is made of."""


class _Held(NamedTuple):
    """The words of a tool, and how many they are."""

    counts: Counter[str]
    length: int


class Catalogue:
    """Ranks tools by what is said."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        """Make one.

        Args:
            embedder: Makes vectors of sentences; None: tools are found by words alone.
        """
        self._embedder = embedder
        self._words: WeakKeyDictionary[Tool, _Held] = WeakKeyDictionary()
        self._vectors: WeakKeyDictionary[Tool, Any] = WeakKeyDictionary()
        self._preparing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def ranked(self, said: Sequence[str], tools: Sequence[Tool]) -> list[Tool]:
        """The tools, those first that are meant; those of which nothing tells in their order.

        Args:
            said: What was said, the newest first; what is older counts less.
            tools: Those that the caller may use. No others take part, in any figure.
        """
        score = dict.fromkeys(range(len(tools)), 0.0)
        held = [self._words_of(tool) for tool in tools]
        for age, text in enumerate(said):
            near = await self._by_vectors(text, tools)
            for ranks, weight in ((near, 1.0), (_by_words(text, held), BESIDE)):
                for rank, number in enumerate(ranks):
                    score[number] += weight / (FUSED + rank) / (1 + age)
        return [tools[number] for number in sorted(score, key=lambda n: (-score[n], n))]

    async def prepare(self, tools: Sequence[Tool]) -> None:
        """Make the vectors of tools that have none yet, as far as there can be any now."""
        async with self._preparing:
            new = [tool for tool in tools if tool not in self._vectors]
            if not new or self._embedder is None:
                return
            texts = [text for tool in new for text in _texts_of(tool)]
            try:
                made = await embedded(self._embedder, texts)
            except EmbeddingFailed as error:
                log.warning("tools are found by words alone: %s", error)
                return
            self._vectors.update(zip(new, made[0::2] + made[1::2], strict=True))

    async def _by_vectors(self, text: str, tools: Sequence[Tool]) -> list[int]:
        if self._embedder is None or not text.strip():
            return []
        if any(tool not in self._vectors for tool in tools):
            making = asyncio.create_task(self.prepare(tools))  # which goes on beside this call
            self._tasks.add(making)
            making.add_done_callback(self._tasks.discard)
            await asyncio.wait([making], timeout=PATIENCE)
            if any(tool not in self._vectors for tool in tools):
                return []
        try:
            [wanted] = await embedded(self._embedder, [text[:LONGEST]], query=True)
        except EmbeddingFailed as error:
            log.warning("tools are found by words alone: %s", error)
            return []
        import numpy as np

        near = np.stack([self._vectors[tool] for tool in tools]) @ wanted
        return [int(number) for number in np.argsort(-near, kind="stable")]

    def _words_of(self, tool: Tool) -> _Held:
        if (known := self._words.get(tool)) is not None:
            return known
        counts = Counter(content_stems(tool.description))
        for parameter in sorted(tool.parameters - tool.bound):
            counts.update(content_stems(parameter.replace("_", " ")))
        for word in content_stems(tool.name.replace("_", " ")):
            counts[word] += NAME_WEIGHT
        self._words[tool] = held = _Held(counts, counts.total())
        return held


def _by_words(text: str, held: Sequence[_Held]) -> list[int]:
    wanted = set(content_stems(text[:LONGEST]))
    usual = sum(length for _, length in held) / (len(held) or 1)
    found: dict[int, float] = {}
    for word in sorted(wanted):
        having = [number for number, (counts, _) in enumerate(held) if word in counts]
        rare = math.log(1 + (len(held) - len(having) + 0.5) / (len(having) + 0.5))
        for number in having:
            often, length = held[number].counts[word], held[number].length
            part = often * (K1 + 1) / (often + K1 * (1 - B + B * length / usual))
            found[number] = found.get(number, 0.0) + rare * part
    return sorted(found, key=lambda number: (-found[number], number))


def _texts_of(tool: Tool) -> tuple[str, str]:
    """What a tool's vectors are made of: its name, and what it does with what."""
    given = ", ".join(sorted(tool.parameters - tool.bound)).replace("_", " ")
    return tool.name.replace("_", " "), f"{tool.description[:DESCRIBED]} ({given})"
