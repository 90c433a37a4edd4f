"""Looking whether a server can be reached."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

TIMEOUT = 1.5
"""Seconds that a server may take to accept a connection."""

_PORTS = {"https": 443, "http": 80, "smtp": 25}


async def reachable(url: str) -> bool:
    """Whether something accepts TCP connections at a URL's host and port. Sends nothing."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(TIMEOUT):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or _PORTS.get(parts.scheme, 443)
            )
    except (OSError, TimeoutError, ValueError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
