"""Indexes by which tickets are found quickly, however many there are (`tickets/finding.py`)."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

LEADERS = ("status", "assignee", "team")
MOMENTS = {"created": "created_at", "updated": "updated_at"}
WORDS = "array_to_tsvector(string_to_array(words, ' '){tenant})"


def upgrade() -> None:
    op.drop_index("ix_tickets_assignee", "tickets")
    op.create_index("ix_tickets_created", "tickets", ["tenant_id", "created_at", "number"])
    for leader in LEADERS:
        for name, moment in MOMENTS.items():
            columns = ["tenant_id", leader, moment, "number"]
            op.create_index(f"ix_tickets_{leader}_{name}", "tickets", columns)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE INDEX ix_tickets_all ON tickets (tenant_id, status, priority, source, team,"
            " assignee, customer_id, number, created_at, updated_at, tags)"
        )
        return
    op.execute("DROP INDEX ix_ticket_words_search")
    _index_words("|| ('#' || tenant_id)::text")
    op.execute(
        "CREATE FUNCTION ticket_marks(tenant text, status text, priority text, source text,"
        " team text, assignee text, tags json) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        " AS $$ SELECT ARRAY['#' || tenant, 's:' || status, 'p:' || priority, 'c:' || source,"
        " 't:' || coalesce(team, ''), 'a:' || coalesce(assignee, '')]"
        " || ARRAY(SELECT 'g:' || tag FROM json_array_elements_text(tags) AS tag) $$"
    )
    op.execute(
        "CREATE INDEX ix_tickets_marks ON tickets USING gin (ticket_marks(tenant_id, status,"
        " priority, source, team, assignee, tags))"
    )


def _index_words(tenant: str) -> None:
    words = WORDS.format(tenant=f" {tenant}" if tenant else "")
    op.execute(f"CREATE INDEX ix_ticket_words_search ON ticket_words USING gin ({words})")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP INDEX ix_tickets_all")
    else:
        op.execute("DROP INDEX ix_tickets_marks")
        op.execute("DROP FUNCTION ticket_marks")
        op.execute("DROP INDEX ix_ticket_words_search")
        _index_words("")
    for leader in LEADERS:
        for name in MOMENTS:
            op.drop_index(f"ix_tickets_{leader}_{name}", "tickets")
    op.drop_index("ix_tickets_created", "tickets")
    op.create_index("ix_tickets_assignee", "tickets", ["tenant_id", "assignee", "number"])
