"""The tools of customers."""

from __future__ import annotations

from deskward.customers import service
from deskward.customers.models import Customer
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup

tools = ToolGroup("customers")


@tools.tool(
    scope="customers:read", risk=Risk.READ, rest="GET /customers/{customer_id}", untrusted="profile"
)
async def get_customer(ctx: Context, customer_id: OwnCustomerId) -> Customer:
    """Look up a customer's contact data and support tier.

    Args:
        customer_id: The customer.
    """
    return await service.get(ctx.db, ctx.tenant, customer_id)
