"""`deskward customers`: import, list, show, merge and export customers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import PENDING
from deskward.cli.operated import run_operated
from deskward.cli.session import (
    COUNT,
    Json,
    Operator,
    Tenant,
    print_json,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.gate.outcome import Outcome
    from deskward.security.principals import Principal

customers = App(name="customers", help="Import, list, show, merge and export customers.")

CustomerId = Annotated[str, Parameter(help="The customer's id.")]
BATCH = 500
"""Lines that are taken over in one transaction."""


@customers.command(name="import")
def import_(
    file: Annotated[Path, Parameter(help="CSV whose first line names the columns, or JSON lines.")],
    /,
    *,
    dry_run: Annotated[
        bool, Parameter(help="Show what each line would change; change nothing.")
    ] = False,
    encoding: Annotated[
        str | None, Parameter(help="The file's encoding, for example windows-1252. Default: UTF-8.")
    ] = None,
    as_: Operator = None,
    tenant: Tenant = None,
) -> None:
    """Take customers over from a file; the same file again changes nothing.

    Columns: id, name, email, phone, address, language, time_zone, tier, tags, verified,
    external:SYSTEM (their id in another system), and field:NAME (CUSTOMER_FIELDS). Commas,
    semicolons, tabs or bars part the cells, and several values of one cell. A customer is known by
    id, else by an external id, else by their first mail address. An empty cell leaves what there
    is; addresses are added. A line that is wrong is refused alone, with its number and reason. Exit
    code 1: some were.

    Example: `deskward customers import customers.csv --dry-run`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        from deskward.cli.importing import import_file
        from deskward.core.line_files import batches
        from deskward.customers.importing import Batch, Seen
        from deskward.customers.reading import lines
        from deskward.customers.tools import CustomerRules

        declared = desk.gate.port(CustomerRules).declared
        seen = Seen() if dry_run else None
        return await import_file(
            *(desk, caller, file, "import_customers"),
            lambda opened: batches(lines(opened, declared, encoding), BATCH),
            lambda found: Batch(found, seen),
            dry=dry_run,
        )

    run_operated(work, None, tenant, as_)


@customers.command(name="list")
def list_(
    *,
    tier: Annotated[str | None, Parameter(help="Only those of this tier.")] = None,
    tag: Annotated[str | None, Parameter(help="Only those with this tag.")] = None,
    language: Annotated[str | None, Parameter(help="Only those of this language.")] = None,
    find: Annotated[
        str | None, Parameter(help="Only those of this id, address, number or name.")
    ] = None,
    last: Annotated[int, Parameter(name="--most", help="How many.", validator=COUNT)] = 100,
    as_: Operator = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """List customers by id.

    Example: `deskward customers list --tag vip`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        rows: list[dict[str, Any]] = []
        cursor = None
        while len(rows) < last:
            limit = min(100, last - len(rows))
            if find is not None:
                page = await _called(desk, caller, "find_customers", q=find, limit=limit)
            else:
                asked = {"tier": tier, "tag": tag, "language": language, "cursor": cursor}
                page = await _called(desk, caller, "list_customers", limit=limit, **asked)
            rows += page["customers"]
            if (cursor := page["next_cursor"]) is None:
                break
        if json_:
            print_json(rows)
            return 0
        for row in rows:
            told = (row["name"], row["email"], row["phone"], row["tier"])
            print(f"{row['customer_id']}  {'  '.join(filter(None, told))}")
        if not rows:
            print("There are no such customers.", file=sys.stderr)
        return 0

    run_operated(work, None, tenant, as_)


@customers.command
def show(customer_id: CustomerId, /, *, as_: Operator = None, tenant: Tenant = None) -> None:
    """Show a customer as JSON, with all their addresses.

    Example: `deskward customers show C1001`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        print_json(await _called(desk, caller, "get_customer", customer_id=customer_id))
        return 0

    run_operated(work, None, tenant, as_)


@customers.command
def merge(
    customer_id: Annotated[str, Parameter(help="The customer who is no more after that.")],
    into: Annotated[str, Parameter(help="The customer who stays, and is the same person.")],
    /,
    *,
    as_: Operator = None,
    tenant: Tenant = None,
) -> None:
    """Merge a customer into another one; another person has to approve it.

    Exit code 3: it waits (`deskward approvals list`).

    Example: `deskward customers merge C1002 C1001`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        from deskward.gate.context import Context

        arguments = {"customer_id": customer_id, "into": into}
        outcome = await desk.gate.call("merge_customers", arguments, Context(caller, "cli"))
        print_json(_answered(outcome))
        return 0 if outcome.status == "ok" else PENDING

    run_operated(work, None, tenant, as_)


@customers.command
def export(
    file: Annotated[
        Path | None, Parameter(help="Where to: NAME.csv or NAME.jsonl. Default: JSON lines, here.")
    ] = None,
    /,
    *,
    as_: Operator = None,
    tenant: Tenant = None,
) -> None:
    """Write all customers as CSV or JSON lines, in the form that `import` takes.

    Example: `deskward customers export customers.csv`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        from contextlib import nullcontext

        from deskward.core.files import write_whole
        from deskward.core.line_files import is_json
        from deskward.core.private import FILE
        from deskward.customers import listing
        from deskward.customers.tools import CustomerRules
        from deskward.customers.writing import csv_writer, json_writer
        from deskward.gate.context import Context

        _answered(await desk.gate.act("export_customers", {}, Context(caller, "cli")))
        reader, count = desk.database.reader, 0
        fields = desk.gate.port(CustomerRules).declared.declared
        systems = await listing.systems(reader, caller.tenant)
        with nullcontext(sys.stdout) if file is None else write_whole(file, FILE) as out:
            as_csv = file is not None and not is_json(file)
            write = csv_writer(out, fields, systems) if as_csv else json_writer(out)
            async for one in listing.every(reader, caller.tenant):
                write(one)
                count += 1
        if file is not None:
            print(f"{count} customers are in {file}.", file=sys.stderr)
        return 0

    run_operated(work, None, tenant, as_)


async def _called(desk: Desk, caller: Principal, tool: str, **arguments: Any) -> dict[str, Any]:
    from deskward.gate.context import Context

    return _answered(await desk.gate.call(tool, arguments, Context(caller, "cli")))


def _answered(outcome: Outcome) -> dict[str, Any]:
    """What came of a call.

    Raises:
        DeskwardError: It was refused or failed.
    """
    if outcome.error is not None:
        raise outcome.error
    return outcome.value
