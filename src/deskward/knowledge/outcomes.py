"""What came of answers: whether a document, or a passage of it, helped, and who says so.

An outcome is *confirmed* where a customer says so themselves, or a member of staff on a customer's
word, and *assumed* elsewhere, as where a program closes what nobody answered any more. Both are
counted apart, and only what is confirmed moves a document in search results.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from deskward.core.database import Connection, insert_or_ignore, metadata, now
from deskward.core.errors import NotFound
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL, LABEL, TEXT
from deskward.knowledge.documents import ARTICLES, documents, passages
from deskward.knowledge.filing import READY
from deskward.knowledge.passages import Audience, Hit
from deskward.knowledge.versions import holds
from deskward.knowledge.weighing import Interval, Weighed, Weighing

outcomes = sa.Table(
    "knowledge_outcomes",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("document_id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("passage_id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("voter", sa.String(80), primary_key=True, info=LABEL),
    sa.Column("confirmed", sa.Boolean, primary_key=True),
    sa.Column("success", sa.Boolean, nullable=False),
    sa.Column("rating", sa.Integer),
    sa.Column("comment", sa.Text, info=TEXT),
    sa.Column("product_version", sa.String(60), nullable=False, info=IMPERSONAL),
    sa.Column("said_at", UtcDateTime, nullable=False),
    sa.Column("day", sa.Integer, nullable=False),
)
"""The last word of each `voter` on a document, or on a passage of it (else empty): the last one
that is confirmed, and the last one that is not, which so cannot take its place. `said_at` is since
when the document said what it said then, `day` the outcome's day, as `date.toordinal` has it."""


_NEW = insert_or_ignore(outcomes, *(column.name for column in outcomes.columns))


class Solution(NamedTuple):
    """What an outcome is of.

    Attributes:
        document: Its document's row.
        passage_id: The passage; empty for the whole document.
    """

    document: Any
    passage_id: str


class Outcome(NamedTuple):
    """What somebody says came of a solution."""

    voter: str
    success: bool
    confirmed: bool
    rating: int | None
    comment: str | None
    product_version: str


class Accuracy(NamedTuple):
    """How often something helped.

    Attributes:
        successes: How often it did, however long ago.
        failures: How often it did not.
        share: The share of successes, each outcome counting what it counts today; None without any.
        interval: In which that share lies.
    """

    successes: int
    failures: int
    share: float | None
    interval: Interval


UNKNOWN = Accuracy(0, 0, None, Interval(0.0, 1.0))


async def solution_of(
    db: Connection, tenant: str, solution_id: str, audiences: Sequence[Audience]
) -> Solution:
    """The article, document or passage of an id.

    Raises:
        NotFound: The caller may read none of that id.
    """
    at = sa.select(passages.c.document_id).where(
        passages.c.tenant_id == tenant, passages.c.id == solution_id
    )
    passage = await db.first(at)
    article = (documents.c.source_id == ARTICLES) & (documents.c.path == solution_id)
    mine = documents.c.id == (passage.document_id if passage else solution_id)
    row = await db.first(
        sa.select(documents).where(
            documents.c.tenant_id == tenant,
            mine if passage else mine | article,
            documents.c.state == READY,
            documents.c.audience.in_(audiences),
        )
    )
    if row is None:
        raise NotFound("solution", solution_id)
    return Solution(row, solution_id if passage else "")


async def record(db: Connection, tenant: str, solution: Solution, outcome: Outcome) -> None:
    """Take down an outcome, instead of what its voter said of the same before."""
    key = {
        "tenant_id": tenant,
        "document_id": solution.document.id,
        "passage_id": solution.passage_id,
        "voter": outcome.voter,
        "confirmed": outcome.confirmed,
    }
    told = {
        **{name: value for name, value in outcome._asdict().items() if name not in key},
        "said_at": solution.document.changed_at,
        "day": now().date().toordinal(),
    }
    # Two of the same voter at once are two updates of one row, whichever comes first.
    await db.execute(_NEW, {**key, **told})
    same = [outcomes.c[name] == value for name, value in key.items()]
    await db.execute(sa.update(outcomes).where(*same).values(**told))


async def accuracies(
    db: Connection,
    tenant: str,
    weighing: Weighing,
    document_ids: Iterable[str],
    *,
    passage_id: str | None = None,
) -> dict[str, dict[bool, Accuracy]]:
    """How often documents helped: document → whether it was confirmed → how often.

    Args:
        document_ids: Of these; those of which nothing is known are left out.
        passage_id: Only what was said of this passage.
    """
    where = [outcomes.c.tenant_id == tenant, outcomes.c.document_id.in_(list(document_ids))]
    if passage_id is not None:
        where.append(outcomes.c.passage_id == passage_id)
    rows = await db.all(_COUNTED.where(*where))
    today = now().date()
    found: dict[tuple[str, bool], list[Any]] = defaultdict(list)
    for row in rows:
        found[row.document_id, row.confirmed].append(row)
    told: dict[str, dict[bool, Accuracy]] = defaultdict(dict)
    for (document_id, confirmed), some in found.items():
        told[document_id][confirmed] = _accuracy(some, weighing, today)
    return told


_COUNTED = (
    sa.select(
        *(outcomes.c[name] for name in ("document_id", "success", "confirmed", "day")),
        *(outcomes.c[name] for name in ("product_version", "said_at")),
        *(documents.c[name] for name in ("changed_at", "versions")),
        sa.func.count().label("many"),
    )
    .join(
        documents,
        (documents.c.tenant_id == outcomes.c.tenant_id)
        & (documents.c.id == outcomes.c.document_id),
    )
    .group_by(
        *(outcomes.c[name] for name in ("document_id", "success", "confirmed", "day")),
        *(outcomes.c[name] for name in ("product_version", "said_at")),
        *(documents.c[name] for name in ("changed_at", "versions")),
    )
)
"""Outcomes by what they count: at the most so many rows as there are days and versions."""


def _accuracy(rows: Sequence[Any], weighing: Weighing, today: date) -> Accuracy:
    share, interval = weighing.accuracy(
        Weighed(
            row.many,
            row.success,
            today.toordinal() - row.day,
            _of_this_version(row.said_at, row.changed_at, row.product_version, row.versions),
        )
        for row in rows
    )
    good = sum(row.many for row in rows if row.success)
    return Accuracy(good, sum(row.many for row in rows) - good, share, interval)


def _of_this_version(said_at: datetime, changed_at: datetime, version: str, versions: str) -> bool:
    holding = not version or not versions or holds(versions, version)
    return said_at == changed_at and holding


async def reranked(
    db: Connection, tenant: str, weighing: Weighing, hits: Sequence[Hit]
) -> list[Hit]:
    """Hits in the order that they have by their scores and by what customers confirmed."""
    ids = {hit.document_id for hit in hits}
    if not ids or not weighing.ranking:
        return list(hits)
    known = await accuracies(db, tenant, weighing, ids)
    moved = [_moved(hit, known.get(hit.document_id, {}).get(True), weighing) for hit in hits]
    return sorted(moved, key=lambda hit: -hit.score)


def _moved(hit: Hit, accuracy: Accuracy | None, weighing: Weighing) -> Hit:
    if accuracy is None or accuracy.share is None:
        return hit
    factor = weighing.factor(accuracy.interval)
    parts = {**hit.parts, "accuracy": accuracy.share, "outcomes": factor}
    return replace(hit, score=hit.score * factor, parts=parts)
