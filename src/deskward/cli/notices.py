"""`deskward notices`: which mails staff and customers get of what concerns them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.operated import Key, message, show_answer
from deskward.cli.session import (
    Json,
    Operator,
    Tenant,
)

notices = App(name="notices", help="Switch the mails by which people hear of what concerns them.")

Names = Annotated[
    tuple[str, ...], Parameter(help="Names of notices, as `deskward notices list` shows them.")
]
Customer = Annotated[
    str | None, Parameter(help="For this customer. Default: for everybody of the tenant.")
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

    def lines(found: dict[str, Any]) -> Iterator[str]:
        for one in found["notices"]:
            state = "on" if one["sent"] and one["wanted"] else "off"
            yield f"{state:3}  {one['name']}"

    show_answer("list_notices", _whose(customer), lines, key, tenant, as_, as_json=json_)


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
    show_answer(
        "switch_notices",
        {"on": list(names), **_whose(customer)},
        message,
        key=key,
        tenant=tenant,
        as_=as_,
    )


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
    show_answer(
        "switch_notices",
        {"off": list(names), **_whose(customer)},
        message,
        key=key,
        tenant=tenant,
        as_=as_,
    )


def _whose(customer: str | None) -> dict[str, Any]:
    return {"customer_id": customer} if customer else {"everybody": True}
