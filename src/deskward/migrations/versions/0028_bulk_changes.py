"""Changes of many tickets by one call (`tickets/bulk.py`)."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bulk_changes",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("principal", sa.JSON(), nullable=False),
        sa.Column("door", sa.String(length=8), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("change", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_bulk_changes"),
    )
    op.create_table(
        "bulk_tickets",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("change_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("became", sa.String(length=16), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "change_id"],
            ["bulk_changes.tenant_id", "bulk_changes.id"],
            name="fk_bulk_tickets_tenant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "change_id", "number", name="pk_bulk_tickets"),
    )
    columns = ["tenant_id", "change_id", "became", "number"]
    op.create_index("ix_bulk_tickets_became", "bulk_tickets", columns)


def downgrade() -> None:
    op.drop_table("bulk_tickets")
    op.drop_table("bulk_changes")
