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
from typing import TYPE_CHECKING, NamedTuple

from deskward.core.errors import RateLimited
from deskward.core.extras import extra
from deskward.core.tasks import background

if TYPE_CHECKING:
    from deskward.core.redis_window import RedisWindow

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
        """The headers `X-RateLimit-*`; Reset is Unix time."""
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
        self._redis: RedisWindow | None = None
        if redis_url:
            with extra("redis", "REDIS_URL"):
                from deskward.core.redis_window import RedisWindow
            process = f"{time.time_ns():x}{id(self):x}"
            self._redis = RedisWindow(redis_url, process, REDIS_TIMEOUT)
        self._turns = asyncio.Semaphore(REDIS_CONNECTIONS)
        self._sharing = 1
        self._away_until = 0.0
        self._seen: dict[str, deque[float]] = {}

    async def admit(self, caller: str, limit: int, window: float | None = None) -> Admission:
        """Count a request of a caller, and say whether it may go on.

        Args:
            window: Seconds within which there may be so many; the same for a caller every time.
                Default: `WINDOW`.
        """
        window = window or WINDOW
        if self._redis is not None:
            async with self._turns:
                standing = await self._asked(self._redis, caller, limit, window)
            if standing is not None:
                return standing
        # Without the others' counts, each process has an equal share: losing Redis opens nothing.
        share = max(1, limit // self._sharing) if self._redis is not None else limit
        return self._alone(caller, share, window)

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Know, while the block runs, how many processes share Redis, also without requests."""
        if self._redis is None:
            yield
            return
        async with background(self._keep(self._redis)):
            yield

    async def _keep(self, redis: RedisWindow) -> None:
        while True:
            if time.monotonic() >= self._away_until:
                with contextlib.suppress(ConnectionError):
                    await self._shared(redis, f"alive:{redis.process}", 0, WINDOW)
            await asyncio.sleep(SIGN_OF_LIFE)

    async def reachable(self) -> bool:
        """Whether Redis answers; False where there is none."""
        if self._redis is None:
            return False
        try:
            return await self._redis.ping()
        except ConnectionError:
            return False

    async def close(self) -> None:
        """Let go of the connections."""
        if self._redis is not None:
            await self._redis.close()

    async def _asked(
        self, redis: RedisWindow, caller: str, limit: int, window: float
    ) -> Admission | None:
        """What Redis says; None while it is away."""
        if time.monotonic() < self._away_until:
            return None
        try:
            return await self._shared(redis, caller, limit, window)
        except ConnectionError as error:
            if time.monotonic() >= self._away_until:  # calls that failed together tell it once
                log.error(
                    "Redis cannot be reached (%s): this process admits its share, 1/%d of "
                    "each limit, by its own count",
                    error,
                    self._sharing,
                )
            self._away_until = time.monotonic() + RETRY_AFTER
            return None

    async def _shared(
        self, redis: RedisWindow, caller: str, limit: int, window: float
    ) -> Admission:
        admitted, total, age, sharing = await redis.count(caller, limit, window)
        self._sharing = max(1, sharing)
        if admitted:
            self._log_of(caller, window).append(time.monotonic())
        return Admission(admitted, limit, limit - total, window + age)

    def _alone(self, caller: str, limit: int, window: float) -> Admission:
        moments = self._log_of(caller, window)
        moment = time.monotonic()
        admitted = len(moments) < limit
        if admitted:
            moments.append(moment)
        seconds = moments[0] + window - moment
        return Admission(admitted, limit, max(0, limit - len(moments)), seconds)

    def _log_of(self, caller: str, window: float) -> deque[float]:
        """The moments of a caller's requests in the window."""
        oldest = time.monotonic() - window
        if caller not in self._seen and len(self._seen) >= MAX_CALLERS:
            self._seen = {c: m for c, m in self._seen.items() if m and m[-1] > oldest}
        moments = self._seen.setdefault(caller, deque())
        while moments and moments[0] <= oldest:
            moments.popleft()
        return moments
