"""The customer-service API: turns that are read again, outside tools, jobs, files, mail."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turns", sa.Column("holder", sa.String(length=32), nullable=True))
    op.add_column("turns", sa.Column("key", sa.String(length=200), nullable=True))
    op.add_column("turns", sa.Column("digest", sa.String(length=64), nullable=True))
    op.add_column("turns", sa.Column("model", sa.String(length=200), nullable=True))
    op.add_column("turns", sa.Column("message_count", sa.Integer(), nullable=True))
    op.drop_index("uq_turns_running", "turns")
    is_open = sa.text("status IN ('running', 'paused')")
    op.create_index(
        "uq_turns_open",
        "turns",
        ["tenant_id", "owner", "session_id"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index(
        "uq_turns_key", "turns", ["tenant_id", "owner", "session_id", "key"], unique=True
    )
    op.create_table(
        "hub_tools",
        sa.Column("server", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("offered", sa.String(length=64), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("offered_shape", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("server", "name", name="pk_hub_tools"),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_due", "jobs", ["status", "due_at"])
    op.create_table(
        "files",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content_type", sa.String(length=100), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_files"),
    )
    op.create_table(
        "emails",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("attachments", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_emails"),
    )


def downgrade() -> None:
    for name in ("emails", "files", "jobs", "hub_tools"):
        op.drop_table(name)
    op.drop_index("uq_turns_key", "turns")
    op.drop_index("uq_turns_open", "turns")
    op.execute("UPDATE turns SET status = 'failed' WHERE status = 'paused'")
    is_running = sa.text("status = 'running'")
    op.create_index(
        "uq_turns_running",
        "turns",
        ["tenant_id", "owner", "session_id"],
        unique=True,
        sqlite_where=is_running,
        postgresql_where=is_running,
    )
    with op.batch_alter_table("turns") as batch:
        for column in ("message_count", "model", "digest", "key", "holder"):
            batch.drop_column(column)
