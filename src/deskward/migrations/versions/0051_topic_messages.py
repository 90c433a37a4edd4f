"""Messages of topics that the desk answers (`kafka/feeds.py`)."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    seq = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "topic_messages",
        sa.Column("seq", seq, autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("lane", sa.String(length=32), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("topic", sa.String(length=249), nullable=False),
        sa.Column("reply_topic", sa.String(length=249), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=400), nullable=True),
        sa.Column("session_id", sa.String(length=128), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("raw_key", sa.LargeBinary(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_topic_messages"),
    )
    for name, columns, unique in (
        ("uq_topic_messages_key", ["tenant_id", "key"], True),
        ("ix_topic_messages_status", ["status", "seq"], False),
        ("ix_topic_messages_lane", ["lane", "status", "seq"], False),
        ("ix_topic_messages_customer_id", ["tenant_id", "customer_id"], False),
    ):
        op.create_index(name, "topic_messages", columns, unique=unique)


def downgrade() -> None:
    for name in ("customer_id", "lane", "status"):
        op.drop_index(f"ix_topic_messages_{name}", "topic_messages")
    op.drop_index("uq_topic_messages_key", "topic_messages")
    op.drop_table("topic_messages")
