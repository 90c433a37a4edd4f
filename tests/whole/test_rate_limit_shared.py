"""Four processes that share a Redis, and 32 clients: just the limit is admitted."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from tests.services.redis import redis
from tests.services.server import server

LIMIT = 100
CLIENTS = 32
REQUESTS = 15

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("redis"), pytest.mark.timeout(180)]


async def test_just_the_limit_is_admitted(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        shared = stack.enter_context(redis())
        settings = {
            "ENABLE_RATE_LIMITING": "true",
            "RATE_LIMIT_PER_MINUTE": str(LIMIT),
            "REDIS_URL": shared.url,
        }
        urls = [
            (await stack.enter_async_context(server(tmp_path / str(n), **settings)))[0]  # type: ignore[arg-type]  # all are settings
            for n in range(4)
        ]
        client = await stack.enter_async_context(
            httpx2.AsyncClient(timeout=30, limits=httpx2.Limits(max_connections=CLIENTS))
        )

        async def call(number: int) -> list[httpx2.Response]:
            return [
                await client.get(f"{urls[(number + turn) % 4]}/api/v1/sessions")
                for turn in range(REQUESTS)
            ]

        called = await asyncio.gather(*map(call, range(CLIENTS)))
        answers = [answer for some in called for answer in some]
        admitted = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(admitted) == LIMIT
        assert len(refused) == CLIENTS * REQUESTS - LIMIT
        for answer in refused:
            assert list(answer.json()) == ["error", "message", "retry_after"]
            assert answer.headers["x-ratelimit-remaining"] == "0"
            assert int(answer.headers["retry-after"]) == answer.json()["retry_after"]
        for url in urls:
            assert (await client.get(f"{url}/health")).status_code == 200
