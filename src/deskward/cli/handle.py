"""`deskward handle`: what becomes of tickets, by policy."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from deskward.cli.ending import Misused
from deskward.cli.session import (
    Json,
    Tenant,
    local_desk,
    operated_desk,
    print_json,
    read_settings,
    run,
)


def handle(
    *tickets: str,
    staff: Annotated[
        str | None,
        Parameter(
            name=("--staff", "--as"),
            help="The member of staff for whom. Default: the system's user.",
        ),
    ] = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Handle tickets: by policy, each is resolved, a person is asked, or it is handed over.

    It is summarized and answered from the FAQ first; what was done is told with the reason.
    Replies that wait for a person are in `deskward approvals list`; somebody else has to approve
    them. Exit code 1: a ticket could not be handled.

    Example: `deskward handle T901 T902`

    Parameters
    ----------
    tickets
        The tickets' ids.
    """
    run(_handle_tickets(read_settings(), tickets, staff, tenant, as_json=json_))


async def _handle_tickets(
    settings: Any,
    tickets: Sequence[str],
    staff: str | None,
    tenant: str | None,
    *,
    as_json: bool,
) -> int:
    """Handle tickets one after the other and print what became of each; returns the exit code."""
    from deskward.gate.context import Context

    if not tickets:
        raise Misused("name a ticket, for example T901")
    code = 0
    opened = (
        local_desk(settings, None, staff, tenant)
        if staff
        else operated_desk(settings, None, tenant, "support")
    )
    async with opened as (desk, principal):
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
