"""What every answer says besides its body."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from deskward.app import Desk, open_desk
from deskward.core.database import now
from deskward.core.settings import Settings
from deskward.security.principals import Kind
from tests.agent.providers import Offline
from tests.entrypoints.conftest import client_of


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/accounts/user_001/balance"),
        ("GET", "/accounts/user_002/balance"),
        ("GET", "/api/v1/sessions"),
        ("GET", "/api/v1/sessions/none/history"),
        ("POST", "/mcp"),
        ("POST", "/api/v1/chat"),
        ("POST", "/api/v1/chat/stream"),
        ("GET", "/user/user_001"),
        ("GET", "/health/readiness"),
        ("GET", "/nowhere"),
        ("GET", "/register"),
    ],
)
async def test_nothing_personal_is_kept(client: httpx2.AsyncClient, method: str, path: str) -> None:
    response = await client.request(method, path, json={"message": "hi", "session_id": "s"})
    assert response.headers.get_list("cache-control") == ["no-store"]
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_what_is_the_same_for_everybody_may_be_kept(client: httpx2.AsyncClient) -> None:
    response = await client.get("/openapi.json")
    assert response.headers.get_list("cache-control") == ["no-cache"]


@pytest.mark.parametrize("path", ["/register", "/authorize", "/token"])
async def test_another_method_is_refused_as_everywhere(
    client: httpx2.AsyncClient, path: str
) -> None:
    response = await client.delete(path)
    assert response.status_code == 405
    assert response.json()["error"] == "METHOD_NOT_ALLOWED"
    assert response.headers["allow"] == ("GET" if path == "/authorize" else "POST")


async def test_readiness_shows_no_credentials(sqlite_settings: Settings) -> None:
    changed = sqlite_settings.changed(
        mcp_server_url="http://me:s3cret@127.0.0.1:1/mcp?token=s3cret",
        azure_openai_endpoint="http://s3cret@127.0.0.1:1/",
        redis_url="redis://:s3cret@127.0.0.1:1/0",
    )
    async with open_desk(changed, model=Offline()) as desk, client_of(desk) as client:
        readiness = await client.get("/health/readiness")
    assert "127.0.0.1:1" in readiness.text
    assert "s3cret" not in readiness.text


async def test_a_key_that_ends_soon_says_so_in_every_answer(
    client: httpx2.AsyncClient, sqlite_desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(days: int | None, path: str = "/tickets", **more: Any) -> httpx2.Response:
        key, _ = await sqlite_desk.keys.create(
            tenant_id="default",
            kind=Kind.CUSTOMER,
            subject_id="user_001",
            lifetime=timedelta(days=days) if days is not None else "never",
        )
        headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
        return await client.request(more.pop("method", "GET"), path, headers=headers, **more)

    name = "X-Deskward-Key-Expires"
    for days in (90, None):
        assert name not in (await answer(days)).headers
    soon = await answer(13)
    assert datetime.fromisoformat(soon.headers[name]) - now() < timedelta(days=13)
    assert "ends on" in caplog.text
    said = {"session_id": "s", "message": "hello"}
    assert name in (await answer(13, "/api/v1/chat", method="POST", json=said)).headers
    refused = await answer(13, "/orders/O99999")
    assert (refused.status_code, name in refused.headers) == (404, True)
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"Accept": "application/json"}
    told = await answer(13, "/mcp", method="POST", json=ping, headers=accept)
    assert (told.status_code, name in told.headers) == (200, True)
    assert name not in (await answer(90)).headers
