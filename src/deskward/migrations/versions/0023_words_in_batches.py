"""The words of tickets go into SQLite's index by the batch: each by itself costs a segment of it.

At every savepoint FTS5 writes what it holds to its tables, as a segment that is merged later; a row
by itself takes it more than all the rest of a ticket. `ticket_words_fts_upto` says up to which row
the index has them. Those behind it are looked through one by one (`tickets/words.py`).
"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

BATCH = 64
"""Rows that are looked through at the most."""
UPTO = "(SELECT last FROM ticket_words_fts_upto)"
INTO = "INSERT INTO ticket_words_fts"
NEW = "(rowid, words) VALUES (new.id, new.words)"
OLD = "(ticket_words_fts, rowid, words) VALUES ('delete', old.id, old.words)"
ALL = "(rowid, words) SELECT id, words FROM ticket_words WHERE id >"
MOVE = "UPDATE ticket_words_fts_upto SET last = new.id"
TRIGGERS = ("inserted", "deleted", "updated")


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("CREATE TABLE ticket_words_fts_upto (last INTEGER NOT NULL)")
    op.execute("INSERT INTO ticket_words_fts_upto SELECT coalesce(max(id), 0) FROM ticket_words")
    _drop()
    # A row that takes the place of one that is gone: the numbers of the last rows come again.
    op.execute(
        "CREATE TRIGGER ticket_words_inserted AFTER INSERT ON ticket_words"
        f" WHEN new.id <= {UPTO} BEGIN {INTO} {NEW}; END"
    )
    op.execute(
        "CREATE TRIGGER ticket_words_batch AFTER INSERT ON ticket_words"
        f" WHEN new.id >= {UPTO} + {BATCH} BEGIN {INTO} {ALL} {UPTO}; {MOVE}; END"
    )
    op.execute(
        "CREATE TRIGGER ticket_words_deleted AFTER DELETE ON ticket_words"
        f" WHEN old.id <= {UPTO} BEGIN {INTO} {OLD}; END"
    )
    op.execute(
        "CREATE TRIGGER ticket_words_updated AFTER UPDATE OF words ON ticket_words"
        f" WHEN old.id <= {UPTO} BEGIN {INTO} {OLD}; {INTO} {NEW}; END"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.execute("DROP TRIGGER ticket_words_batch")
    _drop()
    op.execute(f"{INTO} {ALL} {UPTO}")
    op.execute(
        f"CREATE TRIGGER ticket_words_inserted AFTER INSERT ON ticket_words BEGIN {INTO} {NEW}; END"
    )
    op.execute(
        f"CREATE TRIGGER ticket_words_deleted AFTER DELETE ON ticket_words BEGIN {INTO} {OLD}; END"
    )
    op.execute(
        "CREATE TRIGGER ticket_words_updated AFTER UPDATE OF words ON ticket_words"
        f" BEGIN {INTO} {OLD}; {INTO} {NEW}; END"
    )
    op.execute("DROP TABLE ticket_words_fts_upto")


def _drop() -> None:
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER ticket_words_{name}")
