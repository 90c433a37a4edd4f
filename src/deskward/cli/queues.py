"""`deskward queues`: what waits for specialists, who has it, and how queues do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from deskward.cli.operated import Key, message, show_answer
from deskward.cli.session import (
    Json,
    Operator,
    Tenant,
)

queues = App(name="queues", help="What waits for specialists, who has it, and how queues do.")

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
    asked = {
        **{"specialist_type": queue, "status": status, "assignee": assignee},
        "limit": AT_ONCE,
    }

    def lines(found: dict[str, Any]) -> Iterator[str]:
        yield from map(_line, found["items"])
        more = found["total"] - len(found["items"])
        yield f"… and {more} more." if more else f"{found['total']} in all."

    show_answer("list_queue", asked, lines, key, tenant, as_, as_json=as_json)


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

    def lines(one: dict[str, Any]) -> Iterator[str]:
        yield _line(one)
        for name, value in one["context"].items():
            yield f"{name}: {value}"

    named = {"escalation_id": escalation_id}
    show_answer("get_escalation", named, lines, key, tenant, as_, as_json=as_json)


@queues.command
def claim(
    escalation_id: Id, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None
) -> None:
    """Begin to work on an escalation: one's own, or one that waits.

    Example: `deskward queues claim E1001 --as anna`
    """
    named = {"escalation_id": escalation_id}
    show_answer("claim_escalation", named, _lines, key, tenant, as_)


@queues.command
def release(
    escalation_id: Id, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None
) -> None:
    """Give an escalation of one's own back; somebody else gets it.

    Example: `deskward queues release E1001 --as anna`
    """
    named = {"escalation_id": escalation_id}
    show_answer("release_escalation", named, _lines, key, tenant, as_)


@queues.command
def finish(
    escalation_id: Id, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None
) -> None:
    """End an escalation of one's own: the specialist's part is done.

    Example: `deskward queues finish E1001 --as anna`
    """
    named = {"escalation_id": escalation_id}
    show_answer("finish_escalation", named, _lines, key, tenant, as_)


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
    given = {"specialist_type": queue, "hours": hours}

    def lines(found: dict[str, Any]) -> Iterator[str]:
        for one in found["queues"]:
            has = f"{one['waiting']} waiting, {one['assigned']} assigned, {one['claimed']} claimed"
            late = f"{one['late_now']} late now, {one['breaches']} of {one['queued']} late"
            times = f"begun after {_minutes(one['wait_minutes'])}"
            times += f" (nine of ten {_minutes(one['wait_minutes_90'])})"
            done = f"done in {_minutes(one['handling_minutes'])}"
            yield f"{one['specialist_type']}: {has}; {late}; {times}, {done}"

    show_answer("get_queue_metrics", given, lines, key, tenant, as_, as_json=as_json)


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
    given = {"specialist_type": queue, "within_minutes": within, "share": share, "hours": hours}
    show_answer("estimate_staffing", given, message, key, tenant, as_, as_json=as_json)


def _lines(one: dict[str, Any]) -> list[str]:
    return [_line(one)]


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
