"""`deskward effects`: calls that acted outside and were cut off, so that their outcome is open."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.operated import Key, run_operated
from deskward.cli.session import COUNT, Json, Operator, Tenant, print_json, with_database

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.core.database import Database
    from deskward.security.principals import Principal

effects = App(
    name="effects", help="Look after calls of which nobody knows whether they took effect."
)


@effects.command
def unknown(
    *,
    last: Annotated[int, Parameter(help="How many at most.", validator=COUNT)] = 100,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """List effects whose outcome is not known, the oldest first.

    `deskward ledger show` has the rows of each call, by the same time and tool.

    Example: `deskward effects unknown`
    """

    async def show(database: Database, settings: Any) -> None:
        from deskward.core.errors import iso
        from deskward.gate.unknown import unknown

        where = tenant or settings.default.tenant_id
        rows = [
            {
                "effect_id": row.effect_id,
                "tool": row.tool,
                "by": row.principal,
                "begun": iso(row.created_at),
            }
            for row in await unknown(database.reader, where, last)
        ]
        if json_:
            print_json(rows)
            return
        for row in rows:
            print(f"{row['effect_id']}  {row['tool']}  by {row['by']}, {row['begun'][:19]}Z")
        if not rows:
            print("The outcome of every effect is known.")

    with_database(show)


@effects.command
def settle(
    effect_id: str,
    outcome: Annotated[
        Literal["done", "not-done"], Parameter(help="What you have seen where it acted.")
    ],
    *,
    tenant: Tenant = None,
    as_: Operator = None,
) -> None:
    """Say what became of an effect, once you have looked where it acted.

    Of one that was done, a repetition of the call is told so; one that was not may be repeated.

    Example: `deskward effects settle 5f2a9c0d1e3b4a575f2a9c0d1e3b4a57 done`
    """
    told = {"effect_id": effect_id, "outcome": outcome, **({"tenant": tenant} if tenant else {})}

    async def change(database: Database, settings: Any) -> None:
        from deskward.gate.unknown import settle

        where = tenant or settings.default.tenant_id
        async with database.transaction() as transaction:
            await settle(transaction, where, effect_id, done=outcome == "done")
        print(f"Effect {effect_id} is settled: {outcome}.")

    with_database(change, ("settle_effect", told), as_)


@effects.command
def reconcile(
    *effect_ids: str,
    last: Annotated[int, Parameter(help="How many at most.", validator=COUNT)] = 100,
    tenant: Tenant = None,
    key: Key = None,
    json_: Json = False,
    as_: Operator = None,
) -> None:
    """Settle effects by asking the tools that theirs name for it. Exit code 1 where some are left.

    An outside tool's counterpart is named when it is accepted (`deskward hub accept`). You ask it
    yourself, so that you need a role which may. No call is made again.

    Example: `deskward effects reconcile`

    Parameters
    ----------
    key
        API key of the member of staff who calls. Default: the system's user.

    Arguments:
        Those that are meant. Default: all.
    """

    async def work(desk: Desk, caller: Principal) -> int:
        from deskward.gate.operations import require_let_through
        from deskward.gate.reconciling import reconcile

        if not caller.system:
            require_let_through(desk.gate.policy, caller, "reconcile_effect")
        found = [one async for one in reconcile(desk.gate, caller, most=last, only=effect_ids)]
        if json_:
            print_json([asdict(one) for one in found])
        for one in [] if json_ else found:
            print(f"{one.effect_id}  {one.tool}  {one.outcome}: {one.why}")
        if not found and not json_:
            print("The outcome of every effect is known.")
        return 1 if any(one.outcome == "unknown" for one in found) else 0

    run_operated(work, key, tenant, as_)
