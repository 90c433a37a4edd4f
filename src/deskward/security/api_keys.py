"""API keys: 256 random bits, shown once, stored as a prefix and a SHA-256 hash.

A key has as much entropy as its hash, so a fast hash is enough: there is no dictionary to try
(OWASP ASVS 5.0, 11.4; slow hashes are for passwords).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import cast

import sqlalchemy as sa

from deskward.core.database import Connection, Database, UtcDateTime, metadata, now
from deskward.core.errors import InvalidInput, NotFound, Unauthenticated
from deskward.core.fixed import fixed
from deskward.core.personal import IMPERSONAL, TEXT, VALUE
from deskward.security.principals import DEFAULT_ROLES, Kind, Principal
from deskward.security.roles import Roles

REMEMBERED = 1.0
"""Seconds that a stored key is remembered: one revoked by another process ends that much later."""

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

_NOT_IN_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories: control characters, halves of characters, ends of lines and paragraphs."""

_BY_PREFIX = fixed(sa.select(api_keys).where(api_keys.c.prefix == sa.bindparam("prefix")))
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
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now():
            return "expired"
        return "active"


class ApiKeys:
    """Makes, checks, rotates and revokes keys."""

    def __init__(self, database: Database, roles: Roles | None = None) -> None:
        """Make them.

        Args:
            roles: The roles that there are; None where no key is to be made.
        """
        self._database = database
        self._roles = roles
        self._exist = False
        self._recent: dict[str, tuple[float, bytes, ApiKey]] = {}

    async def exist(self) -> bool:
        """Whether any key was ever made; while none was, the service runs open on loopback.

        Keys are revoked, never deleted, so a desk that had a key does not become open again.
        """
        if not self._exist:
            self._exist = await any_exist(self._database.reader)
        return self._exist

    async def create(
        self,
        *,
        tenant_id: str,
        kind: Kind,
        subject_id: str,
        roles: tuple[str, ...] = (),
        name: str = "",
        lifetime: timedelta | None = None,
    ) -> tuple[str, ApiKey]:
        """Make a key; returns the key itself, for the only time, and what is stored of it.

        Raises:
            InvalidInput: There is no such role, the lifetime is not positive or has no end, or a
                text is blank, too long, or not one line.
        """
        assert self._roles is not None, "the roles that a key can have are not known"
        _require_line("subject", subject_id, api_keys.c.subject_id)
        _require_line("tenant", tenant_id, api_keys.c.tenant_id)
        if name:
            _require_line("name", name, api_keys.c.name)
        roles = roles or (DEFAULT_ROLES[kind],)
        names = self._roles.names
        if unknown := [role for role in roles if role not in names]:
            raise InvalidInput(
                f"There is no role {unknown[0]!r}. The roles are: {', '.join(names)}."
            )
        if lifetime is not None and lifetime <= timedelta(0):
            raise InvalidInput("A key must expire in the future.")
        async with self._database.transaction() as transaction:
            created = now()
            return await _insert(
                transaction,
                tenant_id=tenant_id,
                kind=kind,
                subject_id=subject_id,
                roles=roles,
                name=name,
                created_at=created,
                expires_at=_end(created, lifetime),
            )

    async def list(self) -> list[ApiKey]:
        """Every key, the oldest first."""
        rows = await self._database.reader.all(sa.select(api_keys).order_by(api_keys.c.created_at))
        return [_of(row) for row in rows]

    async def revoke(self, prefix: str) -> None:
        """End a key now.

        Raises:
            NotFound: No key has that prefix.
        """
        async with self._database.transaction() as transaction:
            await _revoke(transaction, prefix)
        self._recent.pop(prefix, None)

    async def rotate(self, prefix: str) -> tuple[str, ApiKey]:
        """Replace a key by a new one for the same principal; the old one ends now.

        Raises:
            NotFound: No key has that prefix.
            InvalidInput: The key is revoked or has expired.
        """
        async with self._database.transaction() as transaction:
            row = await transaction.first(_BY_PREFIX, prefix=prefix)
            if row is None:
                raise NotFound("API key", prefix)
            old = _of(row)
            if old.state != "active":
                raise InvalidInput(f"The key {prefix} is {old.state}; make a new one instead.")
            created = now()
            lifetime = old.expires_at - old.created_at if old.expires_at else None
            made = await _insert(
                transaction,
                tenant_id=old.tenant_id,
                kind=old.kind,
                subject_id=old.subject_id,
                roles=old.roles,
                name=old.name,
                created_at=created,
                expires_at=_end(created, lifetime),
            )
            await _revoke(transaction, prefix)
        self._recent.pop(prefix, None)
        return made

    async def verify(self, key: str) -> Principal:
        """The principal that a key belongs to.

        Raises:
            Unauthenticated: The key is malformed, unknown, expired or revoked; which of these is
                not said.
        """
        stored = await self._stored(key[3:11])
        if stored is None or not hmac.compare_digest(stored[1], _hash(key)):
            raise _invalid()
        found = stored[2]
        if found.state != "active":
            raise _invalid()
        return found.principal

    async def _stored(self, prefix: str) -> tuple[float, bytes, ApiKey] | None:
        """What is stored under a prefix, read at most `REMEMBERED` seconds ago."""
        known = self._recent.get(prefix)
        moment = time.monotonic()
        if known is None or known[0] < moment:
            row = await self._database.reader.first(_BY_PREFIX, prefix=prefix)
            if row is None:
                return None
            if len(self._recent) >= 10_000:
                self._recent.clear()
            known = self._recent[prefix] = (moment + REMEMBERED, row.hash, _of(row))
        return known


async def end_keys(
    db: Connection, tenant: str, kind: Kind, subject_id: str, *, but: str | None = None
) -> None:
    """End all keys of somebody, now.

    Args:
        but: The prefix of a key that goes on.
    """
    await db.execute(_revoking(_of_subject(tenant, kind, subject_id), api_keys.c.prefix != but))


async def forget_subject(db: Connection, tenant: str, kind: Kind, subject_id: str) -> None:
    """End all keys of somebody, and forget whose they were.

    The keys stay: a desk that had one does not become open again.
    """
    theirs = _of_subject(tenant, kind, subject_id)
    await db.execute(_revoking(theirs).values(subject_id="", name=""))


def _of_subject(tenant: str, kind: Kind, subject_id: str) -> sa.ColumnElement[bool]:
    keys = api_keys.c
    return (keys.tenant_id == tenant) & (keys.kind == kind.value) & (keys.subject_id == subject_id)


def _revoking(*which: sa.ColumnElement[bool]) -> sa.Update:
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
    shown = await db.first(_BY_PREFIX, prefix=principal.key)
    if shown is None:
        return False
    first = _of(shown)
    if first.state == "active":
        return True
    theirs = _of_subject(first.tenant_id, first.kind, first.subject_id)
    others = [_of(row) for row in await db.all(sa.select(api_keys).where(theirs))]
    return any(key.state == "active" and set(first.roles) <= set(key.roles) for key in others)


def _require_line(what: str, text: str, column: sa.Column[str]) -> None:
    longest = cast(sa.String, column.type).length or 0
    odd = any(unicodedata.category(character) in _NOT_IN_LINE for character in text)
    if odd or not text.strip() or len(text) > longest:
        raise InvalidInput(
            f"The {what} of a key is one line of 1 to {longest} characters, not blank and without "
            "control characters."
        )


def _end(created: datetime, lifetime: timedelta | None) -> datetime | None:
    try:
        return created + lifetime if lifetime else None
    except OverflowError:
        raise InvalidInput("A key must expire before the year 10000.") from None


async def _insert(
    connection: Connection,
    *,
    tenant_id: str,
    kind: Kind,
    subject_id: str,
    roles: tuple[str, ...],
    name: str,
    created_at: datetime,
    expires_at: datetime | None,
) -> tuple[str, ApiKey]:
    prefix = secrets.token_hex(4)
    key = f"dw_{prefix}_{secrets.token_urlsafe(32)}"
    stored = ApiKey(prefix, tenant_id, kind, subject_id, roles, name, created_at, expires_at, None)
    await connection.execute(
        api_keys.insert(),
        {**asdict(stored), "kind": kind.value, "roles": list(roles), "hash": _hash(key)},
    )
    return key, stored


async def _revoke(connection: Connection, prefix: str) -> None:
    result = await connection.execute(_revoking(api_keys.c.prefix == prefix))
    if result.rowcount == 0:
        raise NotFound("API key", prefix)


def _invalid() -> Unauthenticated:
    return Unauthenticated("The API key is not valid. Check it, or ask for a new one.")


def _of(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    fields = dict(row._mapping)
    del fields["hash"]
    return ApiKey(**{**fields, "kind": Kind(fields["kind"]), "roles": tuple(fields["roles"])})


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
