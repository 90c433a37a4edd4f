"""`deskward hub`: look at the tools of outside servers, and accept what they have become."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.operators import operator
from deskward.cli.session import Json, Operator, print_json, with_database

if TYPE_CHECKING:
    from deskward.core.database import Database

hub = App(name="hub", help="Look after the tools of outside MCP servers.")


@hub.command(name="list")
def list_tools(*, json_: Json = False) -> None:
    """List the pinned tools; of a quarantined one, what was accepted and what is offered now.

    Example: `deskward hub list`
    """
    from deskward.hub import pins

    async def show(database: Database, _settings: Any) -> None:
        found = await pins.pins(database.reader)
        if json_:
            print_json([asdict(pin) | {"quarantined": pin.quarantined} for pin in found])
            return
        for pin in found:
            state = "QUARANTINED" if pin.quarantined else f"accepted by {pin.accepted_by}"
            print(f"{pin.server} {pin.name}  {pin.offered[:16]}  {state}")
            if pin.quarantined:
                print(f"    accepted: {pin.shape if pin.fingerprint else '(never)'}")
                print(f"    offered:  {pin.offered_shape}")
        if not found:
            print("No outside server was met yet; MCP_SERVER_URL names one.")

    with_database(show)


@hub.command
def accept(
    server: str,
    tool: str,
    fingerprint: Annotated[
        str, Parameter(help="What `hub list` shows for it, so that no other change slips in.")
    ],
    *,
    reads: Annotated[
        bool,
        Parameter(help="It only reads, and may be called again where no answer came.", negative=()),
    ] = False,
    customers: Annotated[
        bool, Parameter(help="Customers and their assistant may use it, too.", negative=())
    ] = False,
    as_: Operator = None,
) -> None:
    """Accept a tool as it is now, and say what it is. A running desk has it within seconds.

    Without --reads it counts as one that acts: staff need an approval, customers' programs the
    customer's yes. A parameter `customer_id` or `user_id` is a customer's own in their sessions.

    Example: `deskward hub accept crm find-user 5f2a9c0d1e3b4a57 --reads --customers`
    """
    from deskward.hub import pins

    audience = pins.CUSTOMERS if customers else pins.STAFF
    accepted = {
        **{"server": server, "name": tool, "fingerprint": fingerprint},
        **{"reads": reads, "audience": audience},
    }

    async def change(database: Database, _settings: Any) -> None:
        async with database.transaction() as transaction:
            await pins.accept(
                transaction, server, tool, fingerprint, operator(), reads=reads, audience=audience
            )
        how = "only reads" if reads else "acts"
        print(f"Accepted {tool} of {server}: it {how}, for {audience}.")

    with_database(change, ("accept_tool", accepted), as_)
