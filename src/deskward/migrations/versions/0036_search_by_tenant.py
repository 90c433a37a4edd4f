"""PostgreSQL's indexes of words and marks begin with the tenant (`tickets/words.py`).

With the tenant as a word among others, each search read where all of the tenant's rows are.
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

WORDS = "array_to_tsvector(string_to_array({words}, ' '))"
OF_TENANT = "(tenant_id || ':' || replace(words, ' ', ' ' || tenant_id || ':'))"
OF_ANY = "array_to_tsvector(string_to_array(words, ' ') || ('#' || tenant_id)::text)"
COLUMNS = "tenant_id, status, priority, source, team, assignee, tags"
MARKS = (
    "CREATE FUNCTION ticket_marks(tenant text, status text, priority text, source text,"
    " team text, assignee text, tags json) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE"
    " AS $$"
)
EACH = (
    ("s", "status"),
    ("p", "priority"),
    ("c", "source"),
    ("t", "coalesce(team, '')"),
    ("a", "coalesce(assignee, '')"),
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    _leave()
    op.execute(
        "CREATE INDEX ix_ticket_words_search ON ticket_words"
        f" USING gin ({WORDS.format(words=OF_TENANT)})"
    )
    each = ", ".join(f"tenant || ':{letter}:' || {value}" for letter, value in EACH)
    tags = "SELECT tenant || ':g:' || tag FROM json_array_elements_text(tags) AS tag"
    op.execute(f"{MARKS} SELECT ARRAY[{each}] || ARRAY({tags}) $$")
    _index_marks()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    _leave()
    op.execute(f"CREATE INDEX ix_ticket_words_search ON ticket_words USING gin ({OF_ANY})")
    each = ", ".join(f"'{letter}:' || {value}" for letter, value in EACH)
    tags = "SELECT 'g:' || tag FROM json_array_elements_text(tags) AS tag"
    op.execute(f"{MARKS} SELECT ARRAY['#' || tenant, {each}] || ARRAY({tags}) $$")
    _index_marks()


def _leave() -> None:
    op.execute("DROP INDEX ix_ticket_words_search")
    op.execute("DROP INDEX ix_tickets_marks")
    op.execute("DROP FUNCTION ticket_marks")


def _index_marks() -> None:
    op.execute(f"CREATE INDEX ix_tickets_marks ON tickets USING gin (ticket_marks({COLUMNS}))")
