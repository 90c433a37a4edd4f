"""Conversations, as slices see them: a port to what ends them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from deskward.core.database import Connection


class Sessions(ABC):
    """Ends conversations."""

    @abstractmethod
    async def end(self, db: Connection, tenant: str, owner: str, *, but: str | None) -> None:
        """End all sessions of somebody for good, in the caller's transaction.

        Args:
            owner: The principal's label.
            but: The session that goes on.
        """

    @abstractmethod
    async def stop(self, db: Connection, tenant: str, owner: str) -> None:
        """End what is being answered in somebody's sessions, in the caller's transaction."""
