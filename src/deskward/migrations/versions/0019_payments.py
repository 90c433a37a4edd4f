"""What was paid for an order is on record, and what became of each refund."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("status", sa.String(length=16), nullable=False, server_default="granted"),
        sa.Column("detail", sa.String(length=300), nullable=True),
        sa.Column("reference", sa.String(length=200), nullable=True),
        sa.Column("call", sa.String(length=64), nullable=False, server_default=""),
    ):
        op.add_column("refunds", column)
    table = op.create_table(
        "payments",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("call", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_number"],
            ["orders.tenant_id", "orders.number"],
            name="fk_payments_tenant_id_order_number",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_payments"),
    )
    op.create_index("ix_payments_order_number", "payments", ["tenant_id", "order_number"])
    _take_over(table)


def _take_over(table: sa.Table) -> None:
    """Take as paid what counted as paid: orders that are confirmed or further.

    Of a cancelled order nobody knows whether it was confirmed before; it has what was refunded.
    """
    rows = op.get_bind().execute(
        sa.text(
            "SELECT o.tenant_id, o.number, o.status,"
            " (SELECT COALESCE(SUM(l.quantity * l.unit_price), 0) FROM order_lines l"
            "  WHERE l.tenant_id = o.tenant_id AND l.order_number = o.number) AS total,"
            " (SELECT COALESCE(SUM(r.amount), 0) FROM refunds r"
            "  WHERE r.tenant_id = o.tenant_id AND r.order_number = o.number) AS refunded"
            " FROM orders o WHERE o.status <> 'pending'"
        )
    )
    moment = datetime.now(UTC)
    made = [
        {
            "tenant_id": row.tenant_id,
            "id": f"before-{row.number}",
            "order_number": row.number,
            "amount": int(row.refunded if row.status == "cancelled" else row.total),
            "reference": "Taken as paid before payments were recorded.",
            "call": "",
            "created_at": moment,
        }
        for row in rows
        if row.status != "cancelled" or row.refunded
    ]
    for start in range(0, len(made), 1000):
        op.bulk_insert(table, made[start : start + 1000])


def downgrade() -> None:
    op.drop_table("payments")
    for column in ("status", "detail", "reference", "call"):
        op.drop_column("refunds", column)
