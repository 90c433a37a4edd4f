"""The tool with which a person says that what a session or a key has read is of no concern."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from deskward.core.written import Ours
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.provenance import Record
from deskward.gate.tool import Risk, ToolGroup

tools = ToolGroup("readings")

Line = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]


class Cleared(BaseModel):
    """What was forgotten."""

    sources: int = Field(description="Of how many sources texts had been read.")
    message: Ours = Field(examples=["It counts as having read nothing."])


@tools.tool(scope="readings:clear", risk=Risk.WRITE, rest="POST /readings/clear")
async def clear_taint(
    ctx: Context,
    holder: Literal["session", "key"],
    owner: Annotated[Line, Field(max_length=80, examples=["customer:user_001"])],
    id: Annotated[Line, Field(examples=["s1"])],
) -> Cleared:
    """Have a session or a key count as having read nothing of others, after a person has looked.

    What a model has read before may still stand in its memory: look at it first.

    Args:
        holder: Whether it is a session or a key.
        owner: Who speaks with it, as `kind:id`.
        id: The session's id, or the beginning of the key that `keys list` shows.
    """
    readings = ctx.port(Gate).readings
    count = await readings.clear(ctx.db, ctx.tenant, Record(holder, id, owner))
    return Cleared(sources=count, message="It counts as having read nothing.")
