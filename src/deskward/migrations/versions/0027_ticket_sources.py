"""How tickets are called in the systems that they were taken over from (`tickets/sources.py`)."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ticket_sources",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number"],
            ["tickets.tenant_id", "tickets.number"],
            name="fk_ticket_sources_tenant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "system", "external_id", name="pk_ticket_sources"),
    )
    op.create_index("ix_ticket_sources_number", "ticket_sources", ["tenant_id", "number"])


def downgrade() -> None:
    op.drop_table("ticket_sources")
