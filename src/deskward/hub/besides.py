"""What a server has besides tools: its resources and prompts, as tools that read them.

So they pass the gate, are pinned, accepted, for one tenant and tainted as its tools are. The door
over MCP serves them as what they are (`entrypoints/mcp/outside.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from deskward.hub.results import MOST_DATA

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult, Prompt
    from pydantic import BaseModel

LIST, READ = "resources/list", "resources/read"
PROMPT = "prompt "
"""The beginning of the names of prompts; no tool may be called so (MCP, Tools, Tool Names)."""
MOST_PROMPTS = 100
PATIENCE = 3.0
"""Seconds that a server has to list what it has besides tools."""
MOST_LISTED = 200
"""Resources, and templates of them, on a page."""

log = logging.getLogger(__name__)

_TEXT = {"type": "string", "minLength": 1, "maxLength": 2_000}
_TOOLS: tuple[dict[str, Any], ...] = (
    {
        "name": LIST,
        "description": "List this server's resources, a page at a time, with the forms of further "
        "addresses on the first one.",
        "inputSchema": {
            "type": "object",
            "properties": {"cursor": {**_TEXT, "description": "What the page before has told."}},
        },
    },
    {
        "name": READ,
        "description": "Read one of this server's resources by its address.",
        "inputSchema": {
            "type": "object",
            "properties": {"uri": {**_TEXT, "description": "Its address, as listed."}},
            "required": ["uri"],
        },
    },
)


def stands_for(name: str) -> str | None:
    """The method of MCP that a tool of this name stands for; None of a server's own tool."""
    if name in (LIST, READ):
        return name
    return "prompts/get" if name.startswith(PROMPT) else None


async def besides(
    client: Client, before: Sequence[dict[str, Any]] = ()
) -> Sequence[dict[str, Any]]:
    """What a server has besides tools, as tools are listed.

    Args:
        before: What it had at the last look, which counts on where it does not say in order.
    """
    from mcp import MCPError

    can = client.server_capabilities
    found: list[dict[str, Any]] = []
    hint = {"annotations": {"readOnlyHint": True}}  # as the protocol has it; a person decides
    try:  # its tools are there all the same where it fails
        async with asyncio.timeout(PATIENCE):
            if can.resources is not None and any((await _page(client, None)).values()):
                found += [{**tool, **hint} for tool in _TOOLS]
            if can.prompts is not None:
                page = await client.list_prompts(cache_mode="bypass")
                found += [{**_listed(prompt), **hint} for prompt in page.prompts[:MOST_PROMPTS]]
    except (MCPError, ValueError, TimeoutError) as error:  # refused, badly formed, or hanging
        log.info("a server does not list what it has besides tools: %s", error)
        return before
    return found


def _listed(prompt: Prompt) -> dict[str, Any]:
    given = prompt.arguments or []
    return {
        "name": PROMPT + prompt.name,
        "title": prompt.title,
        "description": prompt.description or f"The prompt {prompt.name}.",
        "inputSchema": {
            "type": "object",
            "properties": {
                one.name: {"type": "string", "description": one.description or ""} for one in given
            },
            "required": [one.name for one in given if one.required],
        },
    }


def _plain(told: BaseModel) -> dict[str, Any]:
    return told.model_dump(mode="json", by_alias=True, exclude_none=True)


async def asked(client: Client, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
    """Ask for a resource, a list of them, or a prompt; as a call's result."""
    from mcp.types import CallToolResult

    found: dict[str, Any]
    if name == LIST:
        found = await _page(client, arguments.get("cursor"))
    elif name == READ:
        read = await client.read_resource(arguments["uri"], cache_mode="bypass")
        contents = [_plain(one) for one in read.contents]
        found = {"contents": _bounded(contents)}
    else:
        told = await client.get_prompt(name.removeprefix(PROMPT), dict(arguments))
        found = {n: v for n, v in _plain(told).items() if n in ("description", "messages")}
    return CallToolResult(content=[], structured_content=found)


def _bounded(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was read; of what is too large to be recorded only that it was there."""
    found, left = [], MOST_DATA
    for one in contents:
        size = len(to_json(one))
        if size > left:
            words = f"[{size:,} bytes, too large to pass on]"
            found.append({"uri": one.get("uri"), "mimeType": "text/plain", "text": words})
        else:
            left -= size
            found.append(one)
    return found


async def _page(client: Client, cursor: str | None) -> dict[str, Any]:
    from mcp import MCPError

    page = await client.list_resources(cursor=cursor, cache_mode="bypass")
    found: dict[str, Any] = {"resources": [_plain(one) for one in page.resources[:MOST_LISTED]]}
    if page.next_cursor:
        found["nextCursor"] = page.next_cursor
    if cursor is None:
        try:
            forms = await client.list_resource_templates(cache_mode="bypass")
        except MCPError:  # a server may have none
            return found
        found["resourceTemplates"] = [_plain(one) for one in forms.resource_templates[:MOST_LISTED]]
    return found
