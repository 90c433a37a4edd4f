"""Health for probes: what is away is said, and a part that hangs delays nobody."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from deskward.agent.models.fallback import FallbackModel
from deskward.app import Desk, open_desk
from deskward.core.errors import ModelUnavailable, Unavailable
from deskward.core.settings import Settings
from deskward.entrypoints import health
from deskward.hub import connection
from tests.agent.providers import Offline
from tests.agent.scripted import ScriptedModel
from tests.entrypoints.conftest import client_of
from tests.services.programs import free_port

AWAY = "http://127.0.0.1:1"


@asynccontextmanager
async def client_with(
    settings: Settings, offline: Any, **changes: Any
) -> AsyncIterator[httpx2.AsyncClient]:
    changed = settings.changed(**changes)
    async with open_desk(changed, model=offline) as desk, client_of(desk) as client:
        yield client


async def test_everything_is_well(client: httpx2.AsyncClient) -> None:
    response = await client.get("/health/readiness")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {
            "api": "healthy",
            "mcp_server": "in_process",
            "azure_openai": "not_configured",
            "smtp": "not_configured",
            "database": "healthy",
            "model": "healthy",
            "redis": "not_configured",
        },
        "warnings": ["SMTP is not configured: mails are only printed to the log"],
    }


async def test_what_is_away_is_said_and_does_not_stop_the_desk(
    sqlite_settings: Settings, offline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "START", 0.0)  # an MCP server gets time to start, otherwise
    async with client_with(
        sqlite_settings,
        offline,
        mcp_server_url=f"{AWAY}/mcp",
        azure_openai_endpoint=AWAY,
        smtp_server="127.0.0.1",
        smtp_port=1,
        sender_email="desk@example.com",
        redis_url="redis://127.0.0.1:1",
        model=f"{AWAY}/v1#m,offline",
    ) as client:
        response = await client.get("/health/readiness")
        assert response.status_code == 200
        body = response.json()
        assert {name for name, state in body["checks"].items() if state == "unavailable"} == {
            *("mcp_server", "azure_openai", "smtp", "redis")
        }
        assert f"MCP server not reachable at {AWAY}/mcp" in body["warnings"]
        assert len(body["warnings"]) == 5
        assert (await client.get("/api/v1/sessions")).status_code == 200


async def test_models_that_are_left_alone_are_said(
    client: httpx2.AsyncClient, sqlite_desk: Desk
) -> None:
    away = ScriptedModel([ModelUnavailable("scripted has a fault.")])
    sqlite_desk.conversations.agent.model = FallbackModel([away, Offline()])
    await client.post("/api/v1/chat", json={"session_id": "s", "message": "hello"})
    body = (await client.get("/health/readiness")).json()
    assert body["status"] == "ready"
    (said,) = [warning for warning in body["warnings"] if warning.startswith("Model away")]
    assert re.fullmatch(r"Model away: scripted has a fault. It is tried again in \d s.", said)


async def test_a_required_server_that_is_away_is_not_ready(
    sqlite_settings: Settings, offline
) -> None:
    changes = {"mcp_server_url": f"{AWAY}/mcp", "mcp_server_required": True}
    async with client_with(sqlite_settings, offline, **changes) as client:
        response = await client.get("/health/readiness")
        assert (response.status_code, response.json()["status"]) == (503, "not_ready")
        assert (await client.get("/health")).status_code == 200


async def test_without_a_database_it_is_not_ready(
    client: httpx2.AsyncClient, sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away() -> None:
        raise OSError("gone")

    monkeypatch.setattr(sqlite_desk.database, "check_writing", away)
    response = await client.get("/health/readiness")
    assert (response.status_code, response.json()["checks"]["database"]) == (503, "unavailable")
    assert (await client.get("/health/liveness")).json()["status"] == "alive"


async def test_a_part_that_hangs_delays_nobody(
    client: httpx2.AsyncClient, sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await client.get("/health/readiness")).json()["status"] == "ready"

    async def hangs() -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(sqlite_desk.database, "check_writing", hangs)
    monkeypatch.setattr(health, "FRESH", 0.0)
    monkeypatch.setattr(health, "CHECK_TIMEOUT", 4.0)
    for _ in range(12):  # all before the first check has ended, each in a third of a second
        assert (await client.get("/health/readiness")).json()["status"] == "ready"
    async with asyncio.timeout(60):
        while (await client.get("/health/readiness")).status_code != 503:
            await asyncio.sleep(0.05)


async def test_checks_are_not_repeated_for_each_probe(
    client: httpx2.AsyncClient, sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def ping() -> None:
        asked.append(1)

    monkeypatch.setattr(sqlite_desk.database, "check_writing", ping)
    await asyncio.gather(*(client.get("/health/readiness") for _ in range(20)))
    assert len(asked) == 1


async def test_probes_use_any_host_name(client: httpx2.AsyncClient) -> None:
    for path in ("/health", "/health/readiness", "/health/liveness"):
        headers = {"Host": f"10.0.0.7:{free_port()}"}
        assert (await client.get(path, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("pragma", "undone"),
    [
        ("query_only = ON", "query_only = OFF"),
        ("max_page_count = 1", "max_page_count = 1073741823"),
    ],
    ids=["read-only", "full"],
)
async def test_a_database_that_takes_no_writes_is_not_ready(
    client: httpx2.AsyncClient,
    sqlite_desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    pragma: str,
    undone: str,
) -> None:
    monkeypatch.setattr(health, "FRESH", 0.0)
    monkeypatch.setattr("deskward.core.database.FAILURE_REMEMBERED", 5.0)
    database = sqlite_desk.database
    await database.check_writing()
    assert (await client.get("/health/readiness")).status_code == 200
    assert database._writer is not None
    await database._writer.control(f"PRAGMA {pragma}")
    with pytest.raises((Unavailable, SQLAlchemyError)):
        async with database.transaction() as transaction:
            await transaction.execute(sa.text("CREATE TABLE big AS SELECT zeroblob(100000)"))
    async with asyncio.timeout(30):  # a probe that does not wait is told the last result
        while (response := await client.get("/health/readiness")).status_code != 503:
            await asyncio.sleep(0.05)
    assert response.json()["checks"]["database"] == "unavailable"
    if database._writer is not None:  # else a new one is opened, which knows no such limit
        await database._writer.control(f"PRAGMA {undone}")
    async with asyncio.timeout(30):
        while (await client.get("/health/readiness")).status_code != 200:
            await asyncio.sleep(0.1)
