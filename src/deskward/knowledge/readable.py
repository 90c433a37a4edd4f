"""What a caller may read of articles and documents: listed by address, and read as a whole."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote, unquote

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import Connection
from deskward.core.errors import NotFound
from deskward.core.written import RecordId
from deskward.knowledge.documents import ARTICLES, documents, passages
from deskward.knowledge.filing import READY
from deskward.knowledge.models import faq
from deskward.knowledge.passages import Audience
from deskward.knowledge.source_models import Theirs

PASSAGES = 500
"""Passages of a document that are read at once."""

KnowledgeKind = Literal["article", "document"]


class KnowledgeEntry(BaseModel):
    """An article or a document in a list."""

    address: Theirs = Field(
        description="By which MCP clients read it.", examples=["kb://articles/faq-fees"]
    )
    id: Annotated[str, RecordId("document")]
    kind: KnowledgeKind
    title: Theirs
    product: Theirs
    versions: Theirs = Field(description="The product's versions that it holds for; empty: all.")
    category: Theirs
    language: Theirs = Field(examples=["en"])
    audience: Audience
    size: int = Field(description="Bytes.")
    changed_at: datetime


class KnowledgeList(BaseModel):
    """One page of what the caller may read, in the order of the addresses, articles first."""

    total: int = Field(description="How many there are on all pages.")
    limit: int
    more: bool = Field(description="Whether there are some behind this page.")
    entries: list[KnowledgeEntry]


class KnowledgeText(BaseModel):
    """An article or a document as Markdown."""

    address: Theirs
    id: Annotated[str, RecordId("document")]
    kind: KnowledgeKind
    title: Theirs
    text: Theirs
    language: Theirs = Field(examples=["en"])
    versions: Theirs = Field(description="The product's versions that it holds for; empty: all.")
    revision: Theirs | None = Field(description="The article's version, or the document's commit.")
    audience: Audience
    changed_at: datetime
    passages: int = Field(description="How many passages there are in all.")
    complete: bool = Field(description="Whether nothing comes behind this text.")


class Asked(NamedTuple):
    """Which articles and documents somebody wants listed.

    Attributes:
        audiences: Those that the reader belongs to.
        kind: Only these; None for both.
        prefix: What their ids begin with.
        after: The address behind which the page begins.
        limit: How many at the most.
    """

    audiences: tuple[Audience, ...]
    kind: KnowledgeKind | None
    prefix: str
    after: str
    limit: int


_KINDS: tuple[tuple[KnowledgeKind, sa.ColumnElement[bool], sa.Column[Any]], ...] = (
    ("article", documents.c.source_id == ARTICLES, documents.c.path),
    ("document", documents.c.source_id != ARTICLES, documents.c.id),
)
"""The kinds in the order of their addresses: which they are, and the column of their ids."""


def address_of(kind: KnowledgeKind, key: str) -> str:
    """The address of an article or a document."""
    return f"kb://{kind}s/{quote(key)}"


async def listed(db: Connection, tenant: str, asked: Asked) -> KnowledgeList:
    """One page of what a reader may read."""
    total = 0
    entries: list[KnowledgeEntry] = []
    for kind, is_one, key in _KINDS:
        if asked.kind not in (None, kind):
            continue
        where = [is_one, *_readable(tenant, asked.audiences)]
        if asked.prefix:
            where.append(sa.func.substr(key, 1, len(asked.prefix)) == asked.prefix)
        counted = await db.first(sa.select(sa.func.count()).select_from(documents).where(*where))
        total += counted[0] if counted else 0
        start = address_of(kind, "")
        if asked.after.startswith(start):
            last = unquote(asked.after.removeprefix(start)).partition("\0")[0]
            where.append(key > last)
        elif asked.after > start:
            continue
        left = asked.limit + 1 - len(entries)
        page = sa.select(documents).where(*where).order_by(key).limit(left)
        entries += [_entry(kind, row) for row in await db.all(page)]
    return KnowledgeList(
        total=total,
        limit=asked.limit,
        more=len(entries) > asked.limit,
        entries=entries[: asked.limit],
    )


async def article(
    db: Connection, tenant: str, article_id: str, audiences: tuple[Audience, ...]
) -> KnowledgeText:
    """A published article as its readers see it.

    Raises:
        NotFound: The reader may see none of that id.
    """
    here = (documents.c.source_id == ARTICLES) & (documents.c.path == article_id)
    row = await db.first(sa.select(documents).where(here, *_readable(tenant, audiences)))
    mine = (faq.c.tenant_id == tenant) & (faq.c.id == article_id)
    told = await db.first(sa.select(faq.c.answer).where(mine))
    if row is None or told is None:
        raise NotFound("article", article_id)
    return _text("article", row, told.answer, complete=True)


async def document(
    db: Connection,
    tenant: str,
    document_id: str,
    audiences: tuple[Audience, ...],
    offset: int,
) -> KnowledgeText:
    """A document's passages from one on, with their headings.

    Raises:
        NotFound: The reader may see none of that id.
    """
    here = (documents.c.id == document_id) & (documents.c.source_id != ARTICLES)
    row = await db.first(sa.select(documents).where(here, *_readable(tenant, audiences)))
    if row is None:
        raise NotFound("document", document_id)
    parts = await db.all(
        sa.select(passages.c.headings, passages.c.text)
        .where(passages.c.tenant_id == tenant, passages.c.document_id == document_id)
        .order_by(passages.c.place)
        .limit(PASSAGES)
        .offset(offset)
    )
    whole = offset + len(parts) >= row.passages
    return _text("document", row, _markdown(parts), complete=whole)


def _readable(tenant: str, audiences: tuple[Audience, ...]) -> list[sa.ColumnElement[bool]]:
    return [
        documents.c.tenant_id == tenant,
        documents.c.state == READY,
        documents.c.audience.in_(audiences),
    ]


def _markdown(parts: Any) -> str:
    """Passages under their headings, each of which is told where it begins."""
    told: list[str] = []
    above: list[str] = []
    for part in parts:
        same = 0
        while same < min(len(above), len(part.headings)) and above[same] == part.headings[same]:
            same += 1
        told += [
            f"{'#' * min(6, depth)} {heading}"
            for depth, heading in enumerate(part.headings[same:], same + 1)
        ]
        told.append(part.text)
        above = part.headings
    return "\n\n".join(told)


def _key(kind: KnowledgeKind, row: Any) -> str:
    return str(row.path if kind == "article" else row.id)


def _entry(kind: KnowledgeKind, row: Any) -> KnowledgeEntry:
    key = _key(kind, row)
    names = ("title", "product", "versions", "category", "language", "audience")
    return KnowledgeEntry(
        address=address_of(kind, key),
        id=key,
        kind=kind,
        **{name: getattr(row, name) for name in (*names, "size", "changed_at")},
    )


def _text(kind: KnowledgeKind, row: Any, text: str, *, complete: bool) -> KnowledgeText:
    key = _key(kind, row)
    names = ("title", "language", "versions", "audience", "changed_at", "passages")
    return KnowledgeText(
        address=address_of(kind, key),
        id=key,
        kind=kind,
        text=text,
        revision=row.commit_id,
        complete=complete,
        **{name: getattr(row, name) for name in names},
    )
