"""What is the same for every engine: ranks are merged, and versions compared, outside of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from deskward.knowledge.passages import Hit
from deskward.knowledge.versions import holds

DAMPING = 60
"""Of reciprocal rank fusion: Cormack, Clarke and Büttcher, 2009."""
EVERY = "*"
"""Stands in engines for a passage that holds for every version."""


def depth_of(limit: int) -> int:
    """How many hits of each kind are merged so that `limit` are left."""
    return max(50, 2 * limit)


def merged(
    words: Sequence[tuple[str, str, float]],
    meaning: Sequence[tuple[str, str, float]],
    shares: Mapping[str, float],
    limit: int,
) -> list[Hit]:
    """Merge by rank what was found by words and by meaning.

    Ranks by words count as the square of what the first of them has of what was asked: of a
    question in another language it has a name or a number, and that alone must not decide. Across
    languages that was better than the share itself, and both than equal weights
    (docs/decisions/0025-search-engines.md).

    Args:
        words: Passage, document and BM25 score of each, the best first.
        meaning: The same with the cosine.
        shares: Passage → which share of what was asked it has, for all of them; empty where
            nothing was asked in words.
        limit: How many to give.
    """
    parts: dict[str, dict[str, float]] = {}
    documents: dict[str, str] = {}
    for name, found in (("words", words), ("meaning", meaning)):
        for rank, (passage, document, score) in enumerate(found, 1):
            documents[passage] = document
            parts.setdefault(passage, {}).update({name: score, f"{name}_rank": rank})
    told = shares.get(words[0][0], 0.0) ** 2 if words else 0.0
    scored = [(_fused(one, told), passage) for passage, one in parts.items()]
    scored.sort(key=lambda pair: (-pair[0], -parts[pair[1]].get("words", 0.0), pair[1]))
    return [
        Hit(passage, documents[passage], score, parts[passage] | _share(shares, passage))
        for score, passage in scored[:limit]
    ]


def _fused(parts: Mapping[str, float], told: float) -> float:
    weights = {"words_rank": told, "meaning_rank": 1.0}
    return sum(
        weight / (DAMPING + parts[name]) for name, weight in weights.items() if name in parts
    )


def _share(shares: Mapping[str, float], passage: str) -> dict[str, float]:
    return {"share": round(shares[passage], 4)} if passage in shares else {}


def rarity(having: int, whole: int) -> float:
    """How much a word tells that so many of all passages have (BM25's inverse frequency)."""
    return math.log(1.0 + (whole - having + 0.5) / (having + 0.5)) if whole >= having else 0.0


def holding(specifiers: Iterable[str], version: str) -> list[str]:
    """Which of some specifiers hold for a version; what is neither is compared as it is written.

    A version counts as released even where it is a trial one: who asks about it, has it.
    """
    return [one for one in specifiers if one in ("", EVERY) or holds(one, version)]
