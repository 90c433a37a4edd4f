"""`deskward tools`: what a caller may use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from deskward.cli.session import (
    Demo,
    Staff,
    Tenant,
    User,
    local_desk,
    print_json,
    read_settings,
    run,
)

if TYPE_CHECKING:
    from deskward.gate.tool import Tool
    from deskward.security.principals import Principal


def tools(
    *,
    user: User = None,
    staff: Staff = None,
    tenant: Tenant = None,
    demo: Demo = False,
    json_: Annotated[
        bool, Parameter(name="--json", help="Print names and schemas as JSON.")
    ] = False,
) -> None:
    """List the tools that a caller may use.

    Example: `deskward tools --staff anna`
    """

    async def work() -> None:
        async with local_desk(read_settings(), user, staff, tenant, demo=demo) as (desk, caller):
            _print_tools(desk.gate.tools_for(caller), caller, json_)

    run(work())


def _print_tools(found: Sequence[Tool], caller: Principal, in_json: bool) -> None:
    if in_json:
        print_json(
            [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "scope": tool.scope,
                    "risk": tool.risk.value,
                    "rest": f"{tool.method} {tool.path}",
                    "input_schema": tool.input_schema(caller),
                    "output_schema": tool.output_schema,
                }
                for tool in found
            ]
        )
        return
    for tool in found:
        print(f"{tool.name}  [{tool.risk.value}, {tool.scope}]  {tool.method} {tool.path}")
        print(f"    {tool.description.partition('. ')[0].rstrip('.')}.")
