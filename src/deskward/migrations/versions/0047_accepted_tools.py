"""What a person has said of an outside tool: that it only reads, and for whom it is."""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hub_tools", sa.Column("reads", sa.Boolean()))
    op.add_column("hub_tools", sa.Column("audience", sa.String(length=16)))


def downgrade() -> None:
    op.drop_column("hub_tools", "audience")
    op.drop_column("hub_tools", "reads")
