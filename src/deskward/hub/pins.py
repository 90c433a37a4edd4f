"""Pinned tools: what an outside server may change without a person seeing it is nothing.

The tools of a server's first contact are pinned as they are. A tool that is new or another one
later is quarantined: nobody can call it until a person has accepted its new shape.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from deskward.core.database import Connection, insert_or_ignore, metadata, now
from deskward.core.errors import InvalidInput, NotFound
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL
from deskward.gate.reconcile import Reconcile

STAFF, CUSTOMERS = "staff", "customers"
"""Whom a tool can be accepted for. Staff and services may use what customers may."""
LONGEST = 128
"""Characters of a tool's name."""

hub_tools = sa.Table(
    "hub_tools",
    metadata,
    sa.Column("server", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("name", sa.String(LONGEST), primary_key=True, info=IMPERSONAL),
    sa.Column("fingerprint", sa.String(64), info=IMPERSONAL),
    sa.Column("offered", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("shape", sa.Text, nullable=False, info=IMPERSONAL),
    sa.Column("offered_shape", sa.Text, nullable=False, info=IMPERSONAL),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("accepted_by", sa.String(80), info=IMPERSONAL),
    sa.Column("reads", sa.Boolean),
    sa.Column("audience", sa.String(16), info=IMPERSONAL),
    sa.Column("reconcile", sa.Text, info=IMPERSONAL),
)
"""`fingerprint` is what was accepted (null: nothing yet), `offered` what the server shows now."""

_OF_SERVER = sa.select(hub_tools).where(hub_tools.c.server == sa.bindparam("server"))
_INSERT = insert_or_ignore(
    hub_tools,
    *("server", "name", "fingerprint", "offered", "shape", "offered_shape", "since"),
    "accepted_by",
)


@dataclass(frozen=True)
class Pin:
    """A tool of an outside server, as it was accepted and as it is offered.

    Attributes:
        reads: Whether a person has said that it only reads, and may be called again. What the
            server says of it itself counts for nothing.
        audience: Whom a person has accepted it for.
        reconcile: How a person has said that it is found out whether a call of it took effect, as
            JSON (`gate/reconcile.py`); its tool is one of the same server, as that calls it.
    """

    server: str
    name: str
    fingerprint: str | None
    offered: str
    shape: str
    offered_shape: str
    since: datetime
    accepted_by: str | None
    reads: bool | None = None
    audience: str | None = None
    reconcile: str | None = None

    @property
    def for_customers(self) -> bool:
        """Whether customers may use it, too."""
        return self.audience == CUSTOMERS

    @property
    def suggests_reading(self) -> bool:
        """Whether the server says that what it offers now only reads."""
        hints = json.loads(self.offered_shape).get("annotations") or {}
        return hints.get("readOnlyHint") is True

    @property
    def quarantined(self) -> bool:
        """Whether nobody may call it."""
        return self.fingerprint != self.offered


def fingerprint(shape: str) -> str:
    """SHA-256 of a tool's shape."""
    return hashlib.sha256(shape.encode()).hexdigest()


def shape_of(tool: Mapping[str, Any]) -> str:
    """All that a tool's name, description, schemas and hints say, as canonical JSON."""
    parts = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
    return json.dumps(
        {part: tool.get(part) for part in parts if tool.get(part) is not None},
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )


async def compare(db: Connection, server: str, shapes: Mapping[str, str]) -> dict[str, Pin]:
    """Note what a server offers now; returns all its pins.

    Args:
        shapes: Name → shape of every tool that it lists.
    """
    known = {row.name: _pin(row) for row in await db.all(_OF_SERVER, server=server)}
    first_contact = not known
    for name, shape in shapes.items():
        offered = fingerprint(shape)
        pin = known.get(name)
        if pin is None:
            await db.execute(
                _INSERT,
                {
                    "server": server,
                    "name": name,
                    "fingerprint": offered if first_contact else None,
                    "offered": offered,
                    "shape": shape,
                    "offered_shape": shape,
                    "since": now(),
                    "accepted_by": "first contact" if first_contact else None,
                },
            )
        elif pin.offered != offered:
            await db.execute(
                _of(server, name).values(offered=offered, offered_shape=shape, since=now())
            )
    return {row.name: _pin(row) for row in await db.all(_OF_SERVER, server=server)}


async def pins(db: Connection) -> list[Pin]:
    """All pins of all servers."""
    rows = await db.all(sa.select(hub_tools).order_by(hub_tools.c.server, hub_tools.c.name))
    return [_pin(row) for row in rows]


async def accept(
    db: Connection,
    server: str,
    name: str,
    offered: str,
    who: str,
    *,
    reads: bool = False,
    audience: str = STAFF,
    reconcile: Reconcile | None = None,
) -> Pin:
    """Accept what a tool is now; returns it as it was before.

    Args:
        offered: The fingerprint, or its beginning, that the person has looked at.
        reads: Whether it only reads.
        audience: Who may use it: `STAFF` or `CUSTOMERS`.
        reconcile: See `Pin`.

    Raises:
        NotFound: There is no such tool, or it is another one again.
        InvalidInput: Its counterpart is none, or nobody has accepted that as only reading.
    """
    known = {pin.name: pin for pin in await pins(db) if pin.server == server}
    pin = known.get(name)
    if reconcile is not None:
        asked = known.get(reconcile.tool)
        if reads or asked is None or not asked.reads or asked.quarantined:
            raise InvalidInput(
                "What only reads needs no counterpart to be asked."
                if reads
                else f"Accept {reconcile.tool} of {server} as one that only reads first (--reads)."
            )
    if pin is None or len(offered) < 8 or not pin.offered.startswith(offered):
        raise NotFound("offered tool", f"{server}/{name} {offered}")
    await db.execute(
        _of(server, name).values(
            fingerprint=pin.offered,
            shape=pin.offered_shape,
            accepted_by=who,
            since=now(),
            reads=reads,
            audience=audience,
            reconcile=reconcile.model_dump_json() if reconcile is not None else None,
        )
    )
    return pin


async def forget(db: Connection, server: str) -> int:
    """Forget a server's tools, so that its next contact is its first; returns how many."""
    of_server = hub_tools.c.server == server
    count = len(await db.all(_OF_SERVER, server=server))
    await db.execute(sa.delete(hub_tools).where(of_server))
    return count


def _of(server: str, name: str) -> sa.Update:
    return sa.update(hub_tools).where(hub_tools.c.server == server, hub_tools.c.name == name)


def _pin(row: Any) -> Pin:
    return Pin(**{column.name: getattr(row, column.name) for column in hub_tools.columns})
