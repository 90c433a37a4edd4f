"""What is shown of sources and documents."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from deskward.core.written import Ours, RecordId, Written
from deskward.knowledge.facts import Settings
from deskward.knowledge.origins import SourceKind
from deskward.knowledge.passages import Audience

Theirs = Annotated[str, Written(by=("author", "outside"))]
"""A text out of a document."""
ByStaff = Annotated[str, Written(by="staff")]
SourceState = Literal["new", "syncing", "ready", "failed"]
DocumentState = Literal["ready", "failed"]

SourceId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a source.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    ),
]
AnySource = Annotated[
    str,
    Field(
        pattern=r"^([0-9a-f]{32}|articles|uploads)$",
        description="Id of a source, or `articles` or `uploads`.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    ),
]
DocumentId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of a document.",
        examples=["9a0364b9e99bb480dd25e1f0284c8555"],
    ),
]
SourceName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=80,
        pattern=r"^[\w][\w .:/@+-]*$",
        description="What the source is called; each of a desk otherwise.",
        examples=["Handbook"],
    ),
]
Location = Annotated[
    str,
    Field(
        min_length=1,
        max_length=20_000,
        description="Where it is: a folder's path, a repository's address, web addresses one a "
        "line, or `s3://bucket/prefix`.",
        examples=["https://git.example.com/docs.git"],
    ),
]
Minutes = Annotated[int, Field(ge=1, le=43_200)]
SourceSecret = Annotated[
    SecretStr,
    Field(
        min_length=1,
        max_length=4_000,
        description="What opens it: a token, or `name:password`. It is never shown again.",
        examples=["reader:a-token-that-only-reads"],
    ),
]
HookSecret = Annotated[
    SecretStr,
    Field(
        min_length=38,
        max_length=100,
        examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLwsr"],
        description="What its webhook is signed with: `whsec_` and 24 to 64 random bytes as "
        "Base64. It is never shown again.",
    ),
]


class KnowledgeSource(BaseModel):
    """A source of documents, and how it does."""

    source_id: Annotated[str, RecordId("source")]
    name: ByStaff
    kind: SourceKind
    location: ByStaff
    settings: Annotated[Settings, Written(by="staff")] | None = Field(
        description="Null where what is stored is not understood; `reason` says what of it."
    )
    every_minutes: int | None = Field(description="How often it is read by itself.")
    state: SourceState
    reason: Theirs | None = Field(description="Why it could not be read.")
    wanted: bool = Field(description="Whether a sync is still to come.")
    done: int = Field(description="Documents that the sync has been through.")
    total: int | None = Field(description="Of how many.")
    ready: int = Field(description="Documents that are found.")
    failed: int = Field(description="Documents that could not be read.")
    passages: int
    synced_at: datetime | None
    next_at: datetime | None
    hook: bool = Field(description="Whether a webhook may trigger a sync.")
    added_by: Ours
    created_at: datetime


class KnowledgeSources(BaseModel):
    """The sources of the tenant, the oldest first."""

    sources: list[KnowledgeSource]


class SourceReceipt(BaseModel):
    """The receipt of a change."""

    source_id: SourceId
    message: Ours


class DocumentLine(BaseModel):
    """A document in a list."""

    document_id: Annotated[str, RecordId("document")]
    source_id: Ours
    path: Theirs
    title: Theirs
    format: Ours
    state: DocumentState
    reason: Theirs | None = Field(
        description="Why it could not be read, or what of it was not understood."
    )
    product: Theirs
    versions: Theirs = Field(examples=["==2.*"])
    category: Theirs
    tags: Annotated[list[str], Written(by=("author", "outside"))]
    language: Theirs = Field(examples=["en"])
    audience: Audience
    size: int
    passages: int
    changed_at: datetime


class DocumentList(BaseModel):
    """One page of the documents, the last changed first."""

    total: int
    limit: int
    offset: int
    documents: list[DocumentLine]


class DocumentPassage(BaseModel):
    """A part of a document."""

    passage_id: Ours
    headings: Annotated[list[str], Written(by=("author", "outside"))]
    text: Theirs


class KnowledgeDocument(DocumentLine):
    """A document with some of its passages."""

    address: Theirs
    commit: Theirs | None = Field(description="The commit or revision that it was read of.")
    parts: list[DocumentPassage]


class DocumentReceipt(BaseModel):
    """What became of a document."""

    document_id: DocumentId
    message: Ours


class UploadedDocument(BaseModel):
    """What became of an uploaded document."""

    document_id: DocumentId
    title: Theirs
    format: Ours
    language: Theirs
    audience: Audience
    passages: int
    changed: bool = Field(description="Whether it says something else than before.")
    doubts: list[Theirs] = Field(description="What of it was not understood.")
