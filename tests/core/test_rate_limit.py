"""The sliding window: exact in every minute, shared over Redis, and never opened by its loss."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from deskward.core import rate_limit
from deskward.core.errors import RateLimited
from deskward.core.rate_limit import RateLimiter
from tests.services.redis import Redis, redis


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    with redis() as running:
        yield running


async def admitted(limiter: RateLimiter, count: int, limit: int = 10, who: str = "a") -> int:
    standings = await asyncio.gather(*(limiter.admit(who, limit) for _ in range(count)))
    return sum(standing.admitted for standing in standings)


async def test_the_limit_holds_for_each_caller() -> None:
    limiter = RateLimiter()
    assert await admitted(limiter, 25) == 10
    assert await admitted(limiter, 25, who="b") == 10


async def test_the_window_slides(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    limiter = RateLimiter()
    for _ in range(10):
        assert (await limiter.admit("a", 10)).admitted
        clock[0] += 5
    standing = await limiter.admit("a", 10)  # 50 seconds after the first one
    assert not standing.admitted
    assert standing.seconds == pytest.approx(10)
    clock[0] += 10.01
    assert (await limiter.admit("a", 10)).admitted
    assert not (await limiter.admit("a", 10)).admitted


async def test_what_a_caller_is_told() -> None:
    limiter = RateLimiter()
    standing = await limiter.admit("a", 2)
    headers = {name.decode(): int(value) for name, value in standing.headers}
    assert headers["x-ratelimit-limit"] == 2
    assert headers["x-ratelimit-remaining"] == 1
    assert 59 <= headers["x-ratelimit-reset"] - time.time() <= 62
    await limiter.admit("a", 2)
    refused = await limiter.admit("a", 2)
    with pytest.raises(RateLimited, match="Maximum 2 requests per minute per IP address") as error:
        refused.check("IP address")
    assert 59 <= (error.value.retry_after or 0) <= 60


async def test_callers_of_long_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_CALLERS", 100)
    monkeypatch.setattr(rate_limit, "WINDOW", 0.01)
    limiter = RateLimiter()
    for number in range(100):
        await limiter.admit(f"c{number}", 1)
    await asyncio.sleep(0.02)
    await limiter.admit("new", 1)
    assert len(limiter._seen) <= 2


@pytest.mark.xdist_group("redis")
async def test_limiters_share_one_count(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "REDIS_TIMEOUT", 20.0)  # whatever else the machine does
    limiters = [RateLimiter(server.url) for _ in range(4)]
    # In each, many more at once than it has connections.
    counts = await asyncio.gather(*(admitted(one, 100, 50, "shared") for one in limiters))
    assert sum(counts) == 50
    standing = await limiters[0].admit("shared", 50)
    assert (standing.admitted, standing.remaining) == (False, 0)
    assert 50 < standing.seconds <= 60
    for limiter in limiters:
        assert await limiter.reachable()
        await limiter.close()


@pytest.mark.xdist_group("redis")
async def test_losing_redis_opens_nothing(
    server: Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "RETRY_AFTER", 5.0)
    monkeypatch.setattr(rate_limit, "SIGN_OF_LIFE", 0.1)
    monkeypatch.setattr(rate_limit, "REDIS_TIMEOUT", 20.0)
    async with AsyncExitStack() as stack:
        limiters = [RateLimiter(server.url) for _ in range(4)]
        for limiter in limiters:
            stack.push_async_callback(limiter.close)
            await stack.enter_async_context(limiter.keep())
        async with asyncio.timeout(30):  # without any request they know of each other
            while min(limiter._sharing for limiter in limiters) < 4:
                await asyncio.sleep(0.02)
        server.stop()
        try:
            counts = await asyncio.gather(*(admitted(one, 40, 40, "lost") for one in limiters))
            assert 0 < sum(counts) <= 40
            assert caplog.text.count("Redis cannot be reached") == 4
            assert not await limiters[0].reachable()
        finally:
            server.start()
        for limiter in limiters:
            limiter._away_until = 0.0  # RETRY_AFTER is over
        async with asyncio.timeout(30):
            while not all([await limiter.reachable() for limiter in limiters]):
                await asyncio.sleep(0.02)
        counts = await asyncio.gather(*(admitted(one, 40, 40, "back") for one in limiters))
        assert sum(counts) == 40
