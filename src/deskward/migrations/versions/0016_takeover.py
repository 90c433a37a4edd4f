"""People take conversations over: who has one, and which one a ticket came from."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("taken_by", sa.String(80)))
    op.add_column("sessions", sa.Column("taken_at", sa.DateTime(timezone=True)))
    op.add_column("tickets", sa.Column("session_owner", sa.String(80)))
    op.add_column("tickets", sa.Column("session_id", sa.String(128)))
    op.create_index("ix_tickets_session", "tickets", ["tenant_id", "session_owner", "session_id"])


def downgrade() -> None:
    op.drop_index("ix_tickets_session", "tickets")
    op.drop_column("tickets", "session_id")
    op.drop_column("tickets", "session_owner")
    op.drop_column("sessions", "taken_at")
    op.drop_column("sessions", "taken_by")
