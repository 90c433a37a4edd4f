"""Passages: the parts of documents that are found and cited, and the port of what finds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Audience = Literal["customer", "staff"]
"""Who may read a document: `customer` is everybody, `staff` is staff alone."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document, as an index keeps it."""

    id: str
    """Stays the same while its document, its place in it and its words do."""
    document_id: str
    title: str
    headings: tuple[str, ...]
    """The path of headings that it stands under, the outermost first."""
    text: str
    language: str
    """As BCP 47 writes it."""
    audience: Audience
    product: str = ""
    versions: str = ""
    """The product's versions that it holds for, as PEP 440 writes specifiers; empty: for all."""
    category: str = ""
    tags: tuple[str, ...] = ()
    vector: Sequence[float] | None = None
    """Its meaning, of length 1; None where the desk has no model for it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for, and among what."""

    text: str
    audiences: tuple[Audience, ...]
    """Those that the reader belongs to. There is no default: forgetting it would show too much."""
    vector: Sequence[float] | None = None
    languages: tuple[str, ...] = ()
    product: str = ""
    version: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()
    limit: int = 10


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found, and why."""

    passage_id: str
    document_id: str
    score: float
    parts: Mapping[str, float] = field(default_factory=dict)
    """What the score is made of.

    `words` (BM25, as the engine counts it) and `meaning` (cosine), with `words_rank` and
    `meaning_rank`; and `share`: from 0 to 1, how much of what was asked has words in the passage, a
    rare word counting for more. No share where words were not looked for.
    """


class Index(Protocol):
    """Where passages are found: embedded, in PostgreSQL, or in OpenSearch.

    It is a cache of the database: it may be empty at any time, and is then filled again by whoever
    keeps it (`count` says so cheaply, `ids` exactly).
    """

    async def put(self, tenant: str, passages: Sequence[Passage]) -> None:
        """Have passages found, each instead of the one with its id."""

    async def remove(self, tenant: str, passage_ids: Sequence[str]) -> None:
        """Have passages found no longer; those that are not there are none."""

    async def search(self, tenant: str, wanted: Wanted) -> list[Hit]:
        """Find passages, the best first; none where nothing fits."""

    async def ids(self, tenant: str) -> frozenset[str]:
        """Return which passages there are, so that a sync can compare them with the database."""

    async def count(self, tenant: str) -> int:
        """Return how many passages there are."""

    async def aclose(self) -> None:
        """Close what is open."""
