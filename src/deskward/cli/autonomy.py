"""`deskward policy autonomy`: how much the agent does alone, per tenant, queue and product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.operators import allowed
from deskward.cli.session import Json, Operator, Tenant, noted, print_json, read_settings, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from deskward.app import Desk
    from deskward.core.database import Connection

    Work = Callable[[Desk], Awaitable[int]]

autonomy = App(
    name="autonomy",
    help="How much the agent does alone: `suggest` (what changes something waits for a person), "
    "`safe` (what can be undone and says nothing to anybody is done alone), or `routine` (all that "
    "policies let be done alone, as where nothing is chosen). Of several levels that fit a case "
    "the strictest counts.",
)
Queue = Annotated[
    str, Parameter(help="Only for tickets in this queue of specialists, or of this team.")
]
Product = Annotated[str, Parameter(help="Only for tickets and diagnoses of this product.")]


@autonomy.command(name="set")
def set_(
    level: Annotated[Literal["suggest", "safe", "routine"], Parameter(help="The level.")],
    /,
    *,
    queue: Queue = "",
    product: Product = "",
    as_: Operator = None,
    tenant: Tenant = None,
) -> None:
    """Choose a level for a tenant, or for a queue or a product of it. It counts at once.

    Example: `deskward policy autonomy set safe --queue billing`
    """
    _change(level, queue, product, as_, tenant)


@autonomy.command
def unset(
    *, queue: Queue = "", product: Product = "", as_: Operator = None, tenant: Tenant = None
) -> None:
    """Take back what was chosen for a tenant, or for a queue or a product of it.

    Example: `deskward policy autonomy unset --queue billing`
    """
    _change(None, queue, product, as_, tenant)


@autonomy.command(name="list")
def list_(*, tenant: Tenant = None, as_json: Json = False) -> None:
    """List the levels that a tenant has chosen.

    Example: `deskward policy autonomy list`
    """

    async def work(desk: Desk) -> int:
        from dataclasses import asdict

        from deskward.gate.autonomy import NAMES, chosen

        found = await chosen(desk.database.reader, tenant or desk.settings.default.tenant_id)
        if as_json:
            print_json([{**asdict(one), "level": NAMES[one.level - 1]} for one in found])
            return 0
        for one in found:
            where = [f"queue {one.queue}"] if one.queue else []
            where += [f"product {one.product}"] if one.product else []
            named = ", ".join(where) or "everything"
            print(f"{NAMES[one.level - 1]}  {named}  ({one.set_by}, {one.set_at:%Y-%m-%d})")
        if not found:
            print("None is chosen: routine, what policies let be done alone is.")
        return 0

    _with_desk(work)


def _change(level: Any, queue: str, product: str, as_: str | None, tenant: str | None) -> None:
    async def work(desk: Desk) -> int:
        from deskward.gate.autonomy import choose, hold

        where = tenant or desk.settings.default.tenant_id
        told = {"level": level, "queue": queue, "product": product}
        entries: list[Any] = []
        async with desk.database.transaction(entries) as db:
            await hold(db, where)
            if level is not None:
                await _check(desk, db, where, queue)
            caller = await allowed(db, desk.settings, "set_autonomy", where, as_)
            await choose(db, where, level, queue=queue, product=product, by=caller.label)
            entries.append(noted(desk.settings, "set_autonomy", caller, tenant=where, **told))
        print(f"{level or 'Nothing'} is chosen.")
        return 0

    _with_desk(work)


async def _check(desk: Desk, db: Connection, tenant: str, queue: str) -> None:
    """See that a choice would have an effect.

    Raises:
        Misused: It would not.
    """
    from deskward.queues.service import Queues
    from deskward.security import members
    from deskward.security.tenants import require_open

    await require_open(db, tenant)
    if "context.autonomy" not in desk.gate.policy.text:
        raise Misused(
            "the policies that count do not look at the level: take autonomy.cedar over from those "
            "that ship (`deskward policy copy`)"
        )
    staff = [one for one in await members.listed(db) if one.tenant_id == tenant]
    teams = {team for one in staff for team in one.teams}
    known = {*desk.gate.port(Queues).kinds.specialists, *teams}
    if queue and queue not in known:
        raise Misused(f"there is no queue {queue!r}; there are {', '.join(sorted(known))}")


def _with_desk(work: Work) -> None:
    from deskward.app import open_desk

    settings = read_settings()

    async def with_desk() -> int:
        async with open_desk(settings, chat=False, as_recorded=True) as desk:
            return await work(desk)

    run(with_desk())
