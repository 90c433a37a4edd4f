"""The desk's signature of its agent cards (RFC 7515 over RFC 8785; specification, section 8.4).

The key is made of the desk's secret key, so that all processes have the same, and it changes with
that one. Who has its public half, from the key set, can see that a card is this desk's.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from deskward.gate.ledger.subject_keys import derived

Data = dict[str, Any]
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""How many points P-256 has (FIPS 186-5)."""
_HALF = 32
"""Bytes of a coordinate, and of each half of a signature."""


@dataclass(frozen=True)
class CardKey:
    """Signs cards with ES256.

    Attributes:
        secret: The desk's secret key.
    """

    secret: bytes

    @cached_property
    def _private(self) -> ec.EllipticCurvePrivateKey:
        # 64 bytes over 32 of an order: no number is likelier than another (FIPS 186-5, A.2.1).
        wide = derived(self.secret, "agent cards 1") + derived(self.secret, "agent cards 2")
        number = int.from_bytes(wide) % (_ORDER - 1) + 1
        return ec.derive_private_key(number, ec.SECP256R1())

    @cached_property
    def public(self) -> Data:
        """The public key (JWK, RFC 7517), named by its thumbprint (RFC 7638)."""
        point = self._private.public_key().public_numbers()
        key = {"crv": "P-256", "kty": "EC"}
        key |= {name: _encoded(getattr(point, name).to_bytes(_HALF)) for name in ("x", "y")}
        named = _encoded(sha256(canonical(key)).digest())
        return key | {"kid": named, "alg": "ES256", "use": "sig"}

    def signed(self, card: Data, key_set: str) -> Data:
        """A card with its signature.

        Args:
            key_set: The address where the public key is.
        """
        header = {"alg": "ES256", "typ": "JOSE", "kid": self.public["kid"], "jku": key_set}
        protected = _encoded(canonical(header))
        payload = _encoded(canonical(_told(card)))
        made = self._private.sign(
            f"{protected}.{payload}".encode(), ec.ECDSA(SHA256(), deterministic_signing=True)
        )
        halves = b"".join(half.to_bytes(_HALF) for half in decode_dss_signature(made))
        return card | {"signatures": [{"protected": protected, "signature": _encoded(halves)}]}


def canonical(value: Any) -> bytes:
    """JSON in its one form (RFC 8785), of what has no numbers, and ASCII names."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _told(value: Any) -> Any:
    """A value without what is empty: Protocol Buffers do not tell it from what is not there."""
    if isinstance(value, dict):
        kept = {name: _told(part) for name, part in value.items()}
        return {name: part for name, part in kept.items() if part not in ("", [], {})}
    if isinstance(value, list):
        return [kept for part in value if (kept := _told(part)) not in ("", [], {})]
    return value


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
