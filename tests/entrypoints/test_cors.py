"""Web pages of other hosts: none by default, those that are listed, or, on a laptop, all."""

from typing import Any

import httpx2
import pytest

from deskward.app import open_desk
from deskward.core.settings import Settings
from tests.entrypoints.conftest import client_of

SHOP = "https://shop.example"
ALLOW = "access-control-allow-origin"


async def ask(
    settings: Settings, offline: Any, origin: str, method: Any = "GET", **changes: Any
) -> httpx2.Response:
    async with (
        open_desk(settings.changed(**changes), model=offline) as desk,
        client_of(desk) as client,
    ):
        if method == "OPTIONS":
            wanted = {"Access-Control-Request-Method": "POST", "Origin": origin}
            return await client.options("/api/v1/chat", headers=wanted)
        return await client.get("/api/v1/sessions", headers={"Origin": origin})


async def test_no_page_of_another_host_by_default(sqlite_settings: Settings, offline) -> None:
    response = await ask(sqlite_settings, offline, SHOP)
    assert response.status_code == 403
    assert ALLOW not in response.headers
    assert "CORS_ORIGINS" in response.json()["message"]
    assert (await ask(sqlite_settings, offline, "http://localhost:3000")).status_code == 200


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
async def test_listed_pages_may_call(sqlite_settings: Settings, offline, method: str) -> None:
    origins = f"https://other.example, {SHOP}/"
    response = await ask(sqlite_settings, offline, SHOP, method, cors_origins=origins)
    assert response.status_code == 200
    assert response.headers[ALLOW] == SHOP
    assert response.headers["access-control-allow-credentials"] == "true"
    if method == "OPTIONS":
        assert "POST" in response.headers["access-control-allow-methods"]
    refused = await ask(sqlite_settings, offline, "https://evil.example", cors_origins=origins)
    assert refused.status_code == 403
    assert ALLOW not in refused.headers


async def test_all_pages_on_a_laptop(sqlite_settings: Settings, offline) -> None:
    response = await ask(sqlite_settings, offline, SHOP, cors_origins="*")
    assert response.status_code == 200
    assert response.headers["access-control-allow-credentials"] == "true"
    elsewhere: dict[str, Any] = {"cors_origins": "*", "server_host": "0.0.0.0"}
    response = await ask(sqlite_settings, offline, SHOP, **elsewhere)
    assert response.headers[ALLOW] == "*"
    assert "access-control-allow-credentials" not in response.headers


async def test_it_can_be_switched_off(sqlite_settings: Settings, offline) -> None:
    changes = {"cors_origins": SHOP, "enable_cors": False}
    assert (await ask(sqlite_settings, offline, SHOP, **changes)).status_code == 403


async def test_what_a_browser_asks_first_is_looked_at_like_any_request(
    sqlite_settings: Settings, offline: Any
) -> None:
    settings = sqlite_settings.changed(cors_origins=SHOP, enable_rate_limiting=True)
    settings = settings.changed(rate_limit_per_minute=3)
    wanted = {"Access-Control-Request-Method": "POST", "Origin": SHOP}
    async with open_desk(settings, model=offline) as desk, client_of(desk) as client:
        foreign = await client.options("/api/v1/chat", headers={**wanted, "Host": "evil.example"})
        assert foreign.status_code == 403
        assert ALLOW not in foreign.headers
        statuses = [
            (await client.options("/api/v1/chat", headers=wanted)).status_code for _ in range(4)
        ]
        assert statuses == [200, 200, 200, 429]
        told = await client.get("/api/v1/sessions", headers={"Origin": SHOP})
        assert told.status_code == 429  # and the page can read that
        assert told.headers[ALLOW] == SHOP
