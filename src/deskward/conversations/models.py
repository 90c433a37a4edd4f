"""Conversations: sessions, their messages, and the turns that answer them."""

from __future__ import annotations

import sqlalchemy as sa

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL, LABEL, TEXT, TOGETHER, VALUE

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("owner", sa.String(80), primary_key=True, info=LABEL),
    sa.Column("id", sa.String(128), primary_key=True, info=TEXT),
    sa.Column("message_count", sa.Integer, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_activity", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("taken_by", sa.String(80), info=IMPERSONAL),
    sa.Column("taken_at", UtcDateTime),
)
"""A session belongs to the principal that started it: the same id from another is another one."""

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("owner", sa.String(80), primary_key=True, info=LABEL),
    sa.Column("session_id", sa.String(128), primary_key=True, info=VALUE),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("turn_id", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("role", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("content", sa.Text, nullable=False, info=DOCUMENT),
    sa.Column("data", sa.JSON, info=DOCUMENT),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(
        ["tenant_id", "owner", "session_id"],
        ["sessions.tenant_id", "sessions.owner", "sessions.id"],
        ondelete="CASCADE",
    ),
    info={TOGETHER: "turn_id"},
)

turns = sa.Table(
    "turns",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True, info=IMPERSONAL),
    sa.Column("tenant_id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("owner", sa.String(80), nullable=False, info=LABEL),
    sa.Column("session_id", sa.String(128), nullable=False, info=VALUE),
    sa.Column("principal", sa.JSON, nullable=False, info=VALUE),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("lease_until", UtcDateTime, nullable=False),
    sa.Column("holder", sa.String(32), info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("key", sa.String(200), info=TEXT),
    sa.Column("digest", sa.String(64), info=IMPERSONAL),
    sa.Column("model", sa.String(200), info=IMPERSONAL),
    sa.Column("message_count", sa.Integer),
    sa.ForeignKeyConstraint(
        ["tenant_id", "owner", "session_id"],
        ["sessions.tenant_id", "sessions.owner", "sessions.id"],
        ondelete="CASCADE",
    ),
    sa.Index("ix_turns_status", "status", "lease_until"),
    sa.Index(
        "uq_turns_open",
        "tenant_id",
        "owner",
        "session_id",
        unique=True,
        # On PostgreSQL as well, by its migration: to say it here imports all of that dialect.
        sqlite_where=sa.text("status IN ('running', 'paused')"),
    ),
    sa.Index("uq_turns_key", "tenant_id", "owner", "session_id", "key", unique=True),
)
"""One message's way to its answer: `running`, `paused`, `done`, `failed` or `stopped`.

A running turn whose lease has run out lost its process. A paused one waits for a reader. `holder`
names who answers it now: who is not the holder any more writes nothing.
"""

news = sa.Table(
    "session_news",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("owner", sa.String(80), primary_key=True, info=LABEL),
    sa.Column("session_id", sa.String(128), primary_key=True, info=VALUE),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(32), nullable=False, info=IMPERSONAL),
    sa.Column("kind", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("by", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("said", sa.Integer),
    sa.Column("message_id", sa.String(32), info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("received_at", UtcDateTime),
    sa.ForeignKeyConstraint(
        ["tenant_id", "owner", "session_id"],
        ["sessions.tenant_id", "sessions.owner", "sessions.id"],
        ondelete="CASCADE",
    ),
    sa.Index("ix_session_news_created_at", "created_at"),
)
"""What a customer is to learn that no turn of theirs tells: what a colleague said (`said` is the
`seq` of the message), and that one has come or gone. `number` counts within the session.
`message_id` is the ticket's message whose delivery it is, and `received_at` when the customer's
program said that it has this one."""
