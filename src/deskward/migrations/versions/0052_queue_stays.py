"""Which queues an escalation has left by itself, and when: a breach is counted where it was."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("queue_items", sa.Column("stays", sa.JSON()))


def downgrade() -> None:
    op.drop_column("queue_items", "stays")
