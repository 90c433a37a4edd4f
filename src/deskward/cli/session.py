"""What commands share: settings, running, the operator, and the desk on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
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


Demo = Annotated[
    bool,
    Parameter(help="The demo desk: a bank and a shop, with demo data where the database is empty."),
]
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
    """The system's name for whoever runs the command, whatever the environment says it is.

    In some containers the system has none: then it is `uid-` and the number.
    """
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def system_user(tenant: str, *roles: str) -> Principal:
    """Whoever runs the command, recorded as the system's user that they are."""
    from deskward.security.principals import Kind, Principal, Proof

    return Principal(Kind.STAFF, operator(), tenant, roles, proof=Proof.VOUCHED, system=True)


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
    """The desk on this machine's database, and the caller, who is trusted to be whom they name.

    Raises:
        Misused: Both a customer and a member of staff are named.
        Unauthenticated: There is no such customer.
    """
    from deskward.app import open_desk
    from deskward.security.principals import DEFAULT_ROLES, Kind, Principal, Proof

    if user and staff:
        raise Misused("give --user or --staff, not both")
    async with open_desk(settings, demo=demo, chat=chat, only=only) as desk:
        tenant = tenant or settings.default.tenant_id
        if staff:
            roles = roles or (DEFAULT_ROLES[Kind.STAFF],)
            principal = Principal(
                *(Kind.STAFF, staff, tenant, roles), via=_system_label(), proof=Proof.VOUCHED
            )
        else:
            principal = await _customer(desk, user or settings.default.user_id, tenant)
        yield desk, principal


@contextlib.asynccontextmanager
async def operated_desk(
    settings: Any, key: str | None, tenant: str | None, *roles: str
) -> AsyncIterator[tuple[Desk, Principal]]:
    """The desk on this machine's database, and who works on it: nobody says who they are.

    It is the member of staff whose API key this is, or without a key the system's user.

    Args:
        roles: What the system's user may do.

    Raises:
        Unauthenticated: The key is not valid.
        Misused: It is not a member of staff's, or of another tenant.
    """
    from deskward.app import open_desk
    from deskward.security.principals import Kind

    async with open_desk(settings, chat=False, as_recorded=True) as desk:
        if key is None:
            yield desk, system_user(tenant or settings.default.tenant_id, *roles)
            return
        principal = await desk.keys.verify(key)
        if principal.kind is not Kind.STAFF:
            raise Misused(f"the key is that of {principal.label}, who is no member of staff")
        if tenant not in (None, principal.tenant):
            raise Misused(f"the key is one of tenant {principal.tenant}")
        yield desk, principal


def _system_label() -> str:
    return system_user("").label


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


def noted(settings: Any, what: str, **details: Any) -> Any:
    """The ledger's row of what the system's user does: which command, and to what.

    What changes something goes with `Database.along`, so that neither is there without the other.
    """
    from pydantic_core import to_json

    from deskward.core.errors import timestamp
    from deskward.gate.ledger.chain import Entry

    tenant = details.pop("tenant", None) or settings.default.tenant_id
    clear = {
        "at": timestamp(),
        "kind": "operation",
        "door": "cli",
        "by": system_user(tenant).label,
        "tool": what,
        "status": "ok",
    }
    return Entry(tenant, clear, to_json({"arguments": details}))


def with_database(work: Callable[[Database, Any], Coroutine[Any, Any, int | None]]) -> None:
    """Run a command's coroutine on the migrated database and the settings, without a desk."""
    from deskward.core.database import Database
    from deskward.gate.ledger.chain import Ledger
    from deskward.gate.secret import read_secret
    from deskward.migrations import upgrade

    settings = read_settings()

    async def work_and_close() -> int | None:
        await upgrade(settings.database_location)
        database = Database(settings.database_location)
        try:
            secret = await read_secret(settings, database)
            ledger = Ledger(secret.key, secret.names, generation=secret.generation)
            database.before_commit = ledger.write
            return await work(database, settings)
        finally:
            await database.close()

    run(work_and_close())
