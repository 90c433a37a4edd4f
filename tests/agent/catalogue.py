"""A catalogue of 313 tools as public MCP servers have them, and wishes with the tool for each."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from deskward.gate.tool import Tool
from deskward.hub.remote_tools import remote_tool

FOLDER = Path(__file__).with_name("offered")
_TOOL = re.compile(r"(\w+): (\w+)\(([^)]*)\) (.*)")


class Wished(NamedTuple):
    """What somebody wants, and how a model would look for the tool."""

    tool: str
    wish: str
    query: str


async def nothing(_ctx: Any, **_arguments: Any) -> dict[str, Any]:
    return {}


def lines_of(name: str) -> list[str]:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def catalogue(tenant: str = "default") -> list[Tool]:
    found = []
    for line in lines_of("tools.txt"):
        match = _TOOL.fullmatch(line)
        assert match is not None, line
        server, name, given, description = match.groups()
        parameters = [part.strip() for part in given.split(",") if part.strip()]
        schema = {
            "type": "object",
            "properties": {one: {"type": "string", "title": one} for one in parameters},
            "required": parameters[:1],
        }
        listed = {"name": name, "description": description, "inputSchema": schema}
        found.append(
            remote_tool(
                listed,
                nothing,
                name=f"{server}__{name}",
                server=server,
                tenant=tenant,
                twin=None,
                facts=None,
                reads=True,
                for_customers=True,
            )
        )
    return found


def wishes() -> list[Wished]:
    found = []
    for line in lines_of("wishes.txt"):
        tool, wish, query = line.split(" | ")
        found.append(Wished(tool.replace(".", "__"), wish, query))
    return found
