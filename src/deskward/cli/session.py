"""What commands share: settings, running, the operator, and the desk on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

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


def read_settings(*, serving: bool = False, worker: int = 0, **changes: Any) -> Any:
    """The settings, with logging set up; a wrong one ends the command with what is wrong."""
    from pydantic import ValidationError

    from deskward.core.logging import configure_logging
    from deskward.core.settings import Settings

    try:
        settings = Settings(**changes)
        _ = settings.database
    except ValidationError as error:
        sys.exit(f"deskward: a setting is not valid: {problems_of(error)}")
    except ValueError as error:
        sys.exit(f"deskward: {error}")
    try:
        configure_logging(settings, serving=serving, worker=worker)
    except OSError as error:
        sys.exit(f"deskward: {error}")
    return settings


def problems_of(error: Any) -> str:
    """What is wrong with which settings, without their values, which may be secret."""
    return "; ".join(
        f"{'.'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False)
    )


def run(
    work: Coroutine[Any, Any, int | None],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run a command's coroutine; errors become one line, Ctrl-C ends quietly."""
    from deskward.core.errors import DeskwardError

    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            code = runner.run(work)
    except KeyboardInterrupt:
        sys.exit(130)
    except DeskwardError as error:
        sys.exit(f"deskward: {error.message}")
    except (ValueError, OSError) as error:
        sys.exit(f"deskward: {error}")
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


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


@contextlib.asynccontextmanager
async def local_desk(
    settings: Any,
    user: str | None,
    staff: str | None,
    tenant: str | None,
    *,
    chat: bool = False,
    only: str | None = None,
    roles: tuple[str, ...] = (),
) -> AsyncIterator[tuple[Desk, Principal]]:
    """The desk on this machine's database, and the caller, who is trusted as its operator.

    A new embedded database gets the demo data.

    Raises:
        InvalidInput: Both a customer and a member of staff are named.
        Unauthenticated: There is no such customer.
    """
    from deskward.app import open_desk
    from deskward.core.errors import InvalidInput
    from deskward.entrypoints.identity import local_customer
    from deskward.security.principals import DEFAULT_ROLES, Kind, Principal

    if user and staff:
        raise InvalidInput("Give --user or --staff, not both.")
    async with open_desk(settings, demo=is_new(settings), chat=chat, only=only) as desk:
        tenant = tenant or settings.default_tenant_id
        if staff:
            principal = Principal(Kind.STAFF, staff, tenant, roles or (DEFAULT_ROLES[Kind.STAFF],))
        else:
            principal = await local_customer(desk, user or settings.default_user_id, tenant)
        yield desk, principal


def is_new(settings: Any) -> bool:
    """Whether the embedded database does not exist yet; says that it will get the demo data."""
    path = settings.database.database
    new = settings.database_url is None and path is not None and not os.path.exists(path)
    if new:
        print(f"deskward: new database {path}, with demo data", file=sys.stderr)
    return new


def with_database(work: Callable[[Database, Any], Coroutine[Any, Any, int | None]]) -> None:
    """Run a command's coroutine on the migrated database and the settings, without a desk."""
    from deskward.core.database import Database
    from deskward.migrations import upgrade

    settings = read_settings()

    async def work_and_close() -> int | None:
        await upgrade(settings.database)
        database = Database(settings.database)
        try:
            return await work(database, settings)
        finally:
            await database.close()

    run(work_and_close())
