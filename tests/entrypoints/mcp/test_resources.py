"""Articles and documents as resources, with real clients, in both protocol eras."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ResourceTemplateReference

from deskward.app import Desk
from tests.conftest import recorded
from tests.entrypoints.conftest import client_of
from tests.entrypoints.mcp.peers import SDK_1, SDK_2, Target, typescript
from tests.entrypoints.mcp.test_mcp import ACCEPT, ERAS, NEW, Connect, connect, modern, rpc
from tests.services.server import server

__all__ = ["connect"]

ARTICLE = ResourceTemplateReference(type="ref/resource", uri="kb://articles/{article_id}")


@pytest.mark.slow
async def test_clients_list_complete_and_read(connect: Connect) -> None:
    for era in ERAS:
        async with connect(era) as client:
            templates = {str(one.uri_template) for one in await client.list_resource_templates()}
            assert templates == {"kb://articles/{article_id}", "kb://documents/{document_id}"}
            listed = {str(one.uri): one for one in await client.list_resources()}
            one = listed["kb://articles/faq-transfer-time"]
            assert one.mime_type == "text/markdown"
            assert one.title
            assert one.size
            done = await client.complete(ARTICLE, {"name": "article_id", "value": "faq-tr"})
            assert "faq-transfer-time" in done.values
            assert all(value.startswith("faq-tr") for value in done.values)
            assert done.total == len(done.values)
            (content,) = await client.read_resource("kb://articles/faq-transfer-time")
            assert "business day" in content.text
            assert content.meta["deskward/revision"] == "1"
            for address in (
                "kb://articles/nothing",
                "kb://articles/%00",
                "db://x",
                "kb://articles",
            ):
                with pytest.raises(MCPError) as missing:
                    await client.read_resource(address)
                assert missing.value.error.code == (-32002 if era == "legacy" else -32602)
                assert missing.value.error.message == "Resource not found"
            with pytest.raises(MCPError) as unknown:
                await client.complete(ARTICLE, {"name": "other", "value": ""})
            assert unknown.value.error.code == -32602


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("package", "mode"), [(SDK_1, None), (SDK_2, "legacy"), (SDK_2, NEW)])
async def test_typescript_clients_read_them(
    tmp_path: Path, package: tuple[str, str], mode: str | None
) -> None:
    async with server(tmp_path / "data") as (url, _pid):
        asked = [{"resource": f"kb://articles/{name}"} for name in ("faq-transfer-time", "none")]
        pinned: Any = {"pin": mode} if mode == NEW else mode
        said = await typescript(package, Target(f"{url}/mcp"), tmp_path, mode=pinned, calls=asked)
    assert said[0]["uris"].count("kb://articles/faq-transfer-time") == 1
    assert "business day" in said[0]["text"]
    assert "Resource not found" in said[1]["thrown"]


async def sent(desk: Desk, method: str, params: dict[str, Any], *, new: bool = True) -> Any:
    """What the wire answers to a customer of the demo."""
    headers = {**ACCEPT, "MCP-Protocol-Version": NEW if new else "2025-11-25"}
    if new:
        headers |= {"Mcp-Method": method, "Mcp-Name": str(params.get("uri", ""))}
    body = modern(method, params) if new else rpc(method, params)
    async with client_of(desk) as client:
        return (await client.post("/mcp", json=body, headers=headers)).json()


async def test_pages_go_through_all_of_them(sqlite_desk: Desk, monkeypatch: Any) -> None:
    whole = (await sent(sqlite_desk, "resources/list", {}))["result"]["resources"]
    assert len(whole) > 7
    monkeypatch.setattr("deskward.entrypoints.mcp.resources.PAGE", 3)
    seen: list[str] = []
    params: dict[str, Any] = {}
    while True:
        page = (await sent(sqlite_desk, "resources/list", params))["result"]
        assert len(page["resources"]) <= 3
        seen += [one["uri"] for one in page["resources"]]
        if "nextCursor" not in page:
            break
        params = {"cursor": page["nextCursor"]}
    assert seen == [one["uri"] for one in whole]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("resources/read", {}),
        ("resources/read", {"uri": 5}),
        ("resources/list", {"cursor": 5}),
        ("completion/complete", {}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "x"}, "argument": {}}),
        ("completion/complete", {"ref": ARTICLE.model_dump(), "argument": {"name": "article_id"}}),
    ],
)
async def test_wrong_requests_are_told_so(sqlite_desk: Desk, method: str, params: Any) -> None:
    odd = params.get("uri") == 5  # of the new era a header repeats it, which is text
    for new in (True, False):
        code = (await sent(sqlite_desk, method, params, new=new))["error"]["code"]
        assert code == (-32020 if odd and new else -32602)


async def test_each_reading_is_a_call_on_record(sqlite_desk: Desk) -> None:
    address = "kb://articles/faq-transfer-time"
    await sent(sqlite_desk, "resources/read", {"uri": address})
    await sent(sqlite_desk, "resources/read", {"uri": "kb://articles/none"}, new=False)
    await sent(sqlite_desk, "resources/list", {})
    rows = [
        (row["tool"], row["status"], row.get("code"))
        for row in await recorded(sqlite_desk)
        if row.get("door") == "mcp"
    ]
    assert rows == [
        ("read_article", "ok", None),
        ("read_article", "error", "ARTICLE_NOT_FOUND"),
        ("list_knowledge", "ok", None),
        ("list_knowledge", "ok", None),
    ]
    header = {"uri": address, "_meta": {}}
    async with client_of(sqlite_desk) as client:
        headers = {**ACCEPT, "MCP-Protocol-Version": NEW, "Mcp-Method": "resources/read"}
        body = modern("resources/read", header)
        other = await client.post("/mcp", json=body, headers={**headers, "Mcp-Name": "kb://x"})
    assert other.status_code == 400
    assert json.loads(other.content)["error"]["code"] == -32020
