"""The accountable assistant: refunds, replies to tickets, keys of the ledger, policy versions."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column("reply", sa.Text(), nullable=True))
    op.create_table(
        "refunds",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_refunds"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_number"],
            ["orders.tenant_id", "orders.number"],
            name="fk_refunds_tenant_id_order_number",
        ),
    )
    op.create_index("ix_refunds_order_number", "refunds", ["tenant_id", "order_number"])
    op.add_column("ledger", sa.Column("conversation", sa.String(length=32), nullable=True))
    is_filed = sa.text("conversation IS NOT NULL")
    op.create_index(
        "ix_ledger_conversation",
        "ledger",
        ["tenant_id", "conversation"],
        sqlite_where=is_filed,
        postgresql_where=is_filed,
    )
    op.add_column("approvals", sa.Column("origin", sa.Text(), nullable=True))
    op.add_column("approvals", sa.Column("about", sa.String(length=64), nullable=True))
    op.add_column("approvals", sa.Column("sealed", sa.LargeBinary(), nullable=True))
    op.add_column("approvals", sa.Column("binding", sa.String(length=64), nullable=True))
    op.add_column("approvals", sa.Column("decided_by", sa.String(length=80), nullable=True))
    op.add_column("approvals", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("approvals", sa.Column("comment", sa.Text(), nullable=True))
    op.add_column("approvals", sa.Column("answer", sa.Text(), nullable=True))
    op.create_index("ix_approvals_status", "approvals", ["tenant_id", "status", "created_at"])
    op.create_table(
        "subject_keys",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(length=60), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subject", name="pk_subject_keys"),
        sa.UniqueConstraint("id", name="uq_subject_keys_id"),
    )
    op.create_table(
        "policy_versions",
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_policy_versions"),
    )
    op.create_table(
        "policy_changes",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=16), nullable=False),
        sa.Column("version", sa.String(length=12), nullable=True),
        sa.Column("changed_by", sa.String(length=80), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_policy_changes"),
    )


def downgrade() -> None:
    for name in ("policy_changes", "policy_versions", "subject_keys"):
        op.drop_table(name)
    op.drop_index("ix_approvals_status", "approvals")
    with op.batch_alter_table("approvals") as batch:
        for column in (
            *("answer", "comment", "decided_at", "decided_by"),
            *("binding", "sealed", "about", "origin"),
        ):
            batch.drop_column(column)
    op.drop_index("ix_ledger_conversation", "ledger")
    with op.batch_alter_table("ledger") as batch:
        batch.drop_column("conversation")
    op.drop_table("refunds")
    with op.batch_alter_table("tickets") as batch:
        batch.drop_column("reply")
