"""Signed heads: where a chain of the ledger ended, attested so that it can be shown to others.

A head that was exported and kept elsewhere is what a ledger is compared with: whoever can write to
the database can cut a chain's end off, or write the whole chain anew, but cannot unsay a head.
Signed with Ed25519 (RFC 8032) under a key derived from the desk's secret key.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from pydantic import BaseModel, ConfigDict, Field

from deskward.core.database import Connection
from deskward.core.errors import timestamp
from deskward.gate.ledger.chain import ledger_heads
from deskward.gate.ledger.subject_keys import derived


class Head(BaseModel):
    """Where a chain ended: `seq` rows, the last of which has this hash."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant: str
    seq: int = Field(ge=0)
    hash: str
    at: str = Field(description="When it was signed (RFC 3339).")
    key: str = Field(description="The public key, Base64.")
    signature: str = Field(description="Ed25519 over `text`, Base64.")

    @property
    def text(self) -> bytes:
        """What is signed."""
        return f"deskward ledger head\n{self.tenant}\n{self.seq}\n{self.hash}\n{self.at}\n".encode()

    def is_signed_by(self, key: str) -> bool:
        """Whether the owner of this public key signed it."""
        try:
            public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
            public.verify(base64.b64decode(self.signature, validate=True), self.text)
        except (InvalidSignature, ValueError):
            return False
        return True


def is_signature(key: str, purpose: str, data: bytes, signature: str) -> bool:
    """Whether the owner of this public key signed something that a desk has made."""
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), _named(purpose, data))
    except (InvalidSignature, ValueError):
        return False
    return True


def _named(purpose: str, data: bytes) -> bytes:
    """What is signed: never what could be taken for a head, or for something of another purpose."""
    return f"deskward {purpose}\n".encode() + data


@dataclass(frozen=True)
class Signer:
    """Signs heads."""

    secret: bytes

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(derived(self.secret, "ledger heads"))

    @property
    def public_key(self) -> str:
        """The key that others check heads with, Base64."""
        return base64.b64encode(self._private.public_key().public_bytes_raw()).decode()

    def signature(self, purpose: str, data: bytes) -> str:
        """The signature of something else that the desk has made, Base64."""
        return base64.b64encode(self._private.sign(_named(purpose, data))).decode()

    def sign(self, tenant: str, seq: int, digest: str) -> Head:
        """A head, signed now."""
        bare = Head(
            tenant=tenant, seq=seq, hash=digest, at=timestamp(), key=self.public_key, signature=""
        )
        signature = base64.b64encode(self._private.sign(bare.text)).decode()
        return bare.model_copy(update={"signature": signature})


async def current_heads(db: Connection) -> Sequence[sa.Row[tuple[str, int, str]]]:
    """Where each tenant's chain ends: tenant, number, hash."""
    statement = sa.select(ledger_heads.c.tenant_id, ledger_heads.c.seq, ledger_heads.c.hash)
    return await db.all(statement.order_by(ledger_heads.c.tenant_id))
