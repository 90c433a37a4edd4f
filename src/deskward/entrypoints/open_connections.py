"""How many connections are open at once: bounded, the silent ones closed first, and logged."""

from __future__ import annotations

import logging
import resource
import time
from typing import Protocol

KEPT_BACK = 128
"""Open files that are left for everything but connections: databases, logs, providers."""
MOST = 8192
"""Connections of one process, however many files it may open."""
BETWEEN_LINES = 60.0
"""Seconds between two log lines about a full house."""

log = logging.getLogger("api.connections")


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one, and return what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):  # macOS refuses what it told
        hard = soft
    return MOST + KEPT_BACK if hard == resource.RLIM_INFINITY else hard


def most_connections(wanted: int | None, files: int) -> int:
    """Return how many connections one process keeps open.

    Args:
        wanted: What the operator set.
        files: How many files the process may open.
    """
    room = max(files - KEPT_BACK, files // 2)
    if wanted is not None and wanted > room:
        log.warning(
            "MAX_CONNECTIONS is %d, but the process may open %d files only: it keeps %d "
            "connections. Raise the limit (`ulimit -Hn`).",
            wanted,
            files,
            room,
        )
    return min(wanted or MOST, room)


class Connection(Protocol):
    """A connection that can be closed."""

    def drop(self) -> None:
        """Close it at once, whatever it does."""
        ...


class OpenConnections:
    """The HTTP connections of one process, and which of them wait for their client."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: set[Connection] = set()
        # Ordered by when the client was last heard.
        self._silent: dict[Connection, None] = {}
        self._closed = 0
        self._refused = 0
        self._next_line = 0.0

    def enter(self, newcomer: Connection, others: int) -> bool:
        """Let a connection in; where the house is full, close who has been silent longest.

        Args:
            newcomer: The connection.
            others: Open connections of any kind besides it.

        Returns:
            Whether there is room for it.
        """
        if others >= self.most:
            silent = next(iter(self._silent), None)
            if silent is None:
                self._refused += 1
                self._tell(others)
                return False
            self._closed += 1
            self.leave(silent)
            silent.drop()
            self._tell(others)
        self._open.add(newcomer)
        self._silent[newcomer] = None
        return True

    def has_room_to_upgrade(self, everybody: int) -> bool:
        """Tell whether one more may become a WebSocket, which is never closed for being silent."""
        upgraded = everybody - len(self._open)
        return upgraded < self.most * 3 // 4

    def heard(self, one: Connection) -> None:
        """Note that the client sent something."""
        if one in self._silent:
            del self._silent[one]
            self._silent[one] = None

    def works(self, one: Connection) -> None:
        """Note that a connection's request is whole: now the client waits for us."""
        self._silent.pop(one, None)

    def waits(self, one: Connection) -> None:
        """Note that a connection's answer is given: now we wait for the client."""
        if one in self._open:
            self._silent.pop(one, None)
            self._silent[one] = None

    def leave(self, one: Connection) -> None:
        """Forget a connection that is closed, or no longer HTTP."""
        self._open.discard(one)
        self._silent.pop(one, None)

    def _tell(self, everybody: int) -> None:
        now = time.monotonic()
        if now < self._next_line:
            return
        self._next_line = now + BETWEEN_LINES
        log.warning(
            "%d connections are open, which is the most (MAX_CONNECTIONS): %d silent ones were "
            "closed and %d new ones refused",
            everybody,
            self._closed,
            self._refused,
        )
        self._closed = self._refused = 0
