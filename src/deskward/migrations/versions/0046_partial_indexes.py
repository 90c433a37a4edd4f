"""Indexes hold only the rows that are looked for by them: most tickets came from no conversation.

Each ticket that is opened otherwise writes a row of nothing into three more indexes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

INDEXES = (
    ("ix_tickets_session", "tickets", ["tenant_id", "session_owner", "session_id"]),
    ("ix_ticket_messages_message_id", "ticket_messages", ["tenant_id", "message_id"]),
    ("ix_sla_watch_looked", "sla_watch", ["looked_at"]),
)
GIVEN = {
    "ix_tickets_session": "session_owner IS NOT NULL",
    "ix_ticket_messages_message_id": "message_id IS NOT NULL",
    "ix_sla_watch_looked": "looked_at IS NOT NULL",
}


def upgrade() -> None:
    for name, table, columns in INDEXES:
        where = sa.text(GIVEN[name])
        op.drop_index(name, table)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, table, columns in INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, columns)
