"""API keys: 256 random bits, shown once, stored as a prefix and a SHA-256 hash.

A key has as much entropy as its hash, so a fast hash is enough: there is no dictionary to try
(OWASP ASVS 5.0, 11.4; slow hashes are for passwords).
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Literal, cast
from uuid import uuid4

import sqlalchemy as sa

from deskward.core import jobs
from deskward.core.at_once import AtOnce
from deskward.core.database import Connection, Database, now
from deskward.core.errors import Conflict, InvalidInput, NotFound
from deskward.security import members
from deskward.security.key_rows import (
    BY_PREFIX,
    LIFETIME,
    ApiKey,
    any_exist,
    api_keys,
    end_keys,
    invalid,
    key_of,
    known_key,
    revoking,
)
from deskward.security.principals import DEFAULT_ROLES, Kind, Principal
from deskward.security.roles import Roles

IsCustomer = Callable[[Connection, str, str], Awaitable[bool]]
"""Whether a tenant has a customer of that id."""

log = logging.getLogger(__name__)

_NOT_IN_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories: control characters, halves of characters, ends of lines and paragraphs."""


class ApiKeys:
    """Makes, checks, rotates and revokes keys."""

    def __init__(
        self,
        database: Database,
        roles: Roles | None = None,
        is_customer: IsCustomer | None = None,
        lifetime: timedelta = LIFETIME,
    ) -> None:
        """Make them.

        Args:
            roles: The roles that there are; None where no key is to be made.
            is_customer: Tells whether there is a customer; None where no key is to be made.
            lifetime: How long a key counts that is given no other end.
        """
        self._database = database
        self._roles = roles
        self._is_customer = is_customer
        self._lifetime = lifetime
        self._exist = False
        self._warned: dict[str, date] = {}
        self._verified: AtOnce[Principal] = AtOnce()

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
        lifetime: timedelta | Literal["never"] | None = None,
        new: bool = True,
    ) -> tuple[str, ApiKey]:
        """Make a key; returns the key itself, for the only time, and what is stored of it.

        Args:
            subject_id: Whose key it is: a customer, or a member of staff or a service.
            roles: By default those of the member, or of their kind.
            lifetime: How long it counts; None for the usual, `never` for no end.
            new: Whether to admit a member of staff or a service that is not known yet.

        Raises:
            InvalidInput: There is no such role, or it is not for that kind of caller, the lifetime
                is not positive, or a text is blank, too long, or not one line.
            NotFound: There is no such customer or member.
            Conflict: The subject looks like somebody else, or is disabled.
        """
        _require_line("tenant", tenant_id, api_keys.c.tenant_id)
        if name:
            _require_line("name", name, api_keys.c.name)
        self._require_roles(kind, roles)
        if isinstance(lifetime, timedelta) and lifetime <= timedelta(0):
            raise InvalidInput("A key must expire in the future.")
        async with self._database.transaction() as transaction:
            subject, usual = await self._subject(transaction, tenant_id, kind, subject_id, new=new)
            if not roles:
                roles = usual or (DEFAULT_ROLES[kind],)
                self._require_roles(kind, roles)
            created = now()
            return await _insert(
                transaction,
                tenant_id=tenant_id,
                kind=kind,
                subject_id=subject,
                roles=roles,
                name=name,
                created_at=created,
                expires_at=_end(created, self._lifetime if lifetime is None else lifetime),
            )

    def _require_roles(self, kind: Kind, roles: Sequence[str]) -> None:
        assert self._roles is not None, "the roles that a key can have are not known"
        names = self._roles.names
        if unknown := [role for role in roles if role not in names]:
            raise InvalidInput(
                f"There is no role {unknown[0]!r}. The roles are: {', '.join(names)}."
            )
        if unfit := [role for role in roles if not self._roles.fits(role, kind)]:
            fitting = [role for role in names if self._roles.fits(role, kind)]
            raise InvalidInput(
                f"The role {unfit[0]!r} is not for a {kind.value}. Those that are: "
                f"{', '.join(fitting)}."
            )

    async def _subject(
        self, db: Connection, tenant: str, kind: Kind, subject: str, *, new: bool
    ) -> tuple[str, tuple[str, ...]]:
        """The id of an existing customer or member as it is kept, and the roles that they have."""
        folded = members.one_form(subject)
        if kind is Kind.CUSTOMER:
            assert self._is_customer is not None, "who is a customer is not known"
            for form in (subject, folded):
                if await self._is_customer(db, tenant, form):
                    return form, ()
            raise NotFound("customer", subject)
        if new:
            member, _ = await members.admit(db, tenant, kind, folded)
        else:
            found = await members.find(db, tenant, kind, folded)
            if found is None:
                raise NotFound(f"member ({kind.value})", subject)
            member = found
        if member.disabled_at is not None:
            raise Conflict(f"{member.id!r} is disabled. Enable them first.")
        return member.id, member.roles

    async def list(self) -> list[ApiKey]:
        """Every key, the oldest first."""
        rows = await self._database.reader.all(sa.select(api_keys).order_by(api_keys.c.created_at))
        return [key_of(row) for row in rows]

    async def revoke(self, prefix: str) -> None:
        """End a key now.

        Raises:
            NotFound: No key has that prefix.
        """
        async with self._database.transaction() as transaction:
            await _revoke(transaction, prefix)

    async def disable(self, tenant: str, kind: Kind, member_id: str) -> None:
        """Do nothing more in the name of a member: their keys end now.

        Raises:
            NotFound: There is no such member.
        """
        async with self._database.transaction() as transaction:
            await members.set_disabled(transaction, tenant, kind, member_id, disabled=True)
            await end_keys(transaction, tenant, kind, members.one_form(member_id))
            if kind is Kind.STAFF:
                told = {"tenant": tenant, "id": members.one_form(member_id)}
                await jobs.add(transaction, uuid4().hex, members.LEFT, told)

    async def enable(self, tenant: str, kind: Kind, member_id: str) -> None:
        """Have a member back, who needs new keys.

        Raises:
            NotFound: There is no such member.
        """
        async with self._database.transaction() as transaction:
            await members.set_disabled(transaction, tenant, kind, member_id, disabled=False)

    async def rotate(self, prefix: str) -> tuple[str, ApiKey]:
        """Replace a key by a new one for the same principal; the old one ends now.

        Raises:
            NotFound: No key has that prefix.
            InvalidInput: The key is revoked or has expired.
        """
        async with self._database.transaction() as transaction:
            row = await transaction.first(BY_PREFIX, prefix=prefix)
            if row is None:
                raise NotFound("API key", prefix)
            old = key_of(row)
            if old.state != "active":
                raise InvalidInput(f"The key {prefix} is {old.state}; make a new one instead.")
            created = now()
            lifetime: timedelta | Literal["never"] = "never"
            if old.expires_at is not None:
                lifetime = old.expires_at - old.created_at
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
        return made

    async def verify(self, key: str) -> Principal:
        """The principal that a key belongs to.

        Raises:
            Unauthenticated: The key is malformed, unknown, expired or revoked; which of these is
                not said.
        """
        if (principal := self._verified.get(key)) is not None:
            return principal
        row = await self._database.reader.first(BY_PREFIX, prefix=key[3:11])
        if row is None or not hmac.compare_digest(row.hash, _hash(key)):
            raise invalid()
        found, moment = key_of(row), now()
        if found.state_at(moment) != "active":
            raise invalid()
        if found.ends_soon_at(moment):
            self._warn(found)
        if self._database.is_sqlite:  # PostgreSQL was waited for
            self._verified.keep(key, found.principal)
        return found.principal

    def ending(self, prefix: str) -> datetime | None:
        """When a key ends that was just verified, if that is soon."""
        known = known_key(prefix)
        return known.expires_at if known is not None and known.ends_soon else None

    def _warn(self, key: ApiKey) -> None:
        """Say in the log, once a day, that a key is about to end."""
        if self._warned.get(key.prefix) != (today := now().date()):
            if len(self._warned) >= 10_000:
                self._warned.clear()
            self._warned[key.prefix] = today
            log.warning(
                "the key %s of %s %s ends on %s; `deskward keys rotate %s` makes a new one",
                *(key.prefix, key.kind.value, key.subject_id),
                *(f"{key.expires_at:%Y-%m-%d}", key.prefix),
            )


def _require_line(what: str, text: str, column: sa.Column[str]) -> None:
    longest = cast(sa.String, column.type).length or 0
    odd = any(unicodedata.category(character) in _NOT_IN_LINE for character in text)
    if odd or not text.strip() or len(text) > longest:
        raise InvalidInput(
            f"The {what} of a key is one line of 1 to {longest} characters, not blank and without "
            "control characters."
        )


def _end(created: datetime, lifetime: timedelta | Literal["never"]) -> datetime | None:
    try:
        return None if lifetime == "never" else created + lifetime
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
    result = await connection.execute(revoking(api_keys.c.prefix == prefix))
    if result.rowcount == 0:
        raise NotFound("API key", prefix)


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
