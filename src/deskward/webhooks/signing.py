"""Keeping what is told to webhooks signed: the secrets, under the desk's key."""

from __future__ import annotations

from deskward.gate.ledger.subject_keys import SubjectKey, derived, seal, unseal


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
