"""The outside MCP servers, from the settings: a part of the composition root."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from deskward.complaints.tools import tools as complaint_tools
from deskward.core.database import Database
from deskward.core.settings import Settings
from deskward.gate.call import Gate
from deskward.gate.views import View, read_views

if TYPE_CHECKING:
    from deskward.hub.config import Server
    from deskward.hub.hub import Hub
    from deskward.hub.mounted import Outside


def hub_of(settings: Settings, gate: Gate, database: Database) -> Hub | None:
    """What speaks to the outside servers; None where there is none.

    Raises:
        ValueError: The file that names them cannot be read.
    """
    url, file = settings.mcp_server.url, settings.mcp_server.servers_file
    if url is None and file is None:
        return None
    # With the libraries that check foreign schemas, which only this needs.
    from deskward.hub.hub import Hub

    fixed = [_complaints(settings, url)] if url is not None else []
    return Hub(gate, database, tenant=settings.default.tenant_id, fixed=fixed, file=file)


def views_of(settings: Settings, gate: Gate) -> Mapping[str, View]:
    """The sets of tools that are served at an address of their own.

    Raises:
        ValueError: The file that names them cannot be read, or is not right.
    """
    file = settings.mcp_server.views_file
    if file is None:
        return {}
    from deskward.features import BUNDLES, all_features

    taken = ["all", *BUNDLES, *(group.name for group in all_features().groups)]
    try:
        return read_views(file, gate.tools, gate.policy.roles.names, taken)
    except ValueError as error:
        raise ValueError(f"MCP_VIEWS_FILE: {error}") from None


def servers_of(settings: Settings) -> tuple[dict[str, Server], Mapping[str, str]]:
    """The outside servers that the settings name, and why others are left out.

    Raises:
        ValueError: The file that names them cannot be read.
    """
    import os

    from deskward.hub.config import read_servers, text_of

    servers: dict[str, Server] = {}
    if settings.mcp_server.url is not None:
        complaints = _complaints(settings, settings.mcp_server.url).server
        servers[complaints.name] = complaints
    file = settings.mcp_server.servers_file
    text = text_of(file) if file is not None else None
    if text is None:
        return servers, {}
    told = read_servers(text, os.environ)
    return {**told.servers, **servers}, told.problems


def _complaints(settings: Settings, url: str) -> Outside:
    """The server at MCP_SERVER_URL, whose tools take the place of the built-in complaints."""
    from deskward.hub.config import Server, Way
    from deskward.hub.mounted import Outside

    key = settings.mcp_server.api_key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    return Outside(
        Server(
            complaint_tools.name,
            (Way(("http",), url=url, headers=headers),),
            timeout=settings.mcp_server.timeout,
            required=settings.mcp_server.required,
        ),
        tenant=settings.default.tenant_id,
        prefix=settings.mcp_server.prefix,
        twins={tool.name: tool for tool in complaint_tools.tools},
        lookup=("get_complaint", "complaint_id", "customer_id"),
    )
