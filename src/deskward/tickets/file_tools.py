"""What the command line does with files of tickets, each through the gate."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.line_batches import LinesTaken
from deskward.gate.context import Context
from deskward.gate.tool import Risk
from deskward.tickets import exporting
from deskward.tickets.importing import Batch
from deskward.tickets.search_tools import tools

__all__ = ["tools"]


class TicketsLeaving(BaseModel):
    """How many tickets leave the desk in a file."""

    tickets: int


@tools.tool(scope="tickets:files", risk=Risk.WRITE, rest=None)
async def import_tickets(
    ctx: Context,
    first: Annotated[int, Field(ge=1)],
    last: Annotated[int, Field(ge=1)],
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")],
    dry_run: bool,
) -> LinesTaken:
    """Take some lines of a file over as tickets with their messages, each by itself.

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


@tools.tool(scope="tickets:files", risk=Risk.READ, rest=None)
async def export_tickets(ctx: Context) -> TicketsLeaving:
    """Write all tickets with their messages into a file. It is recorded before one leaves."""
    return TicketsLeaving(tickets=await exporting.count(ctx.db, ctx.tenant))
