"""The settings of people's queries over the desk's records."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from deskward.core.setting_names import Group, prefixed
from deskward.core.setting_values import Few, Many


class DatabaseMcp(Group):
    """The MCP server of the desk's records, `deskward mcp database`."""

    model_config = prefixed("db_")

    mcp_host: str | None = Field(
        None,
        description="Address that `deskward mcp database --transport http` listens on. Unset: "
        "MCP_SERVER_HOST.",
    )
    mcp_port: int = Field(
        8001,
        ge=0,
        le=65535,
        description="Port that `deskward mcp database --transport http` listens on.",
    )


class Queries(Group):
    """Queries over the desk's records, registered ones and people's own."""

    model_config = prefixed("query_")

    database_url: SecretStr | None = Field(
        None,
        description="SQLAlchemy URL of a PostgreSQL role that may only read, `postgresql://…`, by "
        "which queries are run. Unset: they run in read-only transactions of DATABASE_URL's role.",
    )
    rows: Few = Field(500, description="Rows that one query gives at the most.")
    seconds: float = Field(
        5.0, gt=0, le=60, allow_inf_nan=False, description="Seconds that one query may run."
    )
    max_kb: Many = Field(1_000, description="Kilobytes that one query's rows may have.")

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith("postgresql"):
            raise ValueError("it is no address of a PostgreSQL database, postgresql://…")
        return value
