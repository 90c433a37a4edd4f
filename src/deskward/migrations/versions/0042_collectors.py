"""Programs that look from customers' machines (`diagnostics/collecting/`), and who looked."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "collectors",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("diagnosis", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("suite", sa.String(length=64), nullable=False),
        sa.Column("tests", sa.JSON(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_collectors"),
    )
    op.create_index("ix_collectors_id", "collectors", ["id"], unique=True)
    op.create_index("ix_collectors_session", "collectors", ["tenant_id", "diagnosis"])
    op.add_column(
        "test_runs",
        sa.Column("source", sa.String(length=16), nullable=False, server_default="desk"),
    )
    op.create_index("ix_test_runs_session", "test_runs", ["tenant_id", "diagnosis"])


def downgrade() -> None:
    op.drop_index("ix_test_runs_session", "test_runs")
    op.drop_column("test_runs", "source")
    op.drop_table("collectors")
