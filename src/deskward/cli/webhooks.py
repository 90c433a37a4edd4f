"""`deskward webhooks`: have other programs told of what happens."""

from __future__ import annotations

import asyncio
import base64
import os
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from deskward.cli.ending import Misused
from deskward.cli.operated import Key, called, run_operated
from deskward.cli.session import (
    Json,
    Operator,
    Tenant,
    print_json,
)

if TYPE_CHECKING:
    from deskward.app import Desk
    from deskward.security.principals import Principal

webhooks = App(name="webhooks", help="Have other programs told of what happens.")

WAIT = 30.0
"""Seconds to wait for what comes of a test."""

WebhookId = Annotated[
    str, Parameter(help="The webhook's id, as `deskward webhooks list` shows it.")
]


@webhooks.command
def add(
    url: Annotated[str, Parameter(help="Address that events are posted to.")],
    /,
    *,
    events: Annotated[
        str,
        Parameter(help="Kinds of events, separated by commas; `ticket.*` is all of tickets."),
    ] = "*",
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Have a program told of events. The secret that they are signed with is shown this once.

    Example: `deskward webhooks add https://hooks.example.com/desk --events "ticket.*"`
    """
    kinds = _kinds(events)
    secret = f"whsec_{base64.b64encode(os.urandom(32)).decode()}"

    async def work(desk: Desk, caller: Principal) -> int:
        arguments = {"url": url, "events": kinds, "secret": secret}
        made = await called(desk, caller, "add_webhook", **arguments)
        print(f"{made['webhook_id']} is told of {len(kinds)} kinds of events from now on.")
        print(f"They are signed with {secret}")
        print("Keep it; it is not shown again.")
        return 0

    run_operated(work, key, tenant, as_)


@webhooks.command(name="list")
def list_(
    *, as_: Operator = None, key: Key = None, tenant: Tenant = None, json_: Json = False
) -> None:
    """List the webhooks, and how they do.

    Example: `deskward webhooks list`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        found = await called(desk, caller, "list_webhooks")
        if json_:
            print_json(found)
            return 0
        for one in found["webhooks"]:
            print(f"{one['webhook_id']}  {_state(one)}  {one['url']}")
        if not found["webhooks"]:
            print("There is none.")
        return 0

    run_operated(work, key, tenant, as_)


@webhooks.command
def show(
    webhook_id: WebhookId,
    /,
    *,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
    json_: Json = False,
) -> None:
    """Show a webhook, and the last that it was told.

    Example: `deskward webhooks show 4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        one = await called(desk, caller, "get_webhook", webhook_id=webhook_id)
        told = await called(desk, caller, "list_deliveries", webhook_id=webhook_id)
        if json_:
            print_json({**one, **told})
            return 0
        print(f"{one['webhook_id']}  {_state(one)}  {one['url']}")
        print(f"    {', '.join(one['events'])}")
        for event in told["deliveries"]:
            outcome = f": {event['outcome']}" if event["outcome"] else ""
            print(
                f"{event['event_id']}  {event['at'][:19]}  {event['kind']} {event['record']}  "
                f"{event['status']} after {event['attempts']}{outcome}"
            )
        return 0

    run_operated(work, key, tenant, as_)


@webhooks.command(name="test")
def try_out(
    webhook_id: WebhookId, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None
) -> None:
    """Tell a webhook a `webhook.test` event, and wait for what comes of it.

    Exit code 0: it was taken, 1: it was not.

    Example: `deskward webhooks test 4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        await called(desk, caller, "test_webhook", webhook_id=webhook_id)
        until = asyncio.get_running_loop().time() + WAIT
        named = {"webhook_id": webhook_id, "limit": 1}
        while True:
            [event] = (await called(desk, caller, "list_deliveries", **named))["deliveries"]
            late = asyncio.get_running_loop().time() > until
            if event["status"] == "done" or event["attempts"] or late:
                print(f"{event['status']}: {event['outcome'] or 'it was not tried yet'}")
                return 0 if event["status"] == "done" else 1
            desk.jobs.wake()
            await asyncio.sleep(0.1)

    run_operated(work, key, tenant, as_)


@webhooks.command
def replay(
    webhook_id: WebhookId,
    /,
    *,
    event: Annotated[str | None, Parameter(help="Only this event.")] = None,
    since: Annotated[
        datetime | None, Parameter(help="All since this moment, taken or not, in UTC.")
    ] = None,
    as_: Operator = None,
    key: Key = None,
    tenant: Tenant = None,
) -> None:
    """Tell a webhook again of what failed, of one event, or of all since a moment.

    Example: `deskward webhooks replay 4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b --since 2026-11-26T08:00:00`
    """

    async def work(desk: Desk, caller: Principal) -> int:
        moment = f"{since.isoformat()}Z" if since is not None else None
        arguments = {"webhook_id": webhook_id, "event_id": event, "since": moment}
        print((await called(desk, caller, "replay_webhook", **arguments))["message"])
        return 0

    run_operated(work, key, tenant, as_)


@webhooks.command
def enable(
    webhook_id: WebhookId, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None
) -> None:
    """Tell a webhook that was disabled of what happens from now on.

    Example: `deskward webhooks enable 4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b`
    """
    _change("enable_webhook", webhook_id, key, tenant, as_)


@webhooks.command
def remove(
    webhook_id: WebhookId, /, *, as_: Operator = None, key: Key = None, tenant: Tenant = None
) -> None:
    """Tell a webhook nothing more, and forget it.

    Example: `deskward webhooks remove 4f1c2a9be0d34c1f8a7b6c5d4e3f2a1b`
    """
    _change("remove_webhook", webhook_id, key, tenant, as_)


def _kinds(told: str) -> list[str]:
    from deskward.core.events import KINDS

    kinds: list[str] = []
    for part in filter(None, map(str.strip, told.split(","))):
        every, start = part.endswith("*"), part.removesuffix("*")
        found = [kind for kind in KINDS if kind == part or (every and kind.startswith(start))]
        if not found:
            raise Misused(f"there is no kind of event {part!r}. There are {', '.join(KINDS)}")
        kinds += found
    return list(dict.fromkeys(kinds))


def _state(one: dict[str, Any]) -> str:
    if not one["enabled"]:
        return f"disabled ({one['reason']})"
    waiting = f", {one['waiting']} wait" if one["waiting"] else ""
    return f"failing ({one['reason']}){waiting}" if one["failing_since"] else f"enabled{waiting}"


def _change(
    tool: str, webhook_id: str, key: str | None, tenant: str | None, as_: str | None
) -> None:

    async def work(desk: Desk, caller: Principal) -> int:
        print((await called(desk, caller, tool, webhook_id=webhook_id))["message"])
        return 0

    run_operated(work, key, tenant, as_)
