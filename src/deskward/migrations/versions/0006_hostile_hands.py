"""What a session has read, limits over many records, confirmations, keys that end."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _secret()
    _members()
    _desk_keys()
    _confirmations()
    _counters()
    _ended_sessions()
    _provenance()
    _notes()


def _desk_keys() -> None:
    """Move the desk's own idempotency keys to where no caller's can be (`gate/effects.py`)."""
    for statement in (
        "UPDATE effects SET key = :ours || key WHERE key IN "
        "(SELECT 'approval:' || id FROM approvals WHERE status <> 'pending')",
        "UPDATE turns SET key = :ours || key WHERE key IN "
        "(SELECT 'approval:' || id FROM approvals WHERE status <> 'pending')",
        "UPDATE effects SET key = :ours || 'turn:' || key WHERE key LIKE '%:%:%' AND "
        "substr(key, 1, 32) IN (SELECT id FROM turns WHERE status IN ('running', 'paused'))",
    ):
        op.get_bind().execute(sa.text(statement), {"ours": "\x1f"})


def _confirmations() -> None:
    """Make the table of calls that wait for their customer's yes (`gate/confirmations.py`)."""
    op.create_table(
        "confirmations",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.String(length=80), nullable=False),
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=True),
        sa.Column("policies", sa.JSON(), nullable=False),
        sa.Column("policy_version", sa.String(length=12), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("about", sa.String(length=64), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("binding", sa.String(length=64), nullable=True),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("session_id", sa.String(length=128), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_confirmations"),
    )
    op.create_index(
        "ix_confirmations_session",
        "confirmations",
        ["tenant_id", "principal", "session_id", "status"],
    )
    op.create_index("ix_confirmations_status", "confirmations", ["status", "expires_at"])


def _counters() -> None:
    """Make the table of what was done on a day (`gate/counters.py`)."""
    op.create_table(
        "counters",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("whose", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=False),
        sa.Column("unit", sa.String(length=16), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "day", "name", "whose", "owner", "unit", name="pk_counters"
        ),
    )


def _ended_sessions() -> None:
    """Have sessions that can be ended (`conversations/ending.py`)."""
    op.add_column("sessions", sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))


def _members() -> None:
    """Make the table of members; whoever has a key is one (`security/members.py`)."""
    op.create_table(
        "members",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("looks", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "id", name="pk_members"),
    )
    op.create_index("ix_members_looks", "members", ["tenant_id", "kind", "looks"])
    op.execute(
        "INSERT INTO members SELECT tenant_id, kind, subject_id, lower(subject_id), "
        "min(created_at), NULL FROM api_keys WHERE kind <> 'customer' "
        "GROUP BY tenant_id, kind, subject_id"
    )


def _secret() -> None:
    """Make the table of the secret key's check (`gate/secret.py`)."""
    op.create_table(
        "desk_secret",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("coming", sa.LargeBinary(), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_desk_secret"),
    )


def _provenance() -> None:
    op.create_table(
        "provenance",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "owner", "id", "source", name="pk_provenance"),
    )
    # Of sessions from before this, whatever a tool answered them counts as others' words.
    op.execute(
        "INSERT INTO provenance (tenant_id, kind, owner, id, source, since) SELECT DISTINCT "
        "tenant_id, 'session', owner, session_id, 'outside', CURRENT_TIMESTAMP FROM messages "
        "WHERE role = 'tool'"
    )
    # And nobody knows any more by whose hand the profiles were written.
    op.execute(
        "INSERT INTO provenance (tenant_id, kind, owner, id, source, since) SELECT tenant_id, "
        "'customer', 'customer:' || id, id, 'customer', CURRENT_TIMESTAMP FROM customers"
    )


def _notes() -> None:
    """Have tickets with a note for staff (`tickets/models.py`)."""
    op.add_column("tickets", sa.Column("note", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("tickets") as batch:
        batch.drop_column("note")
    with op.batch_alter_table("sessions") as batch:
        batch.drop_column("ended_at")
    op.drop_table("counters")
    op.drop_table("desk_secret")
    op.drop_table("members")
    op.drop_table("provenance")
    op.drop_table("confirmations")
