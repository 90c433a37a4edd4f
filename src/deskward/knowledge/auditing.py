"""What of the knowledge base is to be looked at, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa

from deskward.core.database import Connection, now
from deskward.knowledge.asked import searches
from deskward.knowledge.documents import documents
from deskward.knowledge.filing import READY
from deskward.knowledge.gaps import answered_now, gaps_of
from deskward.knowledge.outcomes import Accuracy, accuracies, outcomes
from deskward.knowledge.searching import Search
from deskward.knowledge.weighing import Weighing

IssueKind = Literal["contradicted", "low_rated", "not_found", "stale", "never_used"]
"""In the order in which they are shown: what misleads people comes first."""
MOST = 100_000
"""Searches that are looked at, the newest."""
ASKED_AGAIN = 50
"""Gaps, the largest, of which it is looked whether something answers them by now."""
AT_ONCE = 500


class Issue(NamedTuple):
    """Something to be looked at.

    Attributes:
        key: The document's id; of questions that found nothing the question.
        since: Since when it is so.
        many: How many outcomes, answers or questions say so; 0 where it is the time.
        other: The id of the document that it contradicts.
        accuracy: Of one that is rated low.
    """

    kind: IssueKind
    key: str
    since: datetime
    many: int = 0
    other: str = ""
    accuracy: Accuracy | None = None


async def issues_of(
    db: Connection, tenant: str, weighing: Weighing, search: Search, kind: IssueKind | None
) -> list[Issue]:
    """All that is to be looked at, in the order of the kinds; of a kind what weighs most first.

    Args:
        kind: Only this.
    """
    find: dict[IssueKind, Callable[[], Awaitable[list[Issue]]]] = {
        "contradicted": partial(_contradicted, db, tenant),
        "low_rated": partial(_low_rated, db, tenant, weighing),
        "not_found": partial(_not_found, db, tenant, search),
        "stale": partial(_stale, db, tenant, weighing),
        "never_used": partial(_never_used, db, tenant, weighing),
    }
    kinds = [kind] if kind is not None else list(find)
    return [issue for one in kinds for issue in await find[one]()]


async def documents_of(db: Connection, tenant: str, ids: Iterable[str]) -> dict[str, Any]:
    """The rows of some documents, by their ids."""
    wanted = sorted(set(ids) - {""})
    found: dict[str, Any] = {}
    for at in range(0, len(wanted), AT_ONCE):
        some = documents.c.id.in_(wanted[at : at + AT_ONCE])
        rows = await db.all(sa.select(documents).where(documents.c.tenant_id == tenant, some))
        found |= {row.id: row for row in rows}
    return found


async def _contradicted(db: Connection, tenant: str) -> list[Issue]:
    """Pairs of documents of which answers showed that they disagree, unchanged since."""
    some = sa.cast(searches.c.against, sa.Text) != "[]"
    rows = await db.all(
        sa.select(searches.c.against, searches.c.at)
        .where(searches.c.tenant_id == tenant, some)
        .order_by(searches.c.at)
        .limit(MOST)
    )
    pairs: dict[tuple[str, str], list[datetime]] = {}
    for row in rows:
        for one, other in row.against:
            pairs.setdefault((one, other), []).append(row.at)
    known = await documents_of(db, tenant, (key for pair in pairs for key in pair))
    found = []
    for (one, other), moments in pairs.items():
        if one not in known or other not in known:
            continue
        changed = max(known[one].changed_at, known[other].changed_at)
        seen = [at for at in moments if at >= changed]
        if seen:
            found.append(Issue("contradicted", one, seen[0], len(seen), other))
    return sorted(found, key=lambda issue: (-issue.many, issue.key))


async def _low_rated(db: Connection, tenant: str, weighing: Weighing) -> list[Issue]:
    rated = sa.select(outcomes.c.document_id).where(
        outcomes.c.tenant_id == tenant, outcomes.c.confirmed
    )
    ids = sorted({row.document_id for row in await db.all(rated.distinct())})
    found = []
    for at in range(0, len(ids), AT_ONCE):
        known = await accuracies(db, tenant, weighing, ids[at : at + AT_ONCE])
        for key, by in known.items():
            accuracy = by.get(True)
            if accuracy is not None and accuracy.interval.high < weighing.low_accuracy:
                count = accuracy.successes + accuracy.failures
                found.append(Issue("low_rated", key, now(), count, accuracy=accuracy))
    rows = await documents_of(db, tenant, (issue.key for issue in found))
    dated = [one._replace(since=rows[one.key].changed_at) for one in found if one.key in rows]
    return sorted(dated, key=lambda issue: (issue.accuracy and issue.accuracy.share, issue.key))


async def _not_found(db: Connection, tenant: str, search: Search) -> list[Issue]:
    """Questions that found nothing, without those that by now are answered."""
    gaps = await gaps_of(db, tenant, search)
    return [
        Issue("not_found", gap.question, gap.first_at, gap.count)
        for place, gap in enumerate(gaps)
        if gap.first_at is not None
        and (place >= ASKED_AGAIN or not await answered_now(db, tenant, search, gap))
    ]


async def _stale(db: Connection, tenant: str, weighing: Weighing) -> list[Issue]:
    old = documents.c.changed_at < now() - weighing.stale
    rows = await db.all(_dated(tenant, documents.c.changed_at).where(old))
    return [Issue("stale", row.id, row.since) for row in rows]


async def _never_used(db: Connection, tenant: str, weighing: Weighing) -> list[Issue]:
    """Those that no search has found for as long as searches are kept."""
    old = documents.c.added_at < now() - weighing.unused
    rows = await db.all(_dated(tenant, documents.c.added_at).where(old))
    if not rows:
        return []
    asked = (
        sa.select(searches.c.documents)
        .where(searches.c.tenant_id == tenant, searches.c.at >= now() - weighing.unused)
        .order_by(searches.c.at.desc())
        .limit(MOST)
    )
    used = Counter(key for row in await db.all(asked) for key in row.documents)
    return [Issue("never_used", row.id, row.since) for row in rows if row.id not in used]


def _dated(tenant: str, column: sa.Column[Any]) -> sa.Select[Any]:
    return (
        sa.select(documents.c.id, column.label("since"))
        .where(documents.c.tenant_id == tenant, documents.c.state == READY)
        .order_by(column, documents.c.id)
    )
