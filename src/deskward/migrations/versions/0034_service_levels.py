"""The states that tickets were in, kept by the database itself, and what service levels rest on.

`ticket_states` is a ticket's history (`tickets/states.py`). `sla_watch` says when somebody next has
to look at a ticket's clocks (`escalation/models.py`): at once, whenever the ticket, its customer's
tier or the tenant's hours have changed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

OPENED = """
INSERT INTO ticket_states (tenant_id, number, at, status, priority, team, spam)
VALUES (new.tenant_id, new.number, new.created_at,
  CASE WHEN new.status IN ('resolved', 'closed') THEN 'open' ELSE new.status END,
  new.priority, new.team, new.spam)"""
ENDED_AT_ONCE = """
INSERT INTO ticket_states (tenant_id, number, at, status, priority, team, spam)
SELECT new.tenant_id, new.number, coalesce(new.resolved_at, new.updated_at), new.status,
  new.priority, new.team, new.spam
WHERE new.status IN ('resolved', 'closed')"""
CHANGED = """
INSERT INTO ticket_states (tenant_id, number, at, status, priority, team, spam)
VALUES (new.tenant_id, new.number, new.updated_at, new.status, new.priority, new.team, new.spam)"""
LOOK = """
INSERT INTO sla_watch (tenant_id, number, next_at)
SELECT new.tenant_id, new.number, '1970-01-01 00:00:00.000000'
WHERE new.status IN ('open', 'pending') AND NOT new.spam
ON CONFLICT (tenant_id, number) DO UPDATE SET next_at = '1970-01-01 00:00:00.000000'"""
LOOK_NO_MORE = """
DELETE FROM sla_watch WHERE tenant_id = new.tenant_id AND number = new.number
AND (new.status IN ('resolved', 'closed') OR new.spam)"""
OF_CUSTOMER = """
UPDATE sla_watch SET next_at = '1970-01-01 00:00:00.000000'
WHERE tenant_id = new.tenant_id AND number IN (SELECT t.number FROM tickets t
  WHERE t.tenant_id = new.tenant_id AND t.customer_id = new.id)"""
OF_TENANT = """
UPDATE sla_watch SET next_at = '1970-01-01 00:00:00.000000' WHERE tenant_id = new.tenant_id"""
OTHER = " OR ".join(
    f"old.{name} {{0}} new.{name}" for name in ("status", "priority", "team", "spam")
)
TRIGGERS = {
    "tickets_opened": ("tickets", "INSERT", "", (OPENED, ENDED_AT_ONCE, LOOK)),
    "tickets_changed": ("tickets", "UPDATE", OTHER, (CHANGED,)),
    "tickets_watched": (
        "tickets",
        "UPDATE",
        "old.revision {0} new.revision",
        (LOOK, LOOK_NO_MORE),
    ),
    "customers_watched": ("customers", "UPDATE", "old.tier {0} new.tier", (OF_CUSTOMER,)),
    "tenants_watched": (
        "tenants",
        "UPDATE",
        "old.hours {0} new.hours OR old.time_zone {0} new.time_zone",
        (OF_TENANT,),
    ),
}
"""Name → table, on what, when, and what is done."""


def upgrade() -> None:
    op.create_table(
        "ticket_states",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.String(length=16), nullable=False),
        sa.Column("team", sa.String(length=64), nullable=True),
        sa.Column("spam", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
        ),
    )
    op.create_index("ix_ticket_states_ticket", "ticket_states", ["tenant_id", "number", "seq"])
    op.create_table(
        "sla_watch",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_sla_watch"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
        ),
    )
    op.create_index("ix_sla_watch_next", "sla_watch", ["next_at"])
    op.create_table(
        "sla_escalations",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("clock", sa.String(length=16), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "number", "clock", "started_at", name="pk_sla_escalations"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number"], ["tickets.tenant_id", "tickets.number"], ondelete="CASCADE"
        ),
    )
    op.create_table(
        "sla_rules",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sla_rules"),
    )
    _keep_states()
    sqlite = op.get_bind().dialect.name == "sqlite"
    for name, (table, on, when, done) in TRIGGERS.items():
        (_on_sqlite if sqlite else _on_postgresql)(name, table, on, when, done)


def _keep_states() -> None:
    """Of the tickets that there are it is known when they were opened, and what they are now."""
    op.execute(
        """
        INSERT INTO ticket_states (tenant_id, number, at, status, priority, team, spam)
        SELECT t.tenant_id, t.number, t.created_at,
          CASE WHEN t.status IN ('resolved', 'closed') THEN 'open' ELSE t.status END,
          t.priority, t.team, t.spam
        FROM tickets t"""
    )
    op.execute(
        """
        INSERT INTO ticket_states (tenant_id, number, at, status, priority, team, spam)
        SELECT t.tenant_id, t.number, coalesce(t.resolved_at, t.updated_at), t.status,
          t.priority, t.team, t.spam
        FROM tickets t WHERE t.status IN ('resolved', 'closed')"""
    )
    op.execute(
        """
        INSERT INTO sla_watch (tenant_id, number, next_at)
        SELECT t.tenant_id, t.number, '1970-01-01 00:00:00.000000'
        FROM tickets t WHERE t.status IN ('open', 'pending') AND NOT t.spam"""
    )


def _on_sqlite(name: str, table: str, on: str, when: str, done: tuple[str, ...]) -> None:
    only = f" WHEN {when.format('IS NOT')}" if when else ""
    body = "; ".join(done)
    op.execute(f"CREATE TRIGGER {name} AFTER {on} ON {table}{only} BEGIN {body}; END")


def _on_postgresql(name: str, table: str, on: str, when: str, done: tuple[str, ...]) -> None:
    only = f" WHEN ({when.format('IS DISTINCT FROM')})" if when else ""
    body = "; ".join(done)
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {body}; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {name} AFTER {on} ON {table} FOR EACH ROW{only} EXECUTE FUNCTION {name}()"
    )


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for name, (table, *_) in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name}" + ("" if sqlite else f" ON {table}"))
        if not sqlite:
            op.execute(f"DROP FUNCTION {name}()")
    for table in ("sla_rules", "sla_escalations", "sla_watch", "ticket_states"):
        op.drop_table(table)
