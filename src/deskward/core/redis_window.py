"""The sliding window of `rate_limit.py`, in a Redis that many processes share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

_ADMIT = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, now - ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, now - ARGV[2])
local count = redis.call('ZCARD', KEYS[1])
local admitted = 0
if count < tonumber(ARGV[1]) then
  admitted = 1
  count = count + 1
  redis.call('ZADD', KEYS[1], now, now .. ':' .. ARGV[3] .. ':' .. ARGV[4])
  redis.call('PEXPIRE', KEYS[1], ARGV[2] / 1000)
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
return {admitted, count, tostring((oldest or now) - now), redis.call('ZCARD', KEYS[2])}
"""
"""One atomic step, by Redis's own clock: forget what left the window, count, admit or not."""


class Counted(NamedTuple):
    """What Redis counted.

    Attributes:
        admitted: Whether the request was admitted.
        total: The requests in the window.
        age: Seconds since the oldest of them, negative.
        sharing: How many processes share Redis.
    """

    admitted: bool
    total: int
    age: float
    sharing: int


class RedisWindow:
    """One process's way to the window."""

    def __init__(self, url: str, process: str, timeout: float) -> None:
        """Make it; it connects when it is used.

        Args:
            url: `redis://…`.
            process: This process's name, which no other has.
            timeout: Seconds that Redis may take.
        """
        self._timeout = timeout
        self.process = process
        self._number = 0
        self._redis = Redis.from_url(
            url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 1),  # a connection may have died while it was not used
        )
        self._script = self._redis.register_script(_ADMIT)

    async def count(self, caller: str, limit: int, window: float) -> Counted:
        """Count a request of a caller.

        Raises:
            ConnectionError: It was not counted, or nobody knows.
        """
        self._number += 1
        with _told():
            admitted, count, age, sharing = await self._script(
                keys=[f"deskward:limit:{caller}", "deskward:limiters"],
                args=[limit, int(window * 1_000_000), self.process, self._number],
            )
        return Counted(bool(admitted), count, float(age) / 1_000_000, sharing)

    async def ping(self) -> bool:
        """Whether Redis answers.

        Raises:
            ConnectionError: It does not.
        """
        with _told():
            async with asyncio.timeout(self._timeout):
                return bool(await cast("Any", self._redis.ping()))

    async def close(self) -> None:
        """Let go of the connections."""
        await self._redis.aclose()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise ConnectionError(type(error).__name__) from error
