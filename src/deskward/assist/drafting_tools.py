"""The tool that drafts an article out of resolved tickets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from deskward.assist.drafting import CUSTOMERS, MOST, Sentence, drafted, worded
from deskward.assist.tools import tools
from deskward.core.errors import Conflict, Unfit
from deskward.core.written import Ours, RecordId, Written
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.tool import Risk
from deskward.knowledge.models import ArticleId, Language, Question
from deskward.tickets.query import parse
from deskward.tickets.search import numbers

Theirs = Annotated[str, Written(by=("staff", "customer"))]


class DraftedSentence(BaseModel):
    """A sentence of a draft."""

    text: Theirs
    tickets: list[Ours] = Field(description="The tickets whose answers say so.")


class DraftedArticle(BaseModel):
    """A draft, which nobody but staff sees until somebody publishes it."""

    status: Literal["drafted", "waiting"] = Field(
        description="`waiting`: a person has to allow it first."
    )
    article_id: Annotated[str, RecordId("article")] | None
    approval_id: Ours | None
    question: Theirs
    language: Ours
    written_by: Literal["desk", "model"] = Field(description="Who worded it.")
    sentences: list[DraftedSentence]
    tickets: int = Field(description="How many tickets were looked at.")
    left_out: int = Field(
        description="Sentences of answers that are of one customer's case, and left out."
    )


@tools.tool(scope="articles:draft", risk=Risk.WRITE, rest="POST /articles/drafts", composed=True)
async def draft_article(
    ctx: Context,
    query: Annotated[str, Field(min_length=1, max_length=1_000, examples=["tag:refund"])],
    question: Question | None = None,
    article_id: ArticleId | None = None,
    language: Language | None = None,
) -> DraftedArticle:
    """Draft an article out of the answers to resolved tickets of one kind, for a person to publish.

    Only what answers to several customers say gets into it, without personal data, and of each
    sentence it is kept which tickets say so.

    Args:
        query: Which tickets, as `search_tickets` takes it; of these the resolved ones.
        question: The question that the article answers; made of the tickets where it is left out.
        article_id: Its id; made of the question where it is left out.
        language: The language that it is in; the answers' where it is left out.
    """
    wanted = parse(query)
    wanted.items += parse("status:resolved,closed").items
    found = await numbers(ctx.db, ctx.tenant, wanted, me=ctx.principal.id, most=MOST)
    draft = await drafted(ctx.db, ctx.tenant, found[:MOST])
    if not draft.sentences:
        raise Conflict(
            f"There is nothing that answers to {CUSTOMERS} customers say alike in these tickets: "
            f"{len(found)} resolved ones of {draft.customers} customers were looked at.",
            details={"tickets": len(found), "customers": draft.customers},
        )
    asked = question or draft.question
    if not asked:
        raise Unfit("Say which question the article answers: the tickets tell none.")
    by_model = await worded(ctx, draft)
    told = by_model or draft.sentences
    ctx.reading.add({"customer"})  # the answers may repeat what customers wrote
    made = await _create(ctx, asked, told, article_id, language or draft.language)
    return DraftedArticle(
        status="drafted" if "id" in made else "waiting",
        article_id=made.get("id"),
        approval_id=made.get("approval_id"),
        question=asked,
        language=language or draft.language,
        written_by="model" if by_model else "desk",
        sentences=[DraftedSentence(text=one.text, tickets=list(one.tickets)) for one in told],
        tickets=len(found),
        left_out=draft.left_out,
    )


async def _create(
    ctx: Context,
    question: str,
    told: tuple[Sentence, ...],
    article_id: str | None,
    language: str,
) -> dict[str, str]:
    """The article, or the receipt of the call that waits for a person."""
    context = Context(
        ctx.principal,
        ctx.door,
        ctx.request_id,
        influence=ctx.influence,
        reading=ctx.reading,
        client=ctx.client,
    )
    arguments = {
        "question": question[:300],
        "answer": " ".join(one.text for one in told),
        "language": language,
        "article_id": article_id,
        "sources": [{"sentence": one.text, "tickets": list(one.tickets)} for one in told],
    }
    outcome = await ctx.port(Gate).call("create_article", arguments, context)
    if outcome.error is not None:
        raise outcome.error
    return outcome.value
