"""What commands share: settings, running, the operator, and the desk on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from deskward.cli.ending import Misused
from deskward.cli.operators import acting, allowed, is_operated, system_user

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.core.database import Database
    from deskward.security.principals import Principal

User = Annotated[str | None, Parameter(help="The customer who speaks. Default: DEFAULT_USER_ID.")]
Staff = Annotated[
    str | None,
    Parameter(
        name=("--staff", "--as"), help="The member of staff who calls, instead of a customer."
    ),
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


Operator = Annotated[
    str | None,
    Parameter(
        name="--as",
        help="The member of staff that you are. Default: the one of the machine's user "
        "(`deskward staff set ID --shell-user NAME`), or DESKWARD_AS.",
    ),
]
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
    from deskward.security.tenants import require_open

    if user and staff:
        raise Misused("give --user or --staff, not both")
    async with open_desk(settings, demo=demo, chat=chat, only=only) as desk:
        tenant = tenant or settings.default.tenant_id
        await require_open(desk.database.reader, tenant)
        known = desk.gate.policy.roles
        if staff and await is_operated(desk.database.reader, known, tenant):
            if roles:
                raise Misused("leave --role out: what somebody may do here, `deskward staff` says")
            principal = await acting(desk.database.reader, known, tenant, staff)
        elif staff:
            roles = roles or (DEFAULT_ROLES[Kind.STAFF],)
            principal = Principal(
                *(Kind.STAFF, staff, tenant, roles), via=_system_label(), proof=Proof.VOUCHED
            )
        else:
            principal = await _customer(desk, user or settings.default.user_id, tenant)
        yield desk, principal


@contextlib.asynccontextmanager
async def operated_desk(
    settings: Any, key: str | None, tenant: str | None, *roles: str, as_: str | None = None
) -> AsyncIterator[tuple[Desk, Principal]]:
    """The desk on this machine's database, and who works on it.

    It is the member of staff whose API key this is, or without a key whoever runs the command.

    Args:
        roles: What the system's user may do while nobody is appointed to operate the desk.
        as_: The member of staff that they say they are.

    Raises:
        Unauthenticated: The key is not valid.
        Misused: It is not a member of staff's, or of another tenant.
    """
    from deskward.app import open_desk
    from deskward.security.principals import Kind
    from deskward.security.tenants import require_open

    async with open_desk(settings, chat=False, as_recorded=True) as desk:
        if key is None:
            where = tenant or settings.default.tenant_id
            await require_open(desk.database.reader, where)
            known = desk.gate.policy.roles
            yield desk, await acting(desk.database.reader, known, where, as_, *roles)
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


def noted(settings: Any, what: str, by: Principal, **details: Any) -> Any:
    """The ledger's row of what a command does: by whom, and to what.

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
        "by": by.label,
        "tool": what,
        "status": "ok",
    }
    if by.via is not None:
        clear["via"] = by.via
    return Entry(tenant, clear, to_json({"arguments": details}))


def with_database(
    work: Callable[[Database, Any], Coroutine[Any, Any, int | None]],
    wrote: tuple[str, dict[str, Any]] | None = None,
    as_: str | None = None,
) -> None:
    """Run a command's coroutine on the migrated database and the settings, without a desk.

    Args:
        wrote: What it does and to what, where it changes anything: policy must let whoever runs it,
            and the ledger's row goes with its first transaction.
        as_: The member of staff that they say they are.
    """
    from deskward.core.database import Database
    from deskward.gate.ledger.chain import Ledger
    from deskward.gate.secret import read_secret
    from deskward.migrations import upgrade
    from deskward.security.tenants import ensure, find

    settings = read_settings()

    async def work_and_close() -> int | None:
        await upgrade(settings.database_location)
        database = Database(settings.database_location)
        try:
            secret = await read_secret(settings, database)
            ledger = Ledger(secret.key, secret.names, generation=secret.generation)
            database.before_commit = ledger.write
            if await find(database.reader, settings.default.tenant_id) is None:
                async with database.transaction() as transaction:
                    await ensure(transaction, settings.default.tenant_id)
            if wrote is not None:
                what, told = wrote
                caller = await allowed(database.reader, settings, what, told.get("tenant"), as_)
                database.along.append(noted(settings, what, caller, **told))
            return await work(database, settings)
        finally:
            await database.close()

    run(work_and_close())
