"""Jobs and mails under leases; what a mail server refused as data."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("lease", sa.String(length=32), nullable=True))
    op.add_column(
        "jobs", sa.Column("lost", sa.Integer(), nullable=False, server_default=sa.text("'0'"))
    )
    op.add_column("jobs", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("emails", sa.Column("lease", sa.String(length=32), nullable=True))
    op.add_column("emails", sa.Column("refused", sa.JSON(none_as_null=True), nullable=True))
    _take_apart()


def _take_apart() -> None:
    """Turn "address: reason; address: reason" into data."""
    emails = sa.table(
        "emails",
        *(sa.column(name) for name in ("tenant_id", "id", "status", "detail")),
        sa.column("refused", sa.JSON()),
    )
    bind = op.get_bind()
    prose = sa.select(emails).where(emails.c.status == "sent", emails.c.detail.is_not(None))
    for row in bind.execute(prose).all():
        refused = dict(part.split(": ", 1) for part in row.detail.split("; ") if ": " in part)
        same = (emails.c.tenant_id == row.tenant_id) & (emails.c.id == row.id)
        if refused:
            bind.execute(sa.update(emails).where(same).values(refused=refused, detail=None))


def downgrade() -> None:
    for table, columns in (("emails", ("refused", "lease")), ("jobs", ("reason", "lost", "lease"))):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column)
