"""Resources over MCP: listed, completed and read by calls of the tools that declare them.

So whoever may not see a record finds it in no list, no completion and no count, and is told of it
what is told of one that does not exist. The shapes are those of MCP 2025-11-25 and 2026-07-28
(Resources; Completion).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deskward.core.errors import DeskwardError, NotFound
from deskward.entrypoints.mcp import outside
from deskward.entrypoints.mcp.protocol import (
    INVALID_PARAMS,
    RESOURCE_NOT_FOUND,
    ProtocolError,
)
from deskward.entrypoints.mcp.results import value_of
from deskward.gate.call import Gate
from deskward.gate.context import Context
from deskward.gate.resources import MOST_COMPLETED, Resource
from deskward.gate.tool import Tool

PAGE = 100
"""Resources on a page of the list."""
_WRONG = "Invalid request parameters"


async def answered(
    gate: Gate, context: Context, method: str, params: Mapping[str, Any], *, stateless: bool
) -> dict[str, Any]:
    """The result of a request about resources.

    Args:
        stateless: Whether it is of the era without a handshake.

    Raises:
        ProtocolError: It is wrong, or there is nothing that the caller may see.
    """
    if method == "resources/read":
        return await _read(gate, context, params.get("uri"), stateless=stateless)
    if method == "completion/complete":
        return await _complete(gate, context, params)
    cursor = params.get("cursor")
    if not isinstance(cursor, str | None):
        raise ProtocolError(INVALID_PARAMS, _WRONG, "")
    if method == "resources/templates/list":
        own = [_template(tool) for tool in _readers(gate, context, single=False)]
        return {"resourceTemplates": own + await outside.templates(gate, context)}
    if cursor is not None and cursor.startswith(outside.BEFORE):
        return await outside.page(gate, context, cursor)
    found = await _listed(gate, context, cursor)
    if "nextCursor" not in found and outside.are_there(gate, context):
        found["nextCursor"] = outside.BEFORE
    return found


def _readers(gate: Gate, context: Context, *, single: bool) -> list[Tool]:
    """The tools that read resources and that the caller may use where they are.

    Args:
        single: Whether those of one address each, or of many.
    """
    usable = gate.tools_for(context.principal, context.view)
    return [tool for tool in usable if tool.resource and tool.resource.single is single]


def _resource(tool: Tool) -> Resource:
    assert tool.resource is not None
    return tool.resource


def _template(tool: Tool) -> dict[str, Any]:
    resource = _resource(tool)
    return {
        "uriTemplate": resource.template,
        "name": resource.name,
        "title": resource.name.capitalize(),
        "description": tool.description,
        "mimeType": resource.mime_type,
    }


async def _listed(gate: Gate, context: Context, cursor: str | None) -> dict[str, Any]:
    """A page of all resources, one kind after the other. The cursor is the last one's address.

    Those of one address each are few, and stand on the first page.
    """
    several = _readers(gate, context, single=False)
    readers = sorted(several, key=lambda tool: _resource(tool).template)
    found: list[dict[str, Any]] = []
    if cursor is None:
        found += [_alone(tool) for tool in _readers(gate, context, single=True)]
    for tool in readers:
        resource = _resource(tool)
        start = resource.template.partition("{")[0]
        if cursor is not None and cursor > start and not cursor.startswith(start):
            continue
        after = cursor if cursor is not None and cursor.startswith(start) else ""
        asked = {**resource.among, "after": after, "limit": max(1, PAGE - len(found))}
        told = await _value(gate, context, resource.listed_by, asked)
        found += [_entry(resource, one) for one in told["entries"]]
        if told["more"]:
            return {"resources": found, "nextCursor": found[-1]["uri"]}
        if len(found) >= PAGE and tool is not readers[-1]:
            return {"resources": found, "nextCursor": found[-1]["uri"]}
    return {"resources": found}


def _entry(resource: Resource, one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "uri": one["address"],
        "name": one["id"],
        "title": one["title"],
        "mimeType": resource.mime_type,
        **({"size": one["size"]} if "size" in one else {}),
        **({"annotations": {"lastModified": one["changed_at"]}} if "changed_at" in one else {}),
        **({"_meta": {"deskward/language": one["language"]}} if "language" in one else {}),
    }


def _alone(tool: Tool) -> dict[str, Any]:
    resource = _resource(tool)
    return {
        "uri": resource.template,
        "name": resource.name,
        "title": resource.name.capitalize(),
        "description": tool.description,
        "mimeType": resource.mime_type,
    }


async def _read(gate: Gate, context: Context, address: Any, *, stateless: bool) -> dict[str, Any]:
    if not isinstance(address, str):
        raise ProtocolError(INVALID_PARAMS, _WRONG, "")
    code = INVALID_PARAMS if stateless else RESOURCE_NOT_FOUND
    nowhere = ProtocolError(code, "Resource not found", {"uri": address})
    for tool in _readers(gate, context, single=True):
        resource = _resource(tool)
        if resource.template == address:
            outcome = await gate.call(tool.name, resource.among, context)
            value_of(outcome)
            whole = {"uri": address, "mimeType": resource.mime_type, "text": outcome.json}
            return {"contents": [whole]}
    for tool in _readers(gate, context, single=False):
        resource = _resource(tool)
        arguments = resource.arguments_in(address)
        if arguments is None:
            continue
        outcome = await gate.call(tool.name, arguments, context)
        if isinstance(outcome.error, NotFound) or _misnamed(outcome.error):
            raise nowhere
        told = value_of(outcome)
        about = {f"deskward/{name}": told[name] for name in resource.about}
        content = {
            "uri": address,
            "mimeType": resource.mime_type,
            "text": outcome.json if resource.whole else told["text"],
            "_meta": about,
        }
        return {"contents": [content]}
    if (elsewhere := outside.reader(gate, context, address)) is not None:
        tool, inner = elsewhere
        outcome = await gate.call(tool.name, {"uri": inner}, context)
        if isinstance(outcome.error, NotFound) or _misnamed(outcome.error):
            raise nowhere
        return outside.contents(address, inner, value_of(outcome))
    raise nowhere


def _misnamed(error: DeskwardError | None) -> bool:
    """Whether an address names what no record can be called."""
    return error is not None and error.status == 400


async def _complete(gate: Gate, context: Context, params: Mapping[str, Any]) -> dict[str, Any]:
    reference, argument = params.get("ref"), params.get("argument")
    if not isinstance(reference, dict) or not isinstance(argument, dict):
        raise ProtocolError(INVALID_PARAMS, _WRONG, "")
    begun = argument.get("value")
    for tool in _readers(gate, context, single=False):
        resource = _resource(tool)
        named = reference.get("type") == "ref/resource" and reference.get("uri")
        if named != resource.template or argument.get("name") != resource.variable:
            continue
        if not isinstance(begun, str):
            break
        asked = {**resource.among, "prefix": begun, "limit": MOST_COMPLETED}
        outcome = await gate.call(resource.listed_by, asked, context)
        told: dict[str, Any] = {"entries": [], "total": 0}
        if not _misnamed(outcome.error):
            told = value_of(outcome)
        values = [one["id"] for one in told["entries"]]
        more = {"total": told["total"], "hasMore": told["total"] > len(values)}
        return {"completion": {"values": values, **more}}
    raise ProtocolError(INVALID_PARAMS, "There is nothing to complete by that name")


async def _value(
    gate: Gate, context: Context, tool: str, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    return value_of(await gate.call(tool, arguments, context))
