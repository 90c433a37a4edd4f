"""The tables of what is searched: sources, their documents, the passages of these, what changed."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL

ARTICLES = "articles"
"""The source of what staff write at this desk."""
UPLOADS = "uploads"
"""The source of what is uploaded file by file."""

sources = sa.Table(
    "knowledge_sources",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("name", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("kind", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("location", sa.Text, nullable=False, info=IMPERSONAL),
    sa.Column("settings", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("secrets", sa.LargeBinary, info=IMPERSONAL),
    sa.Column("hook_secret", sa.LargeBinary, info=IMPERSONAL),
    sa.Column("every_minutes", sa.Integer),
    sa.Column("mark", sa.String(200), info=IMPERSONAL),
    sa.Column("state", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("reason", sa.String(500), info=IMPERSONAL),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("wanted_at", UtcDateTime),
    sa.Column("next_at", UtcDateTime),
    sa.Column("begun_at", UtcDateTime),
    sa.Column("done", sa.Integer, nullable=False, server_default="0"),
    sa.Column("total", sa.Integer),
    sa.Column("synced_at", UtcDateTime),
    sa.Column("added_by", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("tenant_id", "name"),
)
"""`secrets` (what opens the source) and `hook_secret` are sealed. `mark` says up to where it was
read, as a commit does. `state` is `new`, `syncing`, `ready` or `failed`, and `reason` says why.
`wanted_at` is since when somebody wants a sync, `next_at` when the next one is due by itself;
`done` of `total` is how far the one is that `begun_at` says."""

documents = sa.Table(
    "knowledge_documents",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("source_id", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("path", sa.String(1000), nullable=False, info=IMPERSONAL),
    sa.Column("address", sa.String(2000), nullable=False, info=IMPERSONAL),
    sa.Column("commit_id", sa.String(64), info=IMPERSONAL),
    sa.Column("stamp", sa.String(300), nullable=False, info=IMPERSONAL),
    sa.Column("content_hash", sa.String(64), info=IMPERSONAL),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("format", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("state", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("reason", sa.String(500), info=IMPERSONAL),
    sa.Column("title", sa.String(300), nullable=False, info=IMPERSONAL),
    sa.Column("product", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("versions", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("category", sa.String(200), nullable=False, info=IMPERSONAL),
    sa.Column("tags", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("language", sa.String(35), nullable=False, info=IMPERSONAL),
    sa.Column("audience", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("passages", sa.Integer, nullable=False),
    sa.Column("added_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("tenant_id", "source_id", "path"),
    sa.Index("ix_knowledge_documents_state", "tenant_id", "state"),
)
"""`path` is the document's place in its source, `address` where a reader finds it. `stamp` is what
tells, without reading it, that it is unchanged. `state` is `ready` or `failed`, and `reason` says
why. `versions` are written as PEP 440 writes specifiers, `audience` is `customer` or `staff`."""

passages = sa.Table(
    "knowledge_passages",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("document_id", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("headings", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("text", sa.Text, nullable=False, info=IMPERSONAL),
    sa.Index("ix_knowledge_passages_document", "tenant_id", "document_id", "place"),
)
"""The parts of the documents that are ready, in their order (`place`)."""

changes = sa.Table(
    "knowledge_changes",
    metadata,
    sa.Column(
        "seq",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("tenant_id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("passage_id", sa.String(32), nullable=False, info=IMPERSONAL),
    sqlite_autoincrement=True,
)
"""The passages that the index has to look at: each that is still there is put, others removed. A
row goes once the index has done so; it comes in the transaction that changes the passage."""

TABLES = (sources, documents, passages, changes)


def digest(*parts: str) -> str:
    """An id that follows from some texts, of 32 hexadecimal digits."""
    whole = "\x00".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(whole).hexdigest()[:32]


def document_id(source_id: str, path: str) -> str:
    """The id of the document at a place of a source: the same at every sync."""
    return digest("document", source_id, path)
