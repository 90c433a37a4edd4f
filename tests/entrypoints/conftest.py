"""HTTP clients of a desk in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from deskward.app import Desk
from deskward.entrypoints.application import http_application


@pytest.fixture
async def client(sqlite_desk: Desk) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the whole HTTP application, as it is served, on SQLite."""
    async with client_of(sqlite_desk) as opened:
        yield opened


def client_of(desk: Desk) -> httpx2.AsyncClient:
    """A client of a desk's HTTP application."""
    transport = httpx2.ASGITransport(http_application(desk), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:9080")
