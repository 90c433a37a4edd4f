"""MCP with real clients, in both protocol eras, over HTTP and stdio; and every wrong request."""

import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from mcp.shared.exceptions import MCPError

from deskward.app import Desk
from deskward.security.principals import Kind
from tests.demo_file import lay_demo
from tests.entrypoints.conftest import client_of
from tests.services.server import server

ERAS = ["legacy", "2026-07-28", "auto"]
"""As the Python clients call them; `legacy` is 2025-11-25."""

Connect = Callable[[str], Client[Any]]


@pytest.fixture(params=["http", pytest.param("stdio", marks=pytest.mark.slow)])
async def connect(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Connect]:
    """Makes a client of a real server process."""
    if request.param == "stdio":
        environment = {"DATA_DIR": str(tmp_path), "LOG_LEVEL": "WARNING", "EMBEDDINGS": "off"}
        lay_demo(tmp_path)
        command = ["-m", "deskward", "mcp", "--user", "user_001", "--demo"]

        def over_stdio(era: str) -> Client[Any]:
            transport = StdioTransport(
                sys.executable, command, env=environment, cwd=str(tmp_path), keep_alive=False
            )
            return Client(transport, mode=era)

        yield over_stdio
        return
    async with server(tmp_path) as (url, _pid):
        yield lambda era: Client(f"{url}/mcp", mode=era)


def code(result: Any) -> str:
    assert result.is_error
    envelope = json.loads(result.content[0].text)
    assert envelope["success"] is False
    return str(envelope["error"]["code"])


@pytest.mark.slow
async def test_clients_list_and_call(connect: Connect) -> None:
    opened = set()
    for era in ERAS:
        async with connect(era) as client:
            tools = {tool.name: tool for tool in await client.list_tools()}
            assert "user_id" not in tools["get_account_balance"].input_schema["properties"]
            assert tools["get_account_balance"].annotations.read_only_hint is True
            assert "update_ticket" not in tools
            answer = await client.call_tool("get_account_balance", {})
            assert answer.structured_content["balance"]["formatted"] == "$5,420.50"
            refused = await client.call_tool(
                "get_account_balance", {"user_id": "user_002"}, raise_on_error=False
            )
            assert code(refused) == "FORBIDDEN"
            wrong = await client.call_tool(
                "get_transaction_history", {"limit": "5"}, raise_on_error=False
            )
            assert code(wrong) == "INVALID_INPUT"
            with pytest.raises(MCPError) as unknown:
                await client.call_tool("launch", {})
            assert unknown.value.error.code == -32602
            meta = {"deskward/idempotency-key": f"key-{era}"}
            for _ in range(2):
                made = await client.call_tool(
                    "create_ticket", {"subject": "A", "body": "B"}, meta=meta
                )
                opened.add(made.structured_content["ticket_id"])
            other = await client.call_tool(
                "create_ticket", {"subject": "A", "body": "C"}, meta=meta, raise_on_error=False
            )
            assert code(other) == "IDEMPOTENCY_CONFLICT"
    assert opened == {"T1001", "T1002", "T1003"}


@pytest.mark.slow
async def test_keys_and_approvals(tmp_path: Path, sqlite_desk: Desk) -> None:
    async def made(kind: Kind, subject: str) -> str:
        key, _ = await sqlite_desk.keys.create(
            tenant_id="default", kind=kind, subject_id=subject, new=True
        )
        return key

    staff, customer = await made(Kind.STAFF, "anna"), await made(Kind.CUSTOMER, "user_002")
    secret = sqlite_desk.settings.key.decode()
    async with server(tmp_path, SECRET_KEY=secret) as (url, _pid):
        for era in ("legacy", "2026-07-28"):
            async with Client(f"{url}/mcp", mode=era, auth=staff) as client:
                tools = {tool.name: tool for tool in await client.list_tools()}
                assert "user_id" in tools["get_account_balance"].input_schema["properties"]
                arguments = {"user_id": "user_001", "new_address": "1 New Road, Boston"}
                waiting = await client.call_tool("update_address", arguments)
                assert waiting.structured_content["status"] == "pending_approval"
            transport = StreamableHttpTransport(f"{url}/mcp", headers={"X-API-Key": customer})
            async with Client(transport, mode=era) as client:
                answer = await client.call_tool("get_account_balance", {})
                assert answer.structured_content["user_id"] == "user_002"
        async with httpx2.AsyncClient(base_url=url) as raw:
            response = await raw.post("/mcp", json=rpc("tools/list"), headers=ACCEPT)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"


# ---- The wire --------------------------------------------------------------------------------

ACCEPT = {"Accept": "application/json, text/event-stream"}
VERSION, CAPABILITIES = (
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientCapabilities",
)
NEW = "2026-07-28"


def rpc(method: str, params: dict | None = None, key: object = 1) -> dict:
    return {"jsonrpc": "2.0", "id": key, "method": method, "params": params or {}}


def modern(method: str, params: dict | None = None, meta: dict[str, Any] | None = None) -> dict:
    envelope = {VERSION: NEW, CAPABILITIES: {}, **(meta or {})}
    return rpc(
        method, {**(params or {}), "_meta": {k: v for k, v in envelope.items() if v is not None}}
    )


def headers(method: str, name: str | None = None, version: str = NEW) -> dict[str, str]:
    found = {"MCP-Protocol-Version": version, "Mcp-Method": method}
    return found | ({"Mcp-Name": name} if name else {})


CALL: dict[str, Any] = {"name": "get_account_balance", "arguments": {}}
LADDER = [
    ("legacy call", rpc("tools/call", CALL), {}, 200, None),
    ("modern call", modern("tools/call", CALL), headers("tools/call", CALL["name"]), 200, None),
    (
        "spaces around a header",
        modern("tools/call", CALL),
        headers("tools/call", f"  {CALL['name']} "),
        200,
        None,
    ),
    (
        "a name in base64",
        modern("tools/call", CALL),
        headers("tools/call", "=?base64?Z2V0X2FjY291bnRfYmFsYW5jZQ==?="),
        200,
        None,
    ),
    (
        "broken base64",
        modern("tools/call", CALL),
        headers("tools/call", "=?base64?&&?="),
        400,
        -32020,
    ),
    ("ping", rpc("ping"), {}, 200, None),
    ("ping is gone", modern("ping"), headers("ping"), 404, -32601),
    ("initialize is gone", modern("initialize"), headers("initialize"), 404, -32601),
    ("discover is new", rpc("server/discover"), {}, 200, -32601),
    (
        "initialize without a client",
        rpc("initialize", {"protocolVersion": "2025-11-25"}),
        {},
        200,
        -32602,
    ),
    ("unknown method", rpc("no/such"), {}, 200, -32601),
    ("unknown modern method", modern("no/such"), headers("no/such"), 404, -32601),
    ("unknown tool", rpc("tools/call", {"name": "x"}), {}, 200, -32602),
    (
        "unknown modern tool",
        modern("tools/call", {"name": "x"}),
        headers("tools/call", "x"),
        400,
        -32602,
    ),
    ("arguments are no object", rpc("tools/call", {"name": "x", "arguments": []}), {}, 200, -32602),
    ("no name", rpc("tools/call"), {}, 200, -32602),
    ("a bad cursor", rpc("tools/list", {"cursor": 5}), {}, 200, -32602),
    ("_meta is no object", rpc("tools/list", {"_meta": 5}), {}, 200, None),
    ("_meta is true", rpc("tools/call", {**CALL, "_meta": True}), {}, 200, None),
    (
        "a bad key",
        rpc("tools/call", {**CALL, "_meta": {"deskward/idempotency-key": 5}}),
        {},
        200,
        -32602,
    ),
    (
        "an old version",
        modern("tools/list", meta={VERSION: "2099-01-01"}),
        headers("tools/list", version="2099-01-01"),
        400,
        -32022,
    ),
    ("no envelope", rpc("tools/list"), headers("tools/list"), 400, -32602),
    (
        "half an envelope",
        modern("tools/list", meta={CAPABILITIES: None}),
        headers("tools/list"),
        400,
        -32602,
    ),
    (
        "bad capabilities",
        modern("tools/list", meta={CAPABILITIES: 5}),
        headers("tools/list"),
        400,
        -32602,
    ),
    (
        "a bad client",
        modern("tools/list", meta={"io.modelcontextprotocol/clientInfo": {"name": "x"}}),
        headers("tools/list"),
        400,
        -32602,
    ),
    (
        "another version in the header",
        modern("tools/list"),
        headers("tools/list", version="2026-07-29"),
        400,
        -32020,
    ),
    ("another method in the header", modern("tools/list"), headers("tools/call"), 400, -32020),
    (
        "another name in the header",
        modern("tools/call", CALL),
        headers("tools/call", "other"),
        400,
        -32020,
    ),
    ("no version in the header", modern("tools/list"), {}, 400, -32020),
    ("a batch", [rpc("ping")], {}, 400, -32600),
    ("a number", 5, {}, 400, -32600),
    ("no version of JSON-RPC", {"id": 1, "method": "ping"}, {}, 400, -32600),
    (
        "params are a list",
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []},
        {},
        400,
        -32600,
    ),
    ("no method", {"jsonrpc": "2.0", "id": 1}, {}, 400, -32600),
    ("id is null", rpc("ping", key=None), {}, 400, -32600),
    ("id is true", rpc("ping", key=True), {}, 400, -32600),
    ("id is a list", rpc("ping", key=[1]), {}, 400, -32600),
    ("id is a fraction", rpc("ping", key=1.5), {}, 400, -32600),
    ("a notification", {"jsonrpc": "2.0", "method": "notifications/initialized"}, {}, 202, None),
    ("a modern notification", {"jsonrpc": "2.0", "method": "x"}, headers("x"), 202, None),
    (
        "a notification of an unknown version",
        {"jsonrpc": "2.0", "method": "x"},
        headers("x", version="2099-01-01"),
        400,
        -32022,
    ),
    ("a response", {"jsonrpc": "2.0", "id": 1, "result": {}}, {}, 202, None),
    ("text is no type", rpc("ping"), {"Content-Type": "text/plain"}, 415, None),
    ("nothing is accepted", rpc("ping"), {"Accept": "text/html"}, 406, None),
    ("a foreign page", rpc("ping"), {"Origin": "http://evil.example"}, 403, None),
    ("a foreign host", rpc("ping"), {"Host": "evil.example"}, 403, None),
]


@pytest.mark.parametrize(
    ("case", "body", "more", "status", "error"), LADDER, ids=[row[0] for row in LADDER]
)
async def test_the_ladder_of_requests(
    client: httpx2.AsyncClient, case: str, body: object, more: dict, status: int, error: int | None
) -> None:
    sent = {"Content-Type": "application/json", **ACCEPT, **more}
    response = await client.post("/mcp", content=json.dumps(body), headers=sent)
    assert response.status_code == status, response.text
    if error is not None:
        assert response.json()["error"]["code"] == error
    elif status == 200:
        assert response.json()["id"] == 1
        assert "result" in response.json()


async def test_what_is_no_json_is_a_parse_error(client: httpx2.AsyncClient) -> None:
    for content in (b"{", b"", b"\xff", b'{"a": NaN}'):
        response = await client.post(
            "/mcp", content=content, headers=ACCEPT | {"Content-Type": "application/json"}
        )
        assert (response.status_code, response.json()["error"]["code"]) == (400, -32700)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_are_no_sessions_and_no_streams(
    client: httpx2.AsyncClient, method: str
) -> None:
    response = await client.request(method, "/mcp", headers={"Accept": "text/event-stream"})
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_a_routing_header_that_comes_twice_is_refused(client: httpx2.AsyncClient) -> None:
    twice = [*headers("tools/list").items(), ("Mcp-Method", "tools/list"), *ACCEPT.items()]
    response = await client.post("/mcp", json=modern("tools/list"), headers=twice)
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)


async def test_versions_are_agreed_on(sqlite_desk: Desk) -> None:
    hello = {"capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    async with client_of(sqlite_desk) as client:
        for asked, agreed in (
            ("2025-06-18", "2025-06-18"),
            ("1999-01-01", "2025-11-25"),
            (NEW, "2025-11-25"),
        ):
            body = rpc("initialize", {"protocolVersion": asked, **hello})
            result = (await client.post("/mcp", json=body, headers=ACCEPT)).json()["result"]
            assert result["protocolVersion"] == agreed
            assert result["serverInfo"]["name"] == "deskward"
        sent = ACCEPT | headers("server/discover")
        result = (await client.post("/mcp", json=modern("server/discover"), headers=sent)).json()[
            "result"
        ]
        assert result["supportedVersions"] == [NEW, "2025-11-25"]
        assert (result["resultType"], result["cacheScope"]) == ("complete", "private")


async def test_who_has_no_key_is_told_in_words_that_clients_show(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    await sqlite_desk.keys.create(tenant_id="default", kind=Kind.STAFF, subject_id="anna", new=True)
    response = await client.post("/mcp", json=modern("tools/list"), headers=ACCEPT)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    body = response.json()
    assert (body["jsonrpc"], body["id"], body["error"]["code"]) == ("2.0", None, -32000)
    assert "Authorization: Bearer dw_" in body["error"]["message"]
    assert body["error"]["data"]["error"] == "UNAUTHENTICATED"
