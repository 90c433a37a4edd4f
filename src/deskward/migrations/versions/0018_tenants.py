"""Tenants are kept, with how they are written to and from; those that there are stay."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("hours", sa.String(length=400), nullable=False),
        sa.Column("reply_to", sa.String(length=320), nullable=True),
        sa.Column("sender_name", sa.String(length=200), nullable=False),
        sa.Column("mail_domains", sa.JSON(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_tenants"),
    )
    op.execute(
        "INSERT INTO tenants (tenant_id, name, languages, hours, sender_name, mail_domains, "
        "signature, created_at) SELECT tenant_id, '', '[]', '', '', '[]', '', CURRENT_TIMESTAMP "
        "FROM (SELECT tenant_id FROM customers UNION SELECT tenant_id FROM api_keys "
        "UNION SELECT tenant_id FROM members) AS known"
    )


def downgrade() -> None:
    op.drop_table("tenants")
