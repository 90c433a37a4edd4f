"""What is the same for every engine: ranks are merged, and versions compared, outside of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from deskward.knowledge.passages import Hit

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
    limit: int,
) -> list[Hit]:
    """Merge by rank what was found by words and by meaning.

    Args:
        words: Passage, document and BM25 score of each, the best first.
        meaning: The same with the cosine.
        limit: How many to give.
    """
    parts: dict[str, dict[str, float]] = {}
    documents: dict[str, str] = {}
    for name, found in (("words", words), ("meaning", meaning)):
        for rank, (passage, document, score) in enumerate(found, 1):
            documents[passage] = document
            parts.setdefault(passage, {}).update({name: score, f"{name}_rank": rank})
    scored = [(_fused(one), passage) for passage, one in parts.items()]
    scored.sort(key=lambda pair: (-pair[0], -parts[pair[1]].get("words", 0.0), pair[1]))
    return [
        Hit(passage, documents[passage], score, parts[passage]) for score, passage in scored[:limit]
    ]


def _fused(parts: Mapping[str, float]) -> float:
    ranks = [parts[name] for name in ("words_rank", "meaning_rank") if name in parts]
    return sum(1.0 / (DAMPING + rank) for rank in ranks)


def rarity(having: int, whole: int) -> float:
    """How much a word tells that so many of all passages have (BM25's inverse frequency)."""
    return math.log(1.0 + (whole - having + 0.5) / (having + 0.5)) if whole >= having else 0.0


def holding(specifiers: Iterable[str], version: str) -> list[str]:
    """Which of some specifiers hold for a version; what is neither is compared as it is written.

    A version counts as released even where it is a trial one: who asks about it, has it.
    """
    return [one for one in specifiers if one in ("", EVERY) or _holds(one, version)]


def _holds(specifier: str, version: str) -> bool:
    if specifier.casefold().strip() == version.casefold().strip():
        return True
    try:
        wanted = Version(version)
        return SpecifierSet(specifier).contains(wanted, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
