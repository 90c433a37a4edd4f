"""The FAQ: the table with its full-text index, and what is shown of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from pydantic import BaseModel, Field

from deskward.core.database import metadata
from deskward.core.personal import IMPERSONAL
from deskward.core.written import Ours, RecordId, Written

ArticleText = Annotated[str, Written(by="author")]

faq = sa.Table(
    "faq",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("tenant_id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("question", sa.String(300), nullable=False, info=IMPERSONAL),
    sa.Column("answer", sa.Text, nullable=False, info=IMPERSONAL),
    sa.Column("keywords", sa.Text, nullable=False, info=IMPERSONAL),
    sa.UniqueConstraint("tenant_id", "id"),
)
"""Question, keywords and answer are searched: SQLite indexes them in `faq_fts` (FTS5), kept up by
triggers, PostgreSQL in the generated column `search` (tsvector). The first migration makes both."""


@dataclass(frozen=True)
class FaqEntry:
    """An article as it is kept."""

    id: str
    question: str
    answer: str
    keywords: str


class FaqArticle(BaseModel):
    """A question with its answer."""

    id: Annotated[str, RecordId("article")] = Field(
        description="The source to cite.", examples=["faq-transfer-time"]
    )
    question: ArticleText = Field(examples=["How long does a transfer take?"])
    answer: ArticleText
    relevance: float = Field(
        ge=0,
        le=1,
        description="Share of the query's meaningful words that the article "
        "has; its question and keywords count in full, its answer by half.",
    )


class FaqResults(BaseModel):
    """What was found, the most relevant first."""

    query: Ours = Field(description="The question, as the caller put it.")
    articles: list[FaqArticle]
