"""News of conversations, what is told of handovers, and addresses to which mail came back."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "session_news",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("owner", sa.String(80), primary_key=True),
        sa.Column("session_id", sa.String(128), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("by", sa.String(16), nullable=False),
        sa.Column("said", sa.Integer),
        sa.Column("message_id", sa.String(32)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["tenant_id", "owner", "session_id"],
            ["sessions.tenant_id", "sessions.owner", "sessions.id"],
            name="fk_session_news_tenant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "owner", "session_id", "number", name="pk_session_news"
        ),
    )
    op.create_index("ix_session_news_created_at", "session_news", ["created_at"])
    op.create_table(
        "handovers",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("told", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number"],
            ["tickets.tenant_id", "tickets.number"],
            name="fk_handovers_tenant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_handovers"),
    )
    op.create_table(
        "bounced_addresses",
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("address", sa.String(320), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    for table in ("bounced_addresses", "handovers", "session_news"):
        op.drop_table(table)
