"""`deskward queues`: what waits for specialists, who has it, and how queues do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.kb_following import called
from deskward.cli.session import (
    Json,
    Operator,
    Tenant,
    operated_desk,
    print_json,
    read_settings,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from deskward.app import Desk
    from deskward.security.principals import Principal

    Work = Callable[[Desk, Principal], Awaitable[int]]

queues = App(name="queues", help="What waits for specialists, who has it, and how queues do.")

Key = Annotated[
    str | None,
    Parameter(
        help="API key of the member of staff who calls. Default: the system's user.",
        env_var="DESKWARD_API_KEY",
    ),
]
Id = Annotated[str, Parameter(help="The escalation's id, as `E1001`.")]
Queue = Annotated[str | None, Parameter(help="Only this type of specialists. Default: all.")]
Hours = Annotated[int, Parameter(help="How far back to look.")]
Status = Literal["waiting", "assigned", "claimed", "done", "moved"]
AT_ONCE = 100


@queues.command(name="list")
def list_(
    *,
    queue: Queue = None,
    status: Annotated[
        Status | None, Parameter(help="Default: all that waits or that somebody has.")
    ] = None,
    assignee: Annotated[str | None, Parameter(help="Only what this member of staff has.")] = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """List what is in the queues, what is to be begun first coming first.

    Example: `deskward queues list --queue network`
    """
    asked = {"specialist_type": queue, "status": status, "assignee": assignee}
    given = {name: value for name, value in asked.items() if value is not None}

    async def work(desk: Desk, caller: Principal) -> int:
        found = await called(desk, caller, "list_queue", limit=AT_ONCE, **given)
        if as_json:
            print_json(found)
            return 0
        for one in found["items"]:
            print(_line(one))
        more = found["total"] - len(found["items"])
        print(f"… and {more} more." if more else f"{found['total']} in all.")
        return 0

    _run(work, key, tenant, as_)


@queues.command
def show(
    escalation_id: Id,
    /,
    *,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Show an escalation, with all that was told along.

    Example: `deskward queues show E1001`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        one = await called(desk, caller, "get_escalation", escalation_id=escalation_id)
        if as_json:
            print_json(one)
            return 0
        print(_line(one))
        for name, value in one["context"].items():
            print(f"{name}: {value}")
        return 0

    _run(work, key, tenant, as_)


@queues.command
def claim(
    escalation_id: Id, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None
) -> None:
    """Begin to work on an escalation: one's own, or one that waits.

    Example: `deskward queues claim E1001 --as anna`
    """
    _change("claim_escalation", escalation_id, key, tenant, as_)


@queues.command
def release(
    escalation_id: Id, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None
) -> None:
    """Give an escalation of one's own back; somebody else gets it.

    Example: `deskward queues release E1001 --as anna`
    """
    _change("release_escalation", escalation_id, key, tenant, as_)


@queues.command
def finish(
    escalation_id: Id, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None
) -> None:
    """End an escalation of one's own: the specialist's part is done.

    Example: `deskward queues finish E1001 --as anna`
    """
    _change("finish_escalation", escalation_id, key, tenant, as_)


@queues.command
def metrics(
    *,
    queue: Queue = None,
    hours: Hours = 168,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Tell how queues do: what waits, how soon it is begun, what was late.

    Example: `deskward queues metrics --hours 24`
    """
    given = {"specialist_type": queue} if queue is not None else {}

    async def work(desk: Desk, caller: Principal) -> int:
        found = await called(desk, caller, "get_queue_metrics", hours=hours, **given)
        if as_json:
            print_json(found)
            return 0
        for one in found["queues"]:
            has = f"{one['waiting']} waiting, {one['assigned']} assigned, {one['claimed']} claimed"
            late = f"{one['late_now']} late now, {one['breaches']} of {one['queued']} late"
            times = f"begun after {_minutes(one['wait_minutes'])}"
            times += f" (nine of ten {_minutes(one['wait_minutes_90'])})"
            done = f"done in {_minutes(one['handling_minutes'])}"
            print(f"{one['specialist_type']}: {has}; {late}; {times}, {done}")
        return 0

    _run(work, key, tenant, as_)


@queues.command
def staffing(
    queue: Annotated[str, Parameter(help="The type of specialists.")],
    /,
    *,
    within: Annotated[int, Parameter(help="Minutes within which somebody is to begin.")] = 60,
    share: Annotated[float, Parameter(help="Of how much of what comes.")] = 0.8,
    hours: Hours = 168,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Estimate how many specialists a queue needs, from what has come to it.

    Example: `deskward queues staffing network --within 30 --share 0.9`
    """
    given = {"within_minutes": within, "share": share, "hours": hours}

    async def work(desk: Desk, caller: Principal) -> int:
        named = {"specialist_type": queue, **given}
        one = await called(desk, caller, "estimate_staffing", **named)
        if as_json:
            print_json(one)
            return 0
        print(one["message"])
        return 0

    _run(work, key, tenant, as_)


def _change(tool: str, escalation_id: str, key: str | None, tenant: Any, as_: Any) -> None:
    async def work(desk: Desk, caller: Principal) -> int:
        print(_line(await called(desk, caller, tool, escalation_id=escalation_id)))
        return 0

    _run(work, key, tenant, as_)


def _line(one: dict[str, Any]) -> str:
    who = one["assigned_specialist"] or "nobody"
    by = one["begin_by"][:16].replace("T", " ")
    place = f"{one['specialist_type']} level {one['priority_level']}"
    return (
        f"{one['escalation_id']}  {one['ticket_id']}  {place}  {one['status']}  {who}  "
        f"begin by {by}"
    )


def _minutes(value: float | None) -> str:
    return "not known" if value is None else f"{value:g} min"


def _run(work: Work, key: str | None, tenant: str | None, as_: str | None) -> None:

    async def with_desk() -> int:
        async with operated_desk(read_settings(), key, tenant, "support-3", as_=as_) as opened:
            return await work(*opened)

    run(with_desk())
