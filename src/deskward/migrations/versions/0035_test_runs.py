"""Runs of tests, and where they may go (`diagnostics/suites/models.py`)."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "test_runs",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("diagnosis", sa.BigInteger(), nullable=True),
        sa.Column("step", sa.String(length=64), nullable=True),
        sa.Column("run_by", sa.String(length=80), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_test_runs"),
    )
    op.create_index("ix_test_runs_at", "test_runs", ["tenant_id", "at"])
    op.create_table(
        "test_targets",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=260), nullable=False),
        sa.Column("ports", sa.JSON(), nullable=False),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_test_targets"),
        sa.UniqueConstraint("tenant_id", "target", name="uq_test_targets_target"),
    )


def downgrade() -> None:
    op.drop_table("test_targets")
    op.drop_table("test_runs")
