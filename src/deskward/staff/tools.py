"""The tools of the staff's directory. Members are appointed on the command line."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deskward.core.errors import NotFound
from deskward.gate.context import Context
from deskward.gate.tool import Risk, ToolGroup
from deskward.staff import service
from deskward.staff.models import StaffList, StaffMember

tools = ToolGroup("staff")

Team = Annotated[str, Field(min_length=1, max_length=64, examples=["cards"])]


@tools.tool(scope="staff:read", risk=Risk.READ, rest="GET /staff", keeps_secrets=False)
async def list_staff(
    ctx: Context, team: Team | None = None, active: bool | None = True
) -> StaffList:
    """List the members of staff, whom tickets can be assigned to.

    Args:
        team: Only those of this team.
        active: Only those who work here now, or who do not any more; null for all.
    """
    found = await service.listed(ctx.db, ctx.tenant)
    return StaffList(
        staff=[
            service.shown(member)
            for member in found
            if active in (None, member.disabled_at is None)
            and (team is None or team in member.teams)
        ]
    )


@tools.tool(scope="staff:read", risk=Risk.READ, rest="GET /staff/{staff_id}", keeps_secrets=False)
async def get_staff_member(
    ctx: Context, staff_id: Annotated[str, Field(min_length=1, max_length=64, examples=["anna"])]
) -> StaffMember:
    """Look up a member of staff.

    Args:
        staff_id: The member.
    """
    found = await service.find(ctx.db, ctx.tenant, staff_id)
    if found is None:
        raise NotFound("member of staff", staff_id)
    return service.shown(found)
