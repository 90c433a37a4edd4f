"""Tickets are threads: their messages, links between them, and what sorts them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _tickets()
    _messages()
    _links()
    _fill()


def _tickets() -> None:
    for column in (
        sa.Column("team", sa.String(64)),
        sa.Column("tags", sa.JSON()),
        sa.Column("fields", sa.JSON()),
        sa.Column("language", sa.String(35)),
        sa.Column("source", sa.String(16), nullable=False, server_default="api"),
        sa.Column("answer_due_at", MOMENT),
        sa.Column("resolve_due_at", MOMENT),
        sa.Column("resolved_at", MOMENT),
        sa.Column("snoozed_until", MOMENT),
        sa.Column("spam", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("merged_into", sa.BigInteger()),
        sa.Column("messages", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("heard", sa.Integer(), nullable=False, server_default="1"),
    ):
        op.add_column("tickets", column)


def _messages() -> None:
    op.create_table(
        "ticket_messages",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("author", sa.String(80), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text()),
        sa.Column("whole", sa.Text()),
        sa.Column("files", sa.JSON()),
        sa.Column("delivery", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text()),
        sa.Column("message_id", sa.String(998)),
        sa.Column("in_reply_to", sa.String(998)),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number"],
            ["tickets.tenant_id", "tickets.number"],
            name="fk_ticket_messages_tenant_id_tickets",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "number", "seq", name="pk_ticket_messages"),
    )
    op.create_index("uq_ticket_messages_id", "ticket_messages", ["tenant_id", "id"], unique=True)
    op.create_index("ix_ticket_messages_message_id", "ticket_messages", ["tenant_id", "message_id"])


def _links() -> None:
    op.create_table(
        "ticket_links",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("other", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number"],
            ["tickets.tenant_id", "tickets.number"],
            name="fk_ticket_links_tenant_id_tickets",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "other"],
            ["tickets.tenant_id", "tickets.number"],
            name="fk_ticket_links_tenant_id_other_tickets",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "number", "other", name="pk_ticket_links"),
    )
    op.create_index("ix_ticket_links_other", "ticket_links", ["tenant_id", "other"])


def _fill() -> None:
    """Make messages of the texts that tickets have. Their ids need only be their tenant's."""
    for seq, column, kind, author, moment in (
        ("1", "body", "message", "'customer:' || customer_id", "created_at"),
        ("2", "note", "note", "'agent:assistant'", "created_at"),
        (
            "2 + (CASE WHEN note IS NULL THEN 0 ELSE 1 END)",
            "reply",
            "message",
            "'staff:' || COALESCE(assignee, '')",
            "updated_at",
        ),
    ):
        op.execute(
            "INSERT INTO ticket_messages (tenant_id, number, seq, id, kind, author, channel, "  # noqa: S608 our own names
            "text, delivery, created_at) "
            f"SELECT tenant_id, number, {seq}, '{column}-' || CAST(number AS VARCHAR(20)), "
            f"'{kind}', {author}, 'api', {column}, 'none', {moment} "
            f"FROM tickets WHERE {column} IS NOT NULL"
        )
    op.execute(
        "UPDATE tickets SET messages = 1 + (CASE WHEN note IS NULL THEN 0 ELSE 1 END) "
        "+ (CASE WHEN reply IS NULL THEN 0 ELSE 1 END), "
        "resolved_at = (CASE WHEN status = 'resolved' THEN updated_at END)"
    )


def downgrade() -> None:
    op.drop_table("ticket_links")
    op.drop_table("ticket_messages")
    for column in (
        "team",
        "tags",
        "fields",
        "language",
        "source",
        "answer_due_at",
        "resolve_due_at",
        "resolved_at",
        "snoozed_until",
        "spam",
        "merged_into",
        "messages",
        "heard",
    ):
        op.drop_column("tickets", column)
