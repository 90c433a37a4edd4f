"""`deskward tickets`: look for tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

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

tickets = App(name="tickets", help="Look for tickets.")


@tickets.command
def search(
    *query: Annotated[
        str,
        Parameter(
            help="What is looked for: words, and conditions as `status:open`, `-tag:vip`.",
            allow_leading_hyphen=True,
        ),
    ],
    order: Annotated[
        Literal["newest", "oldest", "updated"], Parameter(help="Which come first.")
    ] = "newest",
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
    asked = {"query": " ".join(query), "order": order, "limit": limit, "cursor": cursor}

    async def work() -> int:
        async with operated_desk(read_settings(), key, tenant, "support-3", as_=as_) as opened:
            return await _show(*opened, asked, json_=json_)

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
