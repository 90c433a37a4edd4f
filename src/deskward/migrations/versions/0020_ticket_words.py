"""The words by which tickets are found (`tickets/words.py`)."""

import sqlalchemy as sa
from alembic import op

from deskward.text.indexing import words_to_keep

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

PAGE = 1000
REWORDED = (
    (
        "ticket_messages",
        "text",
        "tenant_id = new.tenant_id AND number = new.number AND seq = new.seq",
    ),
    ("tickets", "subject", "tenant_id = new.tenant_id AND number = new.number AND seq = 1"),
)
"""Table, column, and the rows of words that go where it is worded otherwise."""
GO = "DELETE FROM ticket_words WHERE"


def upgrade() -> None:
    op.create_table(
        "ticket_words",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number", "seq"],
            ["ticket_messages.tenant_id", "ticket_messages.number", "ticket_messages.seq"],
            name="fk_ticket_words_tenant_id",
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_words"),
    )
    op.create_index("ix_ticket_words_message", "ticket_words", ["tenant_id", "number", "seq"])
    if op.get_bind().dialect.name == "sqlite":
        _index_sqlite()
    else:
        _index_postgresql()
    op.create_index("ix_tickets_updated", "tickets", ["tenant_id", "updated_at", "number"])
    op.create_index("ix_tickets_status", "tickets", ["tenant_id", "status", "number"])
    op.create_index("ix_tickets_assignee", "tickets", ["tenant_id", "assignee", "number"])
    _keep_words()


def _index_sqlite() -> None:
    """FTS5 as an external-content index, kept up by triggers."""
    op.execute(
        "CREATE VIRTUAL TABLE ticket_words_fts USING fts5(words, content='ticket_words',"
        " content_rowid='id', detail='none',"
        " tokenize=\"unicode61 remove_diacritics 0 categories 'L* M* N* Co Pc'\")"
    )
    new = "(rowid, words) VALUES (new.id, new.words)"
    old = "(ticket_words_fts, rowid, words) VALUES ('delete', old.id, old.words)"
    into = "INSERT INTO ticket_words_fts"
    op.execute(
        f"CREATE TRIGGER ticket_words_inserted AFTER INSERT ON ticket_words BEGIN {into} {new}; END"
    )
    op.execute(
        f"CREATE TRIGGER ticket_words_deleted AFTER DELETE ON ticket_words BEGIN {into} {old}; END"
    )
    op.execute(
        "CREATE TRIGGER ticket_words_updated AFTER UPDATE OF words ON ticket_words"
        f" BEGIN {into} {old}; {into} {new}; END"
    )

    for table, column, row in REWORDED:
        op.execute(
            f"CREATE TRIGGER {table}_reworded AFTER UPDATE OF {column} ON {table}"
            f" BEGIN {GO} {row}; END"
        )


def _index_postgresql() -> None:
    op.execute(
        "CREATE INDEX ix_ticket_words_search ON ticket_words"
        " USING gin (array_to_tsvector(string_to_array(words, ' ')))"
    )
    for table, column, row in REWORDED:
        op.execute(
            f"CREATE FUNCTION {table}_reworded() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {GO} {row}; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_reworded AFTER UPDATE OF {column} ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {table}_reworded()"
        )


def _keep_words() -> None:
    """Keep the words of the messages that there are; a ticket's subject is with its first one."""
    db, after = op.get_bind(), ("", 0, 0)
    page = sa.text(
        "SELECT m.tenant_id, m.number, m.seq, m.text, t.subject FROM ticket_messages m"
        " JOIN tickets t ON t.tenant_id = m.tenant_id AND t.number = m.number"
        " WHERE (m.tenant_id, m.number, m.seq) > (:tenant, :number, :seq)"
        " ORDER BY m.tenant_id, m.number, m.seq LIMIT :page"
    )
    insert = sa.text(
        "INSERT INTO ticket_words (tenant_id, number, seq, words)"
        " VALUES (:tenant, :number, :seq, :words)"
    )
    while True:
        place = dict(zip(("tenant", "number", "seq"), after, strict=True))
        rows = db.execute(page, {**place, "page": PAGE}).all()
        for tenant, number, seq, text, subject in rows:
            words = words_to_keep(f"{subject}\n{text}" if seq == 1 else text)
            if words:
                values = {"tenant": tenant, "number": number, "seq": seq, "words": words}
                db.execute(insert, values)
        if len(rows) < PAGE:
            return
        after = (rows[-1][0], rows[-1][1], rows[-1][2])


def downgrade() -> None:
    for name in ("assignee", "status", "updated"):
        op.drop_index(f"ix_tickets_{name}", "tickets")
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, _, _ in REWORDED:
        op.execute(f"DROP TRIGGER {table}_reworded" + ("" if sqlite else f" ON {table}"))
        if not sqlite:
            op.execute(f"DROP FUNCTION {table}_reworded()")
    if sqlite:
        op.execute("DROP TABLE ticket_words_fts")
    op.drop_table("ticket_words")
