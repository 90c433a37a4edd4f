"""`deskward notices`: which mails staff and customers get of what concerns them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

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

notices = App(name="notices", help="Switch the mails by which people hear of what concerns them.")

Names = Annotated[
    tuple[str, ...], Parameter(help="Names of notices, as `deskward notices list` shows them.")
]
Customer = Annotated[
    str | None, Parameter(help="For this customer. Default: for everybody of the tenant.")
]
Key = Annotated[
    str | None,
    Parameter(
        help="API key of the member of staff who calls. Default: the system's user.",
        env_var="DESKWARD_API_KEY",
    ),
]


@notices.command(name="list")
def list_(
    *,
    customer: Customer = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """List the notices, and whether they are sent.

    Example: `deskward notices list`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        found = await _call(desk, caller, "list_notices", **_whose(customer))
        if json_:
            print_json(found)
            return 0
        for one in found["notices"]:
            state = "on" if one["sent"] and one["wanted"] else "off"
            print(f"{state:3}  {one['name']}")
        return 0

    _run(work, key, tenant, as_)


@notices.command
def on(
    names: Names,
    /,
    *,
    customer: Customer = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Send notices from now on.

    Example: `deskward notices on assigned received`
    """
    _switch({"on": list(names), **_whose(customer)}, key, tenant, as_)


@notices.command
def off(
    names: Names,
    /,
    *,
    customer: Customer = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Send notices no more.

    Example: `deskward notices off received --customer user_001`
    """
    _switch({"off": list(names), **_whose(customer)}, key, tenant, as_)


def _whose(customer: str | None) -> dict[str, Any]:
    return {"customer_id": customer} if customer else {"everybody": True}


def _switch(
    arguments: dict[str, Any], key: str | None, tenant: str | None, as_: str | None
) -> None:

    async def work(desk: Desk, caller: Principal) -> int:
        print((await _call(desk, caller, "switch_notices", **arguments))["message"])
        return 0

    _run(work, key, tenant, as_)


async def _call(desk: Desk, caller: Principal, tool: str, **arguments: Any) -> dict[str, Any]:
    from deskward.gate.context import Context

    outcome = await desk.gate.call(tool, arguments, Context(caller, "cli"))
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


def _run(work: Any, key: str | None, tenant: str | None, as_: str | None) -> None:

    async def with_desk() -> int:
        async with operated_desk(read_settings(), key, tenant, "support-3", as_=as_) as opened:
            code: int = await work(*opened)
            return code

    run(with_desk())
