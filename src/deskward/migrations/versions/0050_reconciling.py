"""How it is found out whether a call of an outside tool took effect that was cut off."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hub_tools", sa.Column("reconcile", sa.Text()))


def downgrade() -> None:
    op.drop_column("hub_tools", "reconcile")
