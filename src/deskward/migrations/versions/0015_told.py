"""What a customer is told of a denial is another text than what the staff note of it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("approvals", sa.Column("told", sa.Text()))


def downgrade() -> None:
    op.drop_column("approvals", "told")
