"""The tools that search documents: whoever calls finds what they may read, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated

from pydantic import Field

from deskward.core.aside import aside
from deskward.gate.context import Context
from deskward.gate.tool import Risk
from deskward.knowledge.across import best_across
from deskward.knowledge.answering import answer_of
from deskward.knowledge.asked import noted
from deskward.knowledge.models import Language
from deskward.knowledge.passages import Audience, Wanted
from deskward.knowledge.published import FAQ
from deskward.knowledge.search_models import (
    Category,
    DocumentationFindings,
    FaqResults,
    Findings,
    KnowledgeAnswer,
    Most,
    Product,
    ProductVersion,
    SearchText,
    Tags,
    answer_of_sources,
    articles_of,
    message_of,
    passage_of,
)
from deskward.knowledge.searching import (
    ENOUGH_TO_ANSWER,
    OF_ONE_DOCUMENT,
    Found,
    Search,
    readable_by,
    relevant,
)
from deskward.knowledge.tools import tools
from deskward.knowledge.wording import worded


@tools.tool(scope="knowledge:read", risk=Risk.READ, rest="GET /faq/search", keeps_secrets=False)
async def get_faq(
    ctx: Context,
    q: Annotated[
        str, Field(min_length=1, max_length=500, examples=["How long does a transfer take?"])
    ],
    limit: Annotated[int, Field(ge=1, le=20)] = 3,
    language: Language | None = None,
) -> FaqResults:
    """Search the published articles for an answer; cite the one used by its question.

    Args:
        q: The question in plain words.
        limit: How many articles to give at the most.
        language: Only articles in this language; left out, in any.
    """
    wanted = Wanted(
        q,
        readable_by(ctx.principal),
        category=FAQ,
        languages=(language,) if language else (),
        limit=limit * OF_ONE_DOCUMENT,
    )
    found = await _found(ctx, wanted)
    return FaqResults(query=q, articles=articles_of(found)[:limit])


@tools.tool(
    scope="knowledge:read", risk=Risk.READ, rest="GET /documentation/search", keeps_secrets=False
)
async def search_product_documentation(
    ctx: Context,
    product_name: Product,
    version: ProductVersion,
    search_query: SearchText,
    category: Category | None = None,
) -> DocumentationFindings:
    """Search a product's documentation, as it is for one version. Cite what you use by its title.

    Args:
        product_name: The product.
        version: Its version; empty for any.
        search_query: The question.
        category: Only documents of this category.
    """
    wanted = Wanted(
        search_query,
        readable_by(ctx.principal),
        product=product_name,
        version=version,
        category=category or "",
        limit=5,
    )
    found = await _found(ctx, wanted)
    return DocumentationFindings(
        query=search_query,
        found=bool(found),
        message=message_of(len(found)),
        results=[passage_of(one) for one in found],
        product_name=product_name,
        version=version,
        category=category,
    )


@tools.tool(
    scope="knowledge:read", risk=Risk.READ, rest="GET /knowledge/search", keeps_secrets=False
)
async def search_knowledge_base(
    ctx: Context,
    query: SearchText,
    product: Product = "",
    version: ProductVersion = "",
    category: Category = "",
    tags: Tags = "",
    language: Language | None = None,
    audience: Audience | None = None,
    limit: Most = 5,
) -> Findings:
    """Search all documents and published articles for an answer. Cite what you use by its title.

    Args:
        query: The question.
        product: Only what is about this product.
        version: Only what holds for this version of it.
        category: Only this category.
        tags: Only what has all of these tags, with commas between.
        language: Only this language; left out, any: a question finds answers in other languages.
        audience: Only what is for these readers: `customer` is what customers may be told.
        limit: How many passages to give at the most.
    """
    readable = readable_by(ctx.principal)
    wanted = Wanted(
        query,
        tuple(one for one in readable if audience in (None, one)),
        product=product,
        version=version,
        category=category,
        tags=tuple(filter(None, (tag.strip() for tag in tags.split(",")))),
        languages=(language,) if language else (),
        limit=limit,
    )
    found = await _found(ctx, wanted)
    return Findings(
        query=query,
        found=bool(found),
        message=message_of(len(found)),
        results=[passage_of(one) for one in found],
    )


@tools.tool(
    scope="knowledge:read", risk=Risk.READ, rest="GET /knowledge/answer", keeps_secrets=False
)
async def answer_from_knowledge(
    ctx: Context,
    question: SearchText,
    product: Product = "",
    version: ProductVersion = "",
) -> KnowledgeAnswer:
    """Answer a question from documents, each sentence with its source, or say there is none.

    Args:
        question: The question.
        product: Only what is about this product.
        version: Only what holds for this version of it.
    """
    readable = readable_by(ctx.principal)
    wanted = Wanted(question, readable, product=product, version=version, limit=6)
    hits = await ctx.port(Search).find(ctx.db, ctx.tenant, wanted, ENOUGH_TO_ANSWER)
    found, across = relevant(hits), best_across(question, hits)
    if across is not None:
        found = [
            replace(one, relevance=max(one.relevance, across[1]))
            for one in hits
            if one.document_id == across[0].document_id
        ]
    size = sum(len(one.text) for one in found)
    answer = await aside(partial(answer_of, question, found), size)
    against = [
        (found[one.source].document_id, found[other.source].document_id)
        for one, other in answer.contradictions
    ]
    by_model = await worded(ctx, question, found) if answer.sentences else None
    told = answer_of_sources(question, answer, found, by_model)
    _note(ctx, wanted, found if told.answered else [], against if told.answered else ())
    return told


async def _found(ctx: Context, wanted: Wanted) -> list[Found]:
    """What is found, noted down."""
    found = await ctx.port(Search).find(ctx.db, ctx.tenant, wanted)
    _note(ctx, wanted, found)
    return found


def _note(
    ctx: Context,
    wanted: Wanted,
    found: Sequence[Found],
    against: Sequence[tuple[str, str]] = (),
) -> None:
    about = {"product": wanted.product, "version": wanted.version}
    ids = [(one.passage_id, one.document_id) for one in found]
    noted(ctx, wanted.text, ids, wanted.audiences, against=against, **about)
