"""What was asked of the knowledge base and what it found: for what it lacks, and what nobody needs.

A row is written by the commit that records the call. It is kept for as long as a document may go
unused (`KNOWLEDGE_UNUSED_DAYS`), and goes with the customer who asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from deskward.core.database import Database, clock, metadata, now
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL, LABEL, TEXT
from deskward.gate.context import Context, new_id
from deskward.knowledge.passages import Audience
from deskward.security.masking import mask
from deskward.security.vault import Vault

LOOKS = timedelta(hours=1)
"""How often rows are forgotten that are too old."""

searches = sa.Table(
    "knowledge_searches",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("asker", sa.String(80), nullable=False, info=LABEL),
    sa.Column("question", sa.Text, nullable=False, info=TEXT),
    sa.Column("audience", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("product", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("version", sa.String(60), nullable=False, info=IMPERSONAL),
    sa.Column("passages", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("documents", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("against", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Index("ix_knowledge_searches_at", "tenant_id", "at"),
)
"""`audience` is whose texts were looked through: `staff` is both. `passages` are those that were
found, the best first, and `documents` whose they are; empty where nothing answered. `against` are
pairs of these that contradicted each other. Secrets in the question are masked."""


def noted(
    ctx: Context,
    question: str,
    found: Sequence[tuple[str, str]],
    audiences: Sequence[Audience],
    *,
    product: str = "",
    version: str = "",
    against: Sequence[tuple[str, str]] = (),
) -> None:
    """Note what somebody asked, with the record of their call.

    Args:
        found: The passages that answer, the best first, each with its document.
        audiences: Whose texts were looked through.
        against: Pairs of documents that contradict each other.
    """
    vault = Vault()
    ctx.keep(
        searches,
        tenant_id=ctx.tenant,
        id=new_id(),
        asker=ctx.principal.label,
        question=mask(question, vault),
        audience="staff" if "staff" in audiences else "customer",
        product=product,
        version=version,
        passages=[passage for passage, _ in found],
        documents=list(dict.fromkeys(document for _, document in found)),
        against=sorted({tuple(sorted(pair)) for pair in against}),
        at=now(),
    )


class Forgets:
    """Forgets what was asked too long ago."""

    def __init__(self, database: Database, kept: timedelta) -> None:
        """Make one.

        Args:
            kept: How long a row is kept.
        """
        self._database = database
        self._kept = kept
        self._next: datetime | None = None

    async def look(self) -> None:
        """Forget what is too old, now and then."""
        at = clock()
        if self._next is not None and at < self._next:
            return
        self._next = at + LOOKS
        old = searches.c.at < now() - self._kept
        if await self._database.reader.first(sa.select(searches.c.id).where(old).limit(1)) is None:
            return
        async with self._database.transaction() as transaction:
            await transaction.execute(searches.delete().where(old))
