"""Searching the knowledge base: the index finds, the database decides who may read what is found.

What the index gives are ids. The passages are read from the database, as they are at that moment,
and those that the reader may not see, or that are gone, are left out: an index may be behind.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.knowledge.documents import ARTICLES, documents, passages
from deskward.knowledge.feeding import Feeder
from deskward.knowledge.highlighting import Shown, shown
from deskward.knowledge.outcomes import reranked
from deskward.knowledge.passages import Audience, Hit, Index, Wanted
from deskward.knowledge.weighing import Weighing
from deskward.security.principals import Kind, Principal
from deskward.text.analysis import words_asked
from deskward.text.vectors import Embedder, EmbeddingFailed, embedded

if TYPE_CHECKING:
    from deskward.text.vectors import Vectors

ENOUGH_WORDS = 0.34
"""Share of what was asked, from which on a passage with its words is an answer."""
ENOUGH_TO_ANSWER = 0.6
"""The same for sentences that are told as an answer, and not only shown."""
NEAR, NEAR_TO_ANSWER = 2.5, 3.0
"""So many deviations beyond unrelated texts a passage's meaning is shown, or told as an answer."""
AS_RELEVANT = 0.75
"""Only from passages with this share of the best one's relevance an answer is taken."""
OF_ONE_DOCUMENT = 3
"""Passages of one document that are given at the most."""
LONGEST = 1_000
"""Characters of a question that are looked at."""

_SPARE = 3
"""How many times as many hits are looked at as are wanted: some may be left out."""
_FOUND = sa.select(
    passages.c.id,
    passages.c.document_id,
    passages.c.headings,
    passages.c.text,
    *(documents.c[name] for name in ("source_id", "path", "address", "commit_id", "title")),
    *(documents.c[name] for name in ("product", "versions", "category", "tags", "language")),
    *(documents.c[name] for name in ("audience", "changed_at")),
).join(
    documents,
    (documents.c.tenant_id == passages.c.tenant_id) & (documents.c.id == passages.c.document_id),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A passage that was found, as the database has it."""

    passage_id: str
    document_id: str
    article_id: str | None
    """Of an article of the desk's own, its id."""
    revision: str | None
    """The article's version, or the commit that the document is of."""
    title: str
    headings: tuple[str, ...]
    text: str
    address: str
    product: str
    versions: str
    category: str
    tags: tuple[str, ...]
    language: str
    audience: Audience
    changed_at: datetime
    hit: Hit
    shown: Shown
    relevance: float
    """From 0 to 1, how much it is about what was asked; see `relevance_of`."""
    near: float | None
    """From 0 to 1, how near its meaning is; see `near_of`. None where the desk has none."""
    others: float = 0.0
    """How near, as a cosine, the meanings of all other hits are in the mean."""

    @property
    def is_answer(self) -> bool:
        """Whether it was written as an answer, as articles are."""
        return self.article_id is not None


def readable_by(principal: Principal) -> tuple[Audience, ...]:
    """The audiences that a caller belongs to; a service speaks for customers."""
    return ("customer", "staff") if principal.kind is Kind.STAFF else ("customer",)


class Search:
    """What finds passages, on one index and with one model of meaning, or none."""

    def __init__(
        self,
        index: Index,
        feeder: Feeder,
        embedder: Embedder | None = None,
        weighing: Weighing | None = None,
    ) -> None:
        """Make one.

        Args:
            feeder: Brings to the index what was written a moment ago.
            embedder: Finds the meaning of questions.
            weighing: How what came of earlier answers moves what is found.
        """
        self._weighing = weighing or Weighing()
        self._index = index
        self._feeder = feeder
        self._embedder = embedder
        self._unrelated: float | None = None
        self._near = 0.0

    async def find(
        self, db: Connection, tenant: str, wanted: Wanted, enough: float = ENOUGH_WORDS
    ) -> list[Found]:
        """The passages that answer a question, the best first; none where none does.

        Args:
            wanted: Without a vector: it is made here.
            enough: The share of what was asked that a passage has to have, if not its meaning.
        """
        await self._feeder.catch_up(tenant)
        text = wanted.text[:LONGEST]
        vector = await self._vector(text)
        spare = replace(wanted, text=text, vector=vector, limit=_SPARE * wanted.limit + 10)
        hits = await self._index.search(tenant, spare)
        kept = [hit for hit in hits if self._is_enough(hit, enough)]
        kept = await reranked(db, tenant, self._weighing, kept)
        others = _others(hits)
        found = [replace(f, others=others) for f in await self._read(db, tenant, kept, spare)]
        seen: Counter[str] = Counter()
        some = []
        for one in found:
            seen[one.document_id] += 1
            if seen[one.document_id] <= OF_ONE_DOCUMENT:
                some.append(one)
        return some[: wanted.limit]

    async def likeness(self, texts: Sequence[str]) -> tuple[Vectors, float] | None:
        """How alike texts are in their meaning, each with each: cosines, as rows and columns.

        With it goes the cosine from which on two of them ask the same: halfway between texts that
        have nothing to do with each other, and equal ones. None without a model of meaning.
        """
        if self._embedder is None or not texts:
            return None
        try:
            if self._unrelated is None:
                self._near, self._unrelated = await _unrelated(self._embedder)
            vectors = await embedded(self._embedder, texts, query=True)
        except EmbeddingFailed as error:
            log.warning("Compared by words alone: %s", error)
            return None
        return vectors @ vectors.T, (1.0 + self._unrelated) / 2

    async def _vector(self, text: str) -> Sequence[float] | None:
        if self._embedder is None or not text.strip():
            return None
        try:
            if self._unrelated is None:
                self._near, self._unrelated = await _unrelated(self._embedder)
            found = await embedded(self._embedder, [text], query=True)
        except EmbeddingFailed as error:
            log.warning("Searched by words alone: %s", error)
            return None
        return cast(Sequence[float], found[0])

    def _is_enough(self, hit: Hit, enough: float) -> bool:
        """Whether a hit is an answer at all, whatever its rank."""
        if hit.parts.get("share", 0.0) >= enough:
            return True
        if self._unrelated is None:
            return False
        least = self._unrelated if enough >= ENOUGH_TO_ANSWER else self._near
        return hit.parts.get("meaning", -1.0) > least

    async def _read(
        self, db: Connection, tenant: str, hits: Sequence[Hit], wanted: Wanted
    ) -> list[Found]:
        if not hits:
            return []
        rows = await db.all(
            _FOUND.where(
                passages.c.tenant_id == tenant,
                passages.c.id.in_([hit.passage_id for hit in hits]),
                documents.c.audience.in_(wanted.audiences),
            )
        )
        known: dict[str, Any] = {row.id: row for row in rows}
        languages = tuple({row.language for row in rows})
        asked = words_asked(wanted.text, languages)
        return [
            _found(known[hit.passage_id], hit, asked, near_of(hit, self._unrelated))
            for hit in hits
            if hit.passage_id in known
        ]


def _others(hits: Sequence[Hit]) -> float:
    """The mean cosine of all hits but the nearest."""
    cosines = sorted(hit.parts["meaning"] for hit in hits if "meaning" in hit.parts)
    return sum(cosines[:-1]) / max(1, len(cosines) - 1)


def near_of(hit: Hit, unrelated: float | None) -> float | None:
    """How near a passage's meaning is: from 0, texts that have nothing to do with each other, to 1.

    Args:
        unrelated: The cosine of such texts; None without meaning.
    """
    if unrelated is None or "meaning" not in hit.parts:
        return None
    return min(1.0, max(0.0, (hit.parts["meaning"] - unrelated) / (1.0 - unrelated)))


def relevance_of(hit: Hit, near: float | None) -> float:
    """From 0 to 1, how much a passage is about what was asked.

    By words alone it is the share of them that the passage has. Where its meaning is less near than
    that, the truth is in between; where it is nearer, somebody asked in other words, or in another
    language.
    """
    share = hit.parts.get("share", 0.0)
    return share if near is None else max(near, (share + near) / 2)


def relevant(found: Sequence[Found]) -> list[Found]:
    """Those that are nearly as relevant as the best one, in their order."""
    least = AS_RELEVANT * max((one.relevance for one in found), default=0.0)
    return [one for one in found if one.relevance >= least]


def _found(row: Any, hit: Hit, asked: Sequence[tuple[str, ...]], near: float | None) -> Found:
    return Found(
        passage_id=row.id,
        document_id=row.document_id,
        article_id=row.path if row.source_id == ARTICLES else None,
        revision=row.commit_id,
        title=row.title,
        headings=tuple(row.headings),
        text=row.text,
        address=row.address,
        product=row.product,
        versions=row.versions,
        category=row.category,
        tags=tuple(row.tags),
        language=row.language,
        audience=row.audience,
        changed_at=row.changed_at,
        hit=hit,
        shown=shown(row.text, row.language, asked),
        relevance=round(relevance_of(hit, near), 4),
        near=near,
    )


_QUESTIONS = (
    "How do I boil an egg?",
    "Wann fährt der letzte Zug nach Bern?",
    "¿Quién pintó este cuadro?",
    "Which screws fit this shelf?",
    "Pourquoi le ciel est-il bleu ?",
    "犬は何歳まで生きますか",
)
_TEXTS = (
    "The committee met on Tuesday and put off its vote on the new bridge.",
    "Rosen werden im März geschnitten, bevor sie austreiben.",
    "El volcán lleva tres siglos dormido.",
    "Cells divide when the two copies of each chromosome have moved apart.",
    "La sonate est en trois mouvements, dont le dernier est un rondo.",
    "この布は水を通しません。",
    "Sales of bicycles rose by a tenth in the second quarter.",
    "The guitar's strings are tuned from the lowest to the highest.",
)


async def _unrelated(embedder: Embedder) -> tuple[float, float]:
    """The cosines that texts which have nothing to do with each other hardly or never reach.

    Models differ: of one of them, unrelated texts are at 0.1, of another at 0.8. So it is measured,
    as the mean of such pairs and some times their deviation.

    Returns:
        What is near enough to be shown (`NEAR`), and to be told as an answer (`NEAR_TO_ANSWER`).
    """
    import numpy as np

    questions = await embedded(embedder, _QUESTIONS, query=True)
    texts = await embedded(embedder, _TEXTS)
    cosines = np.asarray(questions) @ np.asarray(texts).T
    mean, deviation = float(cosines.mean()), float(cosines.std())
    return mean + NEAR * deviation, mean + NEAR_TO_ANSWER * deviation


async def vectors_of(embedder: Embedder, found: Sequence[Any]) -> Sequence[Sequence[float]]:
    """The meanings of passages, each with its title and headings.

    The heading right above a passage counts by itself as much as the whole: it is what people ask
    in other words, and the details below it draw the whole away from that.
    """
    import numpy as np

    whole = ["\n".join([one.title, *one.headings, one.text]) for one in found]
    above = [([one.title, *one.headings][-1] or one.text)[:LONGEST] for one in found]
    heads = list(dict.fromkeys(above))
    asked = dict(zip(heads, await embedded(embedder, heads, query=True), strict=True))
    told = await embedded(embedder, whole)
    both = np.stack([asked[head] for head in above]) + told if above else told
    lengths = np.linalg.norm(both, axis=1, keepdims=True)
    return cast(Sequence[Sequence[float]], both / np.maximum(lengths, 1e-12))
