"""The tools of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypedDict

from pydantic import Field

from deskward.core.errors import InvalidInput, Unfit
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup
from deskward.queries import service
from deskward.queries.models import (
    Answer,
    Parameter,
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
from deskward.queries.relations import Sight, type_of
from deskward.queries.running import Queries

tools = ToolGroup("queries")


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
    port, sight = ctx.port(Queries), _sight(ctx, customer=customer_id is not None)
    statement = service.statement_of(
        sql,
        sight,
        port.place.dialect,
        await port.place.schema(),
        tenant=ctx.tenant,
        customer_id=customer_id,
        declared=declared,
        given=parameters or {},
    )
    came = await port.run(statement, ctx.tenant, rows=limit)
    return Answer(
        columns=list(came.columns),
        rows=[list(row) for row in came.rows],
        row_count=len(came.rows),
        truncated=came.truncated,
        masked=not sight.personal,
        query=query,
        version=number,
    )


@tools.tool(scope="queries:run", risk=Risk.READ, rest="GET /queries/tables")
async def list_query_tables(ctx: Context) -> ShownTables:
    """List the tables and columns that queries of the caller can name."""
    sight, port = _sight(ctx, customer=False), ctx.port(Queries)
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
    return ShownTables(dialect=port.place.dialect, tables=shown)


@tools.tool(scope="queries:run", risk=Risk.READ, rest="GET /queries")
async def list_queries(ctx: Context) -> RegisteredQueries:
    """List the registered queries, with the parameters that they take."""
    return RegisteredQueries(queries=await service.listed(ctx.db, ctx.tenant))


async def registering_possible(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """See that a query can be run, before somebody is asked to approve it."""
    await _check(ctx, arguments["sql"], arguments["parameters"] or [])


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
    await _check(ctx, sql, declared)
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


async def _check(ctx: Context, sql: str, declared: Sequence[Parameter]) -> None:
    if len({each.name for each in declared}) < len(declared):
        raise Unfit("Two parameters have the same name.")
    port = ctx.port(Queries)
    statement = service.statement_of(
        sql,
        _sight(ctx, customer=False),
        port.place.dialect,
        await port.place.schema(),
        tenant=ctx.tenant,
        declared=declared,
    )
    await port.run(statement, ctx.tenant, only_check=True)


def _sight(ctx: Context, *, customer: bool) -> Sight:
    roles = ctx.port(Gate).policy.roles
    return service.sight_of(ctx.principal, roles, ctx.port(Queries).readable, customer=customer)
