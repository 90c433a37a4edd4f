"""`deskward approvals`: look at calls that wait for a person, and decide on them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.operated import called, run_operated
from deskward.cli.session import Json, Operator, print_json

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal

State = Literal["pending", "void", "expired", "approved", "denied", "done", "failed", "unknown"]
approvals = App(name="approvals", help="Look at calls that wait for a person, and decide on them.")

WAIT = 60.0
"""Seconds to wait for an approved call to have run."""

ApprovalId = Annotated[str, Parameter(help="The call's id, as `deskward approvals list` shows it.")]
Key = Annotated[
    str | None,
    Parameter(
        help="API key of the member of staff who decides. Default: whoever you are (--as).",
        env_var="DESKWARD_API_KEY",
    ),
]
Tenant = Annotated[str | None, Parameter(help="The tenant. Default: DEFAULT_TENANT_ID.")]
Comment = Annotated[str, Parameter(help="Why; it is recorded.")]
Told = Annotated[str, Parameter(help="What the customer is told, word for word.")]


@approvals.command(name="list")
def list_(
    *,
    status: Annotated[
        State | Literal["all"],
        Parameter(help="Only those with this status."),
    ] = "pending",
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """List calls that wait, the newest first.

    Example: `deskward approvals list --status all`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        wanted = None if status == "all" else status
        found = await called(desk, caller, "list_approvals", status=wanted, limit=100)
        if json_:
            print_json(found)
            return 0
        for one in found["approvals"]:
            print(f"{one['approval_id']}  {one['status']}  {one['created_at'][:16]}")
            print(f"    {one['tool']} {one['canonical_arguments']}")
            if one["label"]:
                print(
                    f"    {' of '.join(dict.fromkeys(filter(None, (one['label'], one['about']))))}"
                )
            if one["void_because"]:
                print(f"    {one['void_because']}")
            reasons = ", ".join(reason["policy"] for reason in one["reasons"])
            print(f"    asked for by {one['requested_by']}; {reasons}")
        if not found["approvals"]:
            print("No call waits." if status == "pending" else "There is none.")
        return 0

    run_operated(work, key, tenant, as_)


@approvals.command
def show(
    approval_id: ApprovalId,
    *,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Show a call with its exact arguments, the record, and the policies that ask, as JSON.

    Example: `deskward approvals show 4f1c2a9be0d34c1f`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        print_json(await called(desk, caller, "get_approval", approval_id=approval_id))
        return 0

    run_operated(work, key, tenant, as_)


@approvals.command
def approve(
    approval_id: ApprovalId,
    *,
    comment: Comment = "",
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Approve a call: exactly this call is made, once, and its conversation goes on.

    Exit code 0: it was made, 1: it was refused or failed.

    Example: `deskward approvals approve 4f1c2a9be0d34c1f --comment "Called back"`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        arguments = {"approval_id": approval_id, "comment": comment}
        print((await called(desk, caller, "approve_call", **arguments))["message"])
        one = await _carried_out(desk, caller, approval_id)
        if one is None:
            print("done: the customer was erased, and this call of theirs with them.")
            return 0
        named = f" ({one['label']})" if one["label"] else ""
        print(f"{one['status']}: {one['tool']}{named} {one['canonical_arguments']}")
        print_json(one["answer"])
        return 0 if one["status"] == "done" else 1

    run_operated(work, key, tenant, as_)


@approvals.command
def deny(
    approval_id: ApprovalId,
    *,
    comment: Comment = "",
    told: Told = "",
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Decide that a call is not made. The comment is for the staff; `--told` is for the customer.

    Example: `deskward approvals deny 4f1c2a9be0d34c1f --comment "Sent twice"`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        arguments = {"approval_id": approval_id, "comment": comment, "told": told}
        print((await called(desk, caller, "deny_call", **arguments))["message"])
        await _carried_out(desk, caller, approval_id)
        return 0

    run_operated(work, key, tenant, as_)


async def _carried_out(desk: Desk, caller: Principal, approval_id: str) -> dict[str, Any] | None:
    """The approval, once its call has run and its conversation was told.

    None where the call erased the customer whom it was about.
    """
    from deskward.core.errors import NotFound

    deadline = asyncio.get_running_loop().time() + WAIT
    while not await desk.jobs.idle(approval_id):  # this process or another one carries it out
        if asyncio.get_running_loop().time() > deadline:
            raise ValueError(f"it is not done after {WAIT:g} s; look again with `approvals show`")
        await asyncio.sleep(0.05)
    try:
        return await called(desk, caller, "get_approval", approval_id=approval_id)
    except NotFound:
        return None
