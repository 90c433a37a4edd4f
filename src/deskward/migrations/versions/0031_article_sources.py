"""What the sentences of drafted articles are from (`knowledge/models.py`)."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "article_sources",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("article_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("tickets", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint(
            *("tenant_id", "article_id", "version", "place"), name="pk_article_sources"
        ),
    )


def downgrade() -> None:
    op.drop_table("article_sources")
