"""Specialists, and what waits for them (`queues/models.py`)."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "queue_numbers",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_queue_numbers"),
    )
    op.create_table(
        "specialists",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("staff_id", sa.String(length=64), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("hours", sa.String(length=400), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "staff_id", name="pk_specialists"),
    )
    op.create_table(
        "queue_items",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("escalation_level", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("assignee", sa.String(length=64), nullable=True),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("avoids", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("here_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begin_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_queue_items"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ticket"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
        ),
    )
    op.create_index("ix_queue_items_active", "queue_items", ["tenant_id", "status", "kind"])
    op.create_index("ix_queue_items_status", "queue_items", ["status"])
    op.create_index("ix_queue_items_ticket", "queue_items", ["tenant_id", "ticket"])
    op.create_index("ix_queue_items_queued", "queue_items", ["tenant_id", "queued_at"])


def downgrade() -> None:
    for table in ("queue_items", "specialists", "queue_numbers"):
        op.drop_table(table)
