"""The tools of webhooks: for people alone, because what they set up takes data out of the house."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from deskward.core.errors import InvalidInput
from deskward.core.events import State
from deskward.core.outside import NotAllowed
from deskward.core.paging import Limit
from deskward.gate.context import Context, new_id
from deskward.gate.tool import Risk, ToolGroup
from deskward.security.hook_signatures import secret_bytes
from deskward.webhooks import service
from deskward.webhooks.delivery import Teller
from deskward.webhooks.models import (
    DeliveryList,
    Kinds,
    Replayed,
    Secret,
    Url,
    Webhook,
    WebhookId,
    WebhookList,
    WebhookReceipt,
)

tools = ToolGroup("webhooks")

EventId = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{32}$",
        description="Id of an event, as `webhook-id` says it.",
        examples=["8f14e45fceea167a5a36dedd4bea2543"],
    ),
]


@tools.tool(scope="webhooks:write", risk=Risk.WRITE, rest="POST /webhooks")
async def add_webhook(ctx: Context, url: Url, events: Kinds, secret: Secret) -> WebhookReceipt:
    """Have another program told of what happens, by signed requests to its address.

    Args:
        url: Where it is told.
        events: What it is told of.
        secret: What requests are signed with.
    """
    teller = ctx.port(Teller)
    try:
        teller.outside.check(url)
    except NotAllowed as error:
        raise InvalidInput(f"The address cannot be used: {error}.") from None
    webhook_id = new_id()
    sealed = teller.vault.sealed(webhook_id, secret_bytes(secret.get_secret_value()))
    by = ctx.principal.label
    await service.add(ctx.db, ctx.tenant, webhook_id, url, events, sealed, by)
    return WebhookReceipt(webhook_id=webhook_id, message="It is told from now on.")


@tools.tool(scope="webhooks:read", risk=Risk.READ, rest="GET /webhooks")
async def list_webhooks(ctx: Context) -> WebhookList:
    """List the webhooks, and how they do."""
    return WebhookList(webhooks=await service.listed(ctx.db, ctx.tenant))


@tools.tool(scope="webhooks:read", risk=Risk.READ, rest="GET /webhooks/{webhook_id}")
async def get_webhook(ctx: Context, webhook_id: WebhookId) -> Webhook:
    """Show a webhook, and how it does.

    Args:
        webhook_id: The webhook.
    """
    return await service.get(ctx.db, ctx.tenant, webhook_id)


@tools.tool(scope="webhooks:read", risk=Risk.READ, rest="GET /webhooks/{webhook_id}/deliveries")
async def list_deliveries(
    ctx: Context,
    webhook_id: WebhookId,
    status: State | None = None,
    before: Annotated[int, Field(ge=1)] | None = None,
    limit: Limit = 20,
) -> DeliveryList:
    """List what a webhook was told in the last two weeks, or is to be, the newest first.

    Args:
        webhook_id: The webhook.
        status: Only those with this status.
        before: Only those before this delivery: the next page.
        limit: How many to list at the most.
    """
    found = await service.deliveries(
        ctx.db, ctx.tenant, webhook_id, status=status, before=before, limit=limit
    )
    return DeliveryList(deliveries=found)


@tools.tool(scope="webhooks:write", risk=Risk.WRITE, rest="POST /webhooks/{webhook_id}/test")
async def test_webhook(ctx: Context, webhook_id: WebhookId) -> Replayed:
    """Tell a webhook a `webhook.test` event; its deliveries say what came of it.

    Args:
        webhook_id: The webhook.
    """
    event_id = await service.try_out(ctx.db, ctx.tenant, webhook_id, ctx.principal.label)
    return Replayed(webhook_id=webhook_id, count=1, message=f"It is told event {event_id}.")


@tools.tool(scope="webhooks:write", risk=Risk.WRITE, rest="POST /webhooks/{webhook_id}/replay")
async def replay_webhook(
    ctx: Context,
    webhook_id: WebhookId,
    event_id: EventId | None = None,
    since: datetime | None = None,
) -> Replayed:
    """Tell a webhook again of events: of one, of all since a moment, or of all that failed.

    Args:
        webhook_id: The webhook.
        event_id: Of this event alone.
        since: Of all that happened since then, whether it took them or not.
    """
    if since is not None and since.tzinfo is None:
        raise InvalidInput("Say the moment with its time zone, as 2026-11-26T08:00:00Z.")
    count = await service.replay(ctx.db, ctx.tenant, webhook_id, event_id, since)
    return Replayed(webhook_id=webhook_id, count=count, message=f"Events told again: {count}.")


@tools.tool(scope="webhooks:write", risk=Risk.WRITE, rest="POST /webhooks/{webhook_id}/enable")
async def enable_webhook(ctx: Context, webhook_id: WebhookId) -> WebhookReceipt:
    """Tell a webhook that was disabled of what happens from now on.

    Args:
        webhook_id: The webhook.
    """
    await service.enable(ctx.db, ctx.tenant, webhook_id)
    return WebhookReceipt(webhook_id=webhook_id, message="It is told again from now on.")


@tools.tool(scope="webhooks:write", risk=Risk.WRITE, rest="DELETE /webhooks/{webhook_id}")
async def remove_webhook(ctx: Context, webhook_id: WebhookId) -> WebhookReceipt:
    """Tell a webhook nothing more, and forget it.

    Args:
        webhook_id: The webhook.
    """
    await service.remove(ctx.db, ctx.tenant, webhook_id)
    return WebhookReceipt(webhook_id=webhook_id, message="It was removed.")
