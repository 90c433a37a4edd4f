"""Orders with their lines, and complaints."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("order_numbers", "complaint_numbers"):
        op.create_table(
            name,
            sa.Column("tenant_id", sa.String(length=64), nullable=False),
            sa.Column("last", sa.BigInteger(), nullable=False),
            sa.PrimaryKeyConstraint("tenant_id", name=f"pk_{name}"),
        )
    op.create_table(
        "orders",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("shipping_address", sa.String(length=300), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name="fk_orders_tenant_id_customer_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_orders"),
    )
    op.create_index("ix_orders_customer_id", "orders", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_orders_status", "orders", ["tenant_id", "status"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("order_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_number"],
            ["orders.tenant_id", "orders.number"],
            name="fk_order_lines_tenant_id_order_number",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "order_number", "position", name="pk_order_lines"),
    )
    op.create_index("ix_order_lines_sku", "order_lines", ["tenant_id", "sku"], unique=False)
    op.create_table(
        "complaints",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("category", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_complaints"),
    )
    op.create_index(
        "ix_complaints_customer_id", "complaints", ["tenant_id", "customer_id"], unique=False
    )
    op.create_index("ix_complaints_status", "complaints", ["tenant_id", "status"], unique=False)


def downgrade() -> None:
    for name in ("complaints", "order_lines", "orders", "complaint_numbers", "order_numbers"):
        op.drop_table(name)
