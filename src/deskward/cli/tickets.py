"""`deskward tickets`: look for tickets; import and export them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.session import (
    Json,
    Operator,
    Tenant,
    operated_desk,
    print_json,
    read_settings,
    run,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal
    from deskward.tickets.file_lines import Line

tickets = App(name="tickets", help="Look for tickets; import and export them.")

BATCH = 1_000
"""Messages that are taken over in one transaction."""


@tickets.command
def search(
    *query: Annotated[
        str,
        Parameter(
            help="What is looked for: words, and conditions as `status:open`, `-tag:vip`.",
            allow_leading_hyphen=True,
        ),
    ],
    view: Annotated[
        str | None,
        Parameter(help="A saved view's id or name; the query finds some of its tickets."),
    ] = None,
    order: Annotated[
        Literal["newest", "oldest", "updated"] | None,
        Parameter(help="Which come first. Default: the view's, else the newest."),
    ] = None,
    limit: Annotated[int, Parameter(help="How many to show at the most, up to 100.")] = 20,
    cursor: Annotated[str | None, Parameter(help="What the page before ended with.")] = None,
    as_: Operator = None,
    key: Annotated[
        str | None,
        Parameter(
            help="API key of the member of staff who looks. Default: the system's user.",
            env_var="DESKWARD_API_KEY",
        ),
    ] = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Find tickets by what their messages say and what stands on them.

    Example: `deskward tickets search "status:open assignee:anna refund"`
    """
    asked: dict[str, object] = {
        "query": " ".join(query),
        "order": order,
        "limit": limit,
        "cursor": cursor,
    }

    async def work() -> int:
        async with operated_desk(read_settings(), key, tenant, "support-3", as_=as_) as opened:
            if view is not None:
                asked["view"] = await _view(*opened, view)
            return await _show(*opened, asked, json_=json_)

    run(work())


async def _view(desk: Desk, caller: Principal, view: str) -> str:
    """The id of a view that is named by its id or its name.

    Raises:
        NotFound: There is none.
    """
    from deskward.core.errors import NotFound

    for one in (await _listed(desk, caller, counts=False))["views"]:
        if view in (one["view_id"], one["name"]):
            return str(one["view_id"])
    raise NotFound("view", view)


async def _listed(desk: Desk, caller: Principal, *, counts: bool) -> dict[str, Any]:
    from deskward.gate.context import Context

    outcome = await desk.gate.call("list_ticket_views", {"counts": counts}, Context(caller, "cli"))
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


@tickets.command
def views(
    *,
    as_: Operator = None,
    key: Annotated[
        str | None,
        Parameter(
            help="API key of the member of staff who looks. Default: the system's user.",
            env_var="DESKWARD_API_KEY",
        ),
    ] = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """List the saved views, with how many tickets each finds.

    Example: `deskward tickets views`
    """

    async def work() -> int:
        async with operated_desk(read_settings(), key, tenant, "support-3", as_=as_) as opened:
            found = await _listed(*opened, counts=True)
        if json_:
            print_json(found)
            return 0
        for one in found["views"]:
            count = f"{one['count']}{'+' if one['more'] else ''}"
            print(f"{one['view_id']}  {count:>4}  {one['shared']:6}  {one['name']}: {one['query']}")
        if not found["views"]:
            print("There is none.")
        return 0

    run(work())


async def _show(desk: Desk, caller: Principal, asked: dict[str, object], *, json_: bool) -> int:
    from deskward.gate.context import Context

    outcome = await desk.gate.call("search_tickets", asked, Context(caller, "cli"))
    if outcome.error is not None:
        raise outcome.error
    found = outcome.value
    if json_:
        print_json(found)
        return 0
    for one in found["tickets"]:
        print(
            f"{one['id']}  {one['status']:8}  {one['priority']:6}  {one['assignee'] or '-':10}  "
            f"{one['subject']}"
        )
    if not found["tickets"]:
        print("There is none.")
    if found["cursor"]:
        print(f"More: --cursor {found['cursor']}")
    return 0


@tickets.command(name="import")
def import_(
    file: Annotated[Path, Parameter(help="JSON lines: a ticket with its messages on each.")],
    /,
    *,
    dry_run: Annotated[
        bool, Parameter(help="Show what would become of each line; change nothing.")
    ] = False,
    encoding: Annotated[
        str | None, Parameter(help="The file's encoding, for example windows-1252. Default: UTF-8.")
    ] = None,
    as_: Operator = None,
    tenant: Tenant = None,
) -> None:
    """Take tickets with their messages over from a file; the same file again changes nothing.

    A line: {"system": "zendesk", "external_id": "815", "customer": {"email": "j@example.ch"},
    "subject": …, "messages": [{"by": "customer", "text": …, "created_at": "2026-01-31T12:00:00Z"},
    …]}. The customer may be named by an "id", or an "external_id" of a "system", instead. If known:
    status, priority, channel, assignee, team, tags, fields, language, spam, created_at, updated_at,
    resolved_at; of a message kind (`note`), author, channel, external_id. A ticket is known again
    by system and external_id; then messages that it does not have are added. A line that is wrong
    is refused alone, with its number and reason. Exit code 1: some were.

    Example: `deskward tickets import tickets.jsonl --dry-run`
    """

    async def work() -> int:
        from deskward.cli.importing import import_file
        from deskward.core.line_files import batches
        from deskward.tickets.file_lines import lines
        from deskward.tickets.importing import Batch
        from deskward.tickets.tools import TicketRules

        seen: set[tuple[str, str]] | None = set() if dry_run else None
        async with operated_desk(read_settings(), None, tenant, "support-3", as_=as_) as opened:
            desk, caller = opened
            declared = desk.gate.port(TicketRules).fields
            return await import_file(
                *(desk, caller, file, "import_tickets"),
                lambda text: batches(lines(text, declared, encoding), BATCH, _weight),
                lambda found: Batch(found, seen),
                dry=dry_run,
            )

    run(work())


def _weight(line: Line) -> int:
    """As how many messages a line counts: a long text as several."""
    if line.told is None:
        return 1
    return sum(1 + len(one.text) // 5_000 for one in line.told.messages)


@tickets.command
def export(
    file: Annotated[Path | None, Parameter(help="Where to. Default: here.")] = None,
    /,
    *,
    as_: Operator = None,
    tenant: Tenant = None,
) -> None:
    """Write all tickets with their messages as JSON lines, in the form that `import` takes.

    Example: `deskward tickets export tickets.jsonl`
    """

    async def work() -> int:
        import json
        from contextlib import nullcontext

        from deskward.core.files import write_whole
        from deskward.core.private import FILE
        from deskward.gate.context import Context
        from deskward.tickets import exporting

        async with operated_desk(read_settings(), None, tenant, "support-3", as_=as_) as opened:
            desk, caller = opened
            outcome = await desk.gate.act("export_tickets", {}, Context(caller, "cli"))
            if outcome.error is not None:
                raise outcome.error
            count = 0
            with nullcontext(sys.stdout) if file is None else write_whole(file, FILE) as out:
                async for one in exporting.every(desk.database.reader, caller.tenant):
                    out.write(f"{json.dumps(one)}\n")
                    count += 1
        if file is not None:
            print(f"{count} tickets are in {file}.", file=sys.stderr)
        return 0

    run(work())
