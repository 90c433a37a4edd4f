"""Keeping what opens sources, and what their webhooks are signed with."""

from __future__ import annotations

from deskward.gate.ledger.subject_keys import SubjectKey, derived, seal, unseal


class Vault:
    """Seals secrets under the desk's key, each for its source."""

    def __init__(self, key: bytes) -> None:
        """Make one of the desk's secret key."""
        self._sealing = [SubjectKey("", derived(key, "knowledge"))]

    def sealed(self, source_id: str, secret: bytes) -> bytes:
        """A secret as it is kept."""
        return seal(self._sealing, secret, source_id.encode())

    def opened(self, source_id: str, kept: bytes) -> bytes:
        """The secret that is kept."""
        return unseal(self._sealing, bytes(kept), source_id.encode())
