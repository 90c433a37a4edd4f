"""Deskward as it is served, with trivial tools added until there are thirty.

Usage: python -m benchmarks.subjects.desk COMMAND… (as `deskward`; settings from the environment)
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from deskward import app
from deskward.cli.main import main
from deskward.core.written import Ours
from deskward.gate.context import Context
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
    """Give the desk a further group of tools, as a slice would."""
    group = ToolGroup("trivial")
    for number in range(1, TOOLS - sum(len(known.tools) for known in app.GROUPS) + 1):
        _trivial.__name__ = f"trivial_{number:02d}"
        address = f"GET /trivial/{number:02d}"
        group.tool(scope="knowledge:read", risk=Risk.READ, rest=address)(_trivial)
    app.GROUPS = (*app.GROUPS, group)


if __name__ == "__main__":
    add_trivial_tools()
    main()
