"""What the command line does with files of customers, each through the gate."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.line_batches import LinesTaken
from deskward.customers import listing
from deskward.customers.importing import Batch
from deskward.customers.tools import tools
from deskward.gate.context import Context
from deskward.gate.tool import Risk

__all__ = ["tools"]


class Leaving(BaseModel):
    """How many customers leave the desk in a file."""

    customers: int


@tools.tool(scope="customers:files", risk=Risk.WRITE, rest=None)
async def import_customers(
    ctx: Context,
    first: Annotated[int, Field(ge=1)],
    last: Annotated[int, Field(ge=1)],
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")],
    dry_run: bool,
) -> LinesTaken:
    """Take some lines of a file over as customers, each by itself.

    Args:
        first: The first line's number.
        last: The last line's number.
        sha256: The digest of what the lines say.
        dry_run: Whether to look only what would become of them.
    """
    batch = ctx.carried
    assert isinstance(batch, Batch)
    assert batch.dry == dry_run
    return await batch.take(ctx.db, ctx.tenant)


@tools.tool(scope="customers:files", risk=Risk.READ, rest=None)
async def export_customers(ctx: Context) -> Leaving:
    """Write all customers into a file. It is recorded before the first one leaves."""
    return Leaving(customers=await listing.count(ctx.db, ctx.tenant))
