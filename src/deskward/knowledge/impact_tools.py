"""The tool that shows what publishing an article would change."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.paging import Limit
from deskward.core.written import RecordId, Written
from deskward.gate.context import Context
from deskward.gate.tool import Risk
from deskward.knowledge import articles
from deskward.knowledge.gaps import names_of
from deskward.knowledge.impact import Change, Differs, impact_of
from deskward.knowledge.models import ArticleId, Version
from deskward.knowledge.source_models import Theirs
from deskward.knowledge.tools import article_facts, tools
from deskward.security.anonymous import without_people


class ChangedAnswer(BaseModel):
    """A past answer that would be another one."""

    question: Annotated[str, Written(by="customer")] = Field(
        description="What was asked, without personal data."
    )
    count: int = Field(description="How often it was asked in these words.")
    change: Change = Field(
        description="`gained`: nothing answered it. `lost`: nothing would answer it any more."
    )
    before: Theirs = Field(description="What answers it as things are.")
    after: Theirs = Field(description="What would answer it.")


class ArticleImpact(BaseModel):
    """What publishing a version of an article would change."""

    article_id: Annotated[str, RecordId("article")]
    version: int = Field(description="The version that would be published.")
    published: int | None = Field(description="The one that customers see now; null for none.")
    looked_at: int = Field(description="How many past questions were answered once more.")
    changed: int = Field(description="How many of them would be answered otherwise.")
    gained: int = Field(description="How many would be answered for the first time.")
    lost: int = Field(description="How many would be answered no more.")
    answers: list[ChangedAnswer] = Field(description="Which, those that are asked most first.")


@tools.tool(
    scope="articles:read",
    risk=Risk.READ,
    rest="GET /articles/{article_id}/impact",
    facts=article_facts,
    keeps_secrets=False,
)
async def preview_article(
    ctx: Context, article_id: ArticleId, version: Version | None = None, limit: Limit = 20
) -> ArticleImpact:
    """Tell which past answers would differ if a version of an article were published.

    Args:
        article_id: The article.
        version: Which version; the newest where it is left out.
        limit: How many of these answers to show at the most.
    """
    article = await articles.show(ctx.db, ctx.tenant, article_id, version)
    looked_at, found = await impact_of(ctx.db, ctx.tenant, article)
    names = await names_of(ctx.db, ctx.tenant, {one.asker for one in found})
    same: Counter[Differs] = Counter()
    for one in found:
        asked = without_people(one.question, names.get(one.asker, ()))
        same[one._replace(question=asked, asker="")] += 1
    kinds = Counter(one.change for one in found)
    first = sorted(same, key=lambda one: (-same[one], one.question))[:limit]
    return ArticleImpact(
        article_id=article_id,
        version=article.version,
        published=article.published,
        looked_at=looked_at,
        changed=kinds["changed"],
        gained=kinds["gained"],
        lost=kinds["lost"],
        answers=[
            ChangedAnswer(
                question=one.question,
                count=same[one],
                change=one.change,
                before=one.before,
                after=one.after,
            )
            for one in first
        ],
    )
