"""Full-text search over the FAQ: SQLite FTS5 or PostgreSQL tsvector finds, one measure ranks."""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy as sa

from deskward.core.database import Connection
from deskward.knowledge.models import FaqArticle, FaqEntry, FaqResults
from deskward.text.words import content_stems, words

CANDIDATES = 20
"""How many of the engine's best hits are ranked by relevance."""

_SQLITE = sa.text(
    "SELECT f.id, f.question, f.answer, f.keywords, f.language, f.version FROM faq_fts"
    " JOIN faq f ON f.number = faq_fts.rowid"
    " WHERE faq_fts MATCH :query AND f.tenant_id = :tenant"
    " AND (:language = '' OR f.language = :language)"
    " ORDER BY bm25(faq_fts, 3.0, 3.0, 1.0), f.id LIMIT :limit"
)
_POSTGRES = sa.text(
    "SELECT id, question, answer, keywords, language, version FROM faq"
    " WHERE tenant_id = :tenant AND search @@ to_tsquery('english', :query)"
    " AND (CAST(:language AS VARCHAR) = '' OR language = :language)"
    " ORDER BY ts_rank(search, to_tsquery('english', :query)) DESC, id LIMIT :limit"
)


async def search(
    db: Connection, tenant: str, query: str, *, limit: int, language: str | None = None
) -> FaqResults:
    """The published articles that share words with the query, the most relevant first.

    Args:
        language: Only those in this language; in any where it is left out.
    """
    wanted = sorted(set(content_stems(query)))
    found = await candidates(db, tenant, query, language) if wanted else []
    ranked = sorted(
        (_article(entry, wanted) for entry in found), key=lambda a: (-a.relevance, a.id)
    )
    return FaqResults(query=query, articles=[a for a in ranked if a.relevance > 0][:limit])


async def candidates(
    db: Connection, tenant: str, query: str, language: str | None = None
) -> list[FaqEntry]:
    """The articles that the database's engine finds for a query, as it ranks them."""
    terms = sorted(set(words(query)))
    if not terms:
        return []
    # Each word is quoted, and consists of letters and digits only: no query syntax gets through.
    if db.dialect == "sqlite":
        statement, match = _SQLITE, " OR ".join(f'"{term}"' for term in terms)
    else:
        statement, match = _POSTGRES, " | ".join(f"'{term}'" for term in terms)
    where = {"tenant": tenant, "query": match, "language": language or ""}
    rows = await db.all(statement, **where, limit=CANDIDATES)
    return [
        FaqEntry(row.id, row.question, row.answer, row.keywords, row.language, row.version)
        for row in rows
    ]


@lru_cache(maxsize=2_000)
def _stems(text: str) -> frozenset[str]:
    """The stems of an article's text: every question is compared with the same ones."""
    return frozenset(content_stems(text))


def _article(entry: FaqEntry, wanted: list[str]) -> FaqArticle:
    named = _stems(f"{entry.question} {entry.keywords}")
    told = _stems(entry.answer)
    hits = sum(1.0 if stem in named else 0.5 if stem in told else 0.0 for stem in wanted)
    return FaqArticle(
        id=entry.id,
        version=entry.version,
        language=entry.language,
        question=entry.question,
        answer=entry.answer,
        relevance=round(hits / len(wanted), 3),
    )
