"""The states that tickets were in: their history, as far as clocks and figures go by it.

The database keeps it by itself (triggers of a migration), so that whatever changes a ticket, by
itself, by the thousand or from a file, leaves a row, and nothing has to remember to.
"""

from __future__ import annotations

import sqlalchemy as sa

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL

ticket_states = sa.Table(
    "ticket_states",
    metadata,
    sa.Column(
        "seq",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    sa.Column("tenant_id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("status", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("priority", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("team", sa.String(64), info=IMPERSONAL),
    sa.Column("spam", sa.Boolean, nullable=False),
    sa.Column("messages", sa.Integer),
    sa.ForeignKeyConstraint(
        ["tenant_id", "number"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
    ),
    sa.Index("ix_ticket_states_ticket", "tenant_id", "number", "seq"),
)
"""One row when a ticket is opened, and one whenever one of these is another. `messages` is how
many the ticket then had: those are before it, whatever the clock said. Of a state that the ticket
came with, or that is older than this column, nothing but its moment is known."""
