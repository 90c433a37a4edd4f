"""`deskward call`, `handle` and `tools`: the tools without a server."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from deskward.app import Desk, open_desk
from deskward.core.errors import InvalidInput
from deskward.core.settings import Settings
from deskward.entrypoints.cli import operator, print_json
from deskward.entrypoints.identity import local_customer
from deskward.gate.context import Context
from deskward.gate.tool import Tool
from deskward.security.principals import DEFAULT_ROLES, Kind, Principal

PENDING = 3
"""Exit code of a call that waits for approval."""


@contextlib.asynccontextmanager
async def local_desk(
    settings: Settings,
    user: str | None,
    staff: str | None,
    tenant: str | None,
    *,
    chat: bool = False,
    only: str | None = None,
    roles: tuple[str, ...] = (),
) -> AsyncIterator[tuple[Desk, Principal]]:
    """The desk on this machine's database, and the caller, who is trusted as its operator.

    A new embedded database gets the demo data.

    Raises:
        InvalidInput: Both a customer and a member of staff are named.
        Unauthenticated: There is no such customer.
    """
    if user and staff:
        raise InvalidInput("Give --user or --staff, not both.")
    async with open_desk(settings, demo=is_new(settings), chat=chat, only=only) as desk:
        tenant = tenant or settings.default_tenant_id
        if staff:
            principal = Principal(Kind.STAFF, staff, tenant, roles or (DEFAULT_ROLES[Kind.STAFF],))
        else:
            principal = await local_customer(desk, user or settings.default_user_id, tenant)
        yield desk, principal


def is_new(settings: Settings) -> bool:
    """Whether the embedded database does not exist yet; says that it will get the demo data."""
    path = settings.database.database
    new = settings.database_url is None and path is not None and not os.path.exists(path)
    if new:
        print(f"deskward: new database {path}, with demo data", file=sys.stderr)
    return new


async def call_tool(
    settings: Settings,
    name: str,
    given: Sequence[str],
    user: str | None,
    staff: str | None,
    tenant: str | None,
    key: str | None,
    roles: tuple[str, ...] = (),
) -> int:
    """Call one tool and print its answer; gives the exit code."""
    async with local_desk(settings, user, staff, tenant, roles=roles) as (desk, principal):
        tool = desk.gate.tools.get(name)
        arguments = dict(_argument(tool, pair) for pair in given)
        outcome = await desk.gate.call(
            name, arguments, Context(principal, "cli"), idempotency_key=key, strict=False
        )
    print_json(outcome.value)
    return {"ok": 0, "pending": PENDING, "error": 1}[outcome.status]


async def handle_tickets(
    settings: Settings,
    tickets: Sequence[str],
    staff: str | None,
    tenant: str | None,
    *,
    as_json: bool,
) -> int:
    """Handle tickets one after the other and print what became of each; gives the exit code."""
    if not tickets:
        raise InvalidInput("Name a ticket, for example T901.")
    code = 0
    async with local_desk(settings, None, staff or operator(), tenant) as (desk, principal):
        for ticket_id in tickets:
            outcome = await desk.gate.call(
                "handle_ticket", {"ticket_id": ticket_id}, Context(principal, "cli")
            )
            if outcome.error is not None:
                print(f"{ticket_id}: {outcome.error.message}", file=sys.stderr)
                code = 1
            elif as_json:
                print_json(outcome.value)
            else:
                _print_handled(outcome.value)
    return code


def _print_handled(handled: Mapping[str, Any]) -> None:
    print(f"{handled['ticket_id']}  {handled['decision'].replace('_', ' ')}")
    print(f"    {handled['summary']}")
    print(f"    {handled['explanation']}")
    if handled["approval_id"]:
        print(f"    a colleague runs: deskward approvals approve {handled['approval_id']}")


def _argument(tool: Tool | None, pair: str) -> tuple[str, Any]:
    name, separator, value = pair.partition("=")
    if not separator or not name:
        raise InvalidInput(f"{pair!r} is not of the form name=value.")
    schema = tool.input_schema()["properties"].get(name, {}) if tool else {}
    kinds = {part.get("type") for part in schema.get("anyOf", [schema])}
    if "string" in kinds and not value.startswith(("{", "[", '"')) and value != "null":
        return name, value
    with contextlib.suppress(ValueError):
        return name, from_json(value)
    return name, value


async def list_tools(
    settings: Settings, user: str | None, staff: str | None, tenant: str | None, *, as_json: bool
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
