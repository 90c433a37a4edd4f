"""`deskward effects`: calls that acted outside and were cut off, so that their outcome is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.session import COUNT, Json, Operator, Tenant, print_json, with_database

if TYPE_CHECKING:
    from deskward.core.database import Database

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
