"""The tools of customers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deskward.core.database import Database
from deskward.core.jobs import Job, RetryLater
from deskward.customers import service
from deskward.customers.erasure import erase
from deskward.customers.models import Customer, CustomerErased
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk, ToolGroup

LONGEST = 600.0
"""Most seconds between attempts at it."""

tools = ToolGroup("customers")


@tools.tool(
    scope="customers:read",
    risk=Risk.READ,
    rest="GET /customers/{customer_id}",
)
async def get_customer(ctx: Context, customer_id: OwnCustomerId) -> Customer:
    """Look up a customer's contact data and support tier.

    Args:
        customer_id: The customer.
    """
    return await service.get(ctx.db, ctx.tenant, customer_id)


@tools.tool(
    scope="customers:erase", risk=Risk.DESTRUCTIVE, rest="POST /customers/{customer_id}/erase"
)
async def erase_customer(
    ctx: Context,
    customer_id: OwnCustomerId,
    reason: Annotated[str, Field(min_length=1, max_length=500, examples=["Asked for by letter."])],
) -> CustomerErased:
    """Erase a customer for good: their data, their conversations, and their key to the ledger.

    What the ledger holds of them cannot be read any more; its chain still verifies.

    Args:
        customer_id: The customer.
        reason: Why; it is recorded, and cannot be read afterwards either.
    """
    customer = await service.get(ctx.db, ctx.tenant, customer_id)
    keys = ctx.port(Gate).ledger.keys
    count = await erase(ctx.db, keys, ctx.tenant, customer, approval_id=ctx.approval_id)
    await ctx.tell("customer.erased", customer_id)
    return CustomerErased(records=count, message="The customer was erased.")


async def scrub(database: Database, job: Job) -> None:
    """Do the job of an erasure: take what was erased out of the database's files.

    Raises:
        RetryLater: Something else reads the database; there is no room for it now.
    """
    if not await database.scrub():
        raise RetryLater(min(2.0**job.attempt, LONGEST), "the database's files are in use")
