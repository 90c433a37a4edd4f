"""The tool that finds tools, for models that are told only some of many, and for whoever asks."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from deskward.core.written import Ours, Written
from deskward.gate.call import Gate
from deskward.gate.catalogue import Catalogue
from deskward.gate.context import Context
from deskward.gate.tool import Risk, ToolGroup

tools = ToolGroup("tools")


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$", examples=["get_ticket"])]


class OwnTool(BaseModel):
    """A tool of the desk's own."""

    name: Name
    description: Ours


class OutsideTool(BaseModel):
    """A tool that an outside server describes."""

    name: Name
    description: Annotated[str, Written(by="outside")]


class FoundTools(BaseModel):
    """The tools that fit best, the best first."""

    names: list[Name]
    tools: list[OwnTool] = Field(description="What those are that the desk itself has.")
    outside: list[OutsideTool] = Field(description="What outside servers say of theirs.")
    message: Ours = Field(examples=["2 tools may fit. You can call them from now on."])


@tools.tool(
    scope="tools:find",
    risk=Risk.READ,
    rest="GET /tools/search",
    keeps_secrets=False,
    finds_tools="names",
)
async def search_tools(
    ctx: Context,
    query: Annotated[str, Field(min_length=1, max_length=500, examples=["track a parcel"])],
    limit: Annotated[int, Field(ge=1, le=20)] = 8,
) -> FoundTools:
    """Find tools by what they do, among all that you may use.

    You may be told only a part of the tools. Look here before you say that something cannot be
    done: what is found can be called in your next step.

    Args:
        query: What the tool is to do, in a few plain words, best in English.
        limit: How many to name at the most.
    """
    usable = ctx.port(Gate).tools_for(ctx.principal, ctx.view)
    others = [tool for tool in usable if tool.finds_tools is None]
    found = (await ctx.port(Catalogue).ranked([query], others))[:limit]
    told = "No tool is there." if not found else f"{len(found)} tools may fit."
    return FoundTools(
        names=[tool.name for tool in found],
        tools=[OwnTool(name=t.name, description=t.description) for t in found if not t.foreign],
        outside=[OutsideTool(name=t.name, description=t.description) for t in found if t.foreign],
        message=f"{told} You can call them from now on." if found else told,
    )
