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
    as_: Operator = None,
) -> None:
    """Accept a quarantined tool as it is now. A running desk has it within seconds.

    Example: `deskward hub accept complaints get_complaint 5f2a9c0d1e3b4a57`
    """
    from deskward.hub import pins

    accepted = {"server": server, "name": tool, "fingerprint": fingerprint}

    async def change(database: Database, _settings: Any) -> None:
        async with database.transaction() as transaction:
            await pins.accept(transaction, server, tool, fingerprint, operator())
        print(f"Accepted {tool} of {server}.")

    with_database(change, ("accept_tool", accepted), as_)
