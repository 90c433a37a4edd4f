"""What commands share: settings, running, the operator, and the desk on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from deskward.cli.ending import Misused

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.core.database import Database
    from deskward.security.principals import Principal

User = Annotated[str | None, Parameter(help="The customer who speaks. Default: DEFAULT_USER_ID.")]
Staff = Annotated[
    str | None, Parameter(help="The member of staff who calls, instead of a customer.")
]
Tenant = Annotated[str | None, Parameter(help="The tenant. Default: DEFAULT_TENANT_ID.")]
Url = Annotated[
    str | None,
    Parameter(
        help="Address of a running desk, for example http://127.0.0.1:9080. Default: none is "
        "needed, the database is opened directly."
    ),
]
Key = Annotated[str | None, Parameter(help="API key for --url.", env_var="DESKWARD_API_KEY")]


Demo = Annotated[bool, Parameter(help="Load the demo data into an empty database.")]
COUNT = Number(gte=1, lte=1_000_000)
"""Sees that a number of rows is one."""
Json = Annotated[bool, Parameter(name="--json", help="Print it as JSON.")]

EMPTY = (
    "the desk {database} is empty, it has no customers. To try it, add --demo: that loads the demo "
    "data into an empty database."
)


def read_settings(
    *, serving: bool = False, to_file: bool = True, worker: int = 0, **changes: Any
) -> Any:
    """The settings, with logging set up.

    Raises:
        ValueError: One is not valid; the message names it.
        OSError: The log file cannot be written.
    """
    from deskward.core.logging import configure_logging
    from deskward.core.settings import Settings

    settings = Settings(**changes)
    configure_logging(settings, serving=serving, to_file=to_file, worker=worker)
    return settings


def run(
    work: Coroutine[Any, Any, int | None],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run a command's coroutine, and end with the exit code that it gives."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        code = runner.run(work)
    if code:
        sys.exit(code)


def operator() -> str:
    """The name of whoever runs the command.

    Raises:
        ValueError: The system has no name for them, as in some containers.
    """
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ValueError(
            "the system does not know your name; say it with --staff or USER"
        ) from None


def as_json(value: Any, indent: int | None = None) -> str:
    """A value as JSON that any terminal can show whole: escaped where it does not speak UTF-8."""
    escaped = not sys.stdout.encoding.lower().startswith("utf")
    return json.dumps(value, indent=indent, ensure_ascii=escaped, default=str)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(as_json(value, indent=2))


@contextlib.asynccontextmanager
async def local_desk(
    settings: Any,
    user: str | None,
    staff: str | None,
    tenant: str | None,
    *,
    demo: bool = False,
    chat: bool = False,
    only: str | None = None,
    roles: tuple[str, ...] = (),
) -> AsyncIterator[tuple[Desk, Principal]]:
    """The desk on this machine's database, and the caller, who is trusted as its operator.

    Raises:
        Misused: Both a customer and a member of staff are named.
        Unauthenticated: There is no such customer.
    """
    from deskward.app import open_desk
    from deskward.security.principals import DEFAULT_ROLES, Kind, Principal

    if user and staff:
        raise Misused("give --user or --staff, not both")
    async with open_desk(settings, demo=demo, chat=chat, only=only) as desk:
        tenant = tenant or settings.default.tenant_id
        if staff:
            principal = Principal(Kind.STAFF, staff, tenant, roles or (DEFAULT_ROLES[Kind.STAFF],))
        else:
            principal = await _customer(desk, user or settings.default.user_id, tenant)
        yield desk, principal


async def _customer(desk: Desk, user: str, tenant: str) -> Principal:
    from deskward.core.errors import Unauthenticated
    from deskward.customers import service as customers
    from deskward.entrypoints.identity import local_customer

    try:
        return await local_customer(desk.database.reader, user, tenant)
    except Unauthenticated as error:
        if await customers.exist(desk.database.reader):
            raise
        name = desk.settings.database_location.render_as_string(hide_password=True)
        raise Unauthenticated(EMPTY.format(database=name)) from error


def with_database(work: Callable[[Database, Any], Coroutine[Any, Any, int | None]]) -> None:
    """Run a command's coroutine on the migrated database and the settings, without a desk."""
    from deskward.core.database import Database
    from deskward.gate.ledger.subject_keys import check_secret
    from deskward.migrations import upgrade

    settings = read_settings()

    async def work_and_close() -> int | None:
        await upgrade(settings.database_location)
        database = Database(settings.database_location)
        try:
            await check_secret(settings, database.reader)
            return await work(database, settings)
        finally:
            await database.close()

    run(work_and_close())
