"""Registered queries: their table, and the shapes of what is asked and answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from deskward.core.database import metadata
from deskward.core.moments import UtcDateTime
from deskward.core.personal import DOCUMENT, IMPERSONAL
from deskward.core.written import Ours, Written

registered_queries = sa.Table(
    "registered_queries",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("name", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("description", sa.String(500), nullable=False, info=DOCUMENT),
    sa.Column("sql", sa.Text, nullable=False, info=DOCUMENT),
    sa.Column("parameters", sa.JSON, nullable=False, info=DOCUMENT),
    sa.Column("registered_by", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("registered_at", UtcDateTime, nullable=False),
    sa.Column("retired_at", UtcDateTime),
)
"""A version is never changed; a query is retired in all its versions at once."""

QueryName = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="Name of a registered query.",
        examples=["open_tickets_by_team"],
    ),
]
Sql = Annotated[
    str,
    Field(
        min_length=1,
        max_length=10_000,
        description="One SELECT in the dialect of the desk's database, over the tables that "
        "`list_query_tables` shows.",
        examples=["SELECT status, count(*) AS tickets FROM tickets GROUP BY status"],
    ),
]
Kind = Literal["text", "integer", "number", "boolean", "date", "datetime"]
Value = bool | int | float | Annotated[str, Field(max_length=2_000)] | None
Values = Annotated[
    dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")], Value],
    Field(max_length=20, examples=[{"status": "open"}]),
]
Wrote = Written(by=("owner", "customer", "staff", "author", "outsider", "outside"))
"""Whoever wrote what stands in the desk's records."""
Cell = bool | int | float | str | None
"""A value of a record; a moment is a text in ISO 8601, in UTC."""


class Parameter(BaseModel):
    """A value that a registered query takes, written `:name` in its SQL."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$", examples=["status"])]
    type: Kind
    required: bool = Field(True, description="Whether it has to be given; NULL otherwise.")


Parameters = Annotated[list[Parameter], Field(max_length=20)]


class RegisteredQuery(BaseModel):
    """A query that people have registered."""

    name: QueryName
    version: int
    description: Annotated[str, Written(by="staff")]
    sql: Annotated[str, Written(by="staff")]
    parameters: list[Parameter]
    registered_by: Ours
    registered_at: datetime
    retired_at: datetime | None = None


class RegisteredQueries(BaseModel):
    """The queries that can be run by their names."""

    queries: list[RegisteredQuery]


class QueryReceipt(BaseModel):
    """The receipt of a change."""

    name: QueryName
    version: int
    message: Ours


class Answer(BaseModel):
    """What a query gave."""

    columns: Annotated[list[str], Wrote] = Field(description="The names of the columns, in order.")
    rows: Annotated[list[list[Cell]], Wrote] = Field(
        description="The rows; a moment is a text in ISO 8601, in UTC.",
        examples=[[["open", 12]]],
    )
    row_count: int = Field(description="How many rows are here.")
    truncated: bool = Field(
        description="Whether there was more: rows, or characters of a text, that are left out."
    )
    masked: bool = Field(description="Whether columns were masked for the caller's role.")
    query: Ours | None = Field(description="The registered query that was run.")
    version: int | None = Field(description="Its version.")


class ShownColumn(BaseModel):
    """A column that queries can name."""

    name: Ours
    type: Ours = Field(examples=["text"])
    masked: bool = Field(description="Whether every row holds `[masked]` for the caller's role.")


class ShownTable(BaseModel):
    """A table that queries can name."""

    name: Ours
    of_customers: bool = Field(description="Whether its rows are customers'.")
    columns: list[ShownColumn]


class ShownTables(BaseModel):
    """What queries of the caller can read."""

    dialect: Ours = Field(description="`sqlite` or `postgresql`.")
    tables: list[ShownTable]
