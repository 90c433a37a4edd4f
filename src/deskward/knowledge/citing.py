"""How passages are cited, wherever they are: by title, version and date, with where they stand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from deskward.core.written import RecordId
from deskward.knowledge.searching import Found
from deskward.knowledge.source_models import Theirs

COMMIT = 10
"""Digits of a commit that are told."""

Relevance = Annotated[
    float,
    Field(
        ge=0,
        le=1,
        description="How much it is about what was asked: by its words, rare ones counting for "
        "more, and by its meaning where the desk has a model of that.",
        examples=[0.8],
    ),
]


Citable = Annotated[
    Theirs,
    Field(
        description="How to cite it: by title, version and date.",
        examples=["“How long does a transfer take?” (v2, 2026-03-01)"],
    ),
]


class Cited(BaseModel):
    """What is needed to cite a passage."""

    cited: Citable
    document_id: Annotated[str, RecordId("document")]
    article_id: Theirs | None = Field(
        description="Of an article that is written here, its id.", examples=["faq-transfer-time"]
    )
    revision: Theirs | None = Field(description="The article's version, or the document's commit.")
    title: Theirs = Field(examples=["Resetting the printer"])
    headings: list[Theirs] = Field(
        description="The headings that it stands under, the outermost first."
    )
    address: Theirs = Field(description="Where it can be read as a whole.")
    versions: Theirs = Field(
        description="The product's versions that it holds for; empty: all.", examples=["==2.*"]
    )
    language: Theirs = Field(examples=["en"])
    changed_at: datetime = Field(description="Since when the source says so.")


def citation_of(found: Found) -> str:
    """How a passage is cited: “title” (version, date)."""
    named = " › ".join([found.title, *found.headings])
    revision = found.revision or ""
    parts = [
        found.versions,
        f"v{revision}" if found.article_id else revision[:COMMIT],
        found.changed_at.date().isoformat(),
    ]
    return f"“{named}” ({', '.join(filter(None, parts))})"


def cited(found: Found) -> dict[str, Any]:
    """The fields of a `Cited`."""
    return {
        "cited": citation_of(found),
        "document_id": found.document_id,
        "article_id": found.article_id,
        "revision": found.revision,
        "title": found.title,
        "headings": list(found.headings),
        "address": found.address,
        "versions": found.versions,
        "language": found.language,
        "changed_at": found.changed_at,
    }
