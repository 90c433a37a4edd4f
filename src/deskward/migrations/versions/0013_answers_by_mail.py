"""Answers to tickets go by mail: the headers of a mail, and where a message came from."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("emails", sa.Column("headers", sa.JSON()))
    op.add_column("ticket_messages", sa.Column("address", sa.String(320)))


def downgrade() -> None:
    op.drop_column("ticket_messages", "address")
    op.drop_column("emails", "headers")
