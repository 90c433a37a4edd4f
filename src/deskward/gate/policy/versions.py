"""Versions of policies: published into the database, switched, watched in shadow, rolled back.

While none was ever published, the files of POLICY_DIR count (or those that ship). From then on the
published version does, in every process within about a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from deskward.core.database import Connection, insert_or_ignore, metadata, now
from deskward.core.errors import Conflict, NotFound, timestamp
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL
from deskward.gate.ledger.chain import Entry
from deskward.gate.policy.engine import Policy

Slot = Literal["active", "shadow"]

policy_versions = sa.Table(
    "policy_versions",
    metadata,
    sa.Column("version", sa.String(12), primary_key=True, info=IMPERSONAL),
    sa.Column("files", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("note", sa.Text, nullable=False, info=IMPERSONAL),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

policy_changes = sa.Table(
    "policy_changes",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("slot", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("version", sa.String(12), info=IMPERSONAL),
    sa.Column("changed_by", sa.String(80), nullable=False, info=IMPERSONAL),
    sa.Column("changed_at", UtcDateTime, nullable=False),
)
"""What was put into which slot; no version means the files, or, in shadow, nothing."""

_STORE = insert_or_ignore(policy_versions, "version", "files", "note", "created_at")
_CHANGES = sa.select(policy_changes).order_by(policy_changes.c.seq)


@dataclass(frozen=True)
class Version:
    """A published version.

    Attributes:
        slots: Where it is now: `active`, `shadow`, or nowhere.
    """

    version: str
    note: str
    created_at: datetime
    slots: tuple[str, ...]


async def publish(db: Connection, policy: Policy, *, note: str) -> None:
    """Keep a version; it counts once it is put into a slot."""
    row = {
        "version": policy.version,
        "files": policy.files,
        "note": note,
        "created_at": now(),
    }
    await db.execute(_STORE, row)


async def put(db: Connection, slot: Slot, version: str | None, *, by: str) -> None:
    """Put a published version into a slot; None takes out what is there.

    Raises:
        NotFound: No such version was published.
    """
    if version is not None:
        await files_of(db, version)
    changes = await db.all(_CHANGES)
    await db.execute(
        policy_changes.insert(),
        {
            "seq": changes[-1].seq + 1 if changes else 1,
            "slot": slot,
            "version": version,
            "changed_by": by,
            "changed_at": now(),
        },
    )


async def previous(db: Connection) -> str | None:
    """The version that was active before the one that is; None for the files.

    Raises:
        Conflict: No version was ever active.
    """
    active = [row.version for row in await db.all(_CHANGES) if row.slot == "active"]
    if not active:
        raise Conflict(
            "No version of the policies was ever published: there is none to go back to."
        )
    return next((version for version in reversed(active) if version != active[-1]), None)


async def in_slots(db: Connection) -> dict[str, str | None]:
    """Slot → the version in it."""
    return {row.slot: row.version for row in await db.all(_CHANGES)}


async def versions(db: Connection) -> list[Version]:
    """All published versions, the oldest first."""
    slots = await in_slots(db)
    rows = await db.all(sa.select(policy_versions).order_by(policy_versions.c.created_at))
    return [
        Version(
            row.version,
            row.note,
            row.created_at,
            tuple(slot for slot, version in slots.items() if version == row.version),
        )
        for row in rows
    ]


async def files_of(db: Connection, version: str) -> dict[str, str]:
    """The files of a published version; its first characters are enough where they tell it.

    Raises:
        NotFound: No such version was published.
    """
    rows = await db.all(
        sa.select(policy_versions).where(policy_versions.c.version.startswith(version))
    )
    if len(rows) != 1:
        raise NotFound("policy version", version)
    files: dict[str, str] = rows[0].files
    return files


def entry(tenant: str, slot: Slot, version: str | None, *, by: str) -> Entry:
    """The ledger's row of a change."""
    clear: dict[str, Any] = {
        "at": timestamp(),
        "kind": "policy",
        "by": by,
        "slot": slot,
        "policy_version": version or "files",
    }
    return Entry(tenant, clear, b"{}")
