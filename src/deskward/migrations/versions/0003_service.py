"""The customer-service API: turns that pause and can be read again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turns", sa.Column("key", sa.String(length=200), nullable=True))
    op.add_column("turns", sa.Column("digest", sa.String(length=64), nullable=True))
    op.add_column("turns", sa.Column("model", sa.String(length=200), nullable=True))
    op.add_column("turns", sa.Column("message_count", sa.Integer(), nullable=True))
    op.drop_index("uq_turns_running", "turns")
    is_open = sa.text("status IN ('running', 'paused')")
    op.create_index(
        "uq_turns_open",
        "turns",
        ["tenant_id", "owner", "session_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index(
        "uq_turns_key", "turns", ["tenant_id", "owner", "session_id", "key"], unique=True
    )
