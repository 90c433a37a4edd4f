"""Addresses: a slash at the end changes nothing, and none leaves a customer's id in the log."""

import re
from collections.abc import Iterator
from typing import Any, Literal

import httpx2
import pytest
from starlette.routing import BaseRoute

from deskward.app import Desk
from deskward.entrypoints.application import http_application
from deskward.entrypoints.log_paths import LogPaths
from deskward.gate.context import Context
from deskward.gate.tool import OwnCustomerId, Risk, Tool, ToolGroup

USER = "user_001"


@pytest.mark.parametrize(
    "path",
    [
        "/health",
        "/health/liveness",
        "/openapi.json",
        "/docs",
        "/redoc",
        "/tickets",
        "/tickets?limit=1",
        "/accounts/user_001/balance",
        "/api/v1/sessions",
        "/api/history/user_001",
    ],
)
async def test_a_slash_at_the_end_changes_nothing(client: httpx2.AsyncClient, path: str) -> None:
    plain = await client.get(path)
    name, _, query = path.partition("?")
    slashed = await client.get(f"{name}/?{query}" if query else f"{name}/")
    assert plain.status_code == slashed.status_code == 200
    assert slashed.headers["content-type"] == plain.headers["content-type"]
    if not path.startswith("/health"):
        assert without_ids(slashed.text) == without_ids(plain.text)


def without_ids(text: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "", text)


@pytest.mark.parametrize("path", ["/api/v1/chat/", "/api/v1/chat/stream/", "/api/chat/"])
async def test_chat_with_a_slash_at_the_end(client: httpx2.AsyncClient, path: str) -> None:
    who = {"user_id": USER} if path == "/api/chat/" else {"session_id": "s"}
    answer = await client.post(path, json={**who, "message": "Hello"})
    assert answer.status_code == 200, answer.text


async def test_mcp_with_a_slash_at_the_end(client: httpx2.AsyncClient) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    answer = await client.post("/mcp/", json=ping, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["result"]) == (200, {})


async def test_a_redirect_goes_nowhere(client: httpx2.AsyncClient) -> None:
    for path in ("/tickets//", "/docs//", "/nowhere/", "//evil.example/", "/health//"):
        answer = await client.get(path, headers={"Host": "localhost"})
        assert answer.status_code == 404, path
        assert "location" not in answer.headers


async def test_an_encoded_slash_belongs_to_the_session(client: httpx2.AsyncClient) -> None:
    for session in ("s", "s/"):
        said = {"session_id": session, "message": f"Hello from {session!r}"}
        assert (await client.post("/api/v1/chat", json=said)).status_code == 200
    history = (await client.get("/api/v1/sessions/s%2F/history")).json()
    assert history["session_id"] == "s/"
    assert (await client.delete("/api/v1/sessions/s%2F")).json()["session_id"] == "s/"
    assert (await client.get("/api/v1/sessions/s/history/")).json()["session_id"] == "s"


# ---- The log ----------------------------------------------------------------------------------


def templates(desk: Desk) -> Iterator[tuple[str, Tool | None]]:
    """All paths that the application serves, and whose tool's they are."""
    app: Any = http_application(desk)
    while not hasattr(app, "routes"):
        app = app._app
    tools = {path: tool for tool in desk.gate.tools.values() for _, path in tool.addresses}
    for route in flat([*app.routes, *app.default.routes]):
        yield route, tools.get(route)


def flat(routes: list[BaseRoute]) -> Iterator[str]:
    for route in routes:
        if hasattr(route, "path"):
            yield route.path
        else:
            inner = next(v for v in vars(route).values() if hasattr(v, "routes"))
            yield from flat(inner.routes)


async def test_no_route_leaves_an_id_in_the_log(sqlite_desk: Desk, caplog) -> None:
    paths = list(templates(sqlite_desk))
    assert len(paths) > 50
    app = http_application(sqlite_desk)
    seen = 0
    with caplog.at_level("INFO", "api.http"):
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for path, tool in paths:
                names = re.findall(r"{(\w+)", path)
                values = {name: f"whose-{name}" for name in names}
                filled = re.sub(r"{(\w+)(:\w+)?}", lambda m: values[m[1]], path)  # noqa: B023 used before the next round
                caplog.clear()
                for method in ("GET", "POST"):
                    await client.request(method, filled)
                    await client.request(method, f"{filled}/nowhere/")
                for name in names:
                    if tool is None or name in tool.bound:
                        if path != "/tools/{tool}":
                            seen += 1
                            assert f"whose-{name}" not in caplog.text, path
                            # What comes behind an id with slashes is hidden with it.
                            shown = re.search(r"{(\w+):path}|$", path)[1] or name  # type: ignore[index]  # one of the two always matches
                            assert f"{{{shown}}}" in caplog.text, path
                    else:
                        assert f"whose-{name}" in caplog.text, path
    assert seen > 12


def test_a_tool_that_does_not_bind_its_customer_is_refused_at_start() -> None:
    group = ToolGroup("odd")

    @group.tool(scope="odd:read", risk=Risk.READ, rest="GET /odd/{customer_id}")
    async def look(ctx: Context, customer_id: str) -> dict[Literal["seen"], int]:
        """Look at a customer."""
        return {}

    with pytest.raises(TypeError, match="must be an OwnCustomerId"):
        LogPaths([], group.tools)


def test_two_ids_in_one_address() -> None:
    group = ToolGroup("odd")

    @group.tool(scope="odd:read", risk=Risk.READ, rest="GET /odd/{part}/{user_id}/of/{customer_id}")
    async def look(
        ctx: Context, part: str, user_id: OwnCustomerId, customer_id: OwnCustomerId
    ) -> dict[Literal["seen"], int]:
        """Look at two customers."""
        return {}

    shown = LogPaths(["/files/{name:path}"], group.tools)
    assert shown("/odd/7/anna/of/bob") == "/odd/7/{user_id}/of/{customer_id}"
    assert shown("/files/a/b") == "/files/{name}"
    assert shown("/odd/7") == "/odd/7"


def test_slashes_that_stand_twice_show_no_id() -> None:
    shown = LogPaths(["/users/{user_id}"], ())
    assert shown("//users//user_001/") == "/users/{user_id}/"
