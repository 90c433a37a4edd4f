"""Full-text search over the FAQ: SQLite FTS5 or PostgreSQL tsvector finds, one measure ranks."""

from __future__ import annotations

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.knowledge.models import FaqArticle, FaqEntry, FaqResults
from deskward.text.words import content_stems, words

CANDIDATES = 20
"""How many of the engine's best hits are ranked by relevance."""

_SQLITE = sa.text(
    "SELECT f.id, f.question, f.answer, f.keywords FROM faq_fts"
    " JOIN faq f ON f.number = faq_fts.rowid"
    " WHERE faq_fts MATCH :query AND f.tenant_id = :tenant"
    " ORDER BY bm25(faq_fts, 3.0, 3.0, 1.0), f.id LIMIT :limit"
)
_POSTGRES = sa.text(
    "SELECT id, question, answer, keywords FROM faq"
    " WHERE tenant_id = :tenant AND search @@ to_tsquery('english', :query)"
    " ORDER BY ts_rank(search, to_tsquery('english', :query)) DESC, id LIMIT :limit"
)


async def search(db: Connection, tenant: str, query: str, *, limit: int) -> FaqResults:
    """The articles that share words with the query, the most relevant first."""
    wanted = sorted(set(content_stems(query)))
    found = await candidates(db, tenant, query) if wanted else []
    ranked = sorted(
        (_article(entry, wanted) for entry in found), key=lambda a: (-a.relevance, a.id)
    )
    return FaqResults(query=query, articles=[a for a in ranked if a.relevance > 0][:limit])


async def candidates(db: Connection, tenant: str, query: str) -> list[FaqEntry]:
    """The articles that the database's engine finds for a query, as it ranks them."""
    terms = sorted(set(words(query)))
    if not terms:
        return []
    # Each word is quoted, or consists of letters and digits only, so no query syntax gets through.
    if db.dialect == "sqlite":
        statement, match = _SQLITE, " OR ".join(f'"{term}"' for term in terms)
    else:
        statement, match = _POSTGRES, " | ".join(terms)
    rows = await db.all(statement, tenant=tenant, query=match, limit=CANDIDATES)
    return [FaqEntry(row.id, row.question, row.answer, row.keywords) for row in rows]


def _article(entry: FaqEntry, wanted: list[str]) -> FaqArticle:
    named = set(content_stems(f"{entry.question} {entry.keywords}"))
    told = set(content_stems(entry.answer))
    hits = sum(1.0 if stem in named else 0.5 if stem in told else 0.0 for stem in wanted)
    return FaqArticle(
        id=entry.id,
        question=entry.question,
        answer=entry.answer,
        relevance=round(hits / len(wanted), 3),
    )
