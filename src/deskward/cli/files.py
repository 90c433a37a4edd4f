"""`deskward files`: files to send with replies, and those that came."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import Staff, Tenant, User, local_desk, print_json, read_settings, run

files = App(name="files", help="Keep files to send with replies, and have those that came.")


@files.command
def upload(
    paths: Annotated[list[Path], Parameter(help="The files.")],
    /,
    *,
    user: User = None,
    staff: Staff = None,
    tenant: Tenant = None,
) -> None:
    """Keep files, and print the id of each, by which a reply names it.

    Example: `deskward files upload invoice.pdf --staff anna`
    """

    async def work() -> int:
        from deskward.gate.context import Context

        async with local_desk(read_settings(), user, staff, tenant) as (desk, caller):
            for path in paths:
                data = path.read_bytes()
                told = {"name": path.name, "sha256": hashlib.sha256(data).hexdigest()}
                context = Context(caller, "cli", carried=data)
                stored = _value(await desk.gate.act("upload_file", told, context))
                print(f"{stored['file_id']}  {stored['name']}")
        return 0

    run(work())


@files.command
def save(
    file_id: Annotated[str, Parameter(help="The file's id, as a ticket's message has it.")],
    /,
    *,
    to: Annotated[Path | None, Parameter(help="Where to. Default: its name, here.")] = None,
    user: User = None,
    staff: Staff = None,
    tenant: Tenant = None,
) -> None:
    """Save a file: of one's own, or as a member of staff one of a customer's. None is overwritten.

    Example: `deskward files save 4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b --staff anna`
    """

    async def work() -> int:
        from deskward.files.service import content
        from deskward.gate.context import Context

        async with local_desk(read_settings(), user, staff, tenant) as (desk, caller):
            told = {"file_id": file_id}
            stored = _value(await desk.gate.act("download_file", told, Context(caller, "cli")))
            data = await content(desk.database.reader, caller.tenant, stored["file_id"])
        target = to or Path(stored["name"])
        try:
            with target.open("xb") as file:
                file.write(data)
        except FileExistsError:
            raise Misused(f"{target} is there already: say --to") from None
        print(target)
        return 0

    run(work())


@files.command(name="list")
def list_(*, user: User = None, staff: Staff = None, tenant: Tenant = None) -> None:
    """List the files that somebody has, as JSON.

    Example: `deskward files list --staff anna`
    """

    async def work() -> int:
        from deskward.gate.context import Context

        async with local_desk(read_settings(), user, staff, tenant) as (desk, caller):
            outcome = await desk.gate.call("list_files", {"limit": 100}, Context(caller, "cli"))
            print_json(_value(outcome))
        return 0

    run(work())


def _value(outcome: Any) -> Any:
    """What a call gave; where it failed, its error ends the command."""
    if outcome.error is not None:
        print(outcome.error.message, file=sys.stderr)
        sys.exit(1)
    return outcome.value
