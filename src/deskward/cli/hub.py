"""`deskward hub`: outside MCP servers, their tools, and what these are accepted as."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.call import call
from deskward.cli.ending import Misused
from deskward.cli.hub_servers import add, remove, status
from deskward.cli.operators import operator
from deskward.cli.session import (
    Json,
    Operator,
    Staff,
    Tenant,
    User,
    print_json,
    with_database,
)

if TYPE_CHECKING:
    from deskward.core.database import Database
    from deskward.gate.reconcile import Reconcile

hub = App(name="hub", help="Look after outside MCP servers and their tools.")
hub.command(status)
hub.command(add)
hub.command(remove)


@hub.command
def tools(server: str | None = None, *, json_: Json = False) -> None:
    """List the pinned tools; of a quarantined one, what was accepted and what is offered now.

    Example: `deskward hub tools crm`
    """
    from deskward.hub import pins

    async def show(database: Database, _settings: Any) -> None:
        found = [p for p in await pins.pins(database.reader) if server in (None, p.server)]
        if json_:
            print_json([asdict(pin) | {"quarantined": pin.quarantined} for pin in found])
            return
        for pin in found:
            how = f"{'reads' if pin.reads else 'acts'}, for {pin.audience or pins.STAFF}"
            if pin.reconcile:
                how += f", settled by {json.loads(pin.reconcile)['tool']}"
            state = "QUARANTINED" if pin.quarantined else f"accepted by {pin.accepted_by}: {how}"
            hint = "  (its server says that it only reads)" if pin.suggests_reading else ""
            print(f"{pin.server} {pin.name}  {pin.offered[:16]}  {state}{hint}")
            if pin.quarantined:
                print(f"    accepted: {pin.shape if pin.fingerprint else '(never)'}")
                print(f"    offered:  {pin.offered_shape}")
        if not found:
            print("No outside server was met yet; MCP_SERVERS_FILE or MCP_SERVER_URL names them.")

    with_database(show)


@hub.command(name="call")
def call_remote(
    server: str,
    tool: str,
    *arguments: str,
    user: User = None,
    staff: Staff = None,
    tenant: Tenant = None,
) -> None:
    """Call a tool of an outside server through the gate, as `deskward call` does.

    Example: `deskward hub call crm find-user name=Ann --staff anna`

    Parameters
    ----------
    tool
        What its server calls it.

    Arguments:
        The tool's arguments, as `name=value`.
    """
    from deskward.hub.config import plain
    from deskward.hub.naming import names_of

    named = names_of(f"{plain(server)}__", [tool])[tool]
    call(named, *arguments, user=user, staff=staff, tenant=tenant)


@hub.command
def accept(
    server: str,
    tool: str,
    fingerprint: Annotated[
        str, Parameter(help="What `hub tools` shows for it, so that no other change slips in.")
    ],
    *,
    reads: Annotated[
        bool,
        Parameter(help="It only reads, and may be called again where no answer came.", negative=()),
    ] = False,
    customers: Annotated[
        bool, Parameter(help="Customers and their assistant may use it, too.", negative=())
    ] = False,
    reconcile: Annotated[
        str | None,
        Parameter(help="A tool of the server that is asked whether a call took effect."),
    ] = None,
    ask: Annotated[
        tuple[str, ...],
        Parameter(help="PARAMETER=EXPRESSION that it is asked with.", negative=()),
    ] = (),
    done: Annotated[
        str | None, Parameter(help="Condition: its answer shows that the call took effect.")
    ] = None,
    not_done: Annotated[
        str | None, Parameter(help="Condition: it shows that the call did not.")
    ] = None,
    after: Annotated[
        float, Parameter(help="Seconds after which a call that was cut off takes effect no more.")
    ] = 60.0,
    as_: Operator = None,
) -> None:
    """Accept a tool as it is now, and say what it is. A running desk has it within seconds.

    Without --reads it counts as one that acts: staff need an approval, customers' programs the
    customer's yes. A parameter `customer_id` or `user_id` is a customer's own in their sessions.

    With --reconcile, `deskward effects reconcile` settles what is not known of it. Conditions and
    expressions are CEL over `call.arguments`, `call.effect_id`, `answer` and `error`: `deskward hub
    accept shop create_order 8c11… --reconcile get_order --ask reference=call.arguments.reference
    --done 'has(answer.order)' --not-done 'error.code == "ORDER_NOT_FOUND"'`

    Example: `deskward hub accept crm find-user 5f2a9c0d1e3b4a57 --reads --customers`
    """
    from deskward.hub import pins

    audience = pins.CUSTOMERS if customers else pins.STAFF
    told = _reconcile(reconcile, ask, done, not_done, after)
    accepted = {
        **{"server": server, "name": tool, "fingerprint": fingerprint},
        **{"reads": reads, "audience": audience},
        **({"reconcile": told.model_dump()} if told is not None else {}),
    }

    async def change(database: Database, _settings: Any) -> None:
        async with database.transaction() as transaction:
            await pins.accept(
                *(transaction, server, tool, fingerprint, operator()),
                reads=reads,
                audience=audience,
                reconcile=told,
            )
        how = "only reads" if reads else "acts"
        print(f"Accepted {tool} of {server}: it {how}, for {audience}.")

    with_database(change, ("accept_tool", accepted), as_)


def _reconcile(
    tool: str | None,
    ask: tuple[str, ...],
    done: str | None,
    not_done: str | None,
    after: float,
) -> Reconcile | None:
    """How it is found out whether a call took effect, of these options."""
    from pydantic import ValidationError

    from deskward.gate.reconcile import Reconcile

    if tool is None or done is None:
        if tool or ask or done or not_done:
            raise Misused("--reconcile TOOL and --done CONDITION belong together")
        return None
    asked = dict(pair.partition("=")[::2] for pair in ask)
    if any("=" not in pair for pair in ask) or "" in asked:
        raise Misused("--ask has the form PARAMETER=EXPRESSION")
    try:
        return Reconcile(tool=tool, ask=asked, done=done, not_done=not_done, after=after)
    except ValidationError as problem:
        first = problem.errors()[0]
        raise Misused(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
