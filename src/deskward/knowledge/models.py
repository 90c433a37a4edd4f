"""Articles with their versions; the FAQ, which is what of them is published."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import AfterValidator, BaseModel, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL, TEXT
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
    sa.Column("language", sa.String(35), nullable=False, server_default="en", info=IMPERSONAL),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("tenant_id", "id"),
)
"""What is published: the version of each article that customers see, and nothing else. It is found
as a document is (`published.py`)."""


articles = sa.Table(
    "articles",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("latest", sa.Integer, nullable=False),
    sa.Column("published", sa.Integer),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Index("ix_articles_changed_at", "tenant_id", "changed_at"),
)

article_versions = sa.Table(
    "article_versions",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("article_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("question", sa.String(300), nullable=False, info=IMPERSONAL),
    sa.Column("answer", sa.Text, nullable=False, info=IMPERSONAL),
    sa.Column("keywords", sa.Text, nullable=False, info=IMPERSONAL),
    sa.Column("language", sa.String(35), nullable=False, info=IMPERSONAL),
    sa.Column("author", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(["tenant_id", "article_id"], ["articles.tenant_id", "articles.id"]),
)
"""Every text that an article ever had, so that what was cited can be read as it was."""

article_sources = sa.Table(
    "article_sources",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("article_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("sentence", sa.Text, nullable=False, info=TEXT),
    sa.Column("tickets", sa.JSON, nullable=False, info=IMPERSONAL),
)
"""The sentences of versions that were made of answers to tickets, and the ids of these."""

ArticleId = Annotated[
    str,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[\w-]+$",
        description="Id of an article: letters, digits, `-` and `_`.",
        examples=["faq-transfer-time"],
    ),
]
_COMPOSED = AfterValidator(partial(unicodedata.normalize, "NFC"))
"""So that letters with marks are found whichever way they were written."""
Question = Annotated[
    str,
    Field(min_length=1, max_length=300, examples=["How long does a transfer take?"]),
    _COMPOSED,
]
Answer = Annotated[
    str,
    Field(min_length=1, max_length=20_000, examples=["Transfers arrive the next day."]),
    _COMPOSED,
]
Keywords = Annotated[
    str, Field(max_length=2_000, examples=["transfer wire payment arrive"]), _COMPOSED
]
Language = Annotated[
    str,
    Field(
        max_length=35,
        pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="The language, as BCP 47 writes it.",
        examples=["en", "pt-BR"],
    ),
]
Version = Annotated[int, Field(ge=1, le=1_000_000)]


class ArticleSource(BaseModel):
    """What a sentence of an article was made of."""

    sentence: Annotated[
        str, Field(min_length=1, max_length=2_000), Written(by=("staff", "customer"))
    ]
    tickets: Annotated[
        list[Annotated[str, Field(pattern=r"^T[1-9][0-9]{0,17}$", examples=["T1001"])]],
        Field(max_length=100),
        Written(by="desk"),
    ] = Field(description="The tickets whose answers say so.")


class Draft(BaseModel):
    """What somebody wants an article to be."""

    id: ArticleId | None = Field(None, description="Left out: made of the question.")
    question: Question
    answer: Answer
    keywords: Keywords = ""
    language: Language = "en"
    sources: list[ArticleSource] = []


@dataclass(frozen=True)
class FaqEntry:
    """An article as it is kept."""

    id: str
    question: str
    answer: str
    keywords: str
    language: str = "en"
    version: int = 1


class ArticleVersion(BaseModel):
    """One of the texts that an article had."""

    version: int
    author: Ours = Field(examples=["staff:anna"])
    created_at: datetime


class Article(BaseModel):
    """An article at one of its versions."""

    id: Annotated[str, RecordId("article")] = Field(examples=["faq-transfer-time"])
    question: ArticleText = Field(examples=["How long does a transfer take?"])
    answer: ArticleText
    keywords: ArticleText
    language: Ours = Field(examples=["en"])
    version: int = Field(description="The version that is shown.")
    latest: int = Field(description="The newest version.")
    published: int | None = Field(description="The version that customers see; null for none.")
    author: Ours = Field(description="Who wrote this version.", examples=["staff:anna"])
    created_at: datetime = Field(description="When this version was written.")
    versions: list[ArticleVersion] = Field(description="All versions, the newest first.")
    sources: list[ArticleSource] = Field(
        [], description="Of a version that was drafted out of tickets: what its sentences are from."
    )


class ArticleLine(BaseModel):
    """An article in a list, at its newest version."""

    id: Annotated[str, RecordId("article")] = Field(examples=["faq-transfer-time"])
    question: ArticleText = Field(examples=["How long does a transfer take?"])
    language: Ours = Field(examples=["en"])
    latest: int
    published: int | None
    author: Ours = Field(examples=["staff:anna"])
    changed_at: datetime


class ArticleList(BaseModel):
    """One page of the articles, the last changed first."""

    total: int
    limit: int
    offset: int
    articles: list[ArticleLine]


class Imported(BaseModel):
    """What became of one article of a file."""

    line: int = Field(description="Where it begins in the file.")
    id: Annotated[str, Written(by="author")] | None = Field(examples=["opening-hours"])
    outcome: Literal["created", "changed", "unchanged", "refused"]
    reason: Annotated[str, Written(by="author")] = Field(
        "", description="Why it was refused, or what changes."
    )


class Import(BaseModel):
    """What became of a file of articles."""

    dry_run: bool = Field(description="Whether nothing was done, only looked at.")
    created: int
    changed: int
    unchanged: int
    refused: int
    articles: list[Imported]
