"""A key per customer, under which the ledger keeps what is personal; erasing it erases that.

"Crypto-shredding": the ledger's rows stay as they are, so its chain still verifies, and nobody can
read the customer's data in them any more, in any copy or backup that lacks the key (NIST SP 800-88
calls it cryptographic erase). The keys are wrapped with one derived from the desk's secret key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from deskward.core.database import Connection, insert_or_ignore, metadata
from deskward.core.fixed import fixed
from deskward.core.personal import IMPERSONAL

EVERYBODY = ""
"""The subject of what is about no customer: it has the tenant's own key."""
REMEMBERED = 30.0
"""Seconds that a key is remembered: one erased by another process may still be used that long."""
NONCE = 12

subject_keys = sa.Table(
    "subject_keys",
    metadata,
    sa.Column("tenant_id", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("subject", sa.String(64), primary_key=True, info=IMPERSONAL),
    sa.Column("id", sa.String(16), nullable=False, unique=True, info=IMPERSONAL),
    sa.Column("wrapped", sa.LargeBinary(60), nullable=False, info=IMPERSONAL),
)
"""`subject` is a keyed digest of the customer's id. An erased key is empty, and stays, so that what
is written of the customer later (the erasure itself) cannot be read either."""

desk_secret = sa.Table(
    "desk_secret",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False, info=IMPERSONAL),
    sa.Column("coming", sa.LargeBinary, info=IMPERSONAL),
    sa.Column("place", sa.Text, info=IMPERSONAL),
)
"""One row (`gate/secret.py`). `coming` is `sealed` under the next key, while all is being sealed
anew; `place` is how far that is, as JSON. `generation` grows with every key: a process with an old
one writes nothing more."""

GENERATION = sa.select(desk_secret.c.generation).where(desk_secret.c.id == 1)

_FIND = fixed(
    sa.select(subject_keys).where(
        subject_keys.c.tenant_id == sa.bindparam("tenant"),
        subject_keys.c.subject == sa.bindparam("subject"),
    )
)
_BY_IDS = sa.select(subject_keys).where(subject_keys.c.id.in_(sa.bindparam("ids", expanding=True)))
_ANY = sa.select(subject_keys).where(subject_keys.c.wrapped != b"").limit(1)
_ADD = fixed(insert_or_ignore(subject_keys, "tenant_id", "subject", "id", "wrapped"))


class SubjectKey(NamedTuple):
    """A customer's key, and the random id that the ledger knows it by."""

    id: str
    key: bytes


def derived(secret: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, derived from a secret (HKDF, RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=f"deskward {purpose}".encode()).derive(secret)


class SubjectKeys:
    """Makes, finds and erases the keys of customers."""

    def __init__(self, secret: bytes, names: bytes | None = None) -> None:
        """Make them.

        Args:
            secret: What wraps them: the desk's secret key.
            names: What their names are made with, where that is another one by now.
        """
        self._wrapping = AESGCM(derived(secret, "subject keys"))
        self._naming = derived(names or secret, "names of subjects")
        self._recent: dict[tuple[str, str], tuple[float, SubjectKey]] = {}

    async def of(self, db: Connection, tenant: str, subject: str) -> SubjectKey:
        """The subject's key, made where there is none.

        To be asked once per transaction for each subject, and before anything can be rolled back
        to a savepoint.
        """
        known = self._recent.get((tenant, subject))
        moment = time.monotonic()
        if known is not None and known[0] > moment:
            return known[1]
        name = self._name(tenant, subject)
        row = await db.first(_FIND, tenant=tenant, subject=name)
        if row is None:
            key = SubjectKey(os.urandom(8).hex(), os.urandom(32))
            wrapped = self._wrap(key)
            made = {"tenant_id": tenant, "subject": name, "id": key.id, "wrapped": wrapped}
            await db.change(_ADD, made)
            row = await db.first(_FIND, tenant=tenant, subject=name)
            assert row is not None
            # Not remembered yet: the transaction may still be rolled back, and the key with it.
            return self._unwrap(row)
        if not row.wrapped:
            return SubjectKey(row.id, os.urandom(32))
        if len(self._recent) >= 10_000:
            self._recent.clear()
        found = self._unwrap(row)
        self._recent[(tenant, subject)] = (moment + REMEMBERED, found)
        return found

    async def by_ids(self, db: Connection, ids: Iterable[str]) -> dict[str, SubjectKey]:
        """Those of these keys that still exist, by their ids."""
        wanted = sorted(set(ids))
        rows = await db.all(_BY_IDS, ids=wanted)
        return {row.id: self._unwrap(row) for row in rows if row.wrapped}

    async def erase(self, db: Connection, tenant: str, subject: str) -> None:
        """Destroy a subject's key, and with it all that the ledger holds under it."""
        self._recent.pop((tenant, subject), None)
        await db.execute(
            sa.update(subject_keys)
            .where(
                subject_keys.c.tenant_id == tenant,
                subject_keys.c.subject == self._name(tenant, subject),
            )
            .values(wrapped=b"")
        )

    def wrapped_anew(self, row: sa.Row[tuple[object, ...]], under: SubjectKeys) -> bytes | None:
        """A stored key, wrapped under another secret; None where it is not under this one.

        Args:
            under: Those of the other secret.
        """
        try:
            return under._wrap(self._unwrap(row)) if row.wrapped else None
        except ValueError:
            return None

    def _name(self, tenant: str, subject: str) -> str:
        whole = f"{tenant}\0{subject}".encode()
        return hmac.new(self._naming, whole, hashlib.sha256).hexdigest()

    def _wrap(self, key: SubjectKey) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._wrapping.encrypt(nonce, key.key, key.id.encode())

    def _unwrap(self, row: sa.Row[tuple[object, ...]]) -> SubjectKey:
        """The key of a row.

        Raises:
            ValueError: It was wrapped under another secret key.
        """
        wrapped = bytes(row.wrapped)
        try:
            key = self._wrapping.decrypt(wrapped[:NONCE], wrapped[NONCE:], row.id.encode())
        except InvalidTag:
            raise ValueError(
                "the ledger's keys were made under another SECRET_KEY: this one cannot read them"
            ) from None
        return SubjectKey(row.id, key)


async def fits_any(db: Connection, secret: bytes) -> bool:
    """Whether a secret opens the keys of subjects; where there is none, any does."""
    row = await db.first(_ANY)
    if row is None:
        return True
    try:
        SubjectKeys(secret)._unwrap(row)
    except ValueError:
        return False
    return True


def seal(keys: Iterable[SubjectKey], plain: bytes, label: bytes) -> bytes:
    """Encrypt (AES-256-GCM) so that all of the keys are needed to read it.

    Args:
        label: What is authenticated with it.
    """
    nonce = os.urandom(NONCE)
    return nonce + _cipher(keys).encrypt(nonce, plain, label)


def unseal(keys: Iterable[SubjectKey], sealed: bytes, label: bytes) -> bytes:
    """Decrypt.

    Raises:
        cryptography.exceptions.InvalidTag: It was sealed otherwise, or changed.
    """
    if len(sealed) < NONCE:
        raise InvalidTag  # as anything else that was cut off
    return _cipher(keys).decrypt(sealed[:NONCE], sealed[NONCE:], label)


def _cipher(keys: Iterable[SubjectKey]) -> AESGCM:
    parts = [key.key for key in sorted(keys)]
    return AESGCM(parts[0] if len(parts) == 1 else derived(b"".join(parts), "several subjects"))
