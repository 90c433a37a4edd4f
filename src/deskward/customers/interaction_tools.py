"""The tool that keeps contacts with customers."""

from __future__ import annotations

from deskward.core.moments import Moment
from deskward.customers import interactions
from deskward.customers.file_tools import tools as tools
from deskward.customers.interactions import Channel, SavedInteraction, Summary
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk


@tools.tool(
    scope="interactions:write", risk=Risk.WRITE, rest="POST /customers/{customer_id}/interactions"
)
async def save_interaction(
    ctx: Context,
    customer_id: OwnCustomerId,
    channel: Channel,
    summary: Summary,
    occurred_at: Moment | None = None,
) -> SavedInteraction:
    """Keep a contact with a customer that the desk did not see: a call, a visit, a chat elsewhere.

    It is then part of what `get_customer_context` tells of them.

    Args:
        customer_id: The customer.
        channel: How they were in contact.
        summary: What was said, in a few sentences, without secrets.
        occurred_at: When it was, with its offset from UTC. Default: now.
    """
    return await interactions.save(
        ctx.db,
        ctx.tenant,
        customer_id,
        channel=channel,
        summary=summary,
        at=occurred_at,
        by=ctx.principal.label,
    )
