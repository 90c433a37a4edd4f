"""Outside servers' resources and prompts, served on over MCP by calls through the gate.

A resource's address is the server's own behind `mcp://SERVER/`, a prompt's name is its tool's here.
Whoever may not call the tool finds neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskward.core.errors import DeskwardError
from deskward.entrypoints.mcp.protocol import INVALID_PARAMS, ProtocolError
from deskward.entrypoints.mcp.results import value_of
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.tool import Risk, Tool

BEFORE = "mcp://"
_LIST, _READ, _PROMPT = "resources/list", "resources/read", "prompts/get"


def _all(gate: Gate, context: Context, method: str) -> list[Tool]:
    usable = gate.tools_for(context.principal, context.view)
    return sorted((t for t in usable if t.stands_for == method), key=lambda tool: tool.name)


def _server(tool: Tool) -> str:
    return tool.name.partition("__")[0]


def _listers(gate: Gate, context: Context) -> list[Tool]:
    """The tools that list, of servers where a person has said that this only reads.

    Others' would have a person asked at every look.
    """
    return [tool for tool in _all(gate, context, _LIST) if tool.risk is Risk.READ]


def are_there(gate: Gate, context: Context) -> bool:
    """Whether any outside server has resources that the caller may list."""
    return bool(_listers(gate, context))


async def page(gate: Gate, context: Context, cursor: str) -> dict[str, Any]:
    """A page of outside servers' resources, one server after the other; one that fails has none.

    Args:
        cursor: `mcp://SERVER/` and the server's own cursor; `mcp://` at first.
    """
    server, _, inner = cursor.removeprefix(BEFORE).partition("/")
    listers = [tool for tool in _listers(gate, context) if _server(tool) >= server]
    found: dict[str, Any] = {"resources": []}
    for number, tool in enumerate(listers):
        given = {"cursor": inner} if inner and _server(tool) == server else {}
        outcome = await gate.call(tool.name, given, context)
        if outcome.status != "ok":
            continue
        told = outcome.value
        before = f"{BEFORE}{_server(tool)}/"
        found["resources"] = [
            {**one, "uri": before + str(one.get("uri"))} for one in told.get("resources", ())
        ]
        if told.get("nextCursor"):
            found["nextCursor"] = before + str(told["nextCursor"])
        elif number + 1 < len(listers):
            found["nextCursor"] = f"{BEFORE}{_server(listers[number + 1])}/"
        break
    return found


async def templates(gate: Gate, context: Context) -> list[dict[str, Any]]:
    """The forms of the addresses of outside servers' resources."""
    found: list[dict[str, Any]] = []
    for tool in _listers(gate, context):
        outcome = await gate.call(tool.name, {}, context)
        if outcome.status == "ok":
            before = f"{BEFORE}{_server(tool)}/"
            found += [
                {**one, "uriTemplate": before + str(one.get("uriTemplate"))}
                for one in outcome.value.get("resourceTemplates", ())
            ]
    return found


def reader(gate: Gate, context: Context, address: str) -> tuple[Tool, str] | None:
    """The tool that reads an outside server's resource, and the resource's address there."""
    if not address.startswith(BEFORE):
        return None
    server, _, inner = address.removeprefix(BEFORE).partition("/")
    found = next((t for t in _all(gate, context, _READ) if _server(t) == server), None)
    return (found, inner) if found is not None and inner else None


def contents(address: str, inner: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What was read, under its addresses here."""
    before = address.removesuffix(inner)
    return {
        "contents": [
            {**one, "uri": before + str(one.get("uri", inner))} for one in told.get("contents", ())
        ]
    }


async def prompts(
    gate: Gate, context: Context, method: str, params: Mapping[str, Any]
) -> dict[str, Any]:
    """The result of a request about prompts.

    Raises:
        ProtocolError: It is wrong, or there is no such prompt for the caller.
    """
    found = _all(gate, context, _PROMPT)
    if method == "prompts/list":
        return {"prompts": [_shown(tool, context) for tool in found]}
    name, given = params.get("name"), params.get("arguments")
    if not isinstance(name, str) or not isinstance(given, dict | None):
        raise ProtocolError(INVALID_PARAMS, "Invalid request parameters", "")
    tool = next((tool for tool in found if tool.name == name), None)
    if tool is None:
        raise ProtocolError(INVALID_PARAMS, f"There is no prompt {name[:64]!r}")
    outcome = await gate.call(tool.name, given or {}, context)
    if _misnamed(outcome.error):
        assert outcome.error is not None
        raise ProtocolError(INVALID_PARAMS, outcome.error.message, outcome.value)
    return value_of(outcome)


def _misnamed(error: DeskwardError | None) -> bool:
    return error is not None and error.status == 400


def _shown(tool: Tool, context: Context) -> dict[str, Any]:
    schema = tool.input_schema(context.principal)
    needed = schema.get("required", ())
    arguments = [
        {"name": name, "description": str(one.get("description", "")), "required": name in needed}
        for name, one in schema.get("properties", {}).items()
    ]
    shown = {"name": tool.name, "description": tool.description, "arguments": arguments}
    return {**shown, "title": tool.title}
