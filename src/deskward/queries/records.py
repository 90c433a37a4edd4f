"""The desk's records a page at a time, as the seed's MCP clients read them: `db://tickets`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, Field

from deskward.core.written import Ours, RecordId
from deskward.gate.context import Context
from deskward.queries.analytics import USUAL, analytics, rows_of
from deskward.queries.asking import ask, sight_of
from deskward.queries.models import Cell, Kind, Parameter, Wrote

PAGE = 50
MOST = 100
"""Records of a page, usually and at the most."""
Collection = Literal["analytics", "customers", "interactions", "knowledge_articles", "tickets"]


@dataclass(frozen=True)
class _Source:
    """Where the records of a collection are.

    Attributes:
        table: The table.
        key: The column that names one; records are in its order.
        kind: What that holds.
    """

    table: str
    key: str
    kind: Kind = "text"


_SOURCES: Mapping[str, _Source] = {
    "customers": _Source("customers", "id"),
    "interactions": _Source("interactions", "id"),
    "knowledge_articles": _Source("faq", "id"),
    "tickets": _Source("tickets", "number", "integer"),
}
"""Where records are, in the order of their addresses."""
ANALYTICS = "analytics"
"""The figures, which are worked out."""


class Records(BaseModel):
    """One page of a collection."""

    address: Ours = Field(examples=["db://tickets"])
    records: list[Annotated[dict[str, Cell], Wrote]] = Field(
        description="Each with the columns that `list_query_tables` shows; of `analytics`, the "
        "figures that `get_analytics` tells.",
        examples=[[{"number": 1001, "status": "open"}]],
    )
    masked: bool = Field(description="Whether columns were masked for the caller's role.")
    next_cursor: Annotated[str, Wrote] | None = Field(
        description="Where the next page begins; null at the end."
    )
    next_address: Annotated[str, Wrote] | None = Field(
        description="By which MCP clients read the next page.",
        examples=["db://tickets?cursor=1050"],
    )


class RecordCollection(BaseModel):
    """A collection of records."""

    address: Ours = Field(examples=["db://tickets"])
    id: Annotated[str, RecordId("collection")]
    title: Ours


class RecordCollections(BaseModel):
    """The collections that the caller may read, in the order of their addresses."""

    total: int
    limit: int
    more: bool = Field(description="Whether there are some behind this page.")
    entries: list[RecordCollection]


def collections(ctx: Context, prefix: str, after: str, limit: int) -> RecordCollections:
    """The collections whose names begin so, behind an address."""
    seen = sight_of(ctx).tables
    known = (ANALYTICS, *(name for name, one in _SOURCES.items() if one.table in seen))
    mine = [name for name in known if name.startswith(prefix)]
    rest = [name for name in mine if address_of(name) > after]
    entries = [
        RecordCollection(
            address=address_of(name), id=name, title=name.replace("_", " ").capitalize()
        )
        for name in rest[:limit]
    ]
    return RecordCollections(total=len(mine), limit=limit, more=len(rest) > limit, entries=entries)


def address_of(name: str) -> str:
    """The address of a collection."""
    return f"db://{name}"


async def page(ctx: Context, name: Collection, cursor: str | None, limit: int) -> Records:
    """A page of a collection, as far as the caller may see it.

    Raises:
        Unfit: The caller may not read it, or the cursor is none of it.
    """
    sight, address = sight_of(ctx), address_of(name)
    if name == ANALYTICS:
        rows = rows_of(await analytics(ctx, USUAL))
        return Records(
            address=address,
            records=rows,
            masked=not sight.personal,
            next_cursor=None,
            next_address=None,
        )
    source = _SOURCES[name]
    declared, given, where = [], {}, ""
    if cursor is not None:
        declared = [Parameter(name="after", type=source.kind)]
        after: Any = int(cursor) if source.kind == "integer" and cursor.isdecimal() else cursor
        given, where = {"after": after}, f"WHERE {source.key} > :after "
    sql = f"SELECT * FROM {source.table} {where}ORDER BY {source.key} LIMIT {limit + 1}"  # noqa: S608 our own names alone
    found = await ask(ctx, sql, declared, given)
    rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows[:limit]]
    more = bool(rows) and (len(found.rows) > limit or found.truncated)
    following = str(rows[-1][source.key]) if more else None
    return Records(
        address=address,
        records=rows,
        masked=not sight.personal,
        next_cursor=following,
        next_address=f"{address}?cursor={quote(following, safe='')}" if following else None,
    )
