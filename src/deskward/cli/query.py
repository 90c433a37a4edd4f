"""`deskward query`: ask the desk's records, by queries that are registered or of one's own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import PENDING, Misused
from deskward.cli.operated import Key, called, message, run_operated, show_answer
from deskward.cli.session import Json, Operator, Tenant

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal

query = App(name="query", help="Ask the desk's records, by registered queries or your own.")

Name = Annotated[str, Parameter(help="The query's name.")]


@query.command
def run(
    name: Annotated[str | None, Parameter(help="A registered query's name.")] = None,
    /,
    *,
    sql: Annotated[str | None, Parameter(help="A SELECT of your own, in its place.")] = None,
    values: Annotated[
        str | None, Parameter(help='Its parameters as JSON, for example `{"status": "open"}`.')
    ] = None,
    version: Annotated[int | None, Parameter(help="Its version. Default: the latest.")] = None,
    customer: Annotated[str | None, Parameter(help="See only this customer's records.")] = None,
    limit: Annotated[int | None, Parameter(help="How many rows to show at the most.")] = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Run a registered query, or a SELECT of your own.

    Example: `deskward query run --sql "SELECT status, count(*) FROM tickets GROUP BY status"`
    """
    arguments = {
        "query": name,
        "sql": sql,
        "parameters": _parsed(values) if values is not None else None,
        "version": version,
        "customer_id": customer,
        "limit": limit,
    }
    show_answer("query_database", arguments, _table, key, tenant, as_, as_json=json_)


@query.command
def tables(
    *, as_: Operator = None, key: Key = None, tenant: Tenant = None, json_: Json = False
) -> None:
    """Show the tables and columns that queries can name.

    Example: `deskward query tables`
    """

    def lines(found: dict[str, Any]) -> Iterator[str]:
        for one in found["tables"]:
            yield one["name"]
            for column in one["columns"]:
                yield f"    {column['name']}  {column['type']}{'  masked' * column['masked']}"

    show_answer("list_query_tables", {}, lines, key, tenant, as_, as_json=json_)


@query.command(name="list")
def list_(
    *, as_: Operator = None, key: Key = None, tenant: Tenant = None, json_: Json = False
) -> None:
    """List the registered queries, with the parameters that they take.

    Example: `deskward query list`
    """

    def lines(found: dict[str, Any]) -> Iterator[str]:
        for one in found["queries"]:
            takes = ", ".join(f"{each['name']}: {each['type']}" for each in one["parameters"])
            yield f"{one['name']} ({takes})  version {one['version']}  {one['description']}"
        if not found["queries"]:
            yield "There is none."

    show_answer("list_queries", {}, lines, key, tenant, as_, as_json=json_)


@query.command
def register(
    name: Name,
    file: Annotated[Path, Parameter(help="The file with its SELECT, in UTF-8.")],
    /,
    *,
    description: Annotated[str, Parameter(help="What it tells, for whoever picks it.")],
    parameters: Annotated[
        str, Parameter(help="What it takes, as `status:text,since:date`; `?` after a name: or not.")
    ] = "",
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Register a query, or a new version of it. Somebody else approves it before it can be run.

    Example: `deskward query register open_by_team open.sql --description "Open, by team"`
    """
    try:
        sql = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misused(f"{file} cannot be read: {error}") from None
    declared = [_declared(part) for part in filter(None, map(str.strip, parameters.split(",")))]
    arguments = {"name": name, "description": description, "sql": sql, "parameters": declared}

    async def work(desk: Desk, caller: Principal) -> int:
        found = await called(desk, caller, "register_query", **arguments)
        if "approval_id" in found:
            waits = found["approval_id"]
            print(f"A colleague has to look: deskward approvals approve {waits}", file=sys.stderr)
            return PENDING
        print(found["message"])
        return 0

    run_operated(work, key, tenant, as_)


@query.command
def retire(name: Name, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None) -> None:
    """Let a registered query be run no more.

    Example: `deskward query retire open_by_team`
    """
    show_answer("retire_query", {"name": name}, message, key, tenant, as_)


def _parsed(values: str) -> Any:
    try:
        return json.loads(values)
    except (ValueError, RecursionError):
        raise Misused('the values are no JSON; say them as {"status": "open"}') from None


def _declared(part: str) -> dict[str, Any]:
    name, _, kind = map(str.strip, part.partition(":"))
    return {"name": name.rstrip("?"), "type": kind, "required": not name.endswith("?")}


def _table(found: dict[str, Any]) -> Iterator[str]:
    rows = [["" if cell is None else str(cell) for cell in row] for row in found["rows"]]
    shown = [[cell.replace("\n", " ")[:80] for cell in row] for row in [found["columns"], *rows]]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()
    yield f"{found['row_count']} rows{', and there are more' * found['truncated']}"
