"""API keys as they are stored, and what is asked of them in others' transactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import sqlalchemy as sa

from deskward.core.database import Connection, metadata, now
from deskward.core.errors import Unauthenticated
from deskward.core.fixed import MOST_KNOWN, fixed
from deskward.core.moments import UtcDateTime
from deskward.core.personal import IMPERSONAL, TEXT, VALUE
from deskward.security.principals import Kind, Principal

LIFETIME = timedelta(days=90)
"""How long a key counts that nobody gave another end."""
SOON = timedelta(days=14)
"""How long before its end a key is warned of."""

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("prefix", sa.String(12), primary_key=True, info=IMPERSONAL),
    sa.Column("hash", sa.LargeBinary(32), nullable=False, info=IMPERSONAL),
    sa.Column("tenant_id", sa.String(64), nullable=False, info=IMPERSONAL),
    sa.Column("kind", sa.String(16), nullable=False, info=IMPERSONAL),
    sa.Column("subject_id", sa.String(64), nullable=False, info=VALUE),
    sa.Column("roles", sa.JSON, nullable=False, info=IMPERSONAL),
    sa.Column("name", sa.String(120), nullable=False, info=TEXT),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("revoked_at", UtcDateTime),
)

BY_PREFIX = fixed(
    sa.select(api_keys).where(api_keys.c.prefix == sa.bindparam("prefix")), knows_rows=True
)
_read: dict[str, tuple[sa.Row[tuple[object, ...]], ApiKey]] = {}
"""What was made last of the row of a prefix: a row that is the same again is not read again."""
_ANY = fixed(sa.select(sa.literal(1)).select_from(api_keys).limit(1))


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key, all but the key."""

    prefix: str
    tenant_id: str
    kind: Kind
    subject_id: str
    roles: tuple[str, ...]
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    @cached_property
    def principal(self) -> Principal:
        """Whom the key stands for."""
        return Principal(self.kind, self.subject_id, self.tenant_id, self.roles, key=self.prefix)

    @property
    def state(self) -> str:
        """`active`, `expired` or `revoked`."""
        return self.state_at(now())

    def state_at(self, moment: datetime) -> str:
        """What `state` is at a moment."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= moment:
            return "expired"
        return "active"

    @property
    def ends_soon(self) -> bool:
        """Whether it is time to rotate it: it counts, and not for long."""
        return self.ends_soon_at(now())

    def ends_soon_at(self, moment: datetime) -> bool:
        """What `ends_soon` is at a moment."""
        return (
            self.expires_at is not None
            and self.expires_at <= moment + SOON
            and self.state_at(moment) == "active"
        )


def key_of(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    """What a row says."""
    before = _read.get(row.prefix)
    if before is not None and before[0] is row:
        return before[1]
    fields = dict(row._mapping)
    del fields["hash"]
    made = ApiKey(**{**fields, "kind": Kind(fields["kind"]), "roles": tuple(fields["roles"])})
    if len(_read) >= MOST_KNOWN:
        _read.clear()
    _read[made.prefix] = (row, made)
    return made


def known_key(prefix: str) -> ApiKey | None:
    """What was made last of a key's row, if anything was."""
    found = _read.get(prefix)
    return found[1] if found is not None else None


def invalid() -> Unauthenticated:
    """The error of a key that does not count, whatever is wrong with it."""
    return Unauthenticated("The API key is not valid. Check it, or ask for a new one.")


async def require_live(db: Connection, prefix: str) -> None:
    """See that a key still counts, in the transaction of what is done with it.

    Raises:
        Unauthenticated: It was revoked or has expired since the caller was identified.
    """
    row = await db.first(BY_PREFIX, prefix=prefix)
    if row is None or key_of(row).state != "active":
        raise invalid()


async def ending_soon(db: Connection) -> int:
    """How many keys that count are about to end."""
    soon = api_keys.c.expires_at.between(now(), now() + SOON) & api_keys.c.revoked_at.is_(None)
    row = await db.first(sa.select(sa.func.count()).where(soon))
    return row[0] if row is not None else 0


async def end_keys(
    db: Connection, tenant: str, kind: Kind, subject_id: str, *, but: str | None = None
) -> None:
    """End all keys of somebody, now.

    Args:
        but: The prefix of a key that goes on.
    """
    await db.execute(revoking(_of_subject(tenant, kind, subject_id), api_keys.c.prefix != but))


async def forget_subject(db: Connection, tenant: str, kind: Kind, subject_id: str) -> None:
    """End all keys of somebody, and forget whose they were.

    The keys stay: a desk that had one does not become open again.
    """
    theirs = _of_subject(tenant, kind, subject_id)
    await db.execute(revoking(theirs).values(subject_id="", name=""))


async def move_keys(db: Connection, tenant: str, kind: Kind, subject_id: str, to: str) -> None:
    """Have all keys of somebody stand for somebody else."""
    theirs = _of_subject(tenant, kind, subject_id)
    await db.execute(sa.update(api_keys).where(theirs).values(subject_id=to))


async def end_all(db: Connection, tenant: str) -> None:
    """End all keys of a tenant, now."""
    await db.execute(revoking(api_keys.c.tenant_id == tenant))


def _of_subject(tenant: str, kind: Kind, subject_id: str) -> sa.ColumnElement[bool]:
    keys = api_keys.c
    return (keys.tenant_id == tenant) & (keys.kind == kind.value) & (keys.subject_id == subject_id)


def revoking(*which: sa.ColumnElement[bool]) -> sa.Update:
    """What ends keys now; those that have ended keep their end."""
    revoked = sa.func.coalesce(api_keys.c.revoked_at, now())
    return sa.update(api_keys).where(*which).values(revoked_at=revoked)


async def any_exist(db: Connection) -> bool:
    """Whether any key was ever made; while none was, the desk is open to whoever is on loopback."""
    return await db.first(_ANY) is not None


async def stands(db: Connection, principal: Principal) -> bool:
    """Whether a principal may still act: by the key that was shown, or one that replaced it.

    Another key of the same subject counts where it gives all the roles of the first one. Who
    came without a key has none that could end.
    """
    if principal.key is None:
        return True
    shown = await db.first(BY_PREFIX, prefix=principal.key)
    if shown is None:
        return False
    first = key_of(shown)
    if first.state == "active":
        return True
    theirs = _of_subject(first.tenant_id, first.kind, first.subject_id)
    others = [key_of(row) for row in await db.all(sa.select(api_keys).where(theirs))]
    return any(key.state == "active" and set(first.roles) <= set(key.roles) for key in others)
