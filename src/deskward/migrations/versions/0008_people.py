"""Customers have several addresses and can be merged; members of staff have a directory."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TENANT = ("tenant_id", sa.String(length=64))


def upgrade() -> None:
    _no_email_needed()
    for column in (
        sa.Column("language", sa.String(length=35), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("fields", sa.JSON(), nullable=False, server_default="{}"),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False, server_default="1"),
    ):
        op.add_column("customers", column)
    for column in (
        sa.Column("name", sa.String(length=200), nullable=False, server_default=""),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("roles", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("teams", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("languages", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("shell_user", sa.String(length=64), nullable=True),
    ):
        op.add_column("members", column)
    op.create_index(
        "uq_members_shell_user", "members", ["tenant_id", "kind", "shell_user"], unique=True
    )
    _addresses()
    _external_ids()
    _merged()
    op.create_table(
        "customer_numbers",
        sa.Column(*_TENANT, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_customer_numbers"),
    )


def _no_email_needed() -> None:
    """Have customers without a mail address.

    SQLite would make the table anew, to which others refer: so the column alone is made anew.
    """
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("customers", "email", nullable=True)
        return
    op.add_column("customers", sa.Column("email_new", sa.String(length=320), nullable=True))
    op.execute("UPDATE customers SET email_new = email")
    op.execute("ALTER TABLE customers DROP COLUMN email")
    op.execute("ALTER TABLE customers RENAME COLUMN email_new TO email")


def _addresses() -> None:
    table = op.create_table(
        "customer_addresses",
        sa.Column(*_TENANT, nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("normal", sa.String(length=320), nullable=False),
        sa.Column("value", sa.String(length=320), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name="fk_customer_addresses_tenant_id_customer_id",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "customer_id", "kind", "normal", name="pk_customer_addresses"
        ),
    )
    op.create_index(
        "ix_customer_addresses_normal", "customer_addresses", ["tenant_id", "kind", "normal"]
    )
    op.create_index(
        "uq_customer_addresses_email",
        "customer_addresses",
        ["tenant_id", "normal"],
        unique=True,
        sqlite_where=sa.text("kind = 'email'"),
        postgresql_where=sa.text("kind = 'email'"),
    )
    _known_addresses(table)


def _known_addresses(table: sa.Table) -> None:
    """Give every customer the addresses that they had; of a shared mail, whoever came first."""
    rows = op.get_bind().execute(
        sa.text(
            "SELECT tenant_id, id, email, phone, created_at FROM customers "
            "ORDER BY tenant_id, created_at, id"
        )
    )
    seen: set[tuple[str, str]] = set()
    made = []
    for row in rows:
        owner = {"tenant_id": row.tenant_id, "customer_id": row.id, "place": 0}
        mail = (row.tenant_id, _mail(row.email or ""))
        if mail[1] and mail not in seen:
            seen.add(mail)
            made.append({**owner, "kind": "email", "normal": mail[1], "value": row.email})
        if digits := _digits(row.phone or ""):
            made.append({**owner, "kind": "phone", "normal": digits, "value": row.phone})
    for start in range(0, len(made), 1000):
        op.bulk_insert(table, made[start : start + 1000])


def _mail(address: str) -> str:
    """What `customers/normal.py` made of an address when this was written."""
    import idna

    local, _, domain = unicodedata.normalize("NFKC", address).strip().rpartition("@")
    host = domain.lower().removesuffix(".")
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except idna.IDNAError:
            return ""
    return f"{local.lower()}@{host}" if local and host else ""


def _digits(number: str) -> str:
    plain = unicodedata.normalize("NFKC", number)
    digits = "".join(str(unicodedata.decimal(sign)) for sign in plain if sign.isdecimal())
    if "+" in plain:
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _external_ids() -> None:
    op.create_table(
        "customer_external_ids",
        sa.Column(*_TENANT, nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name="fk_customer_external_ids_tenant_id_customer_id",
        ),
        sa.PrimaryKeyConstraint(
            "tenant_id", "system", "external_id", name="pk_customer_external_ids"
        ),
    )
    op.create_index(
        "ix_customer_external_ids_customer_id",
        "customer_external_ids",
        ["tenant_id", "customer_id"],
    )


def _merged() -> None:
    op.create_table(
        "merged_customers",
        sa.Column(*_TENANT, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("merged_into", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=True),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "merged_into"],
            ["customers.tenant_id", "customers.id"],
            name="fk_merged_customers_tenant_id_merged_into",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_merged_customers"),
    )
    op.create_index(
        "ix_merged_customers_merged_into", "merged_customers", ["tenant_id", "merged_into"]
    )


def downgrade() -> None:
    for table in (
        "customer_numbers",
        "merged_customers",
        "customer_external_ids",
        "customer_addresses",
    ):
        op.drop_table(table)
    for column in ("language", "time_zone", "tags", "fields", "updated_at", "revision"):
        op.drop_column("customers", column)
    op.drop_index("uq_members_shell_user", "members")
    for column in ("name", "email", "roles", "teams", "languages", "shell_user"):
        op.drop_column("members", column)
