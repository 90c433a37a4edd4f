"""`deskward tools`: what a caller may use."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from deskward.cli.session import Staff, Tenant, User, local_desk, print_json, read_settings, run


def tools(
    *,
    user: User = None,
    staff: Staff = None,
    tenant: Tenant = None,
    json_: Annotated[
        bool, Parameter(name="--json", help="Print names and schemas as JSON.")
    ] = False,
) -> None:
    """List the tools that a caller may use."""
    run(_list_tools(read_settings(), user, staff, tenant, as_json=json_))


async def _list_tools(
    settings: Any, user: str | None, staff: str | None, tenant: str | None, *, as_json: bool
) -> None:
    """Print the tools that a caller may use."""
    async with local_desk(settings, user, staff, tenant) as (desk, principal):
        found = desk.gate.tools_for(principal)
    if as_json:
        print_json(
            [
                {
                    "name": tool.name,
                    "description": tool.description,
                    "scope": tool.scope,
                    "risk": tool.risk.value,
                    "rest": f"{tool.method} {tool.path}",
                    "input_schema": tool.input_schema(principal),
                    "output_schema": tool.output_schema,
                }
                for tool in found
            ]
        )
        return
    for tool in found:
        print(f"{tool.name}  [{tool.risk.value}, {tool.scope}]  {tool.method} {tool.path}")
        print(f"    {tool.description.partition('. ')[0].rstrip('.')}.")
