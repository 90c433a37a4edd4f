"""Articles are found by the one search of all documents: the index of the FAQ alone goes."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for when in ("inserted", "deleted", "updated"):
            op.execute(f"DROP TRIGGER faq_{when}")
        op.execute("DROP TABLE faq_fts")
    else:
        op.execute("DROP INDEX ix_faq_search")
        op.execute("ALTER TABLE faq DROP COLUMN search")


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "ALTER TABLE faq ADD COLUMN search tsvector GENERATED ALWAYS AS ("
            "setweight(to_tsvector('english', question || ' ' || keywords), 'A') ||"
            " setweight(to_tsvector('english', answer), 'B')) STORED"
        )
        op.execute("CREATE INDEX ix_faq_search ON faq USING gin (search)")
        return
    op.execute(
        "CREATE VIRTUAL TABLE faq_fts USING fts5("
        "question, keywords, answer, content='faq', content_rowid='number', tokenize='porter')"
    )
    columns = "rowid, question, keywords, answer"
    new = f"({columns}) VALUES (new.number, new.question, new.keywords, new.answer)"
    old = (
        f"(faq_fts, {columns})"
        " VALUES ('delete', old.number, old.question, old.keywords, old.answer)"
    )
    for when, event, work in (
        ("inserted", "INSERT", f"INSERT INTO faq_fts {new};"),
        ("deleted", "DELETE", f"INSERT INTO faq_fts {old};"),
        ("updated", "UPDATE", f"INSERT INTO faq_fts {old}; INSERT INTO faq_fts {new};"),
    ):
        op.execute(f"CREATE TRIGGER faq_{when} AFTER {event} ON faq BEGIN {work} END")
    op.execute("INSERT INTO faq_fts (faq_fts) VALUES ('rebuild')")
