"""Customers are found by their names in any case and with or without accents."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    folded = sa.Column("folded", sa.String(length=800), nullable=False, server_default="")
    op.add_column("customers", folded)
    bind = op.get_bind()
    rows = bind.execute(sa.text("SELECT tenant_id, id, name FROM customers")).all()
    change = sa.text("UPDATE customers SET folded = :f WHERE tenant_id = :t AND id = :i")
    for row in rows:
        bind.execute(change, {"f": _folded(row.name), "t": row.tenant_id, "i": row.id})


def _folded(name: str) -> str:
    """A name as it is looked for (`folded_name` of `customers/models.py` when this was written)."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    plain = "".join(sign for sign in parts if not unicodedata.combining(sign))
    return plain.replace("ı", "i")[:800]


def downgrade() -> None:
    op.drop_column("customers", "folded")
