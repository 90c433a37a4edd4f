"""The tools that show staff what of the knowledge base is to be looked at, and what it lacks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.paging import Limit, Offset
from deskward.core.written import Ours, RecordId, Written
from deskward.gate.context import Context
from deskward.gate.tool import Risk
from deskward.knowledge import auditing, gaps
from deskward.knowledge.auditing import Issue, IssueKind
from deskward.knowledge.documents import ARTICLES
from deskward.knowledge.passages import Audience
from deskward.knowledge.searching import Search
from deskward.knowledge.source_models import Theirs
from deskward.knowledge.tools import tools
from deskward.knowledge.validating_tools import Counted, counted
from deskward.knowledge.weighing import Weighing
from deskward.security.anonymous import without_people

Asked = Annotated[str, Written(by="customer")]


class ContentIssue(BaseModel):
    """Something of the knowledge base that is to be looked at."""

    kind: IssueKind = Field(
        description="`contradicted`: answers showed that it disagrees with another document. "
        "`low_rated`: it seldom helps. `not_found`: it was asked for and not found. `stale`: "
        "nobody changed it for long. `never_used`: no search found it for long."
    )
    document_id: Annotated[str, RecordId("document")] | None
    article_id: Theirs | None = Field(description="Of an article that is written here, its id.")
    title: Annotated[str, Written(by=("author", "outside", "customer"))] = Field(
        description="Its title; of `not_found` what was asked, masked."
    )
    address: Theirs | None
    audience: Audience | None
    since: datetime
    count: int = Field(
        description="How many outcomes, answers or questions say so; 0 where the time alone does."
    )
    other_id: Ours | None = Field(description="The document that it contradicts.")
    other_title: Theirs | None
    accuracy: Counted | None = Field(description="Of `low_rated`: how often it helped.")


class ContentIssues(BaseModel):
    """One page of what is to be looked at; what misleads people first."""

    total: int
    limit: int
    offset: int
    issues: list[ContentIssue]


class KnowledgeGap(BaseModel):
    """Questions of one kind that found no answer."""

    question: Asked = Field(description="The one that is asked most, without personal data.")
    count: int = Field(description="How often it was asked, in whatever words.")
    askers: int = Field(description="By how many.")
    first_at: datetime
    last_at: datetime
    examples: list[Asked] = Field(description="Other words in which it was asked.")
    products: list[Asked] = Field(description="The products that it was asked of, most first.")
    answered_now: bool = Field(description="Whether something answers it by now.")


class KnowledgeGaps(BaseModel):
    """One page of the gaps, those that are asked most first."""

    total: int
    limit: int
    offset: int
    gaps: list[KnowledgeGap]


@tools.tool(
    scope="articles:read", risk=Risk.READ, rest="GET /knowledge/issues", keeps_secrets=False
)
async def list_content_issues(
    ctx: Context, kind: IssueKind | None = None, limit: Limit = 20, offset: Offset = 0
) -> ContentIssues:
    """List which articles and documents are to be looked at, and why.

    Args:
        kind: Only this.
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    db, tenant = ctx.db, ctx.tenant
    found = await auditing.issues_of(db, tenant, ctx.port(Weighing), ctx.port(Search), kind)
    page = found[offset : offset + limit]
    keys = [key for one in page if one.kind != "not_found" for key in (one.key, one.other)]
    rows = await auditing.documents_of(db, tenant, keys)
    return ContentIssues(
        total=len(found),
        limit=limit,
        offset=offset,
        issues=[_shown(one, rows.get(one.key), rows.get(one.other)) for one in page],
    )


def _shown(issue: Issue, row: object, other: object) -> ContentIssue:
    def of(one: object, name: str) -> str | None:
        return getattr(one, name, None)

    written = of(row, "source_id") == ARTICLES
    return ContentIssue(
        kind=issue.kind,
        document_id=of(row, "id"),
        article_id=of(row, "path") if written else None,
        title=of(row, "title") or issue.key,
        address=of(row, "address"),
        audience=getattr(row, "audience", None),
        since=issue.since,
        count=issue.many,
        other_id=issue.other or None,
        other_title=of(other, "title"),
        accuracy=counted(issue.accuracy) if issue.accuracy else None,
    )


@tools.tool(scope="articles:read", risk=Risk.READ, rest="GET /knowledge/gaps", keeps_secrets=False)
async def list_knowledge_gaps(ctx: Context, limit: Limit = 20, offset: Offset = 0) -> KnowledgeGaps:
    """List what people ask and the knowledge base does not answer, without who asked.

    Args:
        limit: How many to list at the most.
        offset: How many to pass over.
    """
    db, tenant, search = ctx.db, ctx.tenant, ctx.port(Search)
    found = await gaps.gaps_of(db, tenant, search)
    page = []
    for gap in found[offset : offset + limit]:
        assert gap.first_at is not None
        assert gap.last_at is not None
        page.append(
            KnowledgeGap(
                question=gap.question,
                count=gap.count,
                askers=len(gap.askers),
                first_at=gap.first_at,
                last_at=gap.last_at,
                examples=gap.examples,
                products=[without_people(one) for one, _ in gap.products.most_common(3)],
                answered_now=await gaps.answered_now(db, tenant, search, gap),
            )
        )
    return KnowledgeGaps(total=len(found), limit=limit, offset=offset, gaps=page)
