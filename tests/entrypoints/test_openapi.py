"""The OpenAPI document and its pages."""

import json
import re
from pathlib import Path

import httpx2
import pytest

from deskward.app import Desk
from deskward.entrypoints.identity import PROVED_AT
from deskward.entrypoints.openapi import codes_of, example_of
from deskward.features import SLICES
from deskward.gate.validation import validated
from deskward.security.principals import Kind
from tests.entrypoints.rest.test_rest import ERROR_KEYS, key_for
from tests.everything import GROUPS

TOOLS = [tool for group in GROUPS for tool in group.tools]


async def test_openapi_describes_every_tool_with_examples_and_errors(client) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    identities = [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if "operationId" in operation
    ]
    assert len(identities) == len(set(identities))
    away = {tool for part in SLICES if part.setting and part.tools for tool in part.tools.tools}
    addressed = [(t, *address) for t in TOOLS if t not in away for address in t.addresses]
    for tool, method, path in addressed:
        operation = document["paths"][path][method.lower()]
        assert operation["operationId"].startswith(tool.name)
        for status in ("400", "401", "403", "404", "405", "409", "413", "500", "503", "504"):
            content = operation["responses"][status]["content"]["application/json"]
            assert set(content["example"]) == ERROR_KEYS
        limited = operation["responses"]["429"]["content"]["application/json"]["example"]
        assert set(limited) == {"error", "message", "retry_after"}
        if "requestBody" in operation:
            example = operation["requestBody"]["content"]["application/json"]["example"]
            bound = {name: "user_001" for name in tool.bound}
            parameters = operation["parameters"]
            in_path = {p["name"]: p["example"] for p in parameters if p["in"] == "path"}
            validated(tool, {**in_path, **bound, **example}, strict=True)
        assert operation["responses"]["200"]["content"]["application/json"]["example"]
    assert "422" not in json.dumps(document["paths"])


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_the_documentation_pages_need_no_other_host(client, path: str) -> None:
    page = await client.get(path, headers={"Origin": "http://127.0.0.1:9080"})
    assert page.status_code == 200
    assert "Deskward" in page.text
    assert not re.search(r"(https?:)?//\w", re.sub(r"<!--.*?-->", "", page.text))
    assert "default-src 'self'" in page.headers["content-security-policy"]
    loaded = re.findall(r"""(?:src|href|url|spec-url)[=:]\s*["']([^"']+)""", page.text)
    assert len(loaded) >= 3
    for address in loaded:
        response = await client.get(address)
        assert response.status_code == 200, address
        assert response.content
    assert (await client.get("/docs/assets/core.py")).status_code == 404


async def test_the_document_asks_for_a_key_where_one_was_made(client, sqlite_desk: Desk) -> None:
    async def security() -> list:
        document = (await client.get("/openapi.json")).json()
        assert "security" not in document["paths"]["/health"]["get"]
        return document["paths"]["/tickets"]["get"]["security"]

    assert {} in await security()
    await key_for(sqlite_desk, Kind.STAFF, "anna")
    assert {} not in await security()


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"const": 1}, 1),
        ({"enum": ["a", "b"]}, "a"),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": "number", "minimum": 0}, 0),
        ({"type": "array", "items": {"type": "string"}}, ["text"]),
        ({"type": "object", "properties": {"a": {"const": 1}}, "anyOf": [{}]}, {"a": 1}),
    ],
)
def test_examples_fit_their_schemas(schema: dict, example: object) -> None:
    assert example_of(schema) == example


async def test_every_error_has_its_name_in_the_documents(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    chat = document["paths"]["/api/v1/chat"]["post"]["responses"]
    assert "SESSION_ENDED" in chat["409"]["description"]
    described = Path("docs/api.md").read_text(encoding="utf-8")
    for status in (400, 401, 403, 404, 405, 409, 413, 415, 429, 499, 500, 503, 504):
        (row,) = [line for line in described.splitlines() if line.startswith(f"| {status} |")]
        assert set(codes_of(status)) <= set(re.findall(r"[A-Z_]{4,}", row))


async def test_the_moment_of_a_second_proof_is_described(client: httpx2.AsyncClient) -> None:
    components = (await client.get("/openapi.json")).json()["components"]
    assert components["parameters"]["UserProvedAt"]["name"].lower() == PROVED_AT
    assert "X-User-Proved-At" in Path("docs/api.md").read_text(encoding="utf-8")
