"""Secrets that records hold, sealed under the desk's key: what opens a mailbox, for example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from deskward.core.errors import Conflict
from deskward.gate.ledger.subject_keys import SubjectKey, derived, seal, unseal
from deskward.gate.rotation import Anew


class Sealing:
    """Seals the secrets of one purpose, each for its record: none opens as another one's."""

    def __init__(self, key: bytes, purpose: str) -> None:
        """Make one.

        Args:
            key: The desk's secret key.
            purpose: What the secrets are for; it never changes, or nothing could be opened.
        """
        self._sealing = [SubjectKey("", derived(key, purpose))]

    def sealed(self, record_id: str, secret: bytes) -> bytes:
        """A secret as it is kept."""
        return seal(self._sealing, secret, record_id.encode())

    def opened(self, record_id: str, kept: bytes) -> bytes:
        """The secret that is kept.

        Raises:
            cryptography.exceptions.InvalidTag: It was sealed under another key, or changed.
        """
        return unseal(self._sealing, bytes(kept), record_id.encode())


def sealed_anew(purpose: str, *columns: str) -> Callable[[bytes, bytes], Anew]:
    """What seals these columns of a table anew, for `rotation.Sealed`; its rows have an `id`."""

    def make(old: bytes, new: bytes) -> Anew:
        before, after = Sealing(old, purpose), Sealing(new, purpose)

        def anew(row: sa.Row[Any]) -> Mapping[str, Any]:
            kept = {name: getattr(row, name) for name in columns}
            return {
                name: after.sealed(row.id, secret)
                for name, value in kept.items()
                if value is not None and (secret := _under_old(row.id, value)) is not None
            }

        def _under_old(record_id: str, value: bytes) -> bytes | None:
            try:
                return before.opened(record_id, value)
            except InvalidTag:
                pass
            try:
                after.opened(record_id, value)  # an attempt that was cut off came as far as this
            except InvalidTag:
                raise Conflict(
                    f"A secret of {purpose} opens under neither key: that of record {record_id!r} "
                    "was changed. Set it anew or remove the record, and do this again."
                ) from None
            return None

        return anew

    return make
