"""The tools of notices."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deskward.core.errors import Conflict
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup
from deskward.notices import service
from deskward.notices.models import (
    EVERYBODY,
    FOR_CUSTOMERS,
    NAMES,
    Name,
    Switches,
    SwitchesSet,
)
from deskward.notices.service import NoticeRules

tools = ToolGroup("notices")

Names = Annotated[list[Name], Field(max_length=len(NAMES))]


@tools.tool(scope="notices:read", risk=Risk.READ, rest="GET /notices")
async def list_notices(
    ctx: Context, customer_id: OwnCustomerId | None = None, everybody: bool = False
) -> Switches:
    """List the notices by mail that somebody may get, and which of them they do.

    Args:
        customer_id: Those of this customer; the caller's own where it is left out.
        everybody: All that the desk can send, instead.
    """
    person = _person(ctx, customer_id, everybody=everybody)
    rules = ctx.port(NoticeRules)
    shown = await service.shown(ctx.db, ctx.tenant, person, rules)
    return Switches(person=person or "everybody", notices=shown)


@tools.tool(scope="notices:write", risk=Risk.WRITE, rest="PATCH /notices")
async def switch_notices(
    ctx: Context,
    on: Names = [],  # noqa: B006 the gate copies it
    off: Names = [],  # noqa: B006 the gate copies it
    customer_id: OwnCustomerId | None = None,
    everybody: bool = False,
) -> SwitchesSet:
    """Switch notices by mail on or off, for one person or for everybody.

    Args:
        on: Those to switch on. What is off for everybody nobody gets.
        off: Those to switch off, also where they are among the others.
        customer_id: For this customer; for the caller where it is left out.
        everybody: For everybody of the tenant, instead.
    """
    on = [name for name in on if name not in off]
    person = _person(ctx, customer_id, everybody=everybody)
    if person.startswith("customer:") and not {*on, *off} <= set(FOR_CUSTOMERS):
        raise Conflict(
            f"Customers get {', '.join(FOR_CUSTOMERS)}, and no other notice.",
            details={"field": "on"},
        )
    await service.switch(ctx.db, ctx.tenant, person, on, off)
    told = [*(f"{name} on" for name in on), *(f"{name} off" for name in off)]
    return SwitchesSet(
        message=f"Switched for {person or 'everybody'}: {', '.join(told) or 'nothing'}."
    )


def _person(ctx: Context, customer_id: str | None, *, everybody: bool) -> str:
    if everybody:
        return EVERYBODY
    return f"customer:{customer_id}" if customer_id is not None else ctx.principal.label
