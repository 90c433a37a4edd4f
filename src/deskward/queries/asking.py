"""Asking the desk's records as the caller of a tool: one way for all tools that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deskward.core.errors import Unfit
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.queries import service
from deskward.queries.limits import Found
from deskward.queries.models import Parameter
from deskward.queries.relations import Sight
from deskward.queries.running import Queries


def sight_of(ctx: Context, *, customer: bool = False) -> Sight:
    """What the caller sees.

    Args:
        customer: Whether it is about one customer alone.
    """
    roles = ctx.port(Gate).policy.roles
    return service.sight_of(ctx.principal, roles, ctx.port(Queries).readable, customer=customer)


async def ask(
    ctx: Context,
    sql: str,
    declared: Sequence[Parameter] = (),
    given: Mapping[str, Any] | None = None,
    *,
    customer_id: str | None = None,
    rows: int | None = None,
    only_check: bool = False,
) -> Found:
    """What a statement gives, written anew over what the caller sees.

    Args:
        declared: The parameters that it takes.
        given: Their values.
        customer_id: See only this customer's records.
        rows: Give so many rows at the most.
        only_check: See that it can be run, and run nothing.

    Raises:
        Unfit: It is not understood, or not allowed, or a value is not of its type.
        TimeLimitExceeded: It took too long.
        Unavailable: The database cannot be reached, or too much runs already.
    """
    if len({each.name for each in declared}) < len(declared):
        raise Unfit("Two parameters have the same name.")
    port = ctx.port(Queries)
    statement = service.statement_of(
        sql,
        sight_of(ctx, customer=customer_id is not None),
        port.place.dialect,
        await port.place.schema(),
        tenant=ctx.tenant,
        customer_id=customer_id,
        declared=declared,
        given=None if only_check else given or {},
    )
    return await port.run(statement, ctx.tenant, rows=rows, only_check=only_check)
