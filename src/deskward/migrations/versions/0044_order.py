"""What was first is told by order, not by clocks; and whose a ticket was when it was queued.

A state says how many messages its ticket had (`tickets/states.py`), a message whether its moment
places it, because it came from another ticket or a file, and a watch when somebody last looked, so
that a look by a clock that was fast is done again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

BEFORE = """
INSERT INTO ticket_states (tenant_id, number, at, status, priority, team, spam)
VALUES (new.tenant_id, new.number, new.updated_at, new.status, new.priority, new.team, new.spam)"""
NOW = """
INSERT INTO ticket_states (tenant_id, number, at, status, priority, team, spam, messages)
VALUES (new.tenant_id, new.number, new.updated_at, new.status, new.priority, new.team, new.spam,
  new.messages)"""
WHEN = " OR ".join(
    f"old.{name} {{0}} new.{name}" for name in ("status", "priority", "team", "spam")
)
MARKS = (
    "UPDATE ticket_messages SET by_moment = {true} WHERE EXISTS (SELECT 1 FROM ticket_links l"
    " WHERE l.tenant_id = ticket_messages.tenant_id AND l.other = ticket_messages.number"
    " AND l.kind = 'merged')",
    "UPDATE ticket_messages SET by_moment = {true} WHERE EXISTS (SELECT 1 FROM ticket_sources s"
    " WHERE s.tenant_id = ticket_messages.tenant_id AND s.number = ticket_messages.number)",
)
"""Of tickets that were merged, or came from a file, no order but that of moments is on record."""


def upgrade() -> None:
    op.add_column("ticket_states", sa.Column("messages", sa.Integer()))
    op.add_column("ticket_messages", sa.Column("by_moment", sa.Boolean()))
    op.add_column("sla_watch", sa.Column("looked_at", sa.DateTime(timezone=True)))
    op.create_index("ix_sla_watch_looked", "sla_watch", ["looked_at"])
    op.add_column("queue_items", sa.Column("beside", sa.String(length=64)))
    op.execute(
        "UPDATE queue_items SET beside = (SELECT t.assignee FROM tickets t"
        " WHERE t.tenant_id = queue_items.tenant_id AND t.number = queue_items.ticket)"
        " WHERE status = 'waiting'"
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    for mark in MARKS:
        op.execute(mark.format(true="1" if sqlite else "true"))
    _keeps(NOW)


def _keeps(what: str) -> None:
    """Have the trigger on a ticket that changes keep this."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER tickets_changed")
        op.execute(
            "CREATE TRIGGER tickets_changed AFTER UPDATE ON tickets"
            f" WHEN {WHEN.format('IS NOT')} BEGIN {what}; END"
        )
    else:
        op.execute(
            "CREATE OR REPLACE FUNCTION tickets_changed() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {what}; RETURN NULL; END $$"
        )


def downgrade() -> None:
    _keeps(BEFORE)
    op.drop_column("queue_items", "beside")
    op.drop_index("ix_sla_watch_looked", "sla_watch")
    op.drop_column("sla_watch", "looked_at")
    op.drop_column("ticket_messages", "by_moment")
    op.drop_column("ticket_states", "messages")
