"""Sliding-window rate limits, in this process or shared by all that use one Redis.

The window is a log of the admitted requests' moments, so the limit holds exactly in every minute,
not just in every calendar minute (the "sliding window log").
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from deskward.core.errors import RateLimited
from deskward.core.tasks import background

WINDOW = 60.0
"""Seconds of the window."""
REDIS_TIMEOUT = 1.0
"""Seconds that Redis may take."""
REDIS_CONNECTIONS = 8
"""Connections of this process to Redis; a burst of requests takes turns on them."""
RETRY_AFTER = 1.0
"""Seconds after which a Redis that failed is asked again."""
SIGN_OF_LIFE = 5.0
"""Seconds between looks at how many processes share Redis."""
MAX_CALLERS = 100_000
"""How many callers this process remembers at the most."""

log = logging.getLogger(__name__)

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


class Admission(NamedTuple):
    """Where a caller stands after a request.

    Attributes:
        admitted: Whether the request may go on.
        limit: Requests per window.
        remaining: How many more are admitted now.
        seconds: Until the oldest admitted request leaves the window.
    """

    admitted: bool
    limit: int
    remaining: int
    seconds: float

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """`X-RateLimit-*` as requirement document 002 has them; Reset is Unix time."""
        reset = math.ceil(time.time() + self.seconds)
        values = {"limit": self.limit, "remaining": self.remaining, "reset": reset}
        return [(f"x-ratelimit-{k}".encode(), str(v).encode()) for k, v in values.items()]

    def check(self, whom: str) -> None:
        """Refuse what is not admitted.

        Raises:
            RateLimited: The request came too early.
        """
        if not self.admitted:
            raise RateLimited(
                f"Maximum {self.limit} requests per minute per {whom}",
                retry_after=max(1, math.ceil(self.seconds)),
            )


class RateLimiter:
    """Counts requests per caller. Without Redis, or while it is away, by itself."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._redis: Redis | None = None
        if redis_url:
            self._redis = Redis.from_url(
                redis_url,
                socket_timeout=REDIS_TIMEOUT,
                socket_connect_timeout=REDIS_TIMEOUT,
                retry=Retry(NoBackoff(), 1),  # a connection may have died while it was not used
            )
            self._script = self._redis.register_script(_ADMIT)
        self._turns = asyncio.Semaphore(REDIS_CONNECTIONS)
        self._process = f"{time.time_ns():x}{id(self):x}"
        self._number = 0
        self._sharing = 1
        self._away_until = 0.0
        self._seen: dict[str, deque[float]] = {}

    async def admit(self, caller: str, limit: int) -> Admission:
        """Count a request of a caller, and say whether it may go on."""
        if self._redis is not None:
            async with self._turns:
                standing = await self._asked(caller, limit)
            if standing is not None:
                return standing
        # Without the others' counts, each process has an equal share: losing Redis opens nothing.
        share = max(1, limit // self._sharing) if self._redis is not None else limit
        return self._alone(caller, share)

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Know, while the block runs, how many processes share Redis, also without requests."""
        if self._redis is None:
            yield
            return
        async with background(self._keep()):
            yield

    async def _keep(self) -> None:
        while True:
            if time.monotonic() >= self._away_until:
                with contextlib.suppress(RedisError, OSError, TimeoutError):
                    await self._shared(f"alive:{self._process}", 0)
            await asyncio.sleep(SIGN_OF_LIFE)

    async def reachable(self) -> bool:
        """Whether Redis answers; False where there is none."""
        if self._redis is None:
            return False
        try:
            async with asyncio.timeout(REDIS_TIMEOUT):
                return bool(await cast("Any", self._redis.ping()))
        except (RedisError, OSError, TimeoutError):
            return False

    async def close(self) -> None:
        """Let go of the connections."""
        if self._redis is not None:
            await self._redis.aclose()

    async def _asked(self, caller: str, limit: int) -> Admission | None:
        """What Redis says; None while it is away."""
        if time.monotonic() < self._away_until:
            return None
        try:
            return await self._shared(caller, limit)
        except (RedisError, OSError, TimeoutError) as error:
            if time.monotonic() >= self._away_until:  # calls that failed together tell it once
                log.error(
                    "Redis cannot be reached (%s): this process admits its share, 1/%d of "
                    "each limit, by its own count",
                    type(error).__name__,
                    self._sharing,
                )
            self._away_until = time.monotonic() + RETRY_AFTER
            return None

    async def _shared(self, caller: str, limit: int) -> Admission:
        self._number += 1
        admitted, count, age, sharing = await self._script(
            keys=[f"deskward:limit:{caller}", "deskward:limiters"],
            args=[limit, int(WINDOW * 1_000_000), self._process, self._number],
        )
        self._sharing = max(1, sharing)
        if admitted:
            self._log_of(caller).append(time.monotonic())
        seconds = WINDOW + float(age) / 1_000_000
        return Admission(bool(admitted), limit, limit - count, seconds)

    def _alone(self, caller: str, limit: int) -> Admission:
        moments = self._log_of(caller)
        moment = time.monotonic()
        admitted = len(moments) < limit
        if admitted:
            moments.append(moment)
        seconds = moments[0] + WINDOW - moment
        return Admission(admitted, limit, max(0, limit - len(moments)), seconds)

    def _log_of(self, caller: str) -> deque[float]:
        """The moments of a caller's requests in the window."""
        oldest = time.monotonic() - WINDOW
        if caller not in self._seen and len(self._seen) >= MAX_CALLERS:
            self._seen = {c: m for c, m in self._seen.items() if m and m[-1] > oldest}
        moments = self._seen.setdefault(caller, deque())
        while moments and moments[0] <= oldest:
            moments.popleft()
        return moments
