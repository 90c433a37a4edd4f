"""The tools by which staff write and publish articles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypedDict

from pydantic import Field

from deskward.core.paging import Limit, Offset
from deskward.gate.context import Context
from deskward.gate.tool import Risk, ToolGroup
from deskward.knowledge import articles
from deskward.knowledge.importing import import_file
from deskward.knowledge.models import (
    Answer,
    Article,
    ArticleId,
    ArticleList,
    ArticleSource,
    Draft,
    Import,
    Keywords,
    Language,
    Question,
    Version,
)
from deskward.knowledge.reading import Format

tools = ToolGroup("knowledge")


class ArticleFacts(TypedDict):
    """What policies may know of the article that a call is about.

    Attributes:
        published: Whether customers see a version of it.
    """

    id: str
    published: bool


async def article_facts(ctx: Context, arguments: Mapping[str, Any]) -> ArticleFacts:
    """The facts of a call about an article."""
    row = await articles.known(ctx.db, ctx.tenant, arguments["article_id"])
    return {"id": row.id, "published": row.published is not None}


@tools.tool(scope="articles:read", risk=Risk.READ, rest="GET /articles", keeps_secrets=False)
async def list_articles(
    ctx: Context,
    status: Literal["draft", "published"] | None = None,
    language: Language | None = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> ArticleList:
    """List articles at their newest versions, the last changed first.

    Args:
        status: `draft`: those that no customer sees. Left out: all.
        language: Only those in this language.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    page = {"limit": limit, "offset": offset}
    return await articles.listed(ctx.db, ctx.tenant, status, language, **page)


@tools.tool(
    scope="articles:read",
    risk=Risk.READ,
    rest="GET /articles/{article_id}",
    facts=article_facts,
    keeps_secrets=False,
)
async def get_article(
    ctx: Context, article_id: ArticleId, version: Version | None = None
) -> Article:
    """Show an article, also as it was when it was cited, with its versions and their authors.

    Args:
        article_id: The article.
        version: Which version; the newest where it is left out.
    """
    return await articles.show(ctx.db, ctx.tenant, article_id, version)


@tools.tool(scope="articles:write", risk=Risk.WRITE, rest="POST /articles", keeps_secrets=False)
async def create_article(
    ctx: Context,
    question: Question,
    answer: Answer,
    keywords: Keywords = "",
    language: Language | None = None,
    article_id: ArticleId | None = None,
    sources: Annotated[list[ArticleSource], Field(max_length=100)] | None = None,
) -> Article:
    """Write a new article. Customers see it once it is published.

    Args:
        question: The question that it answers, which is its title.
        answer: The answer, as customers are to read it.
        keywords: Further words that people use who ask it.
        language: The language that it is in; left out, the one that its words show.
        article_id: Its id; made of the question where it is left out.
        sources: The tickets that its sentences are from, where it was made of some.
    """
    if language is None:
        language = await articles.language_of(ctx.db, ctx.tenant, question, answer)
    draft = Draft(
        id=article_id,
        question=question,
        answer=answer,
        keywords=keywords,
        language=language,
        sources=sources or [],
    )
    made = await articles.create(ctx.db, ctx.tenant, draft, ctx.principal.label)
    return await articles.show(ctx.db, ctx.tenant, made)


@tools.tool(
    scope="articles:write",
    risk=Risk.WRITE,
    rest="PATCH /articles/{article_id}",
    facts=article_facts,
    keeps_secrets=False,
)
async def change_article(
    ctx: Context,
    article_id: ArticleId,
    question: Question | None = None,
    answer: Answer | None = None,
    keywords: Keywords | None = None,
    language: Language | None = None,
    version: Version | None = None,
) -> Article:
    """Write an article's next version. Customers see the published one until this is published.

    Args:
        article_id: The article.
        question: Its new question.
        answer: Its new answer.
        keywords: Its new keywords.
        language: Its new language.
        version: The version that you saw: a newer one by somebody else is not written over.
    """
    given = {"question": question, "answer": answer, "keywords": keywords, "language": language}
    changes = {name: value for name, value in given.items() if value is not None}
    author = ctx.principal.label
    await articles.change(ctx.db, ctx.tenant, article_id, changes, author, version=version)
    return await articles.show(ctx.db, ctx.tenant, article_id)


@tools.tool(
    scope="articles:write",
    risk=Risk.WRITE,
    rest="POST /articles/{article_id}/publish",
    facts=article_facts,
    keeps_secrets=False,
)
async def publish_article(
    ctx: Context, article_id: ArticleId, version: Version | None = None
) -> Article:
    """Have customers, and whoever answers them, see a version of an article.

    Args:
        article_id: The article.
        version: Which version; the newest where it is left out.
    """
    seen = await articles.publish(ctx.db, ctx.tenant, article_id, version)
    return await articles.show(ctx.db, ctx.tenant, article_id, seen)


@tools.tool(
    scope="articles:write",
    risk=Risk.WRITE,
    rest="POST /articles/{article_id}/unpublish",
    facts=article_facts,
    keeps_secrets=False,
)
async def unpublish_article(ctx: Context, article_id: ArticleId) -> Article:
    """Take an article away from customers, at once. Its versions stay.

    Args:
        article_id: The article.
    """
    await articles.unpublish(ctx.db, ctx.tenant, article_id)
    return await articles.show(ctx.db, ctx.tenant, article_id)


@tools.tool(
    scope="articles:write", risk=Risk.WRITE, rest="POST /articles/import", keeps_secrets=False
)
async def import_articles(
    ctx: Context,
    text: Annotated[str, Field(min_length=1, max_length=2_000_000)],
    format: Format,
    language: Language | None = None,
    publish: bool = False,
    dry_run: bool = False,
) -> Import:
    """Bring in the articles of a file. The same file again changes nothing; a bad one is refused.

    Args:
        text: The file: Markdown with a heading per question, or CSV with a header (question,
            answer, and perhaps id, keywords, language).
        format: Which of both it is.
        language: The language of articles that say none; left out, the one that the words of
            each show.
        publish: Whether customers see at once what is new or other.
        dry_run: Whether to do nothing, and only tell what would be.
    """
    return await import_file(
        ctx.db,
        ctx.tenant,
        text,
        format,
        ctx.principal.label,
        language=language,
        publish=publish,
        dry_run=dry_run,
    )
