"""How tickets are called in the systems that they were taken over from: the table."""

from __future__ import annotations

import sqlalchemy as sa

from deskward.core.database import metadata
from deskward.core.personal import IMPERSONAL

ticket_sources = sa.Table(
    "ticket_sources",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("system", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("external_id", sa.String(200), primary_key=True, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.ForeignKeyConstraint(
        ["tenant_id", "number"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
    ),
    sa.Index("ix_ticket_sources_number", "tenant_id", "number"),
)
