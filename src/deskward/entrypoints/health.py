"""Health for probes: is it alive, and is it ready to work?"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from deskward.agent.models.choose import model_addresses
from deskward.app import Desk
from deskward.core.credentials import without_credentials
from deskward.core.errors import timestamp
from deskward.core.network import reachable
from deskward.entrypoints.openapi import error_responses
from deskward.kafka.intake import Intake
from deskward.security.key_rows import SOON, ending_soon

FRESH = 5.0
"""Seconds for which the result of a check is told again."""
CHECK_TIMEOUT = 2.0
"""Seconds that one check may take."""
PATIENCE = 0.05
"""Seconds that a probe waits for checks; later it is told their last results."""

log = logging.getLogger("api.health")


class Health(BaseModel):
    """That the service answers."""

    status: Literal["healthy"]
    timestamp: str = Field(examples=["2026-02-19T10:30:00.000Z"])


class Liveness(BaseModel):
    """That the process works."""

    status: Literal["alive"]
    uptime_seconds: int = Field(examples=[3600])


class Readiness(BaseModel):
    """Whether the service can do its work, and what of its surroundings is away."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, str] = Field(
        examples=[
            {
                "api": "healthy",
                "mcp_server": "unavailable",
                "azure_openai": "healthy",
                "smtp": "configured",
                "database": "healthy",
            }
        ]
    )
    warnings: list[str] = Field(
        examples=[["MCP server not reachable at http://localhost:8000/mcp"]]
    )


Check = Callable[[], Awaitable[tuple[str, str | None]]]
"""Returns a part's state, and a warning if there is one."""


class Checks:
    """The parts of the service, looked at in parallel and not more often than every few seconds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._checks: dict[str, Check] = {
            "mcp_server": self._mcp_server,
            "azure_openai": self._azure,
            "smtp": self._smtp,
            "database": self._database,
            "model": self._model,
            "redis": self._redis,
            **({"kafka": desk.gate.port(Intake).health} if _answers_topics(desk) else {}),
        }
        self._found: dict[str, tuple[str, str | None]] = {}
        self._at = -FRESH
        self._looking: asyncio.Task[None] | None = None

    async def readiness(self) -> Readiness:
        """The state of all parts, at most some seconds old."""
        if time.monotonic() - self._at >= FRESH and self._looking is None:
            self._looking = asyncio.create_task(self._look())
        if self._looking is not None:
            await asyncio.wait([self._looking], timeout=PATIENCE if self._found else CHECK_TIMEOUT)
        unknown = ("unavailable", "A check has not ended yet")
        found = {"api": ("healthy", None), **{n: self._found.get(n, unknown) for n in self._checks}}
        servers = self._desk.hub.servers.values() if self._desk.hub is not None else ()
        required_away = any(
            server.outside.server.required and server.state != "available" for server in servers
        )
        ready = found["database"][0] == "healthy" and not required_away
        return Readiness(
            status="ready" if ready else "not_ready",
            checks={name: state for name, (state, _) in found.items()},
            warnings=[without_credentials(warning) for _, warning in found.values() if warning],
        )

    async def _look(self) -> None:
        try:
            results = await asyncio.gather(*(self._checked(c) for c in self._checks.values()))
            self._found = dict(zip(self._checks, results, strict=True))
            self._at = time.monotonic()
        finally:
            self._looking = None

    async def _checked(self, check: Check) -> tuple[str, str | None]:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT):
                return await check()
        except Exception as error:
            log.warning("a health check failed: %s", type(error).__name__)
            return "unavailable", f"A check failed: {type(error).__name__}"

    async def _mcp_server(self) -> tuple[str, str | None]:
        hub = self._desk.hub
        if hub is None or not hub.servers:
            return "in_process", None
        if hub.away:
            places = ", ".join(server.place for server in hub.away)
            return "unavailable", f"MCP server not reachable at {places}"
        return ("connecting" if hub.state == "connecting" else "healthy"), None

    async def _azure(self) -> tuple[str, str | None]:
        endpoint = self._desk.settings.azure.endpoint
        if endpoint is None:
            return "not_configured", None
        if await reachable(endpoint):
            return "healthy", None
        return "unavailable", f"Azure OpenAI not reachable at {endpoint}"

    async def _model(self) -> tuple[str, str | None]:
        addresses = model_addresses(self._desk.settings)
        away = [a for a in addresses if a is not None and not await reachable(a)]
        outages = self._desk.conversations.agent.outages
        warnings = [f"Model not reachable at {', '.join(away)}"] if away else []
        warnings += [f"Model away: {outage}" for outage in outages]
        lost = max(len(away), len(outages)) >= len(addresses)
        return "unavailable" if lost else "healthy", " ".join(warnings) or None

    async def _smtp(self) -> tuple[str, str | None]:
        settings = self._desk.settings
        if settings.mail.server is None:
            return "not_configured", "SMTP is not configured: mails are only printed to the log"
        if await reachable(f"smtp://{settings.mail.server}:{settings.mail.port}"):
            return "configured", None
        where = f"{settings.mail.server}:{settings.mail.port}"
        return "unavailable", f"SMTP server not reachable at {where}"

    async def _database(self) -> tuple[str, str | None]:
        failed = self._desk.database.fails  # asked first: the trial is a write itself
        await self._desk.database.check_writing()
        if failed:
            return "unavailable", "The database did not take a write a moment ago"
        if ending := await ending_soon(self._desk.database.reader):
            return "healthy", f"API keys that end within {SOON.days} days: {ending}"
        return "healthy", None

    async def _redis(self) -> tuple[str, str | None]:
        if self._desk.settings.rate_limit.redis_url is None:
            return "not_configured", None
        if await self._desk.limiter.reachable():
            return "healthy", None
        return "unavailable", "Redis not reachable: each process limits requests by itself"


def _answers_topics(desk: Desk) -> bool:
    return bool(desk.settings.kafka.query_topics) and not desk.serves_one_group


def health_router(desk: Desk) -> APIRouter:
    """The endpoints of probes."""
    router = APIRouter(
        prefix="/health", tags=["health"], responses=error_responses(400, 405, 413, 500)
    )
    checks = Checks(desk)
    started = time.monotonic()

    @router.get("")
    async def health() -> Health:
        """Whether the service answers."""
        return Health(status="healthy", timestamp=timestamp())

    @router.get(
        "/readiness",
        responses={503: {"model": Readiness, "description": "It cannot do its work."}},
    )
    async def readiness(response: Response) -> Readiness:
        """Whether the service can do its work, and what of its surroundings is away."""
        found = await checks.readiness()
        if found.status != "ready":
            response.status_code = 503
        return found

    @router.get("/liveness")
    async def liveness() -> Liveness:
        """Whether the process works. Never looks at anything outside it."""
        return Liveness(status="alive", uptime_seconds=int(time.monotonic() - started))

    return router
