"""Deskward as it is served, with trivial tools added until there are thirty.

Usage: python -m benchmarks.subjects.desk COMMAND… (as `deskward`; settings from the environment)
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from deskward import features
from deskward.cli.main import main
from deskward.core.written import Ours
from deskward.gate.context import Context
from deskward.gate.slice import Slice
from deskward.gate.tool import Risk, ToolGroup

TOOLS = 30


class Repeated(BaseModel):
    """What a trivial tool answers."""

    text: Ours


async def _trivial(
    ctx: Context, text: str, times: Annotated[int, Field(ge=1, le=9)] = 1
) -> Repeated:
    """Repeat a text."""
    return Repeated(text=text * times)


def add_trivial_tools() -> None:
    """Give the desk a further slice, with a group of tools."""
    group = ToolGroup("trivial")
    for number in range(1, TOOLS - len(features.all_features().tools) + 1):
        _trivial.__name__ = f"trivial_{number:02d}"
        address = f"GET /trivial/{number:02d}"
        group.tool(scope="knowledge:read", risk=Risk.READ, rest=address)(_trivial)
    features.SLICES = (*features.SLICES, Slice(tools=group))
    features.features.cache_clear()


if __name__ == "__main__":
    add_trivial_tools()
    main()
