"""Where customers who have joined an incident are told of it, and what they were told last.

A diagnostic session knows the conversation that it is walked in, and the revision of its incident
that its customer was told of; and what was found and put right in it before it went on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("diagnoses", sa.Column("chat", sa.String(length=128)))
    op.add_column("diagnoses", sa.Column("told", sa.Integer()))
    op.add_column("diagnoses", sa.Column("earlier", sa.JSON()))


def downgrade() -> None:
    op.drop_column("diagnoses", "earlier")
    op.drop_column("diagnoses", "told")
    op.drop_column("diagnoses", "chat")
