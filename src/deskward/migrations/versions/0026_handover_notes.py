"""What staff are told of handovers is called the notes that it is."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def _move(old: str, new: str) -> None:
    op.create_table(
        new,
        sa.Column("tenant_id", sa.String(64), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("told", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "number"],
            ["tickets.tenant_id", "tickets.number"],
            name=f"fk_{new}_tenant_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "number", name=f"pk_{new}"),
    )
    copy = f"INSERT INTO {new} SELECT tenant_id, number, told FROM {old}"  # noqa: S608 our names
    op.execute(copy)
    op.drop_table(old)


def upgrade() -> None:
    _move("handovers", "handover_notes")


def downgrade() -> None:
    _move("handover_notes", "handovers")
