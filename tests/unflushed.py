"""SQLite that leaves its writes to the system: a test's process may end, its machine does not.

Whole programs beside the tests flush as they ship.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import URL

import deskward.migrations
from deskward.core import connections, database


def unflushed(url: URL) -> sa.Engine:
    """As `connections.sqlite_engine`, without waiting for the disk."""
    engine = connections.sqlite_engine(url)
    if not Path(str(url.database)).is_file():  # "/dev/null" cannot be flushed, which is told
        return engine
    sa.event.listen(engine, "connect", lambda one, _: one.execute("PRAGMA synchronous = OFF"))
    return engine


def leave_unflushed() -> None:
    """Have each desk of this process open its databases so."""
    patch = pytest.MonkeyPatch()
    for module in (database, deskward.migrations):
        patch.setattr(module, "sqlite_engine", unflushed)
