"""Published articles among the documents: in while they are published, and else out."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, Database
from deskward.knowledge import filing
from deskward.knowledge.documents import ARTICLES, document_id, documents
from deskward.knowledge.facts import READER, Facts
from deskward.knowledge.filing import Filed
from deskward.knowledge.formats.chunks import Chunk, chunks_of
from deskward.knowledge.formats.markdown import blocks_of
from deskward.knowledge.models import FaqEntry, faq

FAQ = "faq"
"""The category of articles."""
FORM = f"article{READER}-2"
"""As they are brought in; what was brought in otherwise is so anew."""
AT_ONCE = 50
"""Articles that are brought in at once that were published before there were documents."""

_PATH = (documents.c.tenant_id == faq.c.tenant_id) & (documents.c.path == faq.c.id)
_MISSING = (
    sa.select(faq)
    .outerjoin(documents, _PATH & (documents.c.source_id == ARTICLES))
    .where(documents.c.id.is_(None) | (documents.c.format != FORM))
    .limit(AT_ONCE)
)


async def bring(db: Connection, tenant: str, entry: FaqEntry) -> None:
    """Have an article be found as a document, in the transaction that publishes it."""
    facts = Facts(
        title=entry.question,
        product="",
        versions="",
        category=FAQ,
        tags=tuple(dict.fromkeys(entry.keywords.split())),
        language=entry.language,
        audience="customer",
    )
    filed = Filed(
        path=entry.id,
        address=f"kb://articles/{entry.id}",
        stamp=str(entry.version),
        size=len(entry.answer.encode("utf-8", "replace")),
        form=FORM,
        facts=facts,
        chunks=chunks_of_article(entry.question, entry.answer),
        commit=str(entry.version),
    )
    await filing.put(db, tenant, ARTICLES, [filed])


def chunks_of_article(question: str, answer: str) -> list[Chunk]:
    """The passages that an article has as a document."""
    return chunks_of(blocks_of(answer), title=question) or [Chunk((), answer)]


async def take(db: Connection, tenant: str, article_id: str) -> None:
    """Have an article be found no more, in the transaction that takes it back."""
    await filing.remove(db, tenant, [document_id(ARTICLES, article_id)])


class Earlier:
    """Brings in what was published before there were documents, or as they were read before."""

    def __init__(self, database: Database) -> None:
        """Make one."""
        self._database = database
        self._done = False

    async def look(self) -> None:
        """Bring some in, until there are none."""
        if self._done:
            return
        rows: Any = await self._database.reader.all(_MISSING)
        self._done = not rows
        if not rows:
            return
        async with self._database.transaction() as transaction:
            for row in await transaction.all(_MISSING):
                texts = (row.id, row.question, row.answer, row.keywords)
                entry = FaqEntry(*texts, row.language, row.version)
                await bring(transaction, row.tenant_id, entry)
