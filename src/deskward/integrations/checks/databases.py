"""Greeting databases, up to where they want a password, and signing in where settings say.

PostgreSQL: its frontend/backend protocol 3.0. MySQL and MariaDB: the greeting of their protocol 10.
Redis: RESP.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from deskward.diagnostics.suites.filling import Unknown
from deskward.diagnostics.suites.inside import Seen
from deskward.diagnostics.suites.reach import Reach
from deskward.diagnostics.suites.suite import Database
from deskward.integrations.checks.reaching import NotReached, Wire, connected, find
from deskward.integrations.checks.secrets import Secret

PORTS = {"postgresql": 5432, "mysql": 3306, "redis": 6379}
MOST_MESSAGE = 8_192
_ASKS = {0: "nothing", 3: "a password", 5: "a password (MD5)", 10: "a password (SCRAM)"}


async def look(test: Database, reach: Reach, secrets: Mapping[str, Secret]) -> Seen:
    """Whether a database takes connections, and what it says to one.

    Raises:
        NotAllowed: It may not be greeted, or the test's secret is not for it.
        NotReached: There is nobody, or it is no such database.
        Unknown: No setting names the test's secret.
    """
    secret = secrets.get(test.secret) if test.secret is not None else None
    if test.secret is not None:
        if secret is None:
            raise Unknown(f"No secret {test.secret} is set: name it in SUITE_SECRETS_FILE.")
        secret.check(test.secret, test.host)
    port = test.port or PORTS[test.engine]
    assert isinstance(port, int)
    place = await find(test.host, port, reach)
    async with connected(place) as (wire, took):
        if test.engine == "postgresql":
            found = await _postgresql(wire, test)
        else:
            found = await (_mysql(wire) if test.engine == "mysql" else _redis(wire))
    if secret is not None and found["ready"]:
        from deskward.integrations.checks.signing_in import sign_in  # few desks have its library

        found |= await sign_in(test, place, secret)
    seen: dict[str, Any] = {"reached": True, "problem": "", "address": place.shown}
    told = f"{found['server'] or test.engine}: {found['answer']}, after {took} ms."
    return {**seen, "milliseconds": took, **found}, told


async def _postgresql(wire: Wire, test: Database) -> dict[str, Any]:
    named = ("user", test.user, "database", test.database, "application_name", "deskward")
    body = b"".join(one.encode() + b"\0" for one in named) + b"\0"
    await wire.say(struct.pack("!ii", len(body) + 8, 196_608) + body)
    kind, size = struct.unpack("!ci", await wire.some(5))
    if kind not in (b"R", b"E", b"v") or not 4 <= size <= MOST_MESSAGE:
        raise NotReached("broken", "It does not speak PostgreSQL's protocol.")
    content = await wire.some(size - 4)
    if kind == b"E":
        fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in content.split(b"\0")}
        code, said = fields.get(b"C", ""), fields.get(b"M", "")
        # It is there, and refuses for a reason that it tells: full, starting, no such database.
        return {"ready": False, "server": "PostgreSQL", "answer": f"{code} {said}"[:300]}
    wants = _ASKS.get(struct.unpack("!i", content[:4])[0], "another proof") if kind == b"R" else "?"
    return {"ready": True, "server": "PostgreSQL", "answer": f"it asks for {wants}"}


async def _mysql(wire: Wire) -> dict[str, Any]:
    head = await wire.some(4)
    size = int.from_bytes(head[:3], "little")
    if not 1 <= size <= MOST_MESSAGE:
        raise NotReached("broken", "It does not speak MySQL's protocol.")
    content = await wire.some(size)
    if content[0] == 0xFF:
        return {"ready": False, "server": "MySQL", "answer": content[3:].decode("utf-8", "replace")}
    if content[0] != 10:
        raise NotReached("broken", "It does not speak MySQL's protocol.")
    version = content[1:].partition(b"\0")[0].decode("utf-8", "replace")[:100]
    return {"ready": True, "server": f"MySQL {version}", "answer": "it greets"}


async def _redis(wire: Wire) -> dict[str, Any]:
    await wire.say(b"*1\r\n$4\r\nPING\r\n")
    line = await wire.line()
    if line.startswith("+PONG"):
        return {"ready": True, "server": "Redis", "answer": "PONG"}
    if line.startswith("-NOAUTH"):
        return {"ready": True, "server": "Redis", "answer": "it asks for a password"}
    if line.startswith("-"):
        return {"ready": False, "server": "Redis", "answer": line[1:300]}
    raise NotReached("broken", "It does not speak Redis's protocol.")
