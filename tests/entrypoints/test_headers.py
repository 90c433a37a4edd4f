"""What every answer says besides its body."""

import httpx2
import pytest

from deskward.app import open_desk
from deskward.core.settings import Settings
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
