"""`deskward collect`: programs that run suites on a customer's own machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.operated import Key, called, run_operated
from deskward.cli.session import Json, Operator, Tenant, print_json

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal

collect = App(name="collect", help="Make programs that look from a customer's own machine.")


@collect.command
def make(
    session: Annotated[str, Parameter(help="The diagnostic session, as `D1001`.")],
    test_suite: Annotated[str, Parameter(help="The suite; `suite.test` for one test.")] = "network",
    /,
    *,
    to: Annotated[Path | None, Parameter(help="The file. Default: its usual name, here.")] = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Make a program for one session and one suite. It can send once, and for an hour.

    It is one file for Python 3.8 or newer. It shows what it will send, and asks before it does.

    Example: `deskward collect make D1001 network --to collector.py`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        made = await called(
            desk, caller, "make_collector", session_id=session, test_suite=test_suite
        )
        file = to or Path(made["file_name"])
        file.write_bytes(made["program"].encode("ascii"))
        print(f"{file}: looks at {', '.join(made['looks_at'])}, until {made['expires_at']}.")
        for one in made["leaves_out"]:
            print(f"  without {one}")
        print(f"SHA-256 {made['sha256']}")
        return 0

    run_operated(work, key, tenant, as_)


@collect.command
def check(
    file: Annotated[Path, Parameter(help="The program.")],
    /,
    *,
    signed_by: Annotated[
        str | None,
        Parameter(help="The desk's public key. Default: that of the desk on this machine."),
    ] = None,
) -> None:
    """See that a program is as a desk has made it. Exit code 1: it was changed, or is another's.

    Example: `deskward collect check collector.py`
    """
    from deskward.cli.session import read_settings
    from deskward.diagnostics.collecting.making import signed_by as signer_of
    from deskward.gate.ledger.heads import Signer

    try:
        found = signer_of(file.read_bytes())
    except OSError as error:
        raise Misused(f"{file} cannot be read: {error}") from None
    if found is None:
        print(f"{file} was changed since a desk has made it, or is none.")
        sys.exit(1)
    wanted = signed_by or Signer(read_settings().key).public_key
    if found != wanted:
        print(f"{file} was made by another desk, with the key {found}.")
        sys.exit(1)
    print(f"{file} is as this desk has made it.")


@collect.command
def runs(
    session: Annotated[str, Parameter(help="The diagnostic session, as `D1001`.")],
    /,
    *,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List the runs of tests of a session, with who has looked: the desk, or a collector.

    Example: `deskward collect runs D1001`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        found = await called(desk, caller, "list_diagnostic_runs", session_id=session)
        if as_json:
            print_json(found)
            return 0
        for one in found["runs"]:
            counts = ", ".join(f"{count} {name}" for name, count in one["counts"].items() if count)
            sure = f"confidence {one['confidence']:g}"
            print(f"{one['run_id']}  {one['suite']}, {one['source']}, {sure}: {counts}")
        if not found["runs"]:
            print("None.")
        return 0

    run_operated(work, key, tenant, as_)
