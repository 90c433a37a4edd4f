"""Articles have versions; what is published stands in `faq`, as before."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "faq", sa.Column("language", sa.String(length=35), nullable=False, server_default="en")
    )
    op.add_column("faq", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.create_table(
        "articles",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("latest", sa.Integer(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_articles"),
    )
    op.create_index("ix_articles_changed_at", "articles", ["tenant_id", "changed_at"])
    op.create_table(
        "article_versions",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("article_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=300), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "article_id"],
            ["articles.tenant_id", "articles.id"],
            name="fk_article_versions_tenant_id_article_id",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "article_id", "version", name="pk_article_versions"),
    )
    _take_over()


def _take_over() -> None:
    """Make an article of each that there was; customers go on seeing it."""
    link = op.get_bind()
    rows = link.execute(sa.text("SELECT tenant_id, id, question, answer, keywords FROM faq")).all()
    moment = datetime.now(UTC)
    articles = sa.table("articles", *map(sa.column, ("tenant_id", "id", "latest", "published")))
    articles.append_column(sa.column("changed_at", sa.DateTime(timezone=True)))
    names = ("tenant_id", "article_id", "version", "question", "answer", "keywords", "language")
    versions = sa.table("article_versions", *map(sa.column, (*names, "author")))
    versions.append_column(sa.column("created_at", sa.DateTime(timezone=True)))
    for row in rows:
        of = {"tenant_id": row.tenant_id}
        link.execute(
            articles.insert(),
            {**of, "id": row.id, "latest": 1, "published": 1, "changed_at": moment},
        )
        text = {"question": row.question, "answer": row.answer, "keywords": row.keywords}
        made = {"version": 1, "language": "en", "author": "system:before", "created_at": moment}
        link.execute(versions.insert(), {**of, "article_id": row.id, **text, **made})


def downgrade() -> None:
    op.drop_table("article_versions")
    op.drop_table("articles")
    op.drop_column("faq", "version")
    op.drop_column("faq", "language")
