"""The spine: keys, gate, customers, accounts, tickets, FAQ, conversations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("prefix", sa.String(length=12), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("prefix", name="pk_api_keys"),
    )
    op.create_table(
        "approvals",
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
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
    )
    op.create_index("ix_approvals_digest", "approvals", ["tenant_id", "digest"], unique=False)
    op.create_table(
        "customers",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("address", sa.String(length=300), nullable=True),
        sa.Column("tier", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_customers"),
    )
    op.create_table(
        "effects",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("effect_id", sa.String(length=32), nullable=False),
        sa.Column("tool", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "principal", "key", name="pk_effects"),
    )
    op.create_table(
        "faq",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("question", sa.String(length=300), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_faq"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_faq_tenant_id_id"),
    )
    op.create_table(
        "ledger",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "seq", name="pk_ledger"),
    )
    op.create_table(
        "ledger_heads",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_ledger_heads"),
    )
    op.create_table(
        "sessions",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_activity", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "owner", "id", name="pk_sessions"),
    )
    op.create_table(
        "ticket_numbers",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_ticket_numbers"),
    )
    op.create_table(
        "accounts",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["customers.tenant_id", "customers.id"],
            name="fk_accounts_tenant_id_user_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name="pk_accounts"),
    )
    op.create_table(
        "messages",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("turn_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "owner", "session_id"],
            ["sessions.tenant_id", "sessions.owner", "sessions.id"],
            name="fk_messages_tenant_id_owner_session_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "owner", "session_id", "seq", name="pk_messages"),
    )
    op.create_table(
        "tickets",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("assignee", sa.String(length=64), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name="fk_tickets_tenant_id_customer_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_tickets"),
    )
    op.create_index("ix_tickets_customer_id", "tickets", ["tenant_id", "customer_id"], unique=False)
    op.create_table(
        "turns",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("session_id", sa.String(length=128), nullable=False),
        sa.Column("principal", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "owner", "session_id"],
            ["sessions.tenant_id", "sessions.owner", "sessions.id"],
            name="fk_turns_tenant_id_owner_session_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_turns"),
    )
    op.create_index("ix_turns_status", "turns", ["status", "lease_until"], unique=False)
    op.create_index(
        "uq_turns_running",
        "turns",
        ["tenant_id", "owner", "session_id"],
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_table(
        "cards",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("brand", sa.String(length=32), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["accounts.tenant_id", "accounts.user_id"],
            name="fk_cards_tenant_id_user_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_cards"),
    )
    op.create_index("ix_cards_user_id", "cards", ["tenant_id", "user_id"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["accounts.tenant_id", "accounts.user_id"],
            name="fk_transactions_tenant_id_user_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_transactions"),
    )
    op.create_index(
        "ix_transactions_user_id", "transactions", ["tenant_id", "user_id", "at"], unique=False
    )
    if op.get_bind().dialect.name == "sqlite":
        _index_faq_sqlite()
    else:
        _index_faq_postgresql()


def _index_faq_sqlite() -> None:
    """FTS5 (https://sqlite.org/fts5.html) as an external-content index, kept up by triggers."""
    op.execute(
        "CREATE VIRTUAL TABLE faq_fts USING fts5("
        "question, keywords, answer, content='faq', content_rowid='number', tokenize='porter')"
    )
    new = (
        "(rowid, question, keywords, answer)"
        " VALUES (new.number, new.question, new.keywords, new.answer)"
    )
    old = (
        "(faq_fts, rowid, question, keywords, answer)"
        " VALUES ('delete', old.number, old.question, old.keywords, old.answer)"
    )
    op.execute(
        f"CREATE TRIGGER faq_inserted AFTER INSERT ON faq BEGIN INSERT INTO faq_fts {new}; END"
    )
    op.execute(
        f"CREATE TRIGGER faq_deleted AFTER DELETE ON faq BEGIN INSERT INTO faq_fts {old}; END"
    )
    op.execute(
        "CREATE TRIGGER faq_updated AFTER UPDATE ON faq BEGIN"
        f" INSERT INTO faq_fts {old}; INSERT INTO faq_fts {new}; END"
    )


def _index_faq_postgresql() -> None:
    op.execute(
        "ALTER TABLE faq ADD COLUMN search tsvector GENERATED ALWAYS AS ("
        "setweight(to_tsvector('english', question || ' ' || keywords), 'A') ||"
        " setweight(to_tsvector('english', answer), 'B')) STORED"
    )
    op.execute("CREATE INDEX ix_faq_search ON faq USING gin (search)")


def downgrade() -> None:
    """The first revision has nothing before it: drop the database instead."""
    raise RuntimeError("there is nothing before the first revision; drop the database instead")
