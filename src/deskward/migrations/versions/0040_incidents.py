"""Known incidents, and the diagnostic sessions that have joined them (`diagnostics/incidents`)."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "incident_numbers",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_incident_numbers"),
    )
    op.create_table(
        "incident_sources",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("added_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_incident_sources"),
    )
    op.create_index("ix_incident_sources_id", "incident_sources", ["id"])
    op.create_table(
        "incidents",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("customer_message", sa.Text(), nullable=True),
        sa.Column("severity", sa.String(length=32), nullable=False),
        sa.Column("product", sa.String(length=200), nullable=False),
        sa.Column("product_key", sa.String(length=200), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("test", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.String(length=32), nullable=True),
        sa.Column("opened_by", sa.String(length=80), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.String(length=80), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "number", name="pk_incidents"),
    )
    op.create_index("ix_incidents_product", "incidents", ["tenant_id", "status", "product_key"])
    op.create_index("ix_incidents_signature", "incidents", ["tenant_id", "status", "signature"])
    op.create_table(
        "incident_alerts",
        sa.Column("tenant_id", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("incident", sa.BigInteger(), nullable=True),
        sa.Column("firing", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "source_id", "fingerprint", name="pk_incident_alerts"),
    )
    op.create_index("ix_incident_alerts_incident", "incident_alerts", ["tenant_id", "incident"])
    op.add_column("diagnoses", sa.Column("incident", sa.BigInteger(), nullable=True))
    op.add_column("diagnoses", sa.Column("declined", sa.JSON(), nullable=True))
    op.add_column("diagnoses", sa.Column("signature", sa.String(length=300), nullable=True))
    op.create_index("ix_diagnoses_incident", "diagnoses", ["tenant_id", "incident", "number"])
    op.create_index("ix_diagnoses_signature", "diagnoses", ["tenant_id", "signature", "number"])


def downgrade() -> None:
    op.drop_index("ix_diagnoses_signature", "diagnoses")
    op.drop_index("ix_diagnoses_incident", "diagnoses")
    for column in ("signature", "declined", "incident"):
        op.drop_column("diagnoses", column)
    for table in ("incident_alerts", "incidents", "incident_sources", "incident_numbers"):
        op.drop_table(table)
