"""The tools that read articles and documents as a whole: each caller what they may, and no more."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deskward.core.paging import Limit, Offset
from deskward.gate.context import Context
from deskward.gate.resources import Resource
from deskward.gate.tool import Risk
from deskward.knowledge import readable
from deskward.knowledge.models import ArticleId
from deskward.knowledge.readable import KnowledgeKind, KnowledgeList, KnowledgeText
from deskward.knowledge.searching import readable_by
from deskward.knowledge.source_models import DocumentId
from deskward.knowledge.tools import tools

ABOUT = ("title", "language", "versions", "revision", "changed_at", "complete")


@tools.tool(scope="knowledge:read", risk=Risk.READ, rest="GET /knowledge", keeps_secrets=False)
async def list_knowledge(
    ctx: Context,
    kind: KnowledgeKind | None = None,
    prefix: Annotated[str, Field(max_length=64, examples=["faq-"])] = "",
    after: Annotated[str, Field(max_length=300, examples=["kb://articles/faq-fees"])] = "",
    limit: Limit = 20,
) -> KnowledgeList:
    """List the published articles and the documents that the caller may read, by their addresses.

    Args:
        kind: `article`: only what is written here. `document`: only what is read from elsewhere.
        prefix: Only those whose id begins so.
        after: Only those behind this address: that of the last one of the page before.
        limit: How many to list at the most.
    """
    asked = readable.Asked(readable_by(ctx.principal), kind, prefix, after, limit)
    return await readable.listed(ctx.db, ctx.tenant, asked)


@tools.tool(
    scope="knowledge:read",
    risk=Risk.READ,
    rest="GET /knowledge/articles/{article_id}",
    keeps_secrets=False,
    resource=Resource(
        "kb://articles/{article_id}",
        name="article",
        listed_by="list_knowledge",
        among={"kind": "article"},
        about=ABOUT,
    ),
)
async def read_article(ctx: Context, article_id: ArticleId) -> KnowledgeText:
    """Read a published article as a whole, as customers see it.

    Args:
        article_id: The article.
    """
    return await readable.article(ctx.db, ctx.tenant, article_id, readable_by(ctx.principal))


@tools.tool(
    scope="knowledge:read",
    risk=Risk.READ,
    rest="GET /knowledge/documents/{document_id}/text",
    keeps_secrets=False,
    resource=Resource(
        "kb://documents/{document_id}",
        name="document",
        listed_by="list_knowledge",
        among={"kind": "document"},
        about=ABOUT,
    ),
)
async def read_document(ctx: Context, document_id: DocumentId, offset: Offset = 0) -> KnowledgeText:
    """Read a document as a whole, or the next part of a long one.

    Args:
        document_id: The document.
        offset: How many of its passages to pass over: those that you have read.
    """
    whose = readable_by(ctx.principal)
    return await readable.document(ctx.db, ctx.tenant, document_id, whose, offset)
