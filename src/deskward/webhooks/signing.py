"""Signing what is told, in the form of Standard Webhooks, and keeping what it is signed with."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from deskward.core.errors import InvalidInput
from deskward.gate.ledger.subject_keys import SubjectKey, derived, seal, unseal

PREFIX = "whsec_"
FORM = "A webhook's secret is whsec_ and 24 to 64 random bytes as Base64."


def secret_bytes(secret: str) -> bytes:
    """What a secret says.

    Raises:
        InvalidInput: It has not the form of one.
    """
    try:
        found = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(FORM) from None
    if not secret.startswith(PREFIX) or not 24 <= len(found) <= 64:
        raise InvalidInput(FORM)
    return found


def signed(secret: bytes, event_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of a message: its id, when it is sent, and the signature of both and its body."""
    told = f"{event_id}.{seconds}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret, told, hashlib.sha256)).decode()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{signature}",
    }


class Vault:
    """Seals secrets under the desk's key, each for its webhook."""

    def __init__(self, key: bytes) -> None:
        """Make one of the desk's secret key."""
        self._sealing = [SubjectKey("", derived(key, "webhooks"))]

    def sealed(self, webhook_id: str, secret: bytes) -> bytes:
        """A secret as it is kept."""
        return seal(self._sealing, secret, webhook_id.encode())

    def opened(self, webhook_id: str, kept: bytes) -> bytes:
        """The secret that is kept."""
        return unseal(self._sealing, bytes(kept), webhook_id.encode())
