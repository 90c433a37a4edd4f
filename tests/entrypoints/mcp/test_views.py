"""Virtual servers: a chosen set of tools under an address of its own, for one audience."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from deskward.app import Desk, open_desk
from deskward.core.settings import Settings
from deskward.gate.views import read_views
from tests.entrypoints.conftest import client_of
from tests.entrypoints.mcp.test_mcp import ACCEPT, NEW, modern, rpc

FILE = """
shopping:
  tools: [get_order_by_id, search_orders, search_tools, "crm__*"]
  roles: [customer]
articles:
  tools: ["read_*", search_knowledge_base, list_knowledge]
  roles: [customer, support]
staff-only:
  tools: [list_tickets]
  roles: [support]
elsewhere:
  tools: [list_tickets]
  roles: [customer]
  tenants: [shop]
"""


@asynccontextmanager
async def desk_of(settings: Settings, tmp_path: Path, model: Any) -> AsyncIterator[Desk]:
    file = tmp_path / "views.yaml"
    file.write_text(FILE, "utf-8")
    opened = open_desk(settings.changed(mcp_views_file=file), demo=True, model=model)
    async with opened as desk:
        yield desk


async def sent(desk: Desk, path: str, method: str, params: Any = None, *, new: bool = True) -> Any:
    """Status and body of what the wire answers to a customer of the demo."""
    params = params or {}
    headers = {**ACCEPT, "MCP-Protocol-Version": NEW if new else "2025-11-25"}
    if new:
        named = str(params.get("uri") or params.get("name") or "")
        headers |= {"Mcp-Method": method, "Mcp-Name": named}
    body = modern(method, params) if new else rpc(method, params)
    async with client_of(desk) as client:
        response = await client.post(path, json=body, headers=headers)
        return response.status_code, response.json()


def names(answer: Any) -> set[str]:
    return {tool["name"] for tool in answer["result"]["tools"]}


async def test_a_view_has_its_tools_and_no_others(
    settings: Settings, tmp_path: Path, offline: Any
) -> None:
    async with desk_of(settings, tmp_path, offline) as desk:
        for new in (True, False):
            at = "/mcp/v/shopping"
            _, listed = await sent(desk, at, "tools/list", new=new)
            assert names(listed) == {"get_order_by_id", "search_orders", "search_tools"}
            call = {"name": "search_orders", "arguments": {}}
            _, answer = await sent(desk, at, "tools/call", call, new=new)
            assert answer["result"]["isError"] is False
            call = {"name": "list_tickets", "arguments": {}}
            _, answer = await sent(desk, at, "tools/call", call, new=new)
            _, nowhere = await sent(
                desk, at, "tools/call", {"name": "no_such", "arguments": {}}, new=new
            )
            assert answer["error"]["code"] == nowhere["error"]["code"] == -32602
            assert answer["error"]["message"] == nowhere["error"]["message"].replace(
                "no_such", "list_tickets"
            )
            _, whole = await sent(desk, "/mcp", "tools/call", call, new=new)
            assert whole["result"]["isError"] is False
            query = {"name": "search_tools", "arguments": {"query": "list tickets", "limit": 20}}
            _, found = await sent(desk, at, "tools/call", query, new=new)
            assert set(found["result"]["structuredContent"]["names"]) <= names(listed)


async def test_resources_are_limited_like_tools(
    settings: Settings, tmp_path: Path, offline: Any
) -> None:
    async with desk_of(settings, tmp_path, offline) as desk:
        article = {"uri": "kb://articles/faq-transfer-time"}
        status, answer = await sent(desk, "/mcp/v/articles", "resources/read", article)
        assert status == 200
        assert answer["result"]["contents"]
        for method, params in (("resources/read", article), ("resources/list", {})):
            _, answer = await sent(desk, "/mcp/v/shopping", method, params)
            assert answer["error"]["code"] == -32601
        _, about = await sent(desk, "/mcp/v/shopping", "server/discover")
        assert "resources" not in about["result"]["capabilities"]


@pytest.mark.parametrize("path", ["/mcp/v/staff-only", "/mcp/v/elsewhere"])
async def test_a_view_of_others_refuses(
    settings: Settings, tmp_path: Path, offline: Any, path: str
) -> None:
    async with desk_of(settings, tmp_path, offline) as desk:
        for method in ("tools/list", "server/discover"):
            status, answer = await sent(desk, path, method)
            assert status == 403
            assert "not for you" in answer["error"]["message"]
        status, _ = await sent(desk, "/mcp/v/none", "tools/list")
        assert status == 404


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "Input should be a valid dictionary"),
        ("[]", "valid dictionary"),
        ("a: {tools: [x_y], roles: [customer]}", "no tool 'x_y'"),
        ("a: {tools: ['zz*'], roles: [customer]}", "begins with 'zz'"),
        ("a: {tools: ['*'], roles: [customer]}", "pattern"),
        ("a: {tools: [], roles: [customer]}", "at least 1"),
        ("a: {tools: [get_ticket], roles: []}", "at least 1"),
        ("a: {tools: [get_ticket]}", "a.roles"),
        ("a: {tools: [get_ticket], roles: [king]}", "no role 'king'"),
        ("a: {tools: [get_ticket], roles: [customer], other: 1}", "a.other"),
        ("A b: {tools: [get_ticket], roles: [customer]}", "a name has"),
        ("tickets: {tools: [get_ticket], roles: [customer]}", "group of tools"),
        ("a: {", "no YAML"),
        ("\ud800", "no YAML"),
    ],
)
def test_a_file_that_is_not_right_says_what(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "views.yaml"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=problem):
        read_views(file, ["get_ticket"], ["customer"], ["tickets"])
    with pytest.raises(ValueError, match="cannot be read"):
        read_views(tmp_path / "none.yaml", [], [], [])
