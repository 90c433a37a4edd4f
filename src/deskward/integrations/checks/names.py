"""Looking names up, and opening connections."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

from deskward.diagnostics.suites.inside import Seen
from deskward.diagnostics.suites.reach import Reach
from deskward.diagnostics.suites.suite import Dns, Tcp
from deskward.integrations.checks.reaching import (
    NotReached,
    ascii_name,
    connected,
    find,
    milliseconds,
    threads,
)

MOST_RECORDS = 50


async def look(test: Dns, reach: Reach) -> Seen:
    """What a name has.

    Raises:
        NotAllowed: It may not be looked up.
        NotReached: It is no name, or no server of names answered.
    """
    name = ascii_name(test.name)
    reach.check_host(name, None)
    begun = time.monotonic()
    records = await (_addresses(name) if test.record == "address" else _records(name, test.record))
    seen: dict[str, Any] = {
        "reached": True,
        "problem": "",
        "milliseconds": milliseconds(begun),
        "count": len(records),
        "records": records[:MOST_RECORDS],
    }
    return seen, f"{name} has {', '.join(records[:5]) or 'none'}."


async def connect(test: Tcp, reach: Reach) -> Seen:
    """Whether a connection comes about.

    Raises:
        NotAllowed: It may not be opened.
        NotReached: It does not.
    """
    assert isinstance(test.port, int)
    place = await find(test.host, test.port, reach)
    async with connected(place) as (_, took):
        seen = {"reached": True, "problem": "", "address": place.shown, "milliseconds": took}
    return seen, f"{place.shown} takes connections, after {took} ms."


async def _addresses(name: str) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(
            threads, lambda: socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        )
    except OSError:
        return []
    return list(dict.fromkeys(str(one[4][0]) for one in found))


async def _records(name: str, kind: str) -> list[str]:
    import dns.asyncresolver  # 3 MB that few desks ever need
    import dns.exception
    import dns.resolver

    try:
        answer = await dns.asyncresolver.resolve(name, kind, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError) as error:
        raise NotReached("name", f"No server of names answered: {error}"[:300]) from None
    return sorted(str(one)[:500] for one in answer)
