"""The tools of queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypedDict

from pydantic import Field

from deskward.core.errors import InvalidInput
from deskward.core.paging import Limit
from deskward.gate.context import Context
from deskward.gate.resources import Resource
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup
from deskward.queries import records, service
from deskward.queries.analytics import USUAL, Analytics, analytics
from deskward.queries.asking import ask, sight_of
from deskward.queries.models import (
    Answer,
    Parameters,
    QueryName,
    QueryReceipt,
    RegisteredQueries,
    ShownColumn,
    ShownTable,
    ShownTables,
    Sql,
    Values,
)
from deskward.queries.records import Collection, RecordCollections, Records
from deskward.queries.relations import type_of
from deskward.queries.running import Queries

tools = ToolGroup("queries")
Begun = Annotated[str, Field(max_length=200)]


class QueryFacts(TypedDict):
    """What policies may know of a query that is run.

    Attributes:
        written: Whether the caller wrote it, and nobody registered it.
        one_customer: Whether it sees one customer alone.
    """

    written: bool
    one_customer: bool


class RegisteringFacts(TypedDict):
    """What policies may know of a query that is registered or retired.

    Attributes:
        revision: Its latest version, 0 where there is none yet.
    """

    revision: int


async def query_facts(_ctx: Context, arguments: Mapping[str, Any]) -> QueryFacts:
    """The facts of a query that is run."""
    return {
        "written": arguments.get("sql") is not None,
        "one_customer": arguments.get("customer_id") is not None,
    }


async def registering_facts(ctx: Context, arguments: Mapping[str, Any]) -> RegisteringFacts:
    """The facts of a registration: who approves one approves it after that version."""
    return {"revision": await service.latest(ctx.db, ctx.tenant, arguments["name"])}


_NONE = {"type": "null"}
_GIVEN = {"not": _NONE}
_REGISTERED_OR_WRITTEN = {
    "oneOf": [
        {"required": ["query"], "properties": {"query": _GIVEN, "sql": _NONE}},
        {
            "required": ["sql"],
            "properties": {
                "sql": _GIVEN,
                "query": _NONE,
                "version": _NONE,
                "parameters": {"anyOf": [_NONE, {"maxProperties": 0}]},
            },
        },
    ]
}
"""What JSON Schema says of the arguments of a query together."""


@tools.tool(
    scope="queries:run",
    risk=Risk.READ,
    rest="POST /queries/run",
    facts=query_facts,
    together=_REGISTERED_OR_WRITTEN,
)
async def query_database(
    ctx: Context,
    query: QueryName | None = None,
    parameters: Values | None = None,
    version: Annotated[int, Field(ge=1, le=1_000)] | None = None,
    sql: Sql | None = None,
    customer_id: OwnCustomerId | None = None,
    limit: Annotated[int, Field(ge=1, le=1_000)] | None = None,
) -> Answer:
    """Run a registered query by its name, or, for people of the staff, a SELECT of their own.

    Both see the caller's tenant alone, and of it what the caller's role may read.

    Args:
        query: The registered query; `list_queries` has them.
        parameters: Its values, by the names of its parameters.
        version: Its version. Default: the latest.
        sql: A SELECT of the caller's own, in its place.
        customer_id: See only this customer's records.
        limit: How many rows to give at the most.
    """
    if (query is None) == (sql is None):
        raise InvalidInput("Say `query`, the name of a registered one, or `sql`, and not both.")
    declared, number = [], None
    if query is not None:
        found = await service.registered(ctx.db, ctx.tenant, query, version)
        sql, declared, number = found.sql, found.parameters, found.version
    elif parameters or version is not None:
        raise InvalidInput("`parameters` and `version` are of registered queries.")
    assert sql is not None
    given = parameters or {}
    came = await ask(ctx, sql, declared, given, customer_id=customer_id, rows=limit)
    return Answer(
        columns=list(came.columns),
        rows=[list(row) for row in came.rows],
        row_count=len(came.rows),
        truncated=came.truncated,
        masked=not sight_of(ctx).personal,
        query=query,
        version=number,
    )


@tools.tool(scope="queries:run", risk=Risk.READ, rest="GET /queries/tables")
async def list_query_tables(ctx: Context) -> ShownTables:
    """List the tables and columns that queries of the caller can name."""
    sight = sight_of(ctx)
    shown = [
        ShownTable(
            name=name,
            of_customers=table.owner is not None,
            columns=[
                ShownColumn(name=one, type=type_of(table, one), masked=sight.masks(table, one))
                for one in table.columns
            ],
        )
        for name, table in sorted(sight.tables.items())
    ]
    return ShownTables(dialect=ctx.port(Queries).place.dialect, tables=shown)


@tools.tool(scope="queries:run", risk=Risk.READ, rest="GET /queries")
async def list_queries(ctx: Context) -> RegisteredQueries:
    """List the registered queries, with the parameters that they take."""
    return RegisteredQueries(queries=await service.listed(ctx.db, ctx.tenant))


async def registering_possible(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """See that a query can be run, before somebody is asked to approve it."""
    await ask(ctx, arguments["sql"], arguments["parameters"] or [], only_check=True)


@tools.tool(
    scope="queries:register",
    risk=Risk.WRITE,
    rest="PUT /queries/{name}",
    facts=registering_facts,
    possible=registering_possible,
)
async def register_query(
    ctx: Context,
    name: QueryName,
    description: Annotated[str, Field(min_length=1, max_length=500)],
    sql: Sql,
    parameters: Parameters | None = None,
) -> QueryReceipt:
    """Register a query, or a new version of it, that others then run by its name.

    Args:
        name: What it is called.
        description: What it tells, for whoever picks it.
        sql: The SELECT, in which `:name` stands for a parameter.
        parameters: The parameters that it takes.
    """
    declared = parameters or []
    await ask(ctx, sql, declared, only_check=True)
    by = ctx.principal.label
    number = await service.register(ctx.db, ctx.tenant, name, description, sql, declared, by)
    return QueryReceipt(name=name, version=number, message="It can be run by its name.")


@tools.tool(
    scope="queries:register",
    risk=Risk.WRITE,
    rest="DELETE /queries/{name}",
    facts=registering_facts,
)
async def retire_query(ctx: Context, name: QueryName) -> QueryReceipt:
    """Let a registered query be run no more.

    Args:
        name: The query.
    """
    number = await service.retire(ctx.db, ctx.tenant, name)
    return QueryReceipt(name=name, version=number, message="It is run no more.")


@tools.tool(scope="queries:run", risk=Risk.READ, rest="GET /analytics")
async def get_analytics(
    ctx: Context, days: Annotated[int, Field(ge=1, le=366, examples=[30])] = USUAL
) -> Analytics:
    """Tell the desk's figures: customers, tickets, articles, contacts, and what people work on.

    Args:
        days: Over how many days, where a figure is of a period.
    """
    return await analytics(ctx, days)


@tools.tool(scope="queries:run", risk=Risk.READ, rest="GET /records")
async def list_records(
    ctx: Context, prefix: Begun = "", after: Begun = "", limit: Limit = 20
) -> RecordCollections:
    """List the collections of records that the caller may read.

    Args:
        prefix: Only those whose names begin so.
        after: Only those behind this address.
        limit: How many to list at the most.
    """
    return records.collections(ctx, prefix, after, limit)


@tools.tool(
    scope="queries:run",
    risk=Risk.READ,
    rest="GET /records/{collection}",
    resource=Resource(
        "db://{collection}{?cursor}",
        name="records",
        listed_by="list_records",
        mime_type="application/json",
    ),
)
async def read_records(
    ctx: Context,
    collection: Collection,
    cursor: Annotated[str, Field(min_length=1, max_length=200)] | None = None,
    limit: Annotated[int, Field(ge=1, le=records.MOST)] = records.PAGE,
) -> Records:
    """Read a page of the desk's records, as far as the caller's role may see them.

    Args:
        collection: Which; `list_records` has those that the caller may read.
        cursor: Where to go on: the `next_cursor` of the page before.
        limit: How many to read at the most.
    """
    return await records.page(ctx, collection, cursor, limit)
